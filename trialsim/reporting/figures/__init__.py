"""Figures, each drawn from a table that one can have instead; they need the extra `report`."""

from importlib.util import find_spec

from trialsim.errors import InputError, Problem

if find_spec("matplotlib") is None:
    raise InputError([Problem("", "figures need matplotlib: pip install 'trialsim[report]'")])
