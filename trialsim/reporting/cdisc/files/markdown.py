"""A table in Markdown."""

from collections.abc import Sequence


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; a bar in a cell becomes a slash.

    >>> print(table(["Code"], [["A|B"]]))
    | Code |
    | --- |
    | A/B |
    """
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(one.replace('|', '/') for one in line)} |" for line in lines)
