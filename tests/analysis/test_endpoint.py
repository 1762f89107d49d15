"""What a plan makes of scores after discontinuation: composite, or while on treatment."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from trialsim.analysis.data import Data
from trialsim.analysis.endpoint import Endpoint, endpoint
from trialsim.analysis.primary import analyse_primary
from trialsim.errors import InputError
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.estimands import target_of
from trialsim.streams import Streams
from trialsim.trial.trial import Trial, simulate_batch

STOPPING = {"probability": 0.4, "days": {"distribution": "uniform", "low": 1, "high": 18}}


@pytest.fixture(scope="module")
def trial(two_outcomes: Scenario) -> Trial:
    study = two_outcomes.replace({"operations.discontinuation": STOPPING})
    return simulate_batch(study, Streams(6, range(8)))


def planned(trial: Trial, **changes: Any) -> Scenario:
    return trial.scenario.replace({f"analysis.{name}": value for name, value in changes.items()})


def values(trial: Trial, **changes: Any) -> Endpoint:
    return endpoint(trial, planned(trial, **changes).analysis)


def test_a_composite_ranks_those_who_stopped_with_the_dead_and_moves_nobody_else(
    trial: Trial,
) -> None:
    stopped = trial.conduct.discontinued <= trial.conduct.visit_minute[..., -1]
    plain, composite = values(trial), values(trial, discontinuation="worst_rank")
    assert 100 < stopped.sum() < stopped.size / 2
    assert (composite.cell[stopped & composite.analysed] == 0).all()
    assert_array_equal(composite.cell[~stopped], plain.cell[~stopped])


def test_while_on_treatment_is_the_last_score_before_the_infusions_ended(trial: Trial) -> None:
    """Oracle: each patient's visits gone through one by one."""
    found = values(trial, discontinuation="as_missing", missing="locf", death="as_missing")
    scores, conduct = trial.scores["arat"], trial.conduct
    for row, place in zip(*np.nonzero(found.analysed), strict=True):
        last = np.nan
        for visit, score in enumerate(scores[row, place]):
            before = conduct.visit_minute[row, place, visit] < conduct.discontinued[row, place]
            if before and not np.isnan(score):
                last = score
        assert found.cell[row, place] == last + 1


def test_as_missing_is_what_a_model_and_an_imputation_see(trial: Trial) -> None:
    for changes in (
        {"test": "mmrm", "missing": "likelihood"},
        {"missing": "multiple_imputation", "imputations": 2},
    ):
        plan = planned(trial, discontinuation="as_missing", death="as_missing", **changes).analysis
        after = trial.conduct.visit_minute >= trial.conduct.discontinued[..., None]
        assert np.isnan(Data(trial, plan).scores[after]).all()
        found = analyse_primary(trial, plan)
        alone = analyse_primary(trial, plan.model_copy(update={"discontinuation": "as_observed"}))
        assert (found.estimate != alone.estimate).any()


def test_neither_is_said_to_be_for_the_treatment_policy(trial: Trial) -> None:
    assert target_of(trial.scenario).is_target
    for rule in ("as_missing", "worst_rank"):
        assert not target_of(planned(trial, discontinuation=rule)).is_target


def test_a_mean_of_the_worst_rank_is_refused(trial: Trial) -> None:
    told = "analysis.discontinuation: cannot be worst_rank with welch, which needs a number"
    with pytest.raises(InputError, match=told):
        planned(trial, discontinuation="worst_rank", test="welch", death="as_missing")
