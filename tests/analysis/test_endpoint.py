"""What a plan makes of scores after each kind of event, one by one and together."""

from typing import Any, get_args

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from trialsim.analysis.data import Data
from trialsim.analysis.endpoint import Endpoint, endpoint
from trialsim.analysis.imputed import completed
from trialsim.analysis.primary import analyse_primary
from trialsim.clock import NEVER
from trialsim.errors import InputError
from trialsim.scenario.protocol.intercurrent import TreatmentEvent
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
    plain, composite = values(trial), values(trial, intercurrent={"discontinuation": "composite"})
    assert 100 < stopped.sum() < stopped.size / 2
    assert (composite.cell[stopped & composite.analysed] == 0).all()
    assert_array_equal(composite.cell[~stopped], plain.cell[~stopped])


def test_where_patients_stand_is_found_anew_at_another_visit_and_not_for_another_outcome(
    trial: Trial,
) -> None:
    composite = {"discontinuation": "composite"}
    data = Data(trial, planned(trial, intercurrent=composite).analysis)
    alike, earlier = data.of("disability"), data.of("arat", "day_7")
    assert alike.standing is data.standing
    expected = values(trial, intercurrent=composite, visit="day_7")
    assert (earlier.values.cell == 0).sum() < (data.values.cell == 0).sum()
    assert_array_equal(earlier.values.cell, expected.cell)


def test_while_on_treatment_is_the_last_score_before_the_infusions_ended(trial: Trial) -> None:
    """Oracle: each patient's visits gone through one by one."""
    plan = {"missing": "locf", "death": "as_missing"}
    found = values(trial, intercurrent={"discontinuation": "hypothetical"}, **plan)
    for missing in ("locf", "complete_case", "bocf"):
        same = values(
            trial,
            intercurrent={"discontinuation": "while_on_treatment"},
            **plan | {"missing": missing},
        )
        stopped = trial.conduct.discontinued <= trial.conduct.visit_minute[..., -1]
        assert_array_equal(same.cell[stopped], found.cell[stopped])
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
        plan = planned(
            trial, intercurrent={"discontinuation": "hypothetical"}, death="as_missing", **changes
        ).analysis
        after = trial.conduct.visit_minute >= trial.conduct.discontinued[..., None]
        assert np.isnan(Data(trial, plan).scores[after]).all()
        found = analyse_primary(trial, plan)
        alone = analyse_primary(trial, plan.model_copy(update={"intercurrent": {}}))
        assert (found.estimate != alone.estimate).any()


def test_neither_is_said_to_be_for_the_treatment_policy(trial: Trial) -> None:
    assert target_of(trial.scenario).is_target
    for rule in ("hypothetical", "composite", "while_on_treatment", "principal_stratum"):
        assert not target_of(planned(trial, intercurrent={"discontinuation": rule})).is_target


def test_a_mean_of_the_worst_rank_is_refused(trial: Trial) -> None:
    told = "analysis.intercurrent.discontinuation: cannot be composite with welch, which needs a"
    with pytest.raises(InputError, match=told):
        planned(
            trial, intercurrent={"discontinuation": "composite"}, test="welch", death="as_missing"
        )


KINDS: tuple[TreatmentEvent, ...] = get_args(TreatmentEvent)


@pytest.fixture(scope="module")
def eventful(two_outcomes: Scenario) -> Trial:
    changes: dict[str, Any] = {f"operations.{kind}": STOPPING for kind in KINDS}
    changes["operations.switching"] = {**STOPPING, "to": "placebo"}
    return simulate_batch(two_outcomes.replace(changes), Streams(6, range(4)))


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("missing", ["locf", "complete_case", "worst_rank"])
def test_each_kind_of_event_is_handled_in_its_own_way(
    eventful: Trial, missing: str, turn: int
) -> None:
    """Oracle: each patient's visits gone through one by one, in the words of the estimands."""
    strategies = ["hypothetical", "while_on_treatment", "composite", "principal_stratum"]
    how = {kind: strategies[(place + turn) % 4] for place, kind in enumerate(KINDS)}
    rules = {"death": "as_missing", "analysis_set": "all_randomised"}
    found = values(eventful, intercurrent=how, missing=missing, **rules)
    conduct, scores = eventful.conduct, eventful.scores["arat"]
    minutes = {kind: conduct.minute_of(kind) for kind in KINDS}
    ways = set()
    for row, place in np.ndindex(eventful.arms.shape):
        when = conduct.visit_minute[row, place]
        had = {how[kind]: int(minutes[kind][row, place]) for kind in KINDS}
        ends = min(had["hypothetical"], had["while_on_treatment"])
        seen = [
            score if at < ends else np.nan
            for at, score in zip(when, scores[row, place], strict=True)
        ]
        known = [score for score in seen if not np.isnan(score)]
        expected: float | None = None if np.isnan(seen[-1]) else seen[-1]
        on_treatment = had["while_on_treatment"] <= min(when[-1], had["hypothetical"])
        if expected is None and known and (missing == "locf" or on_treatment):
            expected = known[-1]
        cell = None if expected is None else expected + 1
        if had["composite"] <= when[-1] or (cell is None and missing == "worst_rank"):
            cell = 0
        if had["principal_stratum"] <= when[-1]:
            cell = None
        ways.add((cell is None, cell == 0, on_treatment))
        assert found.analysed[row, place] == (cell is not None)
        assert cell is None or found.cell[row, place] == cell
    assert len(ways) > 3


def test_what_is_left_out_counts_as_it_is_and_one_discontinuation_is_like_another(
    eventful: Trial,
) -> None:
    plain = values(eventful)
    told = values(eventful, intercurrent=dict.fromkeys(KINDS, "treatment_policy"))
    assert_array_equal(plain.cell, told.cell)
    either = values(eventful, intercurrent={"discontinuation": "composite"})
    both = dict.fromkeys(KINDS[:2], "composite")
    assert_array_equal(either.cell, values(eventful, intercurrent=both).cell)
    apart = {"discontinuation": "composite", "drug_related_discontinuation": "treatment_policy"}
    for_drug = eventful.conduct.stopped_for_drug < NEVER
    found = values(eventful, intercurrent=apart)
    assert for_drug.sum() > 50
    assert_array_equal(found.cell[for_drug], plain.cell[for_drug])
    assert_array_equal(found.cell[~for_drug], either.cell[~for_drug])


def test_an_imputation_leaves_the_last_score_before_an_event_that_counts(eventful: Trial) -> None:
    how = {"rescue": "while_on_treatment", "switching": "hypothetical"}
    imputed = {"missing": "multiple_imputation", "imputations": 2, "death": "as_missing"}
    study = planned(eventful, intercurrent=how, **imputed)
    first, second = (one.values.cell for one in completed(Data(eventful, study.analysis)))
    carried = values(eventful, intercurrent=how, missing="locf", death="as_missing").cell
    conduct, visit = eventful.conduct, eventful.conduct.visit_minute[..., -1]
    rescued = (conduct.rescued <= visit) & (conduct.rescued < conduct.switched)
    gone = (conduct.switched <= visit) & (conduct.switched < conduct.rescued)
    assert_array_equal(first[rescued], carried[rescued])
    assert_array_equal(second[rescued], carried[rescued])
    assert (first[gone] != second[gone]).mean() > 0.5


def test_a_model_of_all_visits_refuses_the_last_score_before_an_event(trial: Trial) -> None:
    plan = {"test": "mmrm", "missing": "likelihood", "death": "as_missing"}
    told = "analysis.intercurrent.rescue: cannot be while_on_treatment with mmrm"
    with pytest.raises(InputError, match=told):
        planned(trial, intercurrent={"rescue": "while_on_treatment"}, **plan)
