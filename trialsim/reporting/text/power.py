"""The operating characteristics of a design as text."""

from collections.abc import Iterator
from textwrap import wrap

import numpy as np

from trialsim.arrays import Floats
from trialsim.questions.normal_sum import PowerByFormula
from trialsim.replicates.dose_finding.result import DoseFindingResult
from trialsim.replicates.result import PowerResult
from trialsim.replicates.secondary import ONLY_AT_THE_LAST, SecondaryResult
from trialsim.reporting.text.looks import looks_text
from trialsim.reporting.text.words import conventions_text, error_text, heading
from trialsim.scenario.plan.choices import PRIMARY
from trialsim.scenario.words.estimands import VARYING, WITHIN_TRIALS
from trialsim.scenario.words.labels import in_words
from trialsim.stats.monte_carlo import Mean, Proportion


def power_text(title: str, result: PowerResult, beside: str = "") -> str:
    """Return the operating characteristics, each with its Monte Carlo standard error.

    Parameters
    ----------
    beside
        The parameters as specified and as realised, put below them.
    """
    failed = f", {result.failed} failed" if result.failed else ""
    lines = [
        heading(
            title,
            f"{result.replicates:,} simulated trials{failed}; seed {result.seed}, "
            f"{result.engine} engine, scenario {result.scenario} ({result.digest})",
        ),
        f"{'':34} {'value':>10} {'MCSE':>10}    SD / 95% CI",
        *_of_success(result),
        _share(f"power, {result.shown}", result.favoured),
        _share("rejections in favour of control", result.wrong_direction),
        _row(f"estimate of the {result.quantity.name}{_of_which(result)}", result.estimate),
        *_beside_truth(result),
    ]
    means = {f"{arm}_mean": f"{result.averaged}, {arm}" for arm in ("treated", "control")}
    lines += [_row(label, result.mean_of(name)) for name, label in {**means, **_LABELS}.items()]
    lines += [_row(in_words(name), result.mean_of(name)) for name in result.besides]
    if result.dose_finding is not None:
        lines += ["", *_doses(result.dose_finding)]
    if beside:
        lines += ["", beside]
    if result.secondary is not None:
        lines += ["", *_secondary(result.secondary)]
    if result.looks is not None:
        lines += ["", *looks_text(result.looks)]
    lines += _left_out(result)
    if result.is_harmful:
        lines += ["", HARMFUL]
    told = {"true_effect": estimand_sentence(result), **_of_whom(result), **result.conventions}
    lines += ["", *conventions_text(told)]
    return "\n".join([*lines, "", f"{result.seconds:.1f} s"])


def normal_sum_text(found: PowerByFormula | None) -> str:
    """Return a paragraph of the power of Wei and Lachin's test by its formula; empty for others."""
    if found is None:
        return ""
    return (
        f"Power by the normal sum of the expected effects, as conducted and analysed: "
        f"{found.power:.4f} (MCSE {error_text(found.mcse)})\n\n"
    )


_LABELS = {
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
    "WARNING: the true effect favours the control; power counts only rejections in favour of the "
    "treated."
)


def estimand_sentence(result: PowerResult) -> str:
    """Return what the true effect is, and why an analysis for another estimand has no bias."""
    sentence = f"The {result.estimand.name}, in the two populations with complete follow-up."
    if result.estimand.attributes:  # none of a programme
        sentence = f"{sentence} {WITHIN_TRIALS}"
    if result.estimand.varies:
        sentence = f"{sentence} {VARYING}"
    if result.estimand.is_target:
        return sentence
    return (
        f"{sentence} Bias and coverage are not given, because the analysis targets another "
        f"estimand: {'; '.join(result.estimand.others)}."
    )


def _of_whom(result: PowerResult) -> dict[str, str]:
    """Return whose means are printed, where it is not everybody analysed."""
    if result.averaged == "responders":
        return {}
    return {"means": f"Each {result.averaged} is of patients with a score; deaths excluded."}


def _beside_truth(result: PowerResult) -> list[str]:
    """Return the true effect, then bias and coverage, or a difference that is no bias."""
    of_logarithm = " (logarithm)" if result.quantity.is_ratio else ""
    truth = _row("true effect", result.truth)
    name = "bias" if result.estimand.is_target else "difference from it"
    if result.has_mean:
        away = _row(f"{name}{of_logarithm}", result.bias)
    else:
        median = result.median_bias
        away = _beside_interval(
            f"median {name}{of_logarithm}", median.estimate, "", median.low, median.high
        )
    if not result.estimand.is_target:
        return [truth, away]
    return [truth, away, _share("coverage of the interval", result.coverage)]


def _of_which(result: PowerResult) -> str:
    return "" if result.has_mean else ", finite"


def _left_out(result: PowerResult) -> list[str]:
    """Return which replicates the figures leave out, and why."""
    told = []
    if result.failures:
        all_of_them = result.power_counting_failures
        told += [
            "",
            f"{result.failed:,} replicates failed; the figures are of the others.",
            f"With failures counted as not rejecting, the power is {all_of_them.estimate:.4f}.",
            *(f"  replicate {one.replicate}: {one.reason}" for one in result.failures[:5]),
        ]
    if result.reached_limit:
        told += [
            "",
            f"In {result.reached_limit:,} replicates recruitment lasted until its limit of "
            f"{result.recruitment_limit_days:g} days: the trial analyses the patients whom it has.",
        ]
    if result.without_estimate:
        told += [
            "",
            f"{result.without_estimate:,} replicates have no estimate, because an arm was empty or "
            "the model did not converge: they count as not rejecting, and are excluded from "
            "estimate, bias and coverage.",
        ]
    for one in about_ratios(result):
        told += ["", one]
    return told


def about_ratios(result: PowerResult) -> Iterator[str]:
    """Yield in how many replicates a ratio is 0 or infinite, or its interval has no limit."""
    if result.without_logarithm:
        yield _ratios_left_out(result)
    if result.without_limits:
        yield _unlimited_intervals(result)


def _ratios_left_out(result: PowerResult) -> str:
    """Return in how many replicates a ratio is 0 or infinite, and what that leaves of means."""
    first = f"In {result.without_logarithm:,} replicates the ratio is 0 or infinite: "
    if result.has_mean:
        return f"{first}they are left out of the mean and the bias of its logarithm."
    return (
        f"{first}the mean is of the others, and no bias of it is given. The median has all of "
        "them, and so has the coverage."
    )


def _unlimited_intervals(result: PowerResult) -> str:
    """Return in how many replicates an interval has no limits, so that it covers any effect."""
    return (
        f"In {result.without_limits:,} replicates the interval is from 0 to infinity: it counts as "
        "covering the true effect, and tells nothing of it."
    )


def _of_success(result: PowerResult) -> Iterator[str]:
    """Yield what the power is the probability of, where that is not the primary analysis alone."""
    if "success" in result.conventions:
        yield from wrap(
            f"Power is the probability of success. {result.conventions['success']}", 100
        )


def _secondary(found: SecondaryResult) -> list[str]:
    """Return the power of each secondary analysis, of any and of all."""
    which = "Analyses tested together" if PRIMARY in found.names else "Secondary analyses"
    return [
        f"{which}, in favour of the treated, with the planned adjustment:",
        *(_share(in_words(name), share) for name, share in found.each.items()),
        _share("any of them", found.any),
        _share("all of them", found.all),
        _row("how many of them, expected", found.expected),
        _share("any analysis rejects, any direction", found.any_rejection),
        "  (when no outcome has an effect, the last is the family-wise error rate)",
        *_of_whole(found),
    ]


def _of_whole(found: SecondaryResult) -> Iterator[str]:
    """Yield the power of each among trials that no look has stopped, which alone test them."""
    if found.whole is None:
        return
    yield ONLY_AT_THE_LAST
    yield _share("reach the last analysis", found.whole)
    yield "Among those:"
    yield from (_share(in_words(name), share) for name, share in found.each_of_whole.items())


def _share(label: str, share: Proportion) -> str:
    """Return a proportion with its Monte Carlo standard error and Wilson's interval."""
    error = error_text(share.mcse)
    return _beside_interval(label, share.estimate, error, share.low, share.high)


def _beside_interval(label: str, value: Floats, error: str, low: Floats, high: Floats) -> str:
    return f"{label:34} {value:10.4f} {error:>10}   95% {low:.4f} to {high:.4f}"


def _doses(found: DoseFindingResult) -> list[str]:
    """Return how often each curve is chosen, and how the target dose is found."""
    if np.isnan(found.true_target):
        told = f"no dose has the target effect of {found.target:g}"
    else:
        told = (
            f"the target effect of {found.target:g} is that of dose {found.true_target:.4g}, "
            "by a curve through true effects"
        )
    rows = [_row(f"curve chosen, {in_words(name)}", one) for name, one in found.curves.items()]
    return [
        f"Dose finding: {told}",
        *rows,
        _share("curve with a parameter at its bound", found.at_bound),
        _share("target dose found within the doses", found.found),
        _share("right dose of the study", found.right_dose),
        _row("target dose, where found", found.target_dose),
        _row("its bias, where found", found.bias),
        _share("coverage of its interval", found.coverage),
        *(
            _row(f"true effect of dose {dose:g}, curve scale", one)
            for dose, one in found.true_effects.items()
        ),
    ]


def _row(label: str, mean: Mean) -> str:
    return f"{label:34} {mean.estimate:10.4f} {mean.mcse:10.4f} {mean.sd:10.4f}"
