"""The type I error of a design, and its sensitivity to assumptions, as lines of text."""

from trialsim.questions.sensitivity import what_is_seen
from trialsim.questions.type_one_error import TypeOneError
from trialsim.questions.what_if.what_if import WhatIf
from trialsim.reporting.text.comparison import what_if_text
from trialsim.reporting.text.words import heading
from trialsim.stats.monte_carlo import Proportion


def type_one_error_text(title: str, found: TypeOneError) -> str:
    """Return the type I error of a study, by direction, and what the run shows of it."""
    result = found.result
    failed = f", {result.failed} failed" if result.failed else ""
    shares = {
        "type I error": found.error,
        "in favour of the treated": result.favoured,
        "in favour of the control": result.wrong_direction,
    }
    changes = ", ".join(f"{path}={value}" for path, value in found.changes.items())
    return "\n".join(
        [
            heading(
                f"{title}: no effect",
                f"{result.replicates:,} simulated trials{failed}; seed {result.seed}, "
                f"{result.engine} engine, scenario {result.scenario} ({result.digest})",
            ),
            f"{'':28} {'prop.':>8} {'MCSE':>9}",
            *(_row(name, one) for name, one in shares.items()),
            "",
            f"The type I error is {found.verdict}.",
            f"Values without effect: {changes}",
            "",
            f"{result.seconds:.1f} s",
        ]
    )


def _row(label: str, share: Proportion) -> str:
    ends = f"95% {share.low:.4f} to {share.high:.4f}"
    return f"{label:28} {share.estimate:8.4f} {share.mcse:9.4f}   {ends}"


def sensitivity_text(title: str, result: WhatIf) -> str:
    """Return the comparison, and which of its changes are large enough to be seen."""
    rows = result.to_dict()["rows"]
    return f"{what_if_text(title, result)}\n{what_is_seen(rows)}"
