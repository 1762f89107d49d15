"""Missing scores imputed several times, by address."""

from collections.abc import Iterator

import numpy as np

from trialsim.analysis.data import Data
from trialsim.analysis.endpoint import endpoint_of_values
from trialsim.arrays import Floats


def completed(data: Data) -> Iterator[Data]:
    """Yield the trial after each imputation; in each arm, who has any score has all."""
    from trialsim.stats.missing.multiple_imputation import impute

    plan, last = data.plan, data.visit
    grid = data.outcome.grid  # imputed in steps, which the method rounds
    scores = grid.cell_of(data.scores[:, :, : last + 1])
    arms = [np.where(arm[:, :, np.newaxis], scores, np.nan) for arm in data.arms]
    for imputation in range(plan.imputations):
        value = scores[:, :, last]
        for scores_of_arm, name in zip(arms, (plan.treated, plan.control), strict=True):
            numbers = _numbers(data, name, imputation, scores_of_arm.shape)
            drawn = impute(scores_of_arm, numbers, 0, grid.steps)[0, :, :, last]
            value = np.where(np.isnan(value), drawn, value)
        yield data.imputed(endpoint_of_values(data.trial, plan, grid.score_of(value)))


def _numbers(data: Data, arm: str, imputation: int, shape: tuple[int, ...]) -> Floats:
    """Return the uniforms of one imputation of an arm, as `uniforms_shape` describes them."""
    _, patients, visits = shape
    planned, endpoint = len(data.trial.scenario.design.visits), data.plan.endpoint
    rows = []
    for visit in range(visits):
        draw = imputation * planned + visit
        own = data.uniform(f"imputation {endpoint}", patients, draw)
        model = data.uniform(f"imputation model {endpoint} {arm}", visits + 1, draw)
        rows.append(np.concatenate([own, model], axis=1))
    return np.stack(rows, axis=1)[np.newaxis]
