"""Each method of a plan gives what SciPy, statsmodels or plain arithmetic gives on the tables."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from pandas import DataFrame
from scipy import stats
from statsmodels.api import OLS, add_constant
from statsmodels.miscmodels.ordinal_model import OrderedModel
from statsmodels.stats.proportion import confint_proportions_2indep

from trialsim.analysis.analyse import Estimate, analyse
from trialsim.analysis.primary import analyse_primary
from trialsim.questions.power import power
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.simulated import SimulatedTrial
from trialsim.stats.means_and_proportions.standardised_effect import standardised_effect
from trialsim.stats.ranks.brunner_munzel import brunner_munzel_exact
from trialsim.stats.ranks.mann_whitney import mann_whitney
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch

Array: TypeAlias = NDArray[np.float64]
Planned: TypeAlias = Callable[..., SimulatedTrial]
ByHand: TypeAlias = Callable[..., DataFrame]

SMALL = 12
"""Patients so few that all ways of dealing them to the arms can be listed."""


def arms_of(found: DataFrame, column: str = "value") -> tuple[Array, Array]:
    treated, control = (
        found.loc[found["arm"] == arm, column].to_numpy(float)
        for arm in ("cerebrolysin", "placebo")
    )
    return treated, control


def primary(trial: SimulatedTrial) -> Estimate:
    return analyse(trial).primary


def effect_of(treated: Array, control: Array) -> float:
    """Return the Mann-Whitney effect by looking at every pair."""
    difference = treated[:, None] - control
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


def test_the_mann_whitney_test_with_continuity_is_scipys(planned: Planned, by_hand: ByHand) -> None:
    trial = planned(continuity_correction=True)
    treated, control = arms_of(by_hand(trial))
    oracle = stats.mannwhitneyu(treated, control, use_continuity=True, method="asymptotic")
    found = primary(trial)
    assert_allclose(found.p_value, oracle.pvalue, rtol=1e-12)
    assert_allclose(found.estimate, effect_of(treated, control), rtol=1e-12)
    assert (found.treated, found.control) == (len(treated), len(control))


def exact(treated: Array, control: Array) -> float:
    """Return SciPy's exact permutation p-value of the distance of the effect from one half."""

    def distance(one: Array, other: Array) -> float:
        return round(abs(effect_of(one, other) - 0.5), 12)

    everything: Any = {"n_resamples": np.inf, "alternative": "greater", "vectorized": False}
    test: Any = stats.permutation_test([treated, control], distance, **everything)
    return float(test.pvalue)


def test_the_exact_test_is_scipys_over_all_allocations(planned: Planned, by_hand: ByHand) -> None:
    trial = planned(SMALL, test="exact_mann_whitney")
    assert_allclose(primary(trial).p_value, exact(*arms_of(by_hand(trial))), rtol=1e-12)


@pytest.mark.parametrize("statistic", ["mann_whitney", "brunner_munzel"])
def test_a_permutation_test_comes_near_to_all_allocations(
    statistic: str, planned: Planned, by_hand: ByHand
) -> None:
    """Within 4 standard errors of as many random allocations."""
    draws = 2000
    method = {"method": "permutation", "statistic": statistic, "permutations": draws}
    trial = planned(SMALL, test=method)
    arms = arms_of(by_hand(trial))
    oracle = exact(*arms)
    if statistic == "brunner_munzel":
        oracle = brunner_munzel_exact(*arms).p_value.item()
    error = np.sqrt(oracle * (1 - oracle) / draws)
    assert abs(primary(trial).p_value - oracle) < 4 * error + 1 / draws
    assert 0 < oracle < 1


@pytest.mark.parametrize("reference", ["t", "normal"])
def test_the_brunner_munzel_test_is_scipys(
    reference: Any, planned: Planned, by_hand: ByHand
) -> None:
    """SciPy's statistic has the other sign."""
    trial = planned(test={"method": "brunner_munzel", "reference": reference})
    oracle = stats.brunnermunzel(*arms_of(by_hand(trial)), distribution=reference)
    found = primary(trial)
    assert_allclose(found.p_value, oracle.pvalue, rtol=1e-10)
    assert_allclose(found.statistic, -oracle.statistic, rtol=1e-10)


def test_strata_give_van_elterens_test(planned: Planned, by_hand: ByHand) -> None:
    """Oracle: midrank sums within sites by SciPy's ranks and tie correction."""
    trial = planned(strata="site")
    distance = variance = 0.0
    for _, site in by_hand(trial).groupby("site", observed=True):
        treated, control = arms_of(site)
        m, n = len(treated), len(control)
        if not m or not n:
            continue
        ranks: Any = stats.rankdata(np.r_[treated, control])
        distance += (ranks[:m].sum() - m * (m + n + 1) / 2) / (m + n + 1)
        variance += stats.tiecorrect(ranks) * m * n / 12 / (m + n + 1)
    found = primary(trial)
    assert_allclose(found.statistic, distance / np.sqrt(variance), rtol=1e-10)
    assert_allclose(found.p_value, 2 * stats.norm.sf(abs(found.statistic)), rtol=1e-10)


def test_the_weights_of_strata_are_those_that_the_plan_names(
    planned: Planned, by_hand: ByHand
) -> None:
    trial = planned(strata="site", stratum_weighting="pairs")
    won = pairs = 0.0
    for _, site in by_hand(trial).groupby("site", observed=True):
        treated, control = arms_of(site)
        if len(treated) and len(control):
            pairs += len(treated) * len(control)
            won += len(treated) * len(control) * effect_of(treated, control)
    assert_allclose(primary(trial).estimate, won / pairs, rtol=1e-12)


def placements(treated: Array, control: Array) -> tuple[Array, Array]:
    """Return for each patient the share of pairs that the treated win."""
    wins = (treated[:, None] > control) + 0.5 * (treated[:, None] == control)
    return wins.mean(axis=1), wins.mean(axis=0)


@pytest.mark.parametrize("how", ["mean", "rank"])
def test_the_adjusted_effect_takes_off_what_imbalance_explains(
    how: str, planned: Planned, by_hand: ByHand
) -> None:
    """Oracle: f - V_fg g / V_gg from placements and sample covariances (Koch 1998)."""
    trial = planned(test={"method": "adjusted_rank", "covariates": {"arat": how}})
    found = by_hand(trial)
    effect = placements(*arms_of(found))
    before = arms_of(found, "baseline")
    imbalance = placements(*before) if how == "rank" else before
    sign = 1 if how == "rank" else -1
    parts = [np.cov(effect[arm], imbalance[arm]) / len(effect[arm]) for arm in (0, 1)]
    parts[1] *= np.array([[1, sign], [sign, 1]])  # a control's mean is taken off
    total = parts[0] + parts[1]
    away = imbalance[0].mean() - (0.5 if how == "rank" else before[1].mean())
    slope = total[0, 1] / total[1, 1]
    oracle = effect[0].mean() - slope * away
    result = primary(trial)
    assert_allclose(result.estimate, oracle, rtol=1e-10)
    left = sum(len(arm) for arm in effect) - 2  # degrees of freedom without the covariate
    variance = (total[0, 0] - slope * total[0, 1]) * left / (left - 1)
    error = np.sqrt(variance * (1 + away**2 / total[1, 1] / left))
    statistic = (oracle - 0.5) / error
    assert_allclose(result.statistic, statistic, rtol=1e-10)
    assert_allclose(result.p_value, 2 * stats.t.sf(abs(statistic), left - 1), rtol=1e-9)
    half = stats.t.ppf(0.975, left - 1) * error
    assert_allclose(result.ci, np.clip([oracle - half, oracle + half], 0, 1), rtol=1e-9)


def test_adjustment_within_sites_leaves_the_level_of_each_site_out(planned: Planned) -> None:
    """A covariate that says nothing costs nothing: age hardly moves the stratified effect."""
    plain = primary(planned(strata="site"))
    method = {"method": "adjusted_rank", "covariates": {"age_years": "mean"}}
    assert abs(primary(planned(strata="site", test=method)).estimate - plain.estimate) < 0.05


OUTCOMES = ["arat", "disability"]


def test_the_wei_lachin_test_pools_the_outcomes(planned: Planned, by_hand: ByHand) -> None:
    """Oracle: mean effect, and DeLong's variance of each patient's mean placement."""
    trial = planned(test={"method": "wei_lachin", "outcomes": OUTCOMES, "variance": "placement"})
    each = [placements(*arms_of(by_hand(trial, name))) for name in OUTCOMES]
    treated, control = (np.mean([one[arm] for one in each], axis=0) for arm in (0, 1))
    variance = treated.var(ddof=1) / len(treated) + control.var(ddof=1) / len(control)
    found = primary(trial)
    assert_allclose(found.estimate, treated.mean(), rtol=1e-12)
    assert_allclose(found.statistic, (treated.mean() - 0.5) / np.sqrt(variance), rtol=1e-10)


def test_obriens_test_is_the_t_test_of_rank_sums(planned: Planned, by_hand: ByHand) -> None:
    trial = planned(test={"method": "obrien", "outcomes": OUTCOMES})
    each = [arms_of(by_hand(trial, name)) for name in OUTCOMES]
    sums = np.sum([stats.rankdata(np.concatenate(arms)) for arms in each], axis=0)
    oracle = stats.ttest_ind(sums[: len(each[0][0])], sums[len(each[0][0]) :])
    found = primary(trial)
    assert_allclose([found.statistic, found.p_value], [oracle.statistic, oracle.pvalue], rtol=1e-10)


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize(("method", "equal"), [("t_test", True), ("welch", False)])
def test_the_t_tests_are_scipys_towards_the_better_end(
    method: str, equal: bool, outcome: str, planned: Planned, by_hand: ByHand
) -> None:
    trial = planned(test=method, death="as_missing", endpoint=outcome)
    treated, control = arms_of(by_hand(trial, outcome, dead_below=False))
    oracle = stats.ttest_ind(treated, control, equal_var=equal)
    found = primary(trial)
    assert_allclose([found.statistic, found.p_value], [oracle.statistic, oracle.pvalue], rtol=1e-10)
    assert_allclose(found.ci, oracle.confidence_interval(), rtol=1e-10)
    assert (found.quantity, found.null) == ("mean difference", 0)


def test_the_analysis_of_covariance_is_least_squares(planned: Planned, by_hand: ByHand) -> None:
    trial = planned(test="ancova", death="as_missing")
    found = by_hand(trial, dead_below=False)
    arm = (found["arm"] == "cerebrolysin").to_numpy(float)
    design = add_constant(np.column_stack([arm, found["baseline"]]))
    oracle = OLS(found["value"].to_numpy(), design).fit()
    result = primary(trial)
    assert_allclose(result.estimate, oracle.params[1], rtol=1e-9)
    assert_allclose(result.ci, oracle.conf_int()[1], rtol=1e-9)
    assert_allclose(result.p_value, oracle.pvalues[1], rtol=1e-9)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_responders_are_compared_as_by_statsmodels_and_scipy(
    outcome: str, planned: Planned, by_hand: ByHand
) -> None:
    threshold = 40 if outcome == "arat" else 57 - 40
    method = {"method": "responders", "threshold": threshold}
    trial = planned(test=method, endpoint=outcome)
    treated, control = arms_of(by_hand(trial, outcome))
    x, y = int((treated >= 40).sum()), int((control >= 40).sum())
    m, n = len(treated), len(control)
    found = primary(trial)
    assert_allclose(found.estimate, x / m - y / n, rtol=1e-12)
    assert_allclose(found.ci, confint_proportions_2indep(x, m, y, n, method="newcomb"), rtol=1e-9)
    fisher: Any = stats.fisher_exact(np.array([[x, m - x], [y, n - y]]))
    assert_allclose(found.p_value, fisher.pvalue, rtol=1e-9)
    assert np.isnan(found.statistic)


def test_proportional_odds_are_those_of_statsmodels(planned: Planned, by_hand: ByHand) -> None:
    trial = planned(30, test="proportional_odds")
    found = by_hand(trial)
    cells = np.unique(found["value"], return_inverse=True)[1]
    arm = (found["arm"] == "cerebrolysin").to_numpy(float)
    fit = OrderedModel(cells, arm[:, None], distr="logit").fit(method="bfgs", gtol=1e-7, disp=False)
    assert_allclose(primary(trial).estimate, np.exp(fit.params[0]), rtol=1e-6)
    ranks = mann_whitney(*arms_of(found))
    assert_allclose(primary(trial).statistic, ranks.z * np.sqrt(len(arm) / (len(arm) - 1)))


def test_proportional_odds_are_given_the_covariates_that_the_plan_names(
    planned: Planned, by_hand: ByHand
) -> None:
    trial = planned(40, test={"method": "proportional_odds", "covariates": ["age_years"]})
    found = by_hand(trial)
    ages = trial.tables()["screening"].set_index("screening_number")["age_years"]
    age = ages.loc[found["screening_number"]].to_numpy(float)
    arm = (found["arm"] == "cerebrolysin").to_numpy(float)
    cells = np.unique(found["value"], return_inverse=True)[1]
    covariates = np.column_stack([arm, (age - age.mean()) / age.std()])
    model = OrderedModel(cells, covariates, distr="logit")
    fit = model.fit(method="bfgs", gtol=1e-7, maxiter=500, disp=False)
    assert_allclose(primary(trial).estimate, np.exp(fit.params[0]), rtol=1e-5)
    without = primary(planned(40, test="proportional_odds")).estimate
    assert abs(primary(trial).estimate / without - 1) > 1e-3


def test_the_profile_interval_differs_from_walds_and_nothing_else_does(planned: Planned) -> None:
    test = {"method": "proportional_odds", "covariates": ["age_years"]}
    wald, profile = (
        primary(planned(test={**test, **one})) for one in ({}, {"interval": "profile"})
    )
    assert profile.estimate == wald.estimate
    assert profile.p_value == wald.p_value
    assert profile.ci[0] < profile.estimate < profile.ci[1]
    for one, other in zip(profile.ci, wald.ci, strict=True):
        assert 0 < abs(one / other - 1) < 0.1


def test_a_standardised_effect_is_of_the_covariates_that_the_plan_names(
    planned: Planned, by_hand: ByHand
) -> None:
    test = {"method": "standardised_mann_whitney", "covariates": ["age_years"]}
    trial = planned(40, test=test)
    found = by_hand(trial)
    ages = trial.tables()["screening"].set_index("screening_number")["age_years"]
    age = ages.loc[found["screening_number"]].to_numpy(float)
    arm = (found["arm"] == "cerebrolysin").to_numpy(float)
    cells = np.unique(found["value"], return_inverse=True)[1]
    expected = standardised_effect(1.0 * cells, np.column_stack([arm, age]), cells.max() + 1)
    one = primary(trial)
    assert_allclose(one.estimate, expected.effect, rtol=1e-9)
    assert_allclose(one.statistic, (expected.effect - 0.5) / np.sqrt(expected.variance), rtol=1e-7)
    odds = primary(planned(40, test=test, effect="win_odds"))
    assert_allclose([odds.estimate, *odds.ci], [x / (1 - x) for x in (one.estimate, *one.ci)])


def test_a_standardised_effect_has_the_marginal_truth_of_one_without_covariates() -> None:
    study = load("cars1").replace({"analysis.secondary": {}})
    test = {"method": "standardised_mann_whitney", "covariates": ["arat"]}
    found = power(study.replace({"analysis.test": test}), 64, n_jobs=1)
    plain = power(study, 64, n_jobs=1)
    assert found.truth == plain.truth
    assert np.std(found.columns["estimate"]) < np.std(plain.columns["estimate"])


def test_separated_arms_reject_under_proportional_odds() -> None:
    """An odds ratio of 0 or infinity is the strongest evidence, not none."""
    strong = {"design.patients": 12, "outcomes.arat.effect.value": 0.92, "analysis.secondary": {}}
    separable = load("cars1").replace({**strong, "operations.visit_missed_probability": 0.0})
    trials = simulate_batch(separable, Streams(2016, range(200)))
    plan = separable.replace({"analysis.test": "proportional_odds"}).analysis
    odds, ranks = analyse_primary(trials, plan), analyse_primary(trials, separable.analysis)
    infinite = np.isinf(odds.estimate)
    assert infinite.sum() > 50
    assert odds.rejected[infinite].mean() > 0.9
    assert abs(odds.rejected.mean() - ranks.rejected.mean()) < 0.1


def test_effects_are_the_same_pairs_on_other_scales(planned: Planned, by_hand: ByHand) -> None:
    plain = primary(planned())
    treated, control = arms_of(by_hand(planned()))
    difference = treated[:, None] - control
    won, lost = (difference > 0).sum(), (difference < 0).sum()
    tied = difference.size - won - lost
    oracle = {
        "win_odds": ((won + tied / 2) / (lost + tied / 2), 1.0),
        "net_benefit": ((won - lost) / difference.size, 0.0),
        "win_ratio": (won / lost, 1.0),
    }
    for effect, (estimate, null) in oracle.items():
        found = primary(planned(effect=effect))
        assert_allclose(found.estimate, estimate, rtol=1e-12)
        assert found.null == null
        assert found.p_value == plain.p_value
        assert found.ci[0] < estimate < found.ci[1]
    low, high = plain.ci
    assert_allclose(primary(planned(effect="net_benefit")).ci, (2 * low - 1, 2 * high - 1))
    assert_allclose(primary(planned(effect="win_odds")).ci, (low / (1 - low), high / (1 - high)))


def test_the_change_from_baseline_is_analysed_by_any_method(
    planned: Planned, by_hand: ByHand
) -> None:
    trial = planned(test="t_test", death="as_missing", measure="change")
    found = by_hand(trial, dead_below=False)
    found["change"] = found["value"] - found["baseline"]
    oracle = stats.ttest_ind(*arms_of(found, "change"))
    assert_allclose(primary(trial).p_value, oracle.pvalue, rtol=1e-10)


def test_a_smaller_effect_than_none_is_below_the_null_value(two_outcomes: Scenario) -> None:
    """Whatever is estimated, swapping the arms brings the estimate to the other side."""
    from trialsim.simulated import simulate

    methods: list[Any] = ["mann_whitney", "welch", "ancova", "t_test", "brunner_munzel"]
    methods += [{"method": "responders", "threshold": 40}]
    methods += [{"method": "wei_lachin", "outcomes": OUTCOMES}]
    methods += [{"method": "obrien", "outcomes": OUTCOMES}]
    for method in methods:
        plan = {"analysis.test": method, "analysis.death": "as_missing"}
        swapped = {"analysis.treated": "placebo", "analysis.control": "cerebrolysin"}
        one, other = (
            primary(simulate(two_outcomes.replace({**plan, **more}), seed=9))
            for more in ({}, swapped)
        )
        assert_allclose(one.estimate - one.null, one.null - other.estimate, atol=1e-12)
        assert one.estimate > one.null
        assert_allclose(one.p_value, other.p_value, rtol=1e-9)
