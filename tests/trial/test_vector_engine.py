"""Recruitment of a whole batch: caps on the patients of some kinds."""

from typing import Any

import numpy as np
import pytest

from trialsim.analysis.whole.covered import not_covered
from trialsim.clock import NEVER
from trialsim.datasets import tables
from trialsim.errors import InputError
from trialsim.reporting.consort.flow import flow_of
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.description import describe
from trialsim.streams import Streams
from trialsim.trial.trial import Trial, simulate_batch

SEVERE = {"label": "Severe stroke", "covariate": "nihss", "at_least": 10}
CAPS: dict[str, Any] = {
    "severe": {"who": SEVERE, "share": 0.3},
    "women": {"who": {"label": "Women", "covariate": "sex", "equals": "female"}, "share": 0.25},
}


@pytest.fixture(scope="module")
def study() -> Scenario:
    return load("cars1").replace({"design.patients": 40, "design.caps": CAPS})


@pytest.fixture(scope="module")
def trial(study: Scenario) -> Trial:
    return simulate_batch(study, Streams(2, range(8)), "vector")


def kinds_of(trial: Trial, candidates: Any) -> list[Any]:
    """Return who is severe, and who is a woman."""
    known, rows = trial.cohort.covariates, np.arange(len(candidates))[:, None]
    return [known["nihss"][rows, candidates] >= 10, known["sex"][rows, candidates] == 0]


def test_no_more_of_a_kind_are_randomised_and_the_first_to_be_ready_are(
    trial: Trial, study: Scenario
) -> None:
    """Whoever is of no full kind is randomised as soon as ready, one by one."""
    severe, women = kinds_of(trial, trial.candidate)
    assert severe.sum(axis=1).tolist() == [12] * 8
    assert women.sum(axis=1).max() <= 10
    itinerary = trial.recruited.itinerary
    for row in range(8):
        taken, chosen = np.zeros(2, int), []
        order = np.lexsort((itinerary.candidate[row], itinerary.ready[row]))
        for place in order:
            number = itinerary.candidate[row, place]
            kind = np.array([one[row, 0] for one in kinds_of(trial, np.full((8, 1), number))])
            if itinerary.ready[row, place] < NEVER and not (kind & (taken >= (12, 10))).any():
                taken += kind
                chosen.append(number)
        assert trial.candidate[row].tolist() == chosen[:40]


@pytest.mark.parametrize("chairs", [None, 1])
def test_the_event_engine_has_the_same_caps(chairs: int | None, study: Scenario) -> None:
    changes = {"operations.infusion_chairs_per_site": chairs, "operations.infusion_minutes": 200}
    same = study.replace(changes)
    events = simulate_batch(same, Streams(2, range(8)), "events")
    severe, women = kinds_of(events, events.candidate)
    assert severe.sum(axis=1).max() <= 12
    assert women.sum(axis=1).max() <= 10
    if chairs is None:
        vector = simulate_batch(same, Streams(2, range(8)), "vector")
        assert (events.candidate == vector.candidate).all()
        assert (events.arms == vector.arms).all()
    else:
        assert events.conduct.waited is not None
        assert events.conduct.waited.any()


def test_a_candidate_beyond_a_cap_is_told_with_that_reason(trial: Trial, study: Scenario) -> None:
    screening = tables(trial)["screening"]
    capped = screening[screening["reason"] == "cap_severe"]
    assert len(capped) > 20
    assert (capped["nihss"] >= 10).all()
    assert (capped["outcome"] == "screen failure").all()
    assert capped["failed_rules"].isna().all()
    told = flow_of(trial).to_frame()
    line = told[told["label"] == "Enough patients randomised: Severe stroke"]
    assert line["mean"].tolist() == [len(capped) / 8]
    words = describe(study).sections[0].words
    assert (
        "Severe stroke: at most 12 patients (30%); a candidate beyond is not randomised." in words
    )
    assert set(not_covered(study)) == {"design.caps"}
    # Nobody missed the window who was only turned away, and all are accounted for.
    plain = study.replace({"design.caps": {}})
    usual = tables(simulate_batch(plain, Streams(2, range(8)), "vector"))["screening"]
    missed = [(one["reason"] == "window_missed").mean() for one in (screening, usual)]
    assert abs(missed[0] - missed[1]) < 0.05
    assert screening["reason"].isna().sum() == 8 * 40


@pytest.mark.parametrize(
    ("cap", "problem"),
    [
        ({"who": SEVERE, "share": 0.01}, "design.caps.one.share: must leave a place for one of 40"),
        ({"who": {**SEVERE, "covariate": "nihs"}, "share": 0.4}, "did you mean nihss?"),
    ],
)
def test_a_cap_that_cannot_be_meant_is_refused(cap: Any, problem: str, study: Scenario) -> None:
    with pytest.raises(InputError) as caught:
        study.replace({"design.caps": {"one": cap}})
    assert problem in str(caught.value)
