"""Sites can differ: in how their patients fare, and in how much the drug does there."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import kstest, norm

from tests.trial.test_several_outcomes import WIDE, with_outcomes
from trialsim.errors import InputError
from trialsim.questions.count_power import count_power_of
from trialsim.questions.power import power
from trialsim.replicates.quantities import QUANTITIES
from trialsim.replicates.run import Simulation
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.description import describe
from trialsim.streams import Streams
from trialsim.trial.trial import Trial, simulate_batch

REPLICATES = 2_000
SITES: dict[str, Any] = {"outcomes.arat.site_sd": 20.0, "analysis.secondary": {}}


def batch(cars1: Scenario, wide: dict[str, Any], effect: dict[str, Any]) -> Trial:
    """Simulate a scale without floor or ceiling whose steps are fine."""
    outcome = {**WIDE, **wide, "effect": {**WIDE["effect"], **effect}}  # type: ignore[dict-item]
    study = with_outcomes(cars1, {"a": outcome}, **{"design.patients": 60})
    return simulate_batch(study, Streams(13, range(60)))


def of_sites(moved: Any, trial: Trial, among: Any) -> Any:
    """Return by how much each site moved, the first patient there, (site of a replicate,)."""
    found = []
    for replicate, row in enumerate(moved):
        for site in range(12):
            here = among[replicate] & (trial.site[replicate] == site)
            if here.any():
                assert np.ptp(row[here]) <= 0.25, "a step of the scale"
                found.append(row[here].mean())
    return np.array(found)


def test_patients_of_a_site_are_moved_alike_at_every_visit_after_baseline(cars1: Scenario) -> None:
    """Whatever their arm; over sites normal, with the SD written."""
    plain, spread = (batch(cars1, wide, {}) for wide in ({}, {"site_sd": 20.0}))
    for visit in (1, 5):
        moved = spread.underlying.at("a", visit) - plain.underlying.at("a", visit)
        own = of_sites(moved, spread, np.ones_like(spread.arms, np.bool_))
        assert kstest(own, norm(0, 20).cdf).pvalue > 0.01
    assert np.array_equal(plain.arms, spread.arms)


def test_the_drug_does_more_at_some_sites(cars1: Scenario) -> None:
    """Among the treated alone; the sites' scores and their effects are not the same numbers."""
    plain, spread, both = (
        batch(cars1, *one)
        for one in (
            ({}, {"value": 6.0}),
            ({}, {"value": 6.0, "site_sd": 20.0}),
            ({"site_sd": 20.0}, {"value": 6.0, "site_sd": 20.0}),
        )
    )
    moved, more = (
        one.underlying.at("a", 5) - other.underlying.at("a", 5)
        for one, other in ((spread, plain), (both, spread))
    )
    treated = spread.arms == 0
    assert not moved[~treated].any()
    effects, scores = (of_sites(one, spread, treated) for one in (moved, more))
    assert kstest(effects, norm(0, 20).cdf).pvalue > 0.01
    assert abs(np.corrcoef(effects, scores)[0, 1]) < 4 / np.sqrt(len(effects))


def test_sites_differ_alike_on_correlated_outcomes(cars1: Scenario) -> None:
    """By the correlation of the patients' scores, here 0.8, towards the better ends."""
    outcomes = {
        name: {**WIDE, "site_sd": 20.0, "better": better}
        for name, better in (("a", "higher"), ("b", "lower"))
    }
    still = {name: {**one, "site_sd": 0.0} for name, one in outcomes.items()}
    correlated: dict[str, Any] = {"design.patients": 60, "outcome_correlation": {"common": 0.8}}
    spread, plain = (
        simulate_batch(with_outcomes(cars1, one, **correlated), Streams(13, range(60)))
        for one in (outcomes, still)
    )
    everybody = np.ones_like(spread.arms, np.bool_)
    a, b = (
        of_sites(spread.underlying.at(name, 5) - plain.underlying.at(name, 5), spread, everybody)
        for name in ("a", "b")
    )
    assert np.corrcoef(a, -b)[0, 1] == pytest.approx(0.8, abs=4 * (1 - 0.8**2) / np.sqrt(len(a)))


def test_both_engines_give_the_same_sites_the_same_effects(cars1: Scenario) -> None:
    study = cars1.replace({**SITES, "outcomes.arat.effect.site_sd": 8.0, "design.patients": 40})
    vector, events = (Simulation(study, 7, one).run(range(4)) for one in ("vector", "events"))
    for name in QUANTITIES:
        assert np.array_equal(vector.columns[name], events.columns[name], equal_nan=True), name


def rejections(cars1: Scenario, **effect: Any) -> tuple[float, float]:
    """Return the shares of the same trials that reject without and with strata, on either side.

    The true effect is that of sites that differ: they lower it by 0.018 where the effect is some,
    and what is left is the bias of the last observation carried forward.
    """
    study = cars1.replace(
        {
            **{f"outcomes.arat.effect.{name}": value for name, value in effect.items()},
            "analysis.secondary": {"stratified": {"strata": "site"}},
        }
    )
    found = power(study, replicates=REPLICATES, n_jobs=1, secondary=True)
    assert abs(found.bias.estimate) < 0.002
    stratified = found.columns["secondary stratified rejected"].mean()
    return float(found.rejections.estimate), float(stratified)


def test_with_centres_that_differ_the_stratified_test_alone_uses_its_level(
    cars1: Scenario,
) -> None:
    """Blocks balance the arms within sites, so that a test that ignores sites is conservative."""
    error = np.sqrt(0.05 * 0.95 / REPLICATES)
    differing = cars1.replace({"outcomes.arat.site_sd": 20.0})
    plain, stratified = rejections(differing, value=0.5)
    assert abs(stratified - 0.05) < 4 * error
    assert plain < 0.05 - 4 * error
    plain, stratified = rejections(differing, value=0.63)
    assert stratified > plain + 0.03


def test_an_effect_that_differs_between_centres_exceeds_the_level_of_either_test(
    cars1: Scenario,
) -> None:
    """Neither test knows that the sites are a sample of sites, where the mean effect is none."""
    error = np.sqrt(0.05 * 0.95 / REPLICATES)
    assert min(rejections(cars1, value=0.5, site_sd=10.0)) > 0.05 + 8 * error


def test_what_is_shown_says_by_how_much_sites_differ(cars1: Scenario) -> None:
    study = cars1.replace({"outcomes.arat.site_sd": 3.5, "outcomes.arat.effect.site_sd": 2.0})
    (section,) = (one for one in describe(study).sections if "Action Research" in one.title)
    told = "Sites differ, normally, in the latent score of all patients (SD 3.5) and in the drug's"
    assert any(told in word for word in section.words)
    rows = {row.path: row for row in section.rows}
    for path in ("outcomes.arat.site_sd", "outcomes.arat.effect.site_sd"):
        assert rows[path].status == "assumed"


def test_the_count_path_refuses_patients_who_are_not_independent(cars1: Scenario) -> None:
    with pytest.raises(InputError) as caught:
        count_power_of(cars1.replace({"outcomes.arat.site_sd": 3.5}), 10, cohort=2)
    assert str(caught.value) == (
        "outcomes.arat.site_sd: must be 0 for the count path, whose patients are independent "
        "(got 3.5)"
    )
