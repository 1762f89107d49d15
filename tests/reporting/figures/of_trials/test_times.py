"""Curves of times to an event, against the analysis that they are of."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import trialsim as ts
from trialsim.reporting.figures.canvas.trials import trials_of
from trialsim.reporting.figures.of_trials.times import times_data

STUDY = ts.load("cars1_recovery").replace({"operations.death.probability": 0.2})


def test_curves_have_the_patients_of_the_analysis_and_its_restricted_mean() -> None:
    """The area below the curves up to day 90 is the estimate of the secondary analysis."""
    trial = ts.simulate(STUDY, seed=2016)
    result, curves = ts.analyse(trial), times_data(trials_of(trial.batch), "days_recovered")
    treated, control = (
        curves[curves["arm"] == arm].set_index("day") for arm in ("cerebrolysin", "placebo")
    )
    assert (treated["at_risk"][0], control["at_risk"][0]) == (
        result.primary.treated,
        result.primary.control,
    )
    recovered = (treated["share"] - control["share"])[:90].sum()
    assert_allclose(result.secondary["days_recovered"].estimate, recovered, rtol=1e-9)
    assert set(curves["day"][curves["events"] > 0]) <= {7, 14, 21, 42, 90}
    bad = times_data(trials_of(trial.batch), "death_or_withdrawal")
    gone = trial.tables()["disposition"]["status"].isin(["died", "withdrawn"]).sum()
    assert bad["events"].sum() == gone  # who was never seen among them


def test_nothing_is_drawn_of_analyses_without_times_and_a_name_is_offered() -> None:
    trial = ts.simulate("cars1", seed=2016)
    with pytest.raises(ts.InputError, match="analysis: must be of times to an event"):
        trial.plot("times")
    with pytest.raises(ts.InputError, match=r"analysis: .* primary, days_recovered, death_or_with"):
        ts.simulate(STUDY, seed=2016).plot("times", analysis="global_status")


def test_an_arm_of_nobody_is_drawn() -> None:
    smallest = STUDY.replace({"design.patients": 2, "operations.visit_missed_probability": 1.0})
    trial = ts.simulate(smallest, seed=2016)
    assert trial.plot("times").get_axes()
    assert np.isnan(times_data(trials_of(trial.batch))["share"]).sum() in (0, 91, 182)
