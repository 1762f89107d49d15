"""Every build that can compute here; the tests compile the stages where they are older than C."""

import pytest

from trialsim.compiled import library
from trialsim.compiled.build import HERE, build, compiler, kinds_here, library_of
from trialsim.compiled.library import NUMPY, builds_here


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    """Have every library of this source, where there is a compiler.

    One that has been loaded stays loaded, so that it is too late to ask it for its edition.
    """
    changed = max(file.stat().st_mtime for file in HERE.glob("*.c"))
    libraries = [library_of(kind) for kind in kinds_here()]
    if compiler() and not all(one.exists() and one.stat().st_mtime > changed for one in libraries):
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
