"""Every compiled build that can compute here."""

import pytest

from trialsim.compiled.build import compiler
from trialsim.compiled.library import NUMPY, builds_here


@pytest.fixture(scope="session")
def compiled_builds() -> list[str]:
    """Return the compiled builds, all of which must give what NumPy gives."""
    found = [build for build in builds_here() if build != NUMPY]
    if not found:
        assert not compiler(), "there is a compiler, and nothing that it compiled can be used"
        pytest.skip("no C compiler here: NumPy alone computes, and the other tests test that")
    return found
