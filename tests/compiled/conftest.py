"""Every build that can compute here; the tests compile the stages where they are not, or stale."""

import pytest

from trialsim.compiled import library
from trialsim.compiled.build import build, compiler, kinds_here, library_of
from trialsim.compiled.library import NUMPY, builds_here


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    """Have every library, where there is a compiler."""
    are_here = all(library_of(kind).exists() for kind in kinds_here())
    if compiler() and not (are_here and len(builds_here()) > 1):
        build()
        for kept in (library.builds_here, library._library, library._preferred):
            kept.cache_clear()


@pytest.fixture(scope="session")
def compiled_builds() -> list[str]:
    """Return the compiled builds, all of which must give what NumPy gives."""
    found = [build for build in builds_here() if build != NUMPY]
    if not found:
        assert not compiler(), "there is a compiler, and nothing that it compiled can be used"
        pytest.skip("no C compiler here: NumPy alone computes, and the other tests test that")
    return found
