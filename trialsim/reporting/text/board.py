"""The looks of one trial as its board saw them, in words."""

from collections.abc import Iterator
from math import isnan

from trialsim.questions.monitoring.board import Board, BoardLook


def board_text(board: Board) -> str:
    """Say what was known at each look, what it gave, and what was decided."""
    return "\n".join(_lines(board))


def _lines(board: Board) -> Iterator[str]:
    rejects = "rejects" if board.rejects else "does not reject"
    yield "The trial's own result, with its looks:"
    yield f"  decision  {rejects} the null hypothesis, at {board.looks[-1].name}"
    yield f"  estimate  {board.estimate:.4f}, interval {board.low:.4f} to {board.high:.4f}"
    yield f"  patients  {board.patients} randomised"
    yield ""
    yield (
        f"{'look':12} {'day':>6} {'known':>6} {'random.':>8} {'estimate':>9} {'z':>7} "
        f"{'bound':>7} {'futility':>8} {'CP':>6} {'PP':>6}  decision"
    )
    for look in board.looks:
        yield _row(look)
    yield f"{board.patients} patients were randomised in the end. z and bounds are of the data"
    yield "known that day; CP: conditional power under the current trend; PP: predictive power."


def _row(look: BoardLook) -> str:
    decided = "" if isnan(look.decided_day) else f" (day {look.decided_day:.0f})"
    return (
        f"{look.name:12.12} {_number(look.day, 6, 0)} {look.known:6} {look.randomised:8} "
        f"{_number(look.estimate, 9, 4)} {_number(look.z, 7, 3)} "
        f"{_number(look.efficacy_bound, 7, 3)} {_number(look.futility_bound, 8, 3)} "
        f"{_number(look.conditional_power, 6, 3)} {_number(look.predictive_power, 6, 3)}  "
        f"{look.decision}{decided}"
    )


def _number(value: float, width: int, digits: int) -> str:
    """Return a number, or a dash where there is none."""
    if isnan(value) or abs(value) == float("inf"):
        return f"{'-':>{width}}"
    return f"{value:{width}.{digits}f}"
