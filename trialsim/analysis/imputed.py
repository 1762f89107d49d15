"""Missing scores imputed several times, by address, and the analyses pooled by Rubin's rules."""

from collections.abc import Iterator

import numpy as np

from trialsim.analysis.comparison import Comparison, on_scale
from trialsim.analysis.counts import cell_counts
from trialsim.analysis.endpoint import Endpoint, endpoint_of_values, visit_of
from trialsim.analysis.sample_methods import mean_difference_of, of_means
from trialsim.analysis.samples import in_arms, samples_of, uniform
from trialsim.arrays import Floats
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods import MannWhitney
from trialsim.stats.means_and_proportions.mean_difference import mean_difference
from trialsim.stats.missing.multiple_imputation import impute
from trialsim.stats.missing.rubins_rules import pool_effects, pool_estimates
from trialsim.stats.ranks.mann_whitney import summarise_counts
from trialsim.trial.trial import Trial


def compare_imputed(trial: Trial, plan: AnalysisPlan) -> Comparison:
    """Analyse every completed data set and pool the results."""
    if isinstance(plan.test, MannWhitney):
        return _by_ranks(trial, plan)
    return _by_means(trial, plan)


def completed(trial: Trial, plan: AnalysisPlan) -> Iterator[Endpoint]:
    """Yield the endpoint of each imputation; in each arm, who has any score has all."""
    last = visit_of(trial, plan)
    grid = trial.scenario.outcomes[plan.endpoint].grid  # imputed in steps, which the method rounds
    scores = grid.cell_of(trial.scores[plan.endpoint][:, :, : last + 1])
    arms = [np.where(arm[:, :, np.newaxis], scores, np.nan) for arm in in_arms(trial, plan)]
    for imputation in range(plan.imputations):
        value = scores[:, :, last]
        for scores_of_arm, name in zip(arms, (plan.treated, plan.control), strict=True):
            numbers = _numbers(trial, plan, name, imputation, scores_of_arm.shape)
            drawn = impute(scores_of_arm, numbers, 0, grid.steps)[0, :, :, last]
            value = np.where(np.isnan(value), drawn, value)
        yield endpoint_of_values(trial, plan, grid.score_of(value))


def _numbers(
    trial: Trial, plan: AnalysisPlan, arm: str, imputation: int, shape: tuple[int, ...]
) -> Floats:
    """Return the uniforms of one imputation of an arm, as `uniforms_shape` describes them."""
    _, patients, visits = shape
    planned = len(trial.scenario.design.visits)
    rows = []
    for visit in range(visits):
        draw = imputation * planned + visit
        own = uniform(trial, f"imputation {plan.endpoint}", patients, draw)
        model = uniform(trial, f"imputation model {plan.endpoint} {arm}", visits + 1, draw)
        rows.append(np.concatenate([own, model], axis=1))
    return np.stack(rows, axis=1)[np.newaxis]


def _by_ranks(trial: Trial, plan: AnalysisPlan) -> Comparison:
    counts = [cell_counts(trial, plan, values)[:, 0] for values in completed(trial, plan)]
    tables = np.stack(counts)
    summary = summarise_counts(tables[:, :, 0], tables[:, :, 1])
    found = pool_effects(summary, "logit", plan.confidence, plan.alternative)
    sizes = summary.treated[0], summary.control[0]
    ends = found.effect, found.low, found.high
    return on_scale(Comparison(*ends, found.t, found.p_value, *sizes), plan.effect)


def _by_means(trial: Trial, plan: AnalysisPlan) -> Comparison:
    """Pool differences of means; the freedom if nothing were missing is the least of any."""
    samples = [samples_of(trial, plan, values) for values in completed(trial, plan)]
    each = [mean_difference_of(trial, plan, one) for one in samples]
    estimates = np.stack([one.estimate for one in each])
    variances = np.nan_to_num(np.stack([one.standard_error for one in each])) ** 2
    freedom = np.nan_to_num(np.stack([one.degrees_of_freedom for one in each]), nan=1.0)
    pooled = pool_estimates(estimates, variances, freedom.min(axis=0))
    found = mean_difference(
        pooled.estimate,
        pooled.variance,
        pooled.degrees_of_freedom,
        plan.confidence,
        plan.alternative,
    )
    return of_means(found, samples[0])
