"""Who responds on two scales at once is counted patient by patient."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import t as student

from trialsim.analysis.data import Data
from trialsim.analysis.finding_figures import finding_figures
from trialsim.analysis.methods.proportional_odds import balanced_groups
from trialsim.analysis.methods.registry import truth_parts
from trialsim.analysis.primary import analyse_primary
from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.plan import plan_in_words
from trialsim.simulated import simulate
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch

GUEKHT = load("guekht2011")
SHARES = {"method": "responders", "threshold": 40, "covariates": ["arat"]}


@pytest.mark.parametrize("arm", ["cerebrolysin", "placebo"])
def test_both_conditions_are_met_by_the_same_patient(arm: str) -> None:
    """Against the table of visits: last scores carried forward, those seen after baseline."""
    trial = simulate(GUEKHT, seed=11)
    found = finding_figures(trial.batch, GUEKHT.findings)
    visits = trial.tables()["visits"]
    visits = visits[visits["arm"] == arm]
    adas, cibic = (
        visits.pivot(index="subject", columns="visit", values=name).astype(float)
        for name in ("adas_cog_plus", "cibic_plus")
    )
    after = ["week_4", "week_16", "week_24"]
    seen = cibic[after].notna().any(axis=1)
    change = adas[["baseline", *after]].ffill(axis=1)["week_24"] - adas["baseline"]
    impression = cibic[after].ffill(axis=1)["week_24"]
    both = (change <= -4 + 1e-9) & (impression <= 3)
    name = {"cerebrolysin": "both_active", "placebo": "both_placebo"}[arm]
    assert found[name].item() == pytest.approx(both[seen].mean(), abs=1e-12)
    single = found[name.replace("both", "adas_responders")].item()
    assert found[name].item() <= single
    assert np.isfinite(single)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"outcome": "cibic"}, "besides.outcome: must be an outcome that exists; did you mean cib"),
        ({"measure": "change"}, "besides.measure: must be score: cibic_plus is not measured at"),
    ],
)
def test_a_second_condition_that_cannot_be_asked_is_refused(
    changes: dict[str, str], told: str
) -> None:
    path = "findings.both_active.of.besides"
    with pytest.raises(InputError) as refused:
        GUEKHT.replace({f"{path}.{name}": value for name, value in changes.items()})
    assert told in str(refused.value)


def test_a_second_condition_goes_with_a_share_alone() -> None:
    of = {"findings.both_active.of.figure": "mean", "findings.both_active.of.at_most": None}
    with pytest.raises(InputError, match=r"besides: must go with a share"):
        GUEKHT.replace(of)


def test_the_standardised_difference_is_that_of_averaged_logistic_predictions() -> None:
    """Oracle: statsmodels' logistic regression, every patient predicted in either arm."""
    cars1 = load("cars1").replace({"design.patients": 120})
    trial = simulate_batch(cars1, Streams(3, range(2)))
    test = {"method": "responders", "threshold": 40, "covariates": ["arat", "age_years"]}
    plain = {**cars1.analysis.model_dump(), "test": {"method": "responders", "threshold": 40}}
    plan = AnalysisPlan.model_validate({**plain, "test": test})
    found, data = analyse_primary(trial, plan), Data(trial, plan)
    for one in range(2):
        known = data.values.analysed[one]
        responds = 1.0 * (data.values.cell[one][known] >= 41)  # the first cell is below the scale
        arm = 1.0 * data.arms[0][one][known]
        x = data.covariates(("arat", "age_years"))[one].T[known]
        fit = sm.Logit(responds, np.column_stack([np.ones(len(x)), arm, x])).fit(disp=0)
        treated, control = (
            fit.predict(np.column_stack([np.ones(len(x)), np.full(len(x), each), x])).mean()
            for each in (1.0, 0.0)
        )
        assert found.estimate[one] == pytest.approx(treated - control, abs=1e-6)
    without = analyse_primary(trial, AnalysisPlan.model_validate(plain))
    assert np.all(found.high - found.low < without.high - without.low)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"analysis.strata": "site"}, "strata: must be left at none with covariates"),
        (
            {"analysis.test": {**SHARES, "effect": "risk_ratio"}},
            "effect: must be left at risk_dif",
        ),
        (
            {"analysis.missing": "multiple_imputation"},
            "missing: cannot be multiple_imputation with",
        ),
        (
            {"analysis.test.covariates": ["arat", "height"]},
            "covariates.height: must be a covariate",
        ),
    ],
)
def test_what_a_standardised_difference_does_not_go_with_is_refused(
    changes: dict[str, object], told: str
) -> None:
    study = load("cars1").replace({"analysis.test": SHARES})
    with pytest.raises(InputError) as refused:
        study.replace(changes)
    assert told in str(refused.value)


def test_the_standardised_difference_has_the_error_of_the_patients_influences() -> None:
    """Oracle: the delta method by hand, with the fit of statsmodels."""
    names = ("arat", "age_years")
    study = load("cars1").replace(
        {"design.patients": 120, "analysis.test": {**SHARES, "covariates": list(names)}}
    )
    trial = simulate_batch(study, Streams(4, range(4)))
    found, data = analyse_primary(trial, study.analysis), Data(trial, study.analysis)
    for row in range(4):
        among = data.values.analysed[row]
        y = 1.0 * (data.values.cell[row][among] >= 41)
        columns = [1.0 * data.arms[0][row], *data.covariates(names)[row]]
        x = np.column_stack([np.ones(among.sum()), *(one[among] for one in columns)])
        beta = sm.GLM(y, x, family=sm.families.Binomial()).fit(tol=1e-12).params
        x1, x0 = x.copy(), x.copy()
        x1[:, 1], x0[:, 1] = 1, 0
        p, p1, p0 = (1 / (1 + np.exp(-one @ beta)) for one in (x, x1, x0))
        difference = float((p1 - p0).mean())
        gradient = ((p1 * (1 - p1))[:, None] * x1 - (p0 * (1 - p0))[:, None] * x0).mean(axis=0)
        information = x.T @ ((p * (1 - p))[:, None] * x) / len(y)
        through = (x * (y - p)[:, None]) @ np.linalg.solve(information, gradient)
        influence, freedom = p1 - p0 - difference + through, len(y) - 4
        error = np.sqrt((influence**2).sum() / (len(y) * freedom))
        half = student.ppf(0.975, freedom) * error
        assert found.z[row] == pytest.approx(difference / error, rel=1e-6)
        ends = found.low[row], found.high[row]
        assert ends == pytest.approx((difference - half, difference + half), abs=1e-7)
        expected = 2 * student.sf(abs(difference / error), freedom)
        assert found.p_value[row] == pytest.approx(expected, rel=1e-5)


def test_the_true_common_odds_ratio_is_that_of_large_strata_and_not_of_all_together() -> None:
    """Oracle: the shares by hand; strata that differ make the odds ratio of all nearer to 1."""
    study = load("cars1").replace(
        {
            "design.patients": 200,
            "design.stratify_by": "nothing",
            "design.strata": {"severity": {"covariate": "arat", "cuts": [1, 20]}},
            "analysis.secondary": {},
            "analysis.test": {"method": "responders", "threshold": 40, "effect": "odds_ratio"},
        }
    )
    within = {"analysis.strata": "design", "analysis.stratum_weighting": "mantel-haenszel"}
    trial = simulate_batch(study, Streams(8, range(64)))
    stratified = Data(trial, study.replace(within).analysis, complete=True)
    over, under = truth_parts(stratified)
    tables = stratified.counts
    responds = tables[..., 41:].sum(axis=-1)  # the first cell is below the scale
    patients = tables.sum(axis=-1)
    t, c = np.moveaxis(responds, -1, 0)
    n, m = np.moveaxis(patients, -1, 0)
    total = np.maximum(n + m, 1)
    common = (t * (m - c) / total).sum() / (c * (n - t) / total).sum()
    assert over.mean() / under.mean() == pytest.approx(common)
    together = truth_parts(Data(trial, study.analysis, complete=True))
    of_all = together.over.mean() / together.under.mean()
    shares = [one.sum() / other.sum() for one, other in ((t, n), (c, m))]
    odds = [share / (1 - share) for share in shares]
    assert of_all == pytest.approx(odds[0] / odds[1], rel=0.01)
    assert common > 1.1 * of_all > 1.1


STRATA = {
    "design.stratify_by": "nothing",
    "design.strata": {
        "arm_function": {"covariate": "arat", "cuts": [1, 20]},
        "severity": {"covariate": "nihss", "cuts": [8, 12]},
    },
    "analysis.secondary": {},
}
AGE = {"covariates": ["age_years"]}


@pytest.mark.parametrize(
    "test",
    [
        {"method": "responders", "threshold": 40, **AGE},
        {"method": "standardised_mann_whitney", **AGE},
    ],
    ids=lambda one: str(one["method"]),
)
def test_the_variance_of_the_design_is_smaller_where_strata_tell_of_the_score(
    test: dict[str, object],
) -> None:
    """And of a factor of its own under minimisation: the estimate is the same."""
    for procedure in ({"method": "blocks", "sizes": [4]}, {"method": "minimisation"}):
        study = load("cars1").replace(
            {**STRATA, "design.randomisation": procedure, "analysis.test": test}
        )
        by_design = study.replace({"analysis.test": {**test, "variance": "design"}})
        usual = study.replace({"analysis.test": {**test, "variance": "simple"}})
        assert usual.digest == study.digest != by_design.digest
        trial = simulate_batch(study, Streams(6, range(32)))
        simple, found = (analyse_primary(trial, one.analysis) for one in (study, by_design))
        assert np.array_equal(simple.estimate, found.estimate)
        narrower = (found.high - found.low) / (simple.high - simple.low)
        assert narrower.max() <= 1
        assert 0.6 < narrower.mean() < 0.9
        groups = balanced_groups(Data(trial, by_design.analysis))
        assert groups.shape[-1] == (2 if procedure["method"] == "minimisation" else 1)
        assert groups.max() == (5 if procedure["method"] == "minimisation" else 8)
        assert "within the strata of the design" in study_words(by_design)
        assert "as under simple randomisation" in study_words(study)


def study_words(study: Scenario) -> str:
    return " ".join(plan_in_words(study.analysis, study.outcomes).values())


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"design.randomisation": "urn"},
            "variance: must be simple under a procedure that keeps no balance within strata",
        ),
        (
            {"design.randomisation": {"method": "biased_coin", "probability": 0.5}},
            "variance: must be simple under a procedure",
        ),
        (
            {"analysis.test.covariates": []},
            "variance: must be left at simple without covariates",
        ),
    ],
)
def test_balance_that_there_is_not_is_not_counted_on(changes: dict[str, object], told: str) -> None:
    study = load("cars1").replace({**STRATA, "analysis.test": {**SHARES, "variance": "design"}})
    with pytest.raises(InputError) as refused:
        study.replace(changes)
    assert told in str(refused.value)
