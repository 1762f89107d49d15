"""The looks of one trial as a table, and its own result in a sentence."""

from math import isfinite
from typing import Final

from trialsim.questions.monitoring.board import Board, BoardLook
from trialsim.reporting.tables.page import Cell, Table, TableRow, number
from trialsim.scenario.words.labels import in_words, spoken

_BEFORE: Final = {
    "day": ("Day", 0),
    "known": ("Known", 0),
    "randomised": ("Randomised", 0),
    "estimate": ("Estimate", 3),
    "z": ("z", 3),
    "efficacy_bound": ("Bound", 3),
}
_AFTER: Final = {
    "share": ("Information fraction", 3),
    "futility_bound": ("Futility bound", 3),
    "conditional_power": ("Conditional power", 3),
    "predictive_power": ("Predictive power", 3),
}


def looks_of_trial(seen: Board) -> Table:
    """Return a row for each look of a trial, as its board saw it, the last analysis among them."""
    before, after = ([label for label, _ in of.values()] for of in (_BEFORE, _AFTER))
    columns = ("Look", *before, "Decision", *after)
    rows = [_row(look) for look in seen.looks]
    return Table(
        "looks", "Each look at the data known on its day, and what followed", columns, rows
    )


def own_result(seen: Board) -> str:
    """Return what a trial found, with its looks, in a sentence."""
    verdict = "rejects" if seen.rejects else "does not reject"
    return (
        f"The trial {verdict} the null hypothesis, at {in_words(seen.looks[-1].name)}, with "
        f"{seen.patients:,} patients randomised: estimate {seen.estimate:.3f}, interval "
        f"{seen.low:.3f} to {seen.high:.3f}."
    )


def _row(look: BoardLook) -> TableRow:
    before, after = (
        [number(getattr(look, name), digits) for name, (_, digits) in of.items()]
        for of in (_BEFORE, _AFTER)
    )
    decided = f" (day {look.decided_day:.0f})" if isfinite(look.decided_day) else ""
    return TableRow([Cell(spoken(look.name)), *before, Cell(f"{look.decision}{decided}"), *after])
