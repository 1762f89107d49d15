"""A study in Python and a study in C have the same fields in the same places."""

import pytest

from trialsim.compiled import library
from trialsim.compiled.whole import SIZE_OF_STUDY


def test_a_library_whose_studies_are_laid_out_otherwise_is_not_used(
    compiled_builds: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for build in compiled_builds:
        assert library._library.__wrapped__(build) is not None
    monkeypatch.setattr(library, "SIZE_OF_STUDY", SIZE_OF_STUDY + 8)
    assert library._library.__wrapped__(compiled_builds[-1]) is None
