"""Patient-level simulation of randomised trials with bounded rank outcomes.

>>> import trialsim as ts
>>> trial = ts.simulate(ts.load("cars1"), seed=2016)
>>> result = ts.analyse(trial)
>>> 0.5 < result.estimate < 1
True

Everything simulated is simulated: no result is evidence about any drug.
"""

from typing import TYPE_CHECKING, Any

from trialsim.legible import show_by as _show_by

__version__ = "0.1.0"

if TYPE_CHECKING:
    from trialsim.public import *  # noqa: F403 - its names are listed there
    from trialsim.public import __all__ as __all__
else:

    def __getattr__(name: str) -> Any:
        """Return a public name; what all of them need is loaded with the first."""
        import trialsim.public as public

        if name in ("__all__", *public.__all__):
            return getattr(public, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        """Return what the package holds, for completion."""
        import trialsim.public as public

        return sorted({*globals(), *public.__all__})


def _shows() -> Any:
    import trialsim.reporting.interactive as interactive

    return interactive


_show_by(_shows)
