"""What is written in a study file beside what its trials have, in words."""

from collections.abc import Sequence
from typing import Any

from trialsim.questions.obtained import Beside


def obtained_dict(found: Sequence[Beside]) -> list[dict[str, Any]]:
    """Return the numbers as plain values, for JSON."""
    return [
        {
            "label": one.label,
            "written": one.written,
            "obtained": float(one.obtained.estimate),
            "mcse": float(one.obtained.mcse),
        }
        for one in found
    ]


def obtained_text(found: Sequence[Beside]) -> str:
    """Return a row for each number: as written, as obtained, and the Monte Carlo standard error."""
    lines = [
        "As written of reference patients, and as obtained in simulated trials:",
        f"{'':44} {'written':>10} {'obtained':>10} {'MCSE':>10}",
    ]
    lines += [
        f"{one.label:44} {one.written:10.4f} "
        f"{one.obtained.estimate:10.4f} {one.obtained.mcse:10.4f}"
        for one in found
    ]
    return "\n".join(lines)
