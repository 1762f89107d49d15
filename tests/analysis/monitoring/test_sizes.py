"""The number of patients set again at a look, and the tests that stay valid after it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import scipy

from trialsim.analysis.monitoring.finished import FinishedTrial
from trialsim.analysis.monitoring.monitored import Monitored, monitor
from trialsim.arrays import Booleans
from trialsim.replicates.monitoring.monitored import largest
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.monitoring import boundary_of
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch


def study(by: str, test: str = "conventional", **more: Any) -> Scenario:
    """Return CARS-1 of 104 patients whose number is set again when half of them are known."""
    sizes = {"at": "first", "by": by, "power": 0.9, "at_least": 104, "at_most": 208}
    plan: Mapping[str, Any] = {
        "looks": {"first": {"when": {"known": 0.5}}},
        "efficacy": "none",
        "planned_effect": 0.66,
        "re_estimation": sizes | more,
        "final": {"test": test, "because": "a test of the test"},
    }
    changes = {"design.patients": 104, "outcomes.arat.effect.value": 0.62, "monitoring": plan}
    return load("cars1").replace(changes)


def looked(scenario: Scenario, replicates: int = 64, seed: int = 3) -> Monitored:
    """Return the looks of a batch of the largest trials."""
    trial = simulate_batch(largest(scenario), Streams(seed, range(replicates)))
    return monitor(FinishedTrial(trial), boundary_of(scenario))


def test_a_blinded_size_does_not_depend_on_the_arms() -> None:
    """Swapping what is treated changes no size."""
    scenario = study("blinded")
    found = looked(scenario)
    arms = {"analysis.treated": "placebo", "analysis.control": "cerebrolysin"}
    swapped = looked(scenario.replace(arms))
    assert found.patients.tolist() == swapped.patients.tolist()
    assert 104 < found.patients.mean() < 208
    assert found.patients.std() < 15


def test_a_blinded_size_makes_up_for_the_alpha_that_looks_spend() -> None:
    """By a tenth with a Pocock look at half, by next to nothing with O'Brien and Fleming's."""
    rules = {"none": 1.0, "classical_pocock": 1.1001, "classical_obrien_fleming": 1.0071}
    found = {
        rule: looked(
            study("blinded", at_least=60, at_most=400).replace({"monitoring.efficacy": rule})
        )
        for rule in rules
    }
    in_by_then = found["none"].moments.randomised_by_decision[:, 0]
    free = (found["none"].patients > in_by_then) & (in_by_then < 104)
    assert free.sum() > 10
    for rule, inflation in rules.items():
        ratio = found[rule].patients[free] / found["none"].patients[free]
        assert ratio == pytest.approx(np.full(len(ratio), inflation), abs=1.5 / 104), rule


def test_unblinded_sizes_lie_between_the_planned_and_the_most() -> None:
    for by in ("conditional_power", "promising_zone"):
        found = looked(study(by, "inverse_normal"))
        assert found.patients.min() == 104
        assert found.patients.max() <= 208
        assert (found.patients > 104).any()
        assert (found.enrolled.sum(axis=1) == found.patients).all()


def test_the_zone_alone_is_promising() -> None:
    zone, power = (looked(study(by, "fisher")) for by in ("promising_zone", "conditional_power"))
    more = zone.patients > 104
    assert (zone.patients[more] == power.patients[more]).all()
    open_still = power.moments.randomised_by_decision[:, 0] < 104
    assert (power.patients[(power.z[:, 0] < 0) & open_still] == 208).all()
    assert (zone.patients[zone.z[:, 0] < 0] == 104).all()


def test_no_size_falls_below_those_who_are_in() -> None:
    found = looked(study("blinded", at_least=30, effect=0.75))
    in_by_then = found.moments.randomised_by_decision[:, 0]
    assert (found.patients >= in_by_then).all()
    assert (found.patients == in_by_then).any()


def test_recruitment_that_has_closed_is_not_opened_again() -> None:
    scenario = study("blinded").replace({"monitoring.looks.first.decided_after_days": 400.0})
    found = looked(scenario)
    full = found.moments.randomised_by_decision[:, 0] >= 104
    assert full.any()
    assert (found.patients[full] == 104).all()


def z_by_scipy(found: Monitored, replicate: int, included: Booleans) -> float:
    """Return the z of some patients of a trial, ranked among themselves, by SciPy."""
    values = found.finished.values
    chosen = included & values.analysed[replicate]
    treated, control = (
        values.cell[replicate, chosen & (found.finished.trial.arms[replicate] == arm)]
        for arm in (0, 1)
    )
    test = scipy.stats.mannwhitneyu(
        treated, control, use_continuity=False, alternative="greater", method="asymptotic"
    )
    return float(-scipy.special.ndtri(test.pvalue))


@pytest.mark.parametrize("test", ["cui_hung_wang", "inverse_normal"])
def test_either_stage_is_ranked_by_itself_and_has_its_planned_weight(test: str) -> None:
    """Also where the second stage is larger than planned: Cui, Hung and Wang (1999)."""
    found = looked(study("promising_zone", test))
    cut = found.moments.minute[:, :1]
    for replicate in np.flatnonzero(found.patients > 104)[:10]:
        randomised = np.arange(found.finished.known.shape[1]) < found.patients[replicate]
        known = found.finished.known[replicate] <= cut[replicate]
        first = z_by_scipy(found, replicate, randomised & known)
        second = z_by_scipy(found, replicate, randomised & ~known)
        assert found.z[replicate, -1] == pytest.approx((first + second) / np.sqrt(2), abs=1e-9)


def test_weighted_stages_are_nearly_the_conventional_test_where_nothing_changed() -> None:
    found = looked(study("promising_zone", "cui_hung_wang"))
    conventional = looked(study("promising_zone"))
    same = found.patients == 104
    assert np.corrcoef(found.z[same, -1], conventional.z[same, -1])[0, 1] > 0.98
    assert not np.allclose(found.z[~same, -1], conventional.z[~same, -1], atol=1e-6)


def test_fishers_product_has_the_level_of_the_last_analysis() -> None:
    found = looked(study("promising_zone", "fisher"))
    assert found.bounds.efficacy[:, -1] == pytest.approx(1.959964, abs=1e-5)
    assert np.isinf(found.bounds.efficacy[:, 0]).all()
    assert np.corrcoef(found.z[:, -1], found.found.z[:, -1])[0, 1] > 0.7
