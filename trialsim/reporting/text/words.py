"""What every printed result says alike: that it is simulated, and under which conventions."""

from collections.abc import Mapping

from trialsim.replicates.result import SIMULATED


def heading(title: str, what: str) -> str:
    """Return the first lines of a result, with a blank line after them."""
    return f"{title}\n{what}\n{SIMULATED}\n"


def conventions_text(conventions: Mapping[str, str]) -> list[str]:
    """Return a line for each convention of an analysis."""
    return [f"{name + ':':20} {sentence}" for name, sentence in conventions.items()]
