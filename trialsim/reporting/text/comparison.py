"""Comparisons, sizes and assurances as lines of text, each number with its Monte Carlo error."""

from collections.abc import Iterator, Mapping
from math import isinf, isnan
from textwrap import fill, wrap

from trialsim.questions.assurance.assurance import Assurance
from trialsim.questions.size.sample_size import SampleSize
from trialsim.questions.what_if.what_if import Row, WhatIf
from trialsim.replicates.result import SIMULATED
from trialsim.reporting.text.words import ends_text, error_text
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.words.labels import spoken
from trialsim.scenario.words.multiplicity import success_in_words
from trialsim.stats.monte_carlo import Mean, wilson_interval

_COLUMNS = {
    "estimate": ("effect", 4),
    "duration_days": ("days", 2),
    "screened": ("screened", 2),
    "infusions_given": ("infusions", 2),
    "randomised": ("randomised", 2),
}
"""The heading and the decimals of each quantity compared."""
_HARMFUL = "more trials reject in favour of the control than of the treated"


def _alternatives(number: int) -> str:
    return "1 alternative" if number == 1 else f"{number} alternatives"


def what_if_text(title: str, result: WhatIf) -> str:
    """Return a comparison as a table of powers and a table of the other differences."""
    width = max(len("base, then differences"), *(len(row.label) for row in result.rows))
    base = result.rows[0]
    lines = [
        title,
        f"{_alternatives(len(result.rows) - 1)} to {result.scenario} ({result.digest}), each on "
        f"the same {result.replicates:,} simulated trials; seed {result.seed}",
        SIMULATED,
        "",
        f"{'':{width}} {'power':>8} {'95% interval':>16} {'for control':>11} {'difference':>11} "
        f"{'95% interval':>18} {'equiv. n':>10}",
        *(_power_line(row, width) for row in result.rows),
        "",
        f"{'base, then differences':{width}} {_headings(base.means)}",
        f"{base.label:{width}} {_numbers(base.means)}",
        *(f"{row.label:{width}} {_numbers(row.differences, '+')}" for row in result.rows[1:]),
        "",
        "MCSEs and intervals reflect Monte Carlo error alone; those of differences are paired.",
        "Equiv. n: replicates of each design that an unpaired comparison would need for the same",
        "MCSE of the difference in power.",
        "Power: rejections in favour of the treated; for control: those in favour of control.",
        *_about_success(base),
        *_about_ratios(result),
        *_saved(result),
    ]
    lines += [f"WARNING: {row.label}: {_HARMFUL}" for row in result.rows if row.is_harmful]
    failed = [row for row in result.rows if row.failed]
    lines += [f"{row.label}: {row.failed:,} trials failed and are excluded" for row in failed]
    return "\n".join([*lines, "", f"{result.seconds:.1f} s"])


def size_text(title: str, result: SampleSize) -> str:
    """Return the value that gives a power, its interval, what confirms it, and what was tried."""
    low, high = result.ci
    lines = [
        title,
        result.verdict,
        f"{spoken(result.label)} for a power of {result.target:g}; scenario {result.scenario} "
        f"({result.digest}), seed {result.seed}",
        SIMULATED,
        "",
        f"{'recommended':22} {result.value:g}",
        *(
            f"{'with it':22} {path} {value:g}, in proportion"
            for path, value in result.moved.items()
        ),
        f"{'interval':22} {result.low:.6g} to {result.high:.6g} (estimate {result.estimate:.6g})",
        f"{'confirmed power':22} {result.power:.4f} (MCSE {error_text(result.mcse)}, 95% "
        f"{low:.4f} to {high:.4f})",
        f"{'in favour of control':22} {result.wrong_direction.estimate:.4f} (95% "
        f"{result.wrong_direction.low:.4f} to {result.wrong_direction.high:.4f})",
        f"{'':22} on {result.replicates:,} fresh trials{_failed(result.failed)}, seed "
        f"{result.confirmation_seed}",
    ]
    if "success" in result.conventions:
        lines.append(fill(f"Power is that of success: {result.conventions['success']}", 96))
    if result.closed_form is not None:
        patients, mcse, formula = result.closed_form
        without_looks = ", without looks" if "monitoring_looks" in result.conventions else ""
        lines.append(
            f"{formula:22} {patients:.1f} (MCSE {mcse:.1f}), for the endpoint as "
            f"conducted and analysed{without_looks}"
        )
    lines += [
        "",
        f"{'candidate':>12} {'power':>8} {'95% interval':>16} {'trials':>8}",
        *(
            f"{one.value:12.6g} {one.power:8.4f} {ends_text(one.share):>16} {one.replicates:8,}"
            f"{_failed(one.failed)}"
            for one in result.candidates
        ),
        "",
        *wrap(f"Interval: {result.meaning}.", 96),
        *([f"WARNING: {_HARMFUL}"] if result.is_harmful else []),
    ]
    return "\n".join([*lines, "", f"{result.seconds:.1f} s"])


def assurance_text(title: str, result: Assurance, observed: float | None = None) -> str:
    """Return the probability of success, the predictive distribution and the power curve."""
    lines = [
        title,
        f"prior: {result.prior.title} ({result.prior.anchor})",
        *([result.about_estimates] if result.about_estimates else []),
        f"{result.replicates:,} simulated trials{_failed(result.failed)} under {result.strata} "
        f"effects drawn from it; seed {result.seed}, scenario {result.scenario} ({result.digest})",
        SIMULATED,
        "",
        *_assured(result),
    ]
    if observed is not None:
        share = result.share_at_most(observed)
        lines.append(
            f"{f'at most {observed:g}':28} {share.estimate:.4f} of trials (95% {share.low:.4f} to "
            f"{share.high:.4f})"
        )
    curve = result.curve
    intervals = wilson_interval(curve.power * curve.trials, curve.trials)
    columns = (*curve, intervals.low, intervals.high)
    lines += [
        "",
        f"{'true effect':>12} {'power':>8} {'95% interval':>16} {'smoothed':>9} {'trials':>8}",
        *(
            f"{effect:12.4f} {power:8.4f} {low:8.4f}-{high:.4f} {smoothed:10.4f} {trials:8,.0f}"
            for effect, trials, power, _, smoothed, low, high in zip(*columns, strict=True)
        ),
    ]
    lines += ["", result.conventions["success"]]
    if result.without_logarithm:
        lines.append(f"{_left_out(result.without_logarithm)} the mean estimate")
    if result.is_harmful:
        lines.append(f"WARNING: {_HARMFUL}")
    return "\n".join([*lines, "", f"{result.seconds:.1f} s"])


def _assured(result: Assurance) -> list[str]:
    """Return the probability of success and what is predicted, each with its error."""
    low, high = result.prediction_interval()
    predicted, rejections = result.predicted, result.rejections
    wrong = result.wrong_direction
    return [
        f"{'probability of success':28} {result.probability:.4f} (95% {result.ci[0]:.4f} to "
        f"{result.ci[1]:.4f}; MCSE {error_text(result.mcse)}: "
        f"{error_text(result.mcse_simulation)} of trials, {error_text(result.mcse_draws)} of "
        "effects drawn)",
        f"{'power over the prior, SD':28} {result.power_sd:.4f}",
        f"{'in favour of control':28} {wrong.estimate:.4f} (95% {wrong.low:.4f} to "
        f"{wrong.high:.4f})",
        f"{'rejections, either direction':28} {rejections.estimate:.4f} (95% {rejections.low:.4f} "
        f"to {rejections.high:.4f}; MCSE {error_text(rejections.mcse)})",
        f"{'predictive distribution':28} mean estimate {predicted.estimate:.4f} (MCSE "
        f"{predicted.mcse:.4f}), SD {predicted.sd:.4f}, 95% of trials {low:.4f} to {high:.4f}",
    ]


def _left_out(count: int) -> str:
    one = count == 1
    return (
        f"in {count:,} {'trial' if one else 'trials'} the ratio is 0 or infinite, "
        f"{'which is' if one else 'which are'} left out of"
    )


def _failed(count: int) -> str:
    return f", {count:,} failed" if count else ""


def _about_success(base: Row) -> list[str]:
    """Return what the power is the probability of, where that is more than the primary analysis."""
    plan = base.scenario.analysis
    if not isinstance(plan, AnalysisPlan) or not plan.needs_every_analysis:
        return []
    return [fill(f"Rejections are those of success: {success_in_words(plan)}", 88)]


def _saved(result: WhatIf) -> Iterator[str]:
    """Yield the patients that each other analysis of the same effect saves."""
    for row in result.rows:
        saved = row.patients_saved
        if not isnan(saved.estimate):
            yield (
                f"{row.label}: patients saved {100 * saved.estimate:.1f}% (MCSE "
                f"{100 * saved.mcse:.1f}%), 1 less the ratio of the estimates' variances"
            )


def _about_ratios(result: WhatIf) -> list[str]:
    notes = [
        f"{row.label}: {_left_out(row.without_logarithm)} the mean and the difference"
        for row in result.rows
        if row.without_logarithm
    ]
    quantities = {row.scenario.analysis.quantity for row in result.rows}
    if any(quantity.is_ratio for quantity in quantities):
        notes.append("Ratios are averaged by their logarithms, and so are their differences.")
    if len({quantity.name for quantity in quantities}) > 1:
        notes.append("Effects of different quantities are not subtracted: nan.")
    return notes


def _power_line(row: Row, width: int) -> str:
    own = (
        f"{row.label:{width}} {row.power.estimate:8.4f} {ends_text(row.power):>16} "
        f"{row.wrong_direction.estimate:11.4f}"
    )
    if not row.alternative.changes:
        return own
    equivalent = float(row.difference.independent_replicates)
    unpaired = "all agree" if isinf(equivalent) else f"{equivalent:,.0f}"
    found = row.difference
    difference = f"{found.estimate:+11.4f} {found.low:+8.4f} - {found.high:+.4f}"
    return f"{own} {difference} {unpaired:>10}"


def _headings(means: Mapping[str, Mean]) -> str:
    shown = (heading for name, (heading, _) in _COLUMNS.items() if name in means)
    return " ".join(f"{heading:>10} {'MCSE':>7}" for heading in shown)


def _numbers(means: Mapping[str, Mean], sign: str = "") -> str:
    return " ".join(
        f"{means[name].estimate:{sign}10.{digits}f} {means[name].mcse:7.{digits}f}"
        for name, (_, digits) in _COLUMNS.items()
        if name in means
    )
