"""Who presents, when and where: Poisson arrivals at gamma rates, and correlated covariates."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from trialsim.clock import DAY, MONTH
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.cohort import Cohort, enrol, site_rates

UNTIL = 150 * DAY


def several_sites(cars1: Scenario, variation: float) -> Scenario:
    """Return three sites that open late and a recruitment that is all there is to see."""
    opening = {"first": 0, "second": 30.4, "third": 60}
    return cars1.replace(
        {
            "operations.sites": {name: {"activation_day": day} for name, day in opening.items()},
            "operations.candidates_per_site_per_month": 6,
            "operations.site_rate_coefficient_of_variation": variation,
        }
    )


def arrivals_per_site(cohort: Cohort, until: int = UNTIL) -> Any:
    """Return how many candidates arrive at each of three sites until a minute."""
    assert cohort.complete_until.min() > until
    before = cohort.arrival <= until
    return np.stack([(before & (cohort.site == site)).sum(axis=1) for site in range(3)], axis=1)


def test_site_rates_have_the_mean_and_the_variation_asked_for(cars1: Scenario) -> None:
    """Mean within four standard errors; the coefficient of variation of a gamma within 3%."""
    rates = site_rates(cars1.operations, Streams(1, range(4000))) * MONTH
    mean = cars1.operations.candidates_per_site_per_month
    variation = cars1.operations.site_rate_coefficient_of_variation
    assert abs(rates.mean() - mean) < 4 * mean * variation / rates.size**0.5
    assert abs(rates.std() / rates.mean() / variation - 1) < 0.03


def test_sites_without_variation_have_one_rate(cars1: Scenario) -> None:
    operations = several_sites(cars1, 0).operations
    assert np.unique(site_rates(operations, Streams(1, range(9)))) == pytest.approx([6 / MONTH])


def test_arrivals_are_poisson_at_every_site(cars1: Scenario) -> None:
    """Counts until day 150 against the Poisson distribution of rate times days open, by SciPy."""
    cohort = enrol(several_sites(cars1, 0), Streams(2, range(2000)), 176)
    counts = arrivals_per_site(cohort)
    for site, opened in enumerate([0, 30.4, 60]):
        expected = stats.poisson(6 / MONTH * (UNTIL - opened * DAY))
        edges = expected.ppf([0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95])
        cells = np.bincount(np.searchsorted(edges, counts[:, site]), minlength=8)
        shares = np.diff([0, *expected.cdf(edges), 1])
        assert stats.chisquare(cells, 2000 * shares).pvalue > 0.001


def test_arrivals_follow_the_rates_that_the_sites_drew(cars1: Scenario) -> None:
    """Given the rates, counts scatter as Poisson counts do: chi-square over 3,000 sites."""
    scenario, streams = several_sites(cars1, 0.5), Streams(3, range(1000))
    counts = arrivals_per_site(enrol(scenario, streams, 400))
    opened = np.array([0, 30.4, 60]) * DAY
    expected = site_rates(scenario.operations, streams) * (UNTIL - opened)
    enough = expected > 5
    chi_square = ((counts - expected) ** 2 / expected)[enough].sum()
    assert 0.001 < stats.chi2(enough.sum()).cdf(chi_square) < 0.999


def test_sites_recruit_independently(cars1: Scenario) -> None:
    """Without variation of rates, counts of different sites are uncorrelated."""
    counts = arrivals_per_site(enrol(several_sites(cars1, 0), Streams(4, range(2000)), 176))
    correlation = np.asarray(np.corrcoef(counts, rowvar=False))[np.triu_indices(3, 1)]
    assert np.abs(correlation).max() < 4 / 2000**0.5


def test_arrivals_are_uniform_over_the_time_that_a_site_is_open(cars1: Scenario) -> None:
    """Given their number, a Poisson process's arrivals are uniform: Kolmogorov-Smirnov."""
    cohort = enrol(several_sites(cars1, 0.5), Streams(5, range(200)), 400)
    for site, opened in enumerate([0, 30.4 * DAY, 60 * DAY]):
        times = cohort.arrival[(cohort.site == site) & (cohort.arrival <= UNTIL)]
        assert stats.kstest((times - opened) / (UNTIL - opened), "uniform").pvalue > 0.001


def test_nobody_arrives_before_the_site_opens(cars1: Scenario) -> None:
    cohort = enrol(several_sites(cars1, 0.5), Streams(6, range(300)), 64)
    opened = np.array([0, 30.4, 60]) * DAY
    assert (cohort.arrival >= opened[cohort.site]).all()


def test_a_site_that_opens_later_moves_its_own_candidates_alone(cars1: Scenario) -> None:
    """They are the same people, so many days later; everybody else comes as before."""
    early, late = several_sites(cars1, 0.5), several_sites(cars1, 0.5)
    late = late.replace({"operations.sites.third.activation_day": 100})
    first, second = (enrol(one, Streams(7, range(50)), 176) for one in (early, late))
    assert (second.site == first.site).all()
    later = np.where(first.site == 2, 40 * DAY, 0)
    assert later.any()
    assert (second.arrival == first.arrival + later).all()
    assert (second.covariates["arat"] == first.covariates["arat"]).all()


def test_another_pace_of_recruitment_moves_dates_alone(cars1: Scenario) -> None:
    """At twice the pace everybody comes to the same site in half the time after its opening."""
    slow, fast = several_sites(cars1, 0.5), several_sites(cars1, 0.5)
    fast = fast.replace({"operations.candidates_per_site_per_month": 12})
    first, second = (enrol(one, Streams(7, range(50)), 176) for one in (slow, fast))
    assert (second.site == first.site).all()
    opened = (np.array([0, 30.4, 60]) * DAY)[first.site]
    np.testing.assert_allclose(second.arrival - opened, (first.arrival - opened) / 2, atol=1)


def test_nobody_comes_before_all_who_came_are_known(cars1: Scenario) -> None:
    """Drawn farther, no further candidate arrives before the minute that the cohort names."""
    some, more = (enrol(several_sites(cars1, 0.5), Streams(7, range(50)), n) for n in (60, 600))
    assert (more.arrival[:, 60:] >= some.complete_until[:, None]).all()
    assert (some.complete_until > 60 * DAY).any()


def test_covariates_are_correlated_as_asked(cars1: Scenario) -> None:
    """Normal scores of 64,000 candidates, each pair within four standard errors."""
    population = cars1.population
    cohort = enrol(cars1, Streams(8, range(64)), 1000)
    scores = [cohort.covariates.normal_score(name).ravel() for name in population.correlated]
    asked, found = population.correlation_matrix, np.corrcoef(scores)
    assert (np.abs(found - asked) <= 4 * (1 - asked**2) / 64_000**0.5 + 1e-12).all()


def test_covariates_not_in_the_correlation_are_independent(cars1: Scenario) -> None:
    cohort = enrol(cars1, Streams(9, range(64)), 500)
    names = [name for name in cohort.covariates if name not in cars1.population.correlated]
    values = [cohort.covariates[name].ravel() for name in (*names, "nihss")]
    others = np.asarray(np.corrcoef(values))[np.triu_indices(len(values), 1)]
    assert len(others) > 40
    assert np.abs(others).max() < 4.5 / 32_000**0.5


def oracle_of(margin: Any) -> Any:
    """Return SciPy's distribution for a margin of the study."""
    match margin.distribution:
        case "lognormal":
            return stats.lognorm(margin.log_sd, scale=margin.median)
        case "beta":
            share, width = margin.mean / margin.high, margin.high
            size = share * (1 - share) * (width / margin.sd) ** 2 - 1
            return stats.beta(share * size, (1 - share) * size, scale=width)
        case _:
            low, high = (
                np.inf * sign if bound is None else (bound - margin.mean) / margin.sd
                for bound, sign in ((margin.low, -1), (margin.high, 1))
            )
            return stats.truncnorm(low, high, margin.mean, margin.sd)


@pytest.mark.parametrize(
    "name", ["age_years", "nihss", "systolic_mmhg", "onset_to_arrival_hours", "arat"]
)
def test_margins_are_those_asked_for(cars1: Scenario, name: str) -> None:
    """Quantiles of 51,200 candidates by SciPy; whole numbers by the share below each half."""
    values = enrol(cars1, Streams(10, range(64)), 800).covariates[name].ravel()
    oracle = oracle_of(cars1.population.covariates[name].margin)
    at = np.unique(np.floor(oracle.ppf(np.linspace(0.05, 0.95, 10)))) + 0.5
    expected = oracle.cdf(at)
    found = (values[:, None] < at).mean(axis=0)
    error = np.sqrt(expected * (1 - expected) / values.size)
    assert (np.abs(found - expected) < 4 * error).all()


def test_levels_and_flags_have_the_shares_asked_for(cars1: Scenario) -> None:
    covariates = enrol(cars1, Streams(11, range(64)), 800).covariates
    for name in ("sex", "mechanism", "recent_myocardial_infarction"):
        margin: Any = cars1.population.covariates[name].margin
        if margin.distribution == "bernoulli":
            expected = [1 - margin.probability, margin.probability]
        else:
            expected = [*margin.levels.values()]
        counts = np.bincount(covariates[name].ravel().astype(int), minlength=len(expected))
        assert stats.chisquare(counts, np.array(expected) * 51_200).pvalue > 0.001


def test_rules_are_judged_as_the_protocol_says(cars1: Scenario) -> None:
    """Every rule of CARS-1 written out by hand over the covariates."""
    cohort = enrol(cars1, Streams(12, range(8)), 500)
    value = cohort.covariates
    by_hand = [
        (value["age_years"] < 45) | (value["age_years"] > 85),
        value["mechanism"] == 2,
        value["territory"] == 1,
        value["stroke_type"] == 1,
        value["rapidly_improving"] == 1,
        value["systolic_mmhg"] > 220,
        value["diastolic_mmhg"] > 120,
        value["glasgow_coma_scale"] <= 6,
        value["recent_myocardial_infarction"] == 1,
    ]
    assert (cohort.fails == np.stack(by_hand, axis=2)).all()
    assert (cohort.eligible == ~np.any(by_hand, axis=0)).all()
    assert all(rule.any() for rule in by_hand)


def test_more_candidates_change_no_earlier_candidate(cars1: Scenario) -> None:
    fewer, more = (enrol(cars1, Streams(13, range(60, 70)), number) for number in (100, 333))
    for part in ("site", "arrival", "onset", "screened", "fails"):
        assert (getattr(fewer, part) == getattr(more, part)[:, :100]).all()
    for name in fewer.covariates:
        assert (fewer.covariates[name] == more.covariates[name][:, :100]).all()


def test_another_eligibility_rule_changes_no_candidate(cars1: Scenario) -> None:
    strict = cars1.replace(
        {"eligibility.inclusion.age.at_most": 60, "eligibility.exclusion.coma.at_most": 12}
    )
    one, other = (enrol(scenario, Streams(14, range(10)), 200) for scenario in (cars1, strict))
    assert (one.arrival == other.arrival).all()
    assert (one.onset == other.onset).all()
    assert (one.screened == other.screened).all()
    assert all((one.covariates[name] == other.covariates[name]).all() for name in one.covariates)
    assert other.fails.sum() > one.fails.sum()


@pytest.mark.parametrize("place", ["first", "last", "correlated"])
def test_an_added_covariate_changes_no_other(cars1: Scenario, place: str) -> None:
    """Wherever it is written, or written last if it is correlated with others."""
    covariates = {
        name: covariate.model_dump() for name, covariate in cars1.population.covariates.items()
    }
    added = {"glucose": {"label": "Glucose", "margin": {"distribution": "exponential", "mean": 7}}}
    together = {**added, **covariates} if place == "first" else {**covariates, **added}
    changes: dict[str, Any] = {"population.covariates": together}
    if place == "correlated":
        correlation = {**cars1.population.correlation, "glucose": {"nihss": 0.3, "arat": -0.1}}
        changes["population.correlation"] = correlation
    richer = cars1.replace(changes)
    one, other = (enrol(scenario, Streams(15, range(10)), 200) for scenario in (cars1, richer))
    assert [*other.covariates] == [*together]
    assert all((one.covariates[name] == other.covariates[name]).all() for name in one.covariates)
    assert (one.fails == other.fails).all()
