"""Reference values computed by other software or published, one JSON file a topic."""

from trialsim.validation.cases import reference

__all__ = ["reference"]
