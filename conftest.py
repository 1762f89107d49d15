"""Modules that need an extra which is not part of `test` are collected where it is installed."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("shiny") else ["trialsim/app/page.py", "trialsim/app/server.py"]
