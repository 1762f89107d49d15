"""How often each method rejects without an effect, and its interval misses, in small arms.

The scale is like the Action Research Arm Test: 0 to 57, with 21% of the patients at the floor and
16% at the ceiling; some rows have grades of 0 to 6 like the modified Rankin Scale's instead. Trials
are drawn and analysed in batches, without a trial's conduct.

`python -m benchmarks.small_samples` prints the table of docs/methods.md, and
`python -m benchmarks.small_samples 100000 t_test welch` two rows of it, of more trials.
"""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from scipy.special import expit
from scipy.stats import norm

from benchmarks.measure import Effort, Row, Table
from trialsim.arrays import Booleans, Floats, Integers
from trialsim.scenario.plan.methods.dose_finding.mcp_mod import Estimated
from trialsim.stats.dose_response.contrasts import (
    chance_of_larger,
    contrast_directions,
    contrast_statistics,
    whitening,
)
from trialsim.stats.dose_response.effects import (
    log_odds_effects,
    mean_effects,
    placement_correlations,
    rank_effects,
)
from trialsim.stats.dose_response.shapes import Shape, rise
from trialsim.stats.means_and_proportions.ancova import ancova, ancova_by_arm
from trialsim.stats.means_and_proportions.mantel_haenszel import mantel_haenszel
from trialsim.stats.means_and_proportions.mean_difference import (
    MeanDifference,
    difference_of_differences,
    mean_difference,
)
from trialsim.stats.means_and_proportions.proportional_odds import (
    adjusted_proportional_odds,
    proportional_odds,
)
from trialsim.stats.means_and_proportions.responders import fisher_exact
from trialsim.stats.means_and_proportions.standardised_effect import standardised_effect
from trialsim.stats.means_and_proportions.t_tests import student_t_test, welch_t_test
from trialsim.stats.means_and_proportions.two_shares import (
    IntervalOfShares,
    compare_shares,
    distance_of_shares,
)
from trialsim.stats.means_and_proportions.two_shares import Measure as ShareMeasure
from trialsim.stats.missing.inverse_probability import weighted, weighted_effect, weighted_mean
from trialsim.stats.missing.multiple_imputation import impute_arm
from trialsim.stats.missing.repeated_measures import Freedom, repeated_measures
from trialsim.stats.missing.rubins_rules import pool_estimated_effects
from trialsim.stats.multiplicity.dunnett import (
    Law,
    chance_of_any,
    loadings_of_correlations,
    statistics_of,
    step_down_dunnett,
)
from trialsim.stats.multiplicity.nested import adjust_nested, correlation_of_ranks
from trialsim.stats.p_values import Standardised, normal_p_value
from trialsim.stats.planning.scale_effects import (
    cells_of_censored_normal,
    mean_of_cells,
    theta_of_cells,
)
from trialsim.stats.ranks.adjusted import Arm, adjusted_effect
from trialsim.stats.ranks.brunner_munzel import brunner_munzel, satterthwaite
from trialsim.stats.ranks.effect_intervals import (
    IntervalMethod,
    distance_of_summary,
    effect_interval,
)
from trialsim.stats.ranks.estimated_effect import distance_of_effect, estimated_effect
from trialsim.stats.ranks.exact_rank import exact_rank_test
from trialsim.stats.ranks.hierarchical import (
    Known,
    exactly,
    pairs_won,
    summarise_pairs,
    summarise_with_ties,
    win_ratio_of,
)
from trialsim.stats.ranks.mann_whitney import (
    RankTest,
    mann_whitney,
    rank_test,
    summarise,
    summarise_counts,
)
from trialsim.stats.ranks.stratified import (
    StratumWeighting,
    split_by_stratum,
    stratified_effect,
    stratified_test,
    summarise_strata,
)
from trialsim.stats.several_outcomes.joint_effects import Scale, joint_effects
from trialsim.stats.several_outcomes.multivariate import wei_lachin
from trialsim.stats.several_outcomes.obrien import obrien_test
from trialsim.stats.several_outcomes.strata import within_strata
from trialsim.stats.time_to_event.at_risk import AtRisk, count_at_risk
from trialsim.stats.time_to_event.hazard_ratio import hazard_ratio
from trialsim.stats.time_to_event.log_rank import log_rank
from trialsim.stats.time_to_event.restricted_mean import restricted_mean

SIZES: Final = (10, 25, 104)
"""Patients an arm."""
TRIALS: Final = 10_000
_AT_ONCE: Final = 250
_MEAN, _SD = 25.57, 31.1  # of the latent normal, for 21% at 0 and 16% at 57
_SITES: Final = 12
_SHIFT: Final = 0.818
"""SDs between the arms for an effect of 0.71, the published one of CARS-1, with these ties."""
_WORSE: Final = -0.258
"""SDs between the arms for an effect of 0.43: a drug that is worse."""
_LOGISTIC: Final = float(np.pi / np.sqrt(3))
"""The SD of the logistic distribution."""
_AT_A_MARGIN: Final[tuple[IntervalMethod, ...]] = ("delong", "brunner-munzel", "logit", "newcombe")
_QUARTER, _IMPUTATIONS = 0.25, 20


class Draw(NamedTuple):
    """Trials to be drawn, of so many patients an arm."""

    generator: np.random.Generator
    trials: int
    patients: int


Judged: TypeAlias = Callable[[Draw], Booleans]
"""Whether each of the trials that are drawn rejects, or its interval misses."""
Onto: TypeAlias = Callable[[Floats], Floats]
"""From a latent standard normal to scores, or to grades."""
Adjust: TypeAlias = Callable[[Floats, Floats, Floats, Floats], MeanDifference]


class Measured(NamedTuple):
    """The share of trials that reject, or whose interval does not cover."""

    share: float
    trials: int

    @property
    def mcse(self) -> float:
        """Its Monte Carlo standard error."""
        return float(np.sqrt(self.share * (1 - self.share) / self.trials))


def measure(effort: Effort) -> Table:
    """Give each method's level, and what its interval misses, at each size."""
    rows = [
        Row(f"{name}, {patients} an arm", "% of trials", 100 * found.share, note=_error(found))
        for name, patients, found in measured(effort.of(TRIALS, least=16))
    ]
    return Table("rejected under no effect at 5%, or missed by a 95% interval", rows)


def measured(trials: int, names: tuple[str, ...] = ()) -> Iterator[tuple[str, int, Measured]]:
    """Yield each method, size and share; of the methods named alone, if any are."""
    for name, judged in METHODS.items():
        if names and name not in names:
            continue
        for patients in SIZES:
            if name.startswith("exact") and patients > 25:
                continue  # half a second a trial
            generator = np.random.default_rng([2016, patients])
            slow = name.startswith(("exact", "multiple"))
            count = max(1, trials // 5) if slow else trials
            parts = [
                judged(Draw(generator, min(_AT_ONCE, count - start), patients))
                for start in range(0, count, _AT_ONCE)
            ]
            yield name, patients, Measured(float(np.concatenate(parts).mean()), count)


def markdown(trials: int, names: tuple[str, ...] = ()) -> str:
    """Return the table of the documentation: per cent, with the Monte Carlo error in brackets."""
    digits = 1 if trials <= TRIALS else 2
    lines = ["| | " + " | ".join(map(str, SIZES)) + " |", "|---|" + "---:|" * len(SIZES)]
    found: dict[str, dict[int, Measured]] = {}
    for name, patients, one in measured(trials, names):
        found.setdefault(name, {})[patients] = one
    for name, by_size in found.items():
        cells = [
            f"{100 * by_size[size].share:.{digits}f} ({100 * by_size[size].mcse:.{digits}f})"
            if size in by_size
            else ""
            for size in SIZES
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _error(found: Measured) -> str:
    return f"Monte Carlo error {100 * found.mcse:.2f}, {found.trials:,} trials"


def _scale(latent: Floats) -> Floats:
    return np.asarray(np.clip(np.round(_MEAN + _SD * latent), 0, 57))


def _grade(latent: Floats) -> Floats:
    """Return grades of 0 to 6, from 8% at either end to 22% in the middle."""
    return np.asarray(np.clip(np.round(3 + 1.8 * latent), 0, 6))


_CELLS: Final[dict[Onto, int]] = {_scale: 58, _grade: 7}


def _two(draw: Draw, shift: float = 0.0, onto: Onto = _scale) -> tuple[Floats, Floats]:
    generator, trials, n = draw
    treated, control = (onto(generator.normal(size=(trials, n)) + by) for by in (shift, 0.0))
    return treated, control


def _correlated(known: Floats, rest: Floats) -> Floats:
    """Return standard normals, correlated by 0.75 with those that are known."""
    return np.asarray(0.75 * known + np.sqrt(1 - 0.75**2) * rest)


def _below(p_values: Floats) -> Booleans:
    return np.asarray(p_values <= 0.05)


def _ranks(draw: Draw, continuity: bool = False, onto: Onto = _scale) -> Booleans:
    arms = _two(draw, onto=onto)
    return _below(mann_whitney(*arms, "two-sided", continuity).p_value)


def _tested(draw: Draw, test: Callable[[Floats, Floats], RankTest | MeanDifference]) -> Booleans:
    return _below(test(*_two(draw)).p_value)


def _brunner_munzel(draw: Draw, reference: Literal["t", "normal"]) -> Booleans:
    summary = summarise(*_two(draw))
    return _below(brunner_munzel(summary, "two-sided", reference).p_value)


def _sites(n: int) -> Integers:
    """Return the site of each patient of an arm, of twelve of uneven size."""
    ends = np.cumsum(np.linspace(0.3, 1.7, _SITES)) / _SITES
    return np.searchsorted(ends, (np.arange(n) + 0.5) / n)


def _stratified(draw: Draw, weighting: StratumWeighting) -> Booleans:
    n = draw.patients
    strata = summarise_strata(*_two(draw), _sites(n), _sites(n))
    return _below(stratified_test(strata, weighting).p_value)


def _adjusted(draw: Draw, covariates: int, by_site: bool = False, onto: Onto = _scale) -> Booleans:
    """Adjust for a covariate that tells (0.75) and others that do not."""
    generator, trials, n = draw
    arms = []
    for _ in range(2):
        known = generator.normal(size=(trials, covariates, n))
        rest = generator.normal(size=(trials, n))
        scores = onto(_correlated(known[:, 0], rest))
        arms.append(Arm(scores, known, _sites(n)) if by_site else Arm(scores, known))
    ranked = [place % 2 == 0 for place in range(covariates)]
    return _below(adjusted_effect(arms[0], arms[1], ranked).p_value)


def _twelve(draw: Draw) -> tuple[Floats, Floats]:
    """Return arms on twelve scales that share half of their variance."""
    generator, trials, n = draw
    treated, control = (
        _scale(
            np.sqrt(0.5) * generator.normal(size=(trials, 1, n))
            + np.sqrt(0.5) * generator.normal(size=(trials, 12, n))
        )
        for _ in range(2)
    )
    return treated, control


def _wei_lachin(draw: Draw, variance: Literal["null_variance", "placement"]) -> Booleans:
    joint = joint_effects(*_twelve(draw), [True] * 12)
    return _below(wei_lachin(joint, "equal", variance).p_value)


def _wei_lachin_in_strata(draw: Draw, variance: Literal["null_variance", "placement"]) -> Booleans:
    """Take a grade of 0 to 6 and a scale, by four strata that differ in both."""
    generator, trials, n = draw
    stratum = np.tile(np.arange(2 * n) // 2 % 4, (trials, 1))
    latent = 0.5 * (stratum - 1.5) + np.sqrt(0.5) * generator.normal(size=(3, trials, 2 * n))
    grade = np.clip(np.round(3 + 1.8 * (latent[0] + latent[1])), 0, 6).astype(np.int64)
    score = _scale(latent[0] + latent[2]).astype(np.int64)
    known, treated = np.ones((trials, 2 * n), bool), np.arange(2 * n) % 2 == 0
    joint = within_strata(
        [Scale(grade, known, 7), Scale(score, known, 58)], treated, ~treated, stratum, 4
    )
    return _below(wei_lachin(joint, "equal", variance).p_value)


def _interaction(draw: Draw, by: str) -> Booleans:
    """Compare the effects in halves of the patients who differ by an SD; neither has an effect."""
    generator, trials, n = draw
    found = []
    for size, shift in ((n // 2, 0.0), (n - n // 2, 1.0)):
        latent = generator.normal(size=(2, trials, size))
        arms = _scale(shift + latent[0]), _scale(shift + latent[1])
        if by == "ancova":  # given what tells of the score (0.75)
            known = _correlated(latent, generator.normal(size=latent.shape))
            found.append(_of_difference(ancova(*arms, known[0, ..., None], known[1, ..., None])))
        else:
            found.append(_effect_of_half(*arms, by))
    estimates, variances, freedom = (np.stack(field) for field in zip(*found, strict=True))
    return _below(difference_of_differences(estimates, variances, freedom).p_value)


def _effect_of_half(first: Floats, second: Floats, by: str) -> tuple[Floats, Floats, Floats]:
    """Return the effect in one half, its variance under any effect, and degrees of freedom."""
    two = np.full(len(first), first.shape[-1] + second.shape[-1] - 2.0)
    match by:
        case "mann_whitney":
            summary = summarise(first, second)
            return summary.effect, summary.placement_variance, satterthwaite(summary)
        case "responders":
            shares = [(arm >= 30).mean(axis=-1) for arm in (first, second)]
            variance = sum(share * (1 - share) / first.shape[-1] for share in shares)
            return shares[0] - shares[1], np.asarray(variance), two
        case "proportional_odds":
            odds = proportional_odds(*_in_cells(first, second))
            log_ratio = odds.log_odds_ratio
            return np.where(np.isfinite(log_ratio), log_ratio, np.nan), odds.standard_error**2, two
        case _:
            return _of_difference(
                (student_t_test if by == "t_test" else welch_t_test)(first, second)
            )


def _of_difference(found: MeanDifference) -> tuple[Floats, Floats, Floats]:
    return found.estimate, found.standard_error**2, found.degrees_of_freedom


def _populations(draw: Draw, lenient: float = 1.0) -> Booleans:
    """Test everybody, at 80% of the level, and the severe half, who score lower, by ranks."""
    generator, trials, n = draw
    severe = generator.random((trials, 2 * n)) < 0.5
    latent = np.where(severe, -0.25, 0.25) + 0.9 * generator.normal(size=severe.shape)
    scores, treated = _scale(latent), np.arange(2 * n) % 2 == 0
    counts = [
        np.stack([_counted(np.where(there & arm, scores, -1)) for arm in (treated, ~treated)], 1)
        for there in (np.ones_like(severe), severe)
    ]
    tests = [rank_test(summarise_counts(one[:, 0], one[:, 1])).z for one in counts]
    correlation = correlation_of_ranks(counts[0], counts[1])
    adjusted = adjust_nested(np.stack(tests, -1), correlation, 0.8, lenient, two_sided=True)
    return np.asarray((adjusted <= 0.05).any(axis=-1))


def _counted(scores: Floats) -> Integers:
    """Return how many of each trial have each score of 0 to 57; -1 is of nobody."""
    place = np.arange(len(scores))[:, np.newaxis] * 59 + 1 + scores.astype(np.int64)
    return np.bincount(place.ravel(), minlength=len(scores) * 59).reshape(-1, 59)[:, 1:]


def _in_cells(treated: Floats, control: Floats) -> tuple[Integers, Integers]:
    """Return how many of each trial are in each cell that anybody is in, others left out."""
    counts = np.stack([_counted(treated), _counted(control)])
    empty = counts.sum(axis=0) == 0
    cells = np.argsort(empty, axis=-1, kind="stable")[:, : (~empty).sum(axis=-1).max()]
    first, second = np.take_along_axis(counts, cells[np.newaxis], axis=-1)
    return first, second


def _dunnett(draw: Draw, onto: Onto = _scale, one_works: bool = False) -> Booleans:
    """Test three doses against a control by ranks, of n patients each, for any false rejection.

    Where one dose works, by 1.5 SDs, the others are tested stepping down.
    """
    generator, trials, n = draw
    latent = generator.normal(size=(trials, 4, n))
    latent[:, 0] += 1.5 * one_works
    counts = _counted(onto(latent).reshape(-1, n)).reshape(trials, 4, -1)
    doses, control = counts[:, :3], counts[:, 3]
    p_values = rank_test(summarise_counts(doses, control[:, np.newaxis])).p_value
    statistics = statistics_of(p_values, two_sided=True)
    law = Law(loadings_of_correlations(placement_correlations(doses, control)), two_sided=True)
    if one_works:
        return _below(step_down_dunnett(statistics, law)[:, 1:].min(axis=-1))
    largest = statistics.max(axis=-1, keepdims=True)
    return _below(chance_of_any(np.repeat(largest, 3, axis=-1), law))


def _obrien(draw: Draw) -> Booleans:
    return _below(obrien_test(*_twelve(draw), [True] * 12).p_value)


def _composite(draw: Draw) -> tuple[Known, Known]:
    """Return arms of whom 8% die within 90 days, with grades of 0 to 6 that share half a scale."""
    generator, trials, n = draw
    arms = []
    for _ in range(2):
        dies, shared, own, other = generator.normal(size=(4, trials, n))
        day = np.where(dies < norm.ppf(0.08), np.floor(90 * norm.cdf(dies) / 0.08), 91.0)
        latent = np.sqrt(0.5) * np.stack([shared + own, shared + other])
        grade = np.clip(np.round(3 + 1.8 * latent[0]), 0, 6)
        arms.append(exactly(np.stack([day, grade, _scale(latent[1])], axis=1)))
    return arms[0], arms[1]


_DECIDE: Final = (0.0, 0.0, 6.0)
"""An earlier death, another grade, 6 points of the scale."""


def _win_odds(draw: Draw) -> Booleans:
    summary = summarise_pairs(pairs_won(*_composite(draw), _DECIDE))
    return _below(distance_of_summary(summary, 0.5, "logit").p_value("two-sided"))


def _win_ratio(draw: Draw) -> Booleans:
    found = win_ratio_of(pairs_won(*_composite(draw), _DECIDE))
    return np.asarray((found.low > 1) | (found.high < 1))


def _composite_by_site(draw: Draw) -> Booleans:
    n = draw.patients
    treated, control = (
        Known(*(np.swapaxes(split_by_stratum(end, _sites(n), _SITES), 1, 2) for end in arm))
        for arm in _composite(draw)
    )
    found = stratified_effect(
        summarise_with_ties(treated, control, _DECIDE), "van-elteren", "logit"
    )
    distance = distance_of_effect(found.effect, found.standard_error, 0.5, "logit")
    return _below(distance.p_value("two-sided"))


def _mcp_mod(draw: Draw, estimate: Estimated, onto: Onto = _scale) -> Booleans:
    """Test three doses and a control of n patients each for a benefit by any of four shapes."""
    generator, trials, n = draw
    scores = onto(generator.normal(size=(trials, 4, n)))
    counts = _counted(scores.reshape(-1, n)).reshape(trials, 4, 58)
    doses, control = counts[:, :3], counts[:, 3]
    match estimate:
        case "mann_whitney":
            found = rank_effects(doses, control)
        case "mean_difference":
            found = mean_effects(doses, control, np.arange(58.0))
        case _:
            yes = doses[..., 30:].sum(axis=-1), np.full((trials, 3), n)
            found = log_odds_effects(*yes, control[:, 30:].sum(axis=-1), np.full(trials, n))
    shapes = np.stack([rise(shape, _DOSES, values) for shape, values in _SHAPES.items()])
    whiten = whitening(found.null_covariance)
    directions = contrast_directions(shapes, whiten)
    statistics = contrast_statistics(found.estimate, whiten, directions)
    largest = statistics.max(axis=1, keepdims=True)
    return _below(chance_of_larger(largest, directions, found.freedom)[:, 0])


_DOSES: Final = np.array([10.0, 30.0, 60.0])
_SHAPES: Final[dict[Shape, list[float]]] = {
    "linear": [],
    "emax": [10.0],
    "sigmoid_emax": [25.0, 3.0],
    "quadratic": [-0.012],
}


def _ancova(draw: Draw, adjust: Adjust = ancova) -> Booleans:
    generator, trials, n = draw
    first, second = (generator.normal(size=(trials, n)) for _ in range(2))
    treated, control = (
        _scale(_correlated(one, generator.normal(size=one.shape))) for one in (first, second)
    )
    return _below(adjust(treated, control, first[..., None], second[..., None]).p_value)


def _responders(draw: Draw, interval: bool = False) -> Booleans:
    _, trials, n = draw
    treated, control = ((arm >= 30).sum(axis=-1) for arm in _two(draw))
    sizes = np.full(trials, n)
    if not interval:
        return _below(fisher_exact(treated, sizes, control, sizes))
    _, low, high = compare_shares(treated, sizes, control, sizes)
    return np.asarray((low > 0) | (high < 0))


def _score_test(draw: Draw) -> Booleans:
    n = draw.patients
    treated, control = ((arm >= 30).sum(axis=-1) for arm in _two(draw))
    score = distance_of_shares(treated, n, control, n, 0.0, interval="miettinen-nurminen")
    return _below(normal_p_value(score.statistic, "two-sided"))


def _responders_by_site(draw: Draw) -> Booleans:
    n = draw.patients
    responds = [arm >= 30 for arm in _two(draw)]
    there = _sites(n)[:, np.newaxis] == np.arange(_SITES)
    patients = there.sum(axis=0)
    treated, control = (arm.astype(np.float64) @ there for arm in responds)
    z = mantel_haenszel(treated, patients, control, patients).z
    return _below(normal_p_value(z, "two-sided"))


def _odds(draw: Draw, interval: bool = False, onto: Onto = _scale) -> Booleans:
    found = proportional_odds(*_in_cells(*_two(draw, onto=onto)))
    return np.asarray((found.low > 1) | (found.high < 1)) if interval else _below(found.p_value)


def _told(draw: Draw, onto: Onto = _scale) -> tuple[Floats, Floats]:
    """Return scores, the treated first, and arm and a covariate that tells of the score (0.75)."""
    generator, trials, n = draw
    before, rest = generator.normal(size=(2, trials, 2 * n))
    scores = onto(_correlated(before, rest))
    arm = np.broadcast_to(1.0 * (np.arange(2 * n) < n), scores.shape)
    return scores, np.stack([arm, before], axis=-1)


def _adjusted_odds(draw: Draw, onto: Onto = _scale) -> Booleans:
    told = _told(draw, onto)
    return _below(adjusted_proportional_odds(*told, _CELLS[onto]).p_value)


def _standardised(draw: Draw, responders: bool = False) -> Booleans:
    """Average what proportional odds predict given a covariate that tells of the score (0.75)."""
    n = draw.patients
    scores, known = _told(draw)
    if responders:
        scores = np.asarray(scores >= 30, np.float64)
    cells = 2 if responders else 58
    found = standardised_effect(scores, known, cells)
    return _below(estimated_effect(*found, degrees_of_freedom=2 * n - 3.0).p_value)


def _in_blocks(generator: np.random.Generator, stratum: Integers) -> Booleans:
    """Return who is treated, half of each stratum but one patient, the pairs in their order."""
    order = np.argsort(stratum, axis=1, kind="stable")
    sorted_ = np.take_along_axis(stratum, order, axis=1)
    new = np.diff(sorted_, axis=1, prepend=-1) != 0
    place = np.arange(stratum.shape[1])
    place = place - np.maximum.accumulate(np.where(new, place, 0), axis=1)
    pair = np.cumsum(place % 2 == 0, axis=1) - 1
    first = np.take_along_axis(generator.random(stratum.shape) < 0.5, pair, axis=1)
    treated = np.empty(stratum.shape, bool)
    np.put_along_axis(treated, order, first == (place % 2 == 0), axis=1)
    return treated


def _standardised_in_strata(
    draw: Draw, responders: bool = False, design: bool = False, onto: Onto = _scale
) -> Booleans:
    """Stratify by quarters of what tells of the score (0.75); the model has another covariate."""
    generator, trials, n = draw
    before, rest, other = generator.normal(size=(3, trials, 2 * n))
    scores = onto(_correlated(before, rest))
    stratum = np.searchsorted(norm.ppf([0.25, 0.5, 0.75]), before)
    arm = 1.0 * _in_blocks(generator, stratum)
    if responders:
        scores = np.asarray(scores >= 30, np.float64)
    groups = stratum[..., np.newaxis] if design else None
    cells = 2 if responders else _CELLS[onto]
    found = standardised_effect(scores, np.stack([arm, other], axis=-1), cells, groups)
    return _below(estimated_effect(*found, degrees_of_freedom=2 * n - 3.0).p_value)


def _imputed(draw: Draw) -> Booleans:
    """Impute a quarter of the final scores from the baseline, and pool the effects."""
    generator, trials, n = draw
    arms = []
    for _ in range(2):
        before, rest = generator.normal(size=(2, trials, n))
        scores = np.stack([_scale(before), _scale(0.75 * before + 0.66 * rest)], axis=-1)
        scores[..., 1][generator.random((trials, n)) < _QUARTER] = np.nan
        numbers = generator.random((_IMPUTATIONS, trials, 2, n + 3))
        arms.append(impute_arm(scores, numbers, 0, 57).scores[..., 1])
    found = summarise(*arms)
    freedom = np.full(trials, 2.0 * n - 2)
    pooled = pool_estimated_effects(found.effect, found.placement_variance, freedom)
    return _below(pooled.p_value)


def _weighted(draw: Draw, means: bool = False) -> Booleans:
    """Weigh those seen by a covariate that tells of the score (0.75), and of who is seen."""
    generator, trials, n = draw
    before, rest = generator.normal(size=(2, trials, 2 * n))
    scores = _scale(0.75 * before + 0.66 * rest)
    seen = generator.random((trials, 2 * n)) < expit(1.25 + 0.75 * before)
    arms = [
        weighted(seen, np.broadcast_to(arm, seen.shape), before[..., None])
        for arm in (np.arange(2 * n) < n, np.arange(2 * n) >= n)
    ]
    freedom = np.maximum(arms[0].free + arms[1].free, 1.0)
    if not means:
        found = weighted_effect(scores.astype(np.int64), 58, *arms)
        return _below(estimated_effect(*found, degrees_of_freedom=freedom).p_value)
    one, other = (weighted_mean(scores, arm) for arm in arms)
    difference, variance = one.estimate - other.estimate, one.variance + other.variance
    return _below(mean_difference(difference, variance, freedom).p_value)


def _mmrm(draw: Draw, freedom: Freedom) -> Booleans:
    """Model three visits, by the last of which a quarter has left, and the baseline."""
    generator, trials, n = draw
    before = generator.normal(size=(trials, 2 * n, 1))
    level = 0.8 * before + 0.4 * generator.normal(size=before.shape)
    scores = _scale(level + 0.45 * generator.normal(size=(trials, 2 * n, 3)))
    leaves = generator.random((trials, 2 * n, 1)) < _QUARTER * np.array([1, 2, 3]) / 3
    treated = np.tile(np.arange(2 * n) < n, (trials, 1))
    none = np.empty((trials, 2 * n, 0))
    found = repeated_measures(
        np.where(leaves, np.nan, scores), treated, _scale(before), none, freedom=freedom
    )
    return _below(found.p_value)


def _times(draw: Draw, event: str, sites: int = 1) -> AtRisk:
    """Count patients to a score of 45 at one of four visits, or to a death of 8% in 90 days.

    One in ten leaves, on any day.
    """
    generator, trials, n = draw
    shape = (trials, 2 * n)
    if event == "recovery":
        level = 0.85 * generator.normal(size=(*shape, 1))
        scores = _scale(level + np.sqrt(1 - 0.85**2) * generator.normal(size=(*shape, 4)))
        reached = scores >= 45
        day = np.where(reached.any(axis=-1), _VISITS[np.argmax(reached, axis=-1)], _VISITS[-1] + 1)
    else:
        day = np.floor(_VISITS[-1] * generator.random(shape) / 0.08).astype(np.int64)
    leaves = np.floor(_VISITS[-1] * generator.random(shape) / 0.1).astype(np.int64)
    if event == "recovery":
        seen = np.searchsorted(_VISITS, leaves)
        leaves = np.where(seen > 0, _VISITS[np.maximum(seen - 1, 0)], 0)
    ends = np.minimum(leaves, _VISITS[-1])
    site = np.tile(_sites(n), 2) if sites > 1 else 0
    group = np.broadcast_to(2 * site + (np.arange(2 * n) >= n), shape)
    counts = count_at_risk(np.minimum(day, ends), day <= ends, group, 2 * sites, _VISITS[-1] + 1)
    return AtRisk(*(one.reshape(trials, sites, 2, -1) for one in counts))


_VISITS: Final = np.array([14, 28, 42, 90])


def _log_rank(draw: Draw, event: str, sites: int = 1) -> Booleans:
    z = log_rank(_times(draw, event, sites)).z
    return _below(normal_p_value(z, "two-sided"))


def _hazard_ratio(draw: Draw, event: str) -> Booleans:
    found = hazard_ratio(_times(draw, event))
    return _below(Standardised(found.log_ratio / found.standard_error).p_value("two-sided"))


def _restricted_mean(draw: Draw, event: str) -> Booleans:
    counts = AtRisk(*(one[:, 0] for one in _times(draw, event)))
    days, variance = restricted_mean(counts, 90)
    error = np.sqrt(variance.sum(axis=-1))
    z = (days[:, 0] - days[:, 1]) / np.where(error > 0, error, np.nan)
    return _below(Standardised(z).p_value("two-sided"))


def _interval(draw: Draw, method: IntervalMethod, shift: float) -> Booleans:
    low, high = effect_interval(summarise(*_two(draw, shift)), method)
    theta = _theta(shift)
    return np.asarray((low > theta) | (high < theta))


def _at_margin(draw: Draw, method: IntervalMethod) -> Booleans:
    """Claim a Mann-Whitney effect above what it is: non-inferiority where the drug is worse."""
    summary = summarise(*_two(draw, _WORSE))
    return _claimed(distance_of_summary(summary, _theta(_WORSE), method))


def _means_at_margin(draw: Draw, test: Callable[..., MeanDifference]) -> Booleans:
    """Claim a difference of means above what it is."""
    return _claimed(test(*_two(draw, _WORSE)).against(_mean_shift(_WORSE)))


def _shares_at_margin(draw: Draw, measure: ShareMeasure, interval: IntervalOfShares) -> Booleans:
    """Claim more of shares of responders of 0.35, and 0.45 of the controls."""
    generator, trials, n = draw
    treated, control = generator.binomial(n, 0.35, trials), generator.binomial(n, 0.45, trials)
    margin = {
        "risk_difference": 0.35 - 0.45,
        "risk_ratio": 0.35 / 0.45,
        "odds_ratio": 0.35 * 0.55 / (0.45 * 0.65),
    }[measure]
    distance = distance_of_shares(treated, n, control, n, margin, measure, interval)
    return _claimed(distance)


def _odds_at_margin(draw: Draw) -> Booleans:
    """Claim an odds ratio above 0.6, by whose logarithm a latent logistic is moved."""
    generator, trials, n = draw
    treated, control = (
        _scale((generator.logistic(size=(trials, n)) + by) / _LOGISTIC) for by in (np.log(0.6), 0.0)
    )
    found = proportional_odds(*_in_cells(treated, control))
    error = np.where(found.standard_error > 0, found.standard_error, np.nan)
    known = np.where(np.isfinite(found.log_odds_ratio), found.log_odds_ratio, np.nan)
    return _claimed(Standardised((known - np.log(0.6)) / error))


def _claimed(distance: Standardised) -> Booleans:
    return np.asarray(distance.p_value("greater") <= 0.025)


def _mean_shift(shift: float) -> float:
    """Return the difference of means of a shift of the latent normal, by its cells."""
    moved, control = (
        mean_of_cells(cells_of_censored_normal(_MEAN + by * _SD, _SD, 0, 57)) for by in (shift, 0.0)
    )
    return float(moved - control)


def _theta(shift: float) -> float:
    """Return the Mann-Whitney effect of a shift of the latent normal, by its cells."""
    control = cells_of_censored_normal(_MEAN, _SD, 0, 57)
    return float(theta_of_cells(cells_of_censored_normal(_MEAN + shift * _SD, _SD, 0, 57), control))


_OF_TIMES: Final[dict[str, Callable[..., Booleans]]] = {
    "log_rank": _log_rank,
    "hazard ratio, interval": _hazard_ratio,
    "restricted_mean": _restricted_mean,
}
_OF_GRADES: Final[dict[str, Callable[..., Booleans]]] = {
    "mann_whitney": _ranks,
    "adjusted_rank, 1 covariate": partial(_adjusted, covariates=1),
    "proportional_odds": _odds,
    "proportional_odds, 1 covariate": _adjusted_odds,
    "standardised_mann_whitney, 4 strata, design": partial(_standardised_in_strata, design=True),
    "dunnett, mann_whitney": _dunnett,
    "mcp_mod, mann_whitney": partial(_mcp_mod, estimate="mann_whitney"),
}
METHODS: Final[dict[str, Judged]] = {
    "mann_whitney": _ranks,
    "mann_whitney, continuity correction": partial(_ranks, continuity=True),
    "exact_mann_whitney": partial(_tested, test=exact_rank_test),
    "mann_whitney, 12 sites, van-elteren": partial(_stratified, weighting="van-elteren"),
    "mann_whitney, 12 sites, inverse-variance": partial(_stratified, weighting="inverse-variance"),
    "mann_whitney, a quarter imputed": _imputed,
    "brunner_munzel, t": partial(_brunner_munzel, reference="t"),
    "brunner_munzel, normal": partial(_brunner_munzel, reference="normal"),
    "adjusted_rank, 1 covariate": partial(_adjusted, covariates=1),
    "adjusted_rank, 2 covariates": partial(_adjusted, covariates=2),
    "adjusted_rank, 4 covariates": partial(_adjusted, covariates=4),
    "adjusted_rank, 1 covariate, 12 sites": partial(_adjusted, covariates=1, by_site=True),
    "wei_lachin, null_variance": partial(_wei_lachin, variance="null_variance"),
    "wei_lachin, placement": partial(_wei_lachin, variance="placement"),
    **{
        f"wei_lachin, 4 strata, {variance}": partial(_wei_lachin_in_strata, variance=variance)
        for variance in ("null_variance", "placement")
    },
    "obrien": _obrien,
    "win_statistic, win odds": _win_odds,
    "win_statistic, win ratio": _win_ratio,
    "win_statistic, 12 sites": _composite_by_site,
    **{
        f"mcp_mod, {estimate}": partial(_mcp_mod, estimate=estimate)
        for estimate in get_args(Estimated)
    },
    "dunnett, mann_whitney": _dunnett,
    "step_down_dunnett, mann_whitney, one dose works": partial(_dunnett, one_works=True),
    "t_test": partial(_tested, test=student_t_test),
    "welch": partial(_tested, test=welch_t_test),
    "ancova": _ancova,
    "ancova, by arm": partial(_ancova, adjust=ancova_by_arm),
    "mmrm, kenward-roger": partial(_mmrm, freedom="kenward-roger"),
    "mmrm, satterthwaite": partial(_mmrm, freedom="satterthwaite"),
    "weighted_mann_whitney": _weighted,
    "weighted_means": partial(_weighted, means=True),
    "responders": _responders,
    "responders, interval": partial(_responders, interval=True),
    "proportional_odds": _odds,
    "proportional_odds, interval": partial(_odds, interval=True),
    "proportional_odds, 1 covariate": _adjusted_odds,
    "standardised_mann_whitney": _standardised,
    **{
        f"{name}, {event}": partial(judged, event=event)
        for name, judged in _OF_TIMES.items()
        for event in ("recovery", "death")
    },
    "log_rank, 12 sites": partial(_log_rank, event="recovery", sites=_SITES),
    "responders, score test": _score_test,
    "responders, 12 sites": _responders_by_site,
    "responders, standardised": partial(_standardised, responders=True),
    "spiessens_debois, mann_whitney": _populations,
    "song_chi, mann_whitney": partial(_populations, lenient=0.2),
    **{
        f"interaction, {by}": partial(_interaction, by=by)
        for by in ("mann_whitney", "t_test", "welch", "ancova", "responders", "proportional_odds")
    },
    **{
        f"{method}, 4 strata, {variance}": partial(
            _standardised_in_strata,
            responders=method.startswith("responders"),
            design=variance == "design",
        )
        for method in ("standardised_mann_whitney", "responders, standardised")
        for variance in ("simple", "design")
    },
    **{f"{name}, grades": partial(judged, onto=_grade) for name, judged in _OF_GRADES.items()},
    "margin, mean difference, t_test": partial(_means_at_margin, test=student_t_test),
    "margin, mean difference, welch": partial(_means_at_margin, test=welch_t_test),
    "margin, odds ratio": _odds_at_margin,
    **{
        f"margin, Mann-Whitney effect, {method}": partial(_at_margin, method=method)
        for method in _AT_A_MARGIN
    },
    **{
        f"margin, {measure.replace('_', ' ')}, {interval}": partial(
            _shares_at_margin, measure=measure, interval=interval
        )
        for measure in get_args(ShareMeasure)
        for interval in get_args(IntervalOfShares)
    },
    **{
        f"interval {method}, effect {effect}": partial(_interval, method=method, shift=shift)
        for method in ("null_variance", "delong", "brunner-munzel", "logit", "newcombe")
        for effect, shift in (("0.5", 0.0), ("0.71", _SHIFT))
    },
}

if __name__ == "__main__":
    trials, *names = sys.argv[1:] or [str(TRIALS)]
    print(markdown(int(trials), tuple(names)))
