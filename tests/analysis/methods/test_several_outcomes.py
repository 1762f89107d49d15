"""Wei and Lachin's test over the visits of one outcome."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from trialsim.analysis.analyse import analyse
from trialsim.analysis.primary import analyse_primary
from trialsim.replicates.run import Simulation
from trialsim.scenario.scenario import Scenario
from trialsim.simulated import SimulatedTrial
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch

Planned: TypeAlias = Callable[..., SimulatedTrial]
VISITS = ["day_21", "day_42", "day_90"]


def over(*visits: str, **more: Any) -> dict[str, Any]:
    return {"method": "wei_lachin", "outcomes": ["arat"], "visits": list(visits), **more}


def test_the_estimate_is_the_mean_of_the_effects_at_the_visits(planned: Planned) -> None:
    together = analyse(planned(test=over(*VISITS))).primary
    alone = [analyse(planned(visit=visit)).primary for visit in VISITS]
    assert_allclose(together.estimate, np.mean([one.estimate for one in alone]), rtol=1e-12)
    assert together.treated >= max(one.treated for one in alone)


def test_visits_that_repeat_one_another_tell_no_more_than_one(two_outcomes: Scenario) -> None:
    """With everybody gone before the first of the visits, scores are carried to all of them."""
    leaves = {"probability": 1.0, "days": {"distribution": "constant", "value": 16}}
    study = two_outcomes.replace({"operations.withdrawal": leaves})
    trial = simulate_batch(study, Streams(3, range(4)))
    plans = [
        study.replace({"analysis.test": test, "analysis.death": "as_missing"}).analysis
        for test in (over(*VISITS), "mann_whitney")
    ]
    together, alone = (analyse_primary(trial, plan) for plan in plans)
    assert_allclose(together.estimate, alone.estimate, rtol=1e-12)
    assert_allclose(together.z, alone.z, rtol=0.02)  # its null variance is another one


def test_at_another_visit_the_outcome_stands_alone(planned: Planned) -> None:
    secondary = analyse(planned(test=over(*VISITS))).secondary
    assert_allclose(
        secondary["day_7"].estimate, analyse(planned(visit="day_7")).primary.estimate, rtol=1e-12
    )


def test_outcomes_and_visits_are_combined_together(planned: Planned) -> None:
    both = over("day_42", "day_90") | {"outcomes": ["arat", "disability"]}
    together = analyse(planned(test=both)).primary.estimate
    alone = [
        analyse(planned(endpoint=outcome, visit=visit)).primary.estimate
        for outcome in ("arat", "disability")
        for visit in ("day_42", "day_90")
    ]
    assert_allclose(together, np.mean(alone), rtol=1e-12)


def test_the_batch_changes_no_bit(two_outcomes: Scenario) -> None:
    study = two_outcomes.replace({"analysis.test": over(*VISITS)})
    whole, parts = (Simulation(study, 11, "vector", size).run(range(3, 20)) for size in (64, 5))
    for name, column in whole.columns.items():
        assert_array_equal(column, parts.columns[name], err_msg=name)


def test_in_strata_patients_are_compared_with_those_of_their_site(planned: Planned) -> None:
    """At each visit alone it is van Elteren's test, and over visits the mean of their effects."""
    alone = [analyse(planned(visit=visit, strata="site")).primary for visit in VISITS]
    whole = analyse(planned(test=over(*VISITS), strata="site"))
    assert_allclose(whole.estimate, np.mean([one.estimate for one in alone]), rtol=1e-12)
    assert_allclose(
        whole.secondary["day_7"].p_value,
        analyse(planned(visit="day_7", strata="site")).p_value,
        rtol=1e-10,
    )
    assert "within each site" in whole.conventions["estimate"]
