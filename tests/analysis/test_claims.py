"""A claim is made where the interval lies beyond the margin, on the scale of every analysis."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtri

import trialsim as ts
from trialsim.analysis.primary import PrimaryAnalysis, analyse_primary
from trialsim.analysis.secondary import every_analysis
from trialsim.questions.assurance.prior import normal_prior
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.streams import Streams
from trialsim.trial.trial import Trial, simulate_batch

CARS1 = load("cars1")
RESPONDERS = {"method": "responders", "threshold": 40}
RANKS = {"interval": "logit"}
MEANS = {"death": "as_missing"}
WITHIN_SITES = {"strata": "site"}
METHODS: dict[str, tuple[dict[str, Any], float]] = {
    **{f"mann_whitney {one}": ({"interval": one}, 0.4) for one in ("delong", "logit", "newcombe")},
    "win odds": ({**RANKS, "effect": "win_odds"}, 0.667),
    "net benefit": ({**RANKS, "effect": "net_benefit"}, -0.2),
    "win ratio": ({"effect": "win_ratio"}, 0.6),
    "van Elteren": (WITHIN_SITES, 0.4),
    "brunner_munzel": ({"interval": "brunner-munzel", "test": "brunner_munzel"}, 0.4),
    "adjusted": ({"test": {"method": "adjusted_rank", "covariates": {"arat": "rank"}}}, 0.4),
    "wei_lachin": (
        {"test": {"method": "wei_lachin", "outcomes": ["arat", "nihss"], "variance": "placement"}},
        0.4,
    ),
    "t_test": ({**MEANS, "test": "t_test"}, -8.0),
    "welch": ({**MEANS, "test": "welch"}, -8.0),
    "ancova": ({**MEANS, "test": "ancova"}, -8.0),
    "mmrm": ({**MEANS, "test": "mmrm", "missing": "likelihood"}, -8.0),
    "odds ratio": ({"test": "proportional_odds"}, 0.5),
    "risk difference": ({"test": RESPONDERS}, -0.2),
    "risk difference, score": ({"test": {**RESPONDERS, "interval": "miettinen-nurminen"}}, -0.2),
    "risk ratio": ({"test": {**RESPONDERS, "effect": "risk_ratio"}}, 0.6),
    "risk ratio, score": (
        {"test": {**RESPONDERS, "effect": "risk_ratio", "interval": "miettinen-nurminen"}},
        0.6,
    ),
    "risk difference, sites": (
        {**WITHIN_SITES, "test": RESPONDERS, "stratum_weighting": "mantel-haenszel"},
        -0.2,
    ),
    "risk ratio, sites": (
        {
            **WITHIN_SITES,
            "test": {**RESPONDERS, "effect": "risk_ratio"},
            "stratum_weighting": "mantel-haenszel",
        },
        0.6,
    ),
    "odds ratio of shares": ({"test": {**RESPONDERS, "effect": "odds_ratio"}}, 0.42),
    "odds ratio of shares, score": (
        {"test": {**RESPONDERS, "effect": "odds_ratio", "interval": "miettinen-nurminen"}},
        0.42,
    ),
    "odds ratio of shares, sites": (
        {
            **WITHIN_SITES,
            "test": {**RESPONDERS, "effect": "odds_ratio"},
            "stratum_weighting": "mantel-haenszel",
        },
        0.42,
    ),
    "imputed ranks": ({**RANKS, "missing": "multiple_imputation", "imputations": 3}, 0.4),
    "imputed means": (
        {**MEANS, "test": "welch", "missing": "multiple_imputation", "imputations": 3},
        -8.0,
    ),
    "imputed odds": (
        {"test": "proportional_odds", "missing": "multiple_imputation", "imputations": 3},
        0.5,
    ),
}


@pytest.fixture(scope="module")
def trials() -> Trial:
    """Return trials of a drug that does little."""
    changes = {"design.patients": 60, "outcomes.arat.effect.value": 0.53}
    return simulate_batch(CARS1.replace(changes), Streams(2016, range(40)))


def analysed(trials: Trial, **changes: object) -> PrimaryAnalysis:
    plan = {**CARS1.analysis.model_dump(), "secondary": {}, **changes}
    return analyse_primary(trials, AnalysisPlan.model_validate(plan))


@pytest.mark.parametrize("name", METHODS)
def test_a_claim_is_made_where_the_interval_exceeds_the_margin(name: str, trials: Trial) -> None:
    """And of equivalence where it lies within two of them, by the larger of two p-values."""
    how, margin = METHODS[name]
    one_sided = {"alternative": "greater", "alpha": 0.025}
    found = analysed(trials, **how, **one_sided, claim="non_inferiority", margin=margin)
    assert_array_equal(found.rejected, found.low > margin)
    assert_array_equal(found.favoured, found.rejected)
    assert 0 < found.rejected.sum() < len(found.rejected)

    upper = 1 / margin if "odds" in name or "ratio" in name else -margin
    upper = 1 - margin if margin == 0.4 else upper
    wide = {"alpha": 0.2, "confidence": 0.6, "claim": "equivalence"}
    alike = analysed(trials, **how, **wide, margin=margin, upper_margin=upper)
    assert_array_equal(alike.rejected, (alike.low > margin) & (alike.high < upper))
    assert 0 < alike.rejected.sum() < len(alike.rejected)
    same = (alike.estimate, found.estimate)
    assert_allclose(*same)


def test_a_claim_of_a_difference_of_means_is_the_t_test_of_the_moved_scores(trials: Trial) -> None:
    """At a margin of -8 the t statistic is that of 8 points more for each treated patient."""
    how = {**MEANS, "test": "welch"}
    moved = analysed(trials, **how, alternative="greater", claim="non_inferiority", margin=-8.0)
    plain = analysed(trials, **how, alternative="greater")
    error = plain.estimate / plain.z
    assert_allclose(moved.z, (plain.estimate + 8) / error)
    assert np.all(moved.p_value < plain.p_value)


def test_secondary_claims_stand_in_a_family_by_the_p_values_of_their_margins(
    trials: Trial,
) -> None:
    """Non-inferiority first, then superiority, both of the same interval."""
    plan = AnalysisPlan.model_validate(
        {
            **CARS1.analysis.model_dump(),
            "interval": "logit",
            "alternative": "greater",
            "alpha": 0.025,
            "claim": "non_inferiority",
            "margin": 0.45,
            "secondary": {"superior": {"claim": "superiority"}},
            "multiplicity": "fixed_sequence",
        }
    )
    first, superior = analyse_primary(trials, plan), every_analysis(trials, plan)["superior"]
    assert_array_equal(superior.p_value, np.maximum(first.p_value, superior.found.p_value))
    assert superior.found.rejected.sum() < first.rejected.sum()


def test_a_claim_at_its_margin_is_made_as_often_as_its_level_says() -> None:
    """2,000 trials of 50 patients, the effect at 0.4; one-sided 2.5% within 3 errors, 1.0%.

    The search that puts it there is that of type-one-error; without an effect a quarter claims.
    """
    from trialsim.questions.type_one_error import type_one_error

    claim = {"interval": "logit", "alternative": "greater", "alpha": 0.025}
    claim |= {"claim": "non_inferiority", "margin": 0.4, "secondary": {}}
    study = CARS1.replace(
        {"design.patients": 50, **{f"analysis.{name}": value for name, value in claim.items()}}
    )
    found = type_one_error(study, replicates=2_000, n_jobs=1)
    assert abs(float(found.result.truth.estimate) - 0.4) < 4 * found.result.truth.mcse
    assert abs(float(found.error.estimate) - 0.025) < 3 * np.sqrt(0.025 * 0.975 / 2_000)
    assert found.null == "Mann-Whitney effect at the margin, 0.4"


def test_size_and_assurance_take_the_chance_of_the_claim() -> None:
    """No closed form is of a margin, and none says how often a drug that does nothing succeeds."""
    claim = {"interval": "logit", "alternative": "greater", "alpha": 0.025}
    claim |= {"claim": "non_inferiority", "margin": 0.35, "secondary": {}}
    changes = {f"analysis.{name}": value for name, value in claim.items()}
    study = CARS1.replace({**changes, "outcomes.arat.effect.value": 0.5})
    found = ts.sample_size(study, power=0.8, replicates=100, n_jobs=1)
    assert found.closed_form is None
    z = ndtri(0.975) + ndtri(0.8)
    patients = 4 * (z * 0.285 / 0.15) ** 2  # an effect has an SD of about 0.57 / sqrt(patients)
    assert abs(found.value / patients - 1) < 0.35
    small = study.replace({"design.patients": 60})
    chance = ts.assurance(small, normal_prior(0.5, 0.02), replicates=80, strata=4, n_jobs=1)
    assert np.isnan(chance.success_at_null)
    assert 0.2 < chance.probability < 0.8
