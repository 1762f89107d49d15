"""The parameters of a study as specified, and as its simulated trials realise them, in words."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from trialsim.questions.obtained import Beside
from trialsim.reporting.text.words import error_text

_LEAST_WIDTH: Final = 48
"""Of the column of labels, in letters."""


def obtained_dict(tables: Mapping[str, Sequence[Beside] | str]) -> dict[str, Any]:
    """Return the numbers of each trial as plain values, for JSON, or why there are none."""
    return {
        name: found if isinstance(found, str) else [_plain(one) for one in found]
        for name, found in tables.items()
    }


def obtained_text(tables: Mapping[str, Sequence[Beside] | str]) -> str:
    """Return a row for each parameter: specified, realised and its Monte Carlo standard error."""
    lines = [
        "Parameters as specified for reference patients (probabilities: at the reference values of",
        "their risk factors), and as realised in trials (scores: with complete follow-up):",
    ]
    labels = [one.label for found in tables.values() if not isinstance(found, str) for one in found]
    width = max([_LEAST_WIDTH, *map(len, labels)])
    for name, found in tables.items():
        if isinstance(found, str):
            lines.append(f"{name}: {found}")
            continue
        heading = f"{name if len(tables) > 1 else '':{width}}"
        lines.append(f"{heading} {'specified':>10} {'realised':>10} {'MCSE':>10}")
        lines += [
            f"{one.label:{width}} {one.written:10.4f} "
            f"{one.obtained.estimate:10.4f} {error_text(one.obtained.mcse):>10}"
            for one in found
        ]
    return "\n".join(lines)


def _plain(one: Beside) -> dict[str, Any]:
    return {
        "label": one.label,
        "written": one.written,
        "obtained": float(one.obtained.estimate),
        "mcse": float(one.obtained.mcse),
    }
