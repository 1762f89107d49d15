"""The operating characteristics of a design, in words."""

from trialsim.replicates.result import PowerResult
from trialsim.replicates.secondary import SecondaryResult
from trialsim.reporting.text.looks import looks_text
from trialsim.reporting.text.words import conventions_text, heading
from trialsim.stats.monte_carlo import Mean, Proportion


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
        _share("power, in favour of the treated", result.favoured),
        _share("rejections in favour of control", result.wrong_direction),
        _row(f"estimate of the {result.quantity.name}", result.estimate),
        *_beside_truth(result),
    ]
    lines += [_row(_LABELS[name], result.mean_of(name)) for name in _LABELS]
    lines += [_row(name, result.mean_of(name)) for name in result.of_programmes]
    if result.secondary is not None:
        lines += ["", *_secondary(result.secondary)]
    if result.looks is not None:
        lines += ["", *looks_text(result.looks)]
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
    if result.without_logarithm:
        lines += [
            "",
            f"{result.without_logarithm:,} replicates have a ratio of 0 or infinity, which has no "
            "part in the mean and the bias of its logarithm.",
        ]
    if result.is_harmful:
        lines += ["", HARMFUL]
    lines += ["", f"{'true effect:':20} {estimand_sentence(result)}"]
    lines += conventions_text(result.conventions)
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


HARMFUL = (
    "WARNING: the true effect is in favour of the control; a power counts only rejections in "
    "favour of the treated."
)


def estimand_sentence(result: PowerResult) -> str:
    """Say what the true effect is, and why an analysis for another estimand has no bias."""
    said = f"The {result.estimand.name} in the two populations, every score known at the visit."
    if result.estimand.is_target:
        return said
    return (
        f"{said} Bias and coverage are not told: the analysis is for another estimand, for "
        f"{'; '.join(result.estimand.others)}."
    )


def _beside_truth(result: PowerResult) -> list[str]:
    """Return the true effect, then bias and coverage, or a difference that is no bias."""
    of_logarithm = " (logarithm)" if result.quantity.is_ratio else ""
    truth = _row("true effect", result.truth)
    if not result.estimand.is_target:
        return [truth, _row(f"difference from it{of_logarithm}", result.bias)]
    return [
        truth,
        _row(f"bias{of_logarithm}", result.bias),
        _share("coverage of the interval", result.coverage),
    ]


def _secondary(found: SecondaryResult) -> list[str]:
    """Return the power of each secondary analysis, of any and of all."""
    return [
        "Secondary analyses, in favour of the treated, adjusted as the plan says:",
        *(_share(name, share) for name, share in found.each.items()),
        _share("any of them", found.any),
        _share("all of them", found.all),
        _share("any analysis rejects, either way", found.any_rejection),
        "  (where no outcome has an effect, this last is the family-wise error rate)",
    ]


def _share(label: str, share: Proportion) -> str:
    """Return a share with Wilson's interval, for at 0 and 1 the error is none."""
    return (
        f"{label:34} {share.estimate:10.4f} {share.mcse:10.4f}"
        f"   95% {share.low:.4f} to {share.high:.4f}"
    )


def _row(label: str, mean: Mean) -> str:
    return f"{label:34} {mean.estimate:10.4f} {mean.mcse:10.4f} {mean.sd:10.4f}"
