"""The looks of a design over its replicates, in words."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from trialsim.replicates.monitoring.looks import FINAL, REASONS, LooksResult
from trialsim.reporting.text.words import error_text
from trialsim.stats.monte_carlo import Mean, Proportion, Quantile

_ROWS: Final = {
    "held": "performed",
    "day": "day of the data cut",
    "known": "endpoint known",
    "randomised": "randomised",
    "waiting": "endpoint pending",
    "randomised_by_decision": "randomised by the decision",
    "share": "information fraction",
    "bound": "bound on z",
    "efficacy": "stopped for efficacy",
    "harm": "stopped for harm",
    "futility": "stopped for futility",
    "full_information": "last analysis, at full information",
    "too_late": "stopped when all were randomised",
}
_PROBABILITIES: Final = ("held", "efficacy", "harm", "futility", "full_information")
_IF_ANY: Final = ("harm", "full_information")
"""Rows that are left out where no trial has any."""
_RE_ESTIMATED: Final = {
    "set_again": "set again",
    "enlarged": "above the planned {planned}",
    "reduced": "below the planned {planned}",
    "at_the_most": "at the most, {at_most}",
    "at_the_least": "at the least, {at_least}",
}
_REASONS: Final = {"information": "full information"}
_SPREAD: Final = {
    "randomised": "patients randomised",
    "analysed": "patients analysed",
    "duration_days": "duration, days",
    "infusions_given": "infusions given",
}


def looks_text(looks: LooksResult) -> Iterator[str]:
    """Yield what happens at each look, what that saves, and how the estimates perform."""
    yield f"{'look':34}" + "".join(f"{name:>20.20}" for name in looks.names)
    for what, label in _ROWS.items():
        found = [_found(looks, name, what) for name in looks.names]
        if what in _IF_ANY and not any(one.estimate for one in found):
            continue
        cells = [_with_error(one) for one in found]
        if what == "bound":
            cells = [_bound(looks, name) for name in looks.names]
        yield f"{label:34}" + "".join(f"{cell:>20}" for cell in cells)
        if what == "bound":
            yield from _out_of_reach(looks)
    yield ""
    yield from _reversals(looks)
    yield "MCSE in brackets; of a proportion of 0 or 1 the end of its 95% interval."
    yield ""
    yield from _sizes(looks)
    yield ""
    yield from _re_estimation(looks)
    yield _measures_named(looks)
    for kind, prefix in looks.kinds.items():
        for where in (None, *looks.names, FINAL):
            yield _estimation(looks, kind, prefix, where)
    yield from _ratios_left_out(looks)
    yield "Type I error: of trials without effect, on a seed of their own: trialsim type-one-error."


def _sizes(looks: LooksResult) -> Iterator[str]:
    """Yield what trials take, as a mean and as quantiles of trials, each with its error."""
    yield f"{'':34} {'mean':>10} {'MCSE':>10} {'5%':>14} {'50%':>14} {'95%':>14}"
    for name, label in _SPREAD.items():
        spread = looks.spread(name)
        quantiles = "".join(f" {one.estimate:14.1f}" for one in spread.quantiles)
        yield f"{label:34} {spread.mean.estimate:10.2f} {spread.mean.mcse:10.2f}{quantiles}"
        yield f"{'  95% limits':56}" + "".join(f" {_limits(one):>14}" for one in spread.quantiles)
    most = _with_error(looks.spread("randomised").at_most)
    yield f"{'trials with the most patients':34} {most:>20}"
    yield "5%, 50%, 95%: quantiles of trials, with the limits that Monte Carlo error leaves them."


def _limits(found: Quantile, digits: int = 1) -> str:
    """Return the limits of a quantile; a limit that too few trials give is left out."""
    low, high = (
        f"{float(end):.{digits}f}" if np.isfinite(end) else "" for end in (found.low, found.high)
    )
    return f"{low}-{high}" if low or high else ""


def _re_estimation(looks: LooksResult) -> Iterator[str]:
    """Yield what became of a number of patients that a look sets again."""
    found = looks.re_estimated
    if found is None:
        return
    plan, size = found.plan, found.spread
    yield f"sample size re-estimated at {plan.look}, of all trials"
    for what, label in _RE_ESTIMATED.items():
        yield f"{label.format(**plan._asdict()):34}{_with_error(found.share(what)):>20}"
    yield f"{'size where it was set again':34}{_with_error(size.mean):>20}"
    for share, one in zip(("5%", "50%", "95%"), size.quantiles, strict=True):
        label, value = f"  {share} quantile, 95% limits", f"{one.estimate:.0f} ({_limits(one, 0)})"
        yield f"{label:34}{value:>20}"
    yield ""


def _measures_named(looks: LooksResult) -> str:
    """Return the heads of the estimates' performance: of a ratio, bias and RMSE of its log."""
    log = " (log)" if looks.log_scale else ""
    heads = [f"bias{log}", f"RMSE{log}", "coverage"]
    if not looks.is_target:
        heads = [f"difference{log}"]
    return f"{'estimate':12}{'ended at':14}{'trials':>8}" + "".join(f"{one:>20}" for one in heads)


def _reversals(looks: LooksResult) -> Iterator[str]:
    """Yield how many stops the completed data undo, by reason; none where nobody is followed."""
    for why in REASONS:
        found = looks.reversals(why)
        if found.estimate == found.estimate:
            label = f"stops for {_REASONS.get(why, why)} reversed by pending endpoints"
            yield f"{label:54}{_with_error(found):>20}"


def _out_of_reach(looks: LooksResult) -> Iterator[str]:
    """Yield in what share of trials each look cannot stop for efficacy, if in any."""
    shares = [looks.out_of_reach(name) for name in looks.names]
    if any(one.estimate > 0 for one in shares):
        label = "no bound for efficacy, share"
        yield f"{label:34}" + "".join(f"{_with_error(one):>20}" for one in shares)


def _ratios_left_out(looks: LooksResult) -> Iterator[str]:
    """Yield how many ratios of 0 or infinity each kind of estimate has, by where trials ended."""
    for kind, prefix in looks.kinds.items():
        counts = {one: looks.estimation(prefix, one).without_logarithm for one in looks.names}
        counts[FINAL] = looks.estimation(prefix, FINAL).without_logarithm
        if any(counts.values()):
            told = ", ".join(f"{count} at {where}" for where, count in counts.items() if count)
            yield f"Ratios of 0 or infinity, {kind}: {told}. Bias and RMSE leave them out, and"
            yield "are not given where they are more than one in a thousand."


def _bound(looks: LooksResult, name: str) -> str:
    """Return the mean bound of a look with its error; never where no trial can reach it."""
    found = looks.at(name, "bound")
    never = looks.out_of_reach(name).estimate == 1
    return "never" if never else _with_error(found)


def _found(looks: LooksResult, name: str, what: str) -> Mean | Proportion:
    if what == "too_late":
        return looks.too_late(name)
    if what in _PROBABILITIES:
        return looks.probability(name, what)
    return looks.at(name, what)


def _estimation(looks: LooksResult, kind: str, prefix: str, where: str | None) -> str:
    found = looks.estimation(prefix, where)
    measures: list[Mean | Proportion] = [found.bias]
    if looks.is_target:
        measures += [found.rmse, found.coverage]
    columns = "".join(f"{_with_error(one):>20}" if found.trials else " " * 20 for one in measures)
    return f"{kind:12}{where or 'all':14}{found.trials:8}{columns}".rstrip()


def _with_error(found: Mean | Proportion) -> str:
    """Return a number with its Monte Carlo standard error in parentheses.

    A proportion of 0 or 1 has there the end of its interval, as its standard error says nothing. A
    dash where no trial has the number, as at a look that none performed.
    """
    value = float(found.estimate)
    if value != value:
        return "-"
    digits = 4 if abs(value) < 10 else 1
    error = error_text(found.mcse, digits)
    if isinstance(found, Proportion) and found.mcse == 0:
        error = f"<{found.high:.4f}" if value == 0 else f">{found.low:.4f}"
    return f"{value:.{digits}f} ({error})"
