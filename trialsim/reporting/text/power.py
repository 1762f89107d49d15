"""The operating characteristics of a design, in words."""

from trialsim.replicates.result import PowerResult
from trialsim.reporting.text.words import conventions_text, heading
from trialsim.stats.monte_carlo import Mean


def power_text(title: str, result: PowerResult) -> str:
    """Say the operating characteristics, each with its Monte Carlo standard error."""
    failed = f", {result.failed} failed" if result.failed else ""
    lines = [
        heading(
            title,
            f"{result.replicates:,} simulated trials{failed}; seed {result.seed}, "
            f"{result.engine} engine, scenario {result.scenario} ({result.digest})",
        ),
        f"{'':34} {'value':>10} {'MC error':>10} {'SD':>10}",
        f"{'power':34} {result.power:10.4f} {result.mcse:10.4f}"
        f"   95% {result.ci[0]:.4f} to {result.ci[1]:.4f} (Wilson)",
    ]
    bias = "bias of the logarithm" if result.quantity.is_ratio else "bias"
    rows = {
        f"estimate of the {result.quantity.name}": result.estimate,
        "estimand, nobody's score missed": result.truth,
        bias: result.bias,
    }
    lines += [_row(name, mean) for name, mean in rows.items()]
    held = result.coverage
    lines.append(f"{'coverage of the interval':34} {held.estimate:10.4f} {held.mcse:10.4f}")
    lines += [_row(_LABELS[name], result.mean_of(name)) for name in _LABELS]
    lines += [_row(name, result.mean_of(name)) for name in result.of_programmes]
    failures = [f"  replicate {one.replicate}: {one.reason}" for one in result.failures[:5]]
    if failures:
        all_of_them = result.power_counting_failures
        lines += [
            "",
            f"{result.failed:,} replicates failed; the figures are of those that were finished.",
            f"With failures counted as not rejecting, the power is {all_of_them.estimate:.4f}.",
            *failures,
        ]
    if result.without_estimate:
        lines += [
            "",
            f"{result.without_estimate:,} replicates left an arm with nobody to analyse: they "
            "count as not rejecting, and have no part in estimate, bias and coverage.",
        ]
    lines += ["", *conventions_text(result.conventions)]
    return "\n".join([*lines, "", f"{result.seconds:.1f} s"])


_LABELS = {
    "treated_mean": "mean score, treated",
    "control_mean": "mean score, control",
    "treated_analysed": "analysed, treated",
    "control_analysed": "analysed, control",
    "screened": "screened",
    "recruitment_days": "recruitment, days",
    "duration_days": "duration to the last visit, days",
    "infusions_given": "infusions given",
    "discontinued": "treatment discontinued",
    "withdrawn": "withdrawn",
    "died": "died",
}


def _row(label: str, mean: Mean) -> str:
    return f"{label:34} {mean.estimate:10.4f} {mean.mcse:10.4f} {mean.sd:10.4f}"
