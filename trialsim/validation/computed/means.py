"""Means, proportions and odds: tests of two arms, and models with covariates."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import ndtr

from trialsim.arrays import Integers
from trialsim.stats.means_and_proportions.ancova import ancova
from trialsim.stats.means_and_proportions.mantel_haenszel import mantel_haenszel
from trialsim.stats.means_and_proportions.proportional_odds import proportional_odds
from trialsim.stats.means_and_proportions.responders import fisher_exact
from trialsim.stats.means_and_proportions.t_tests import student_t_test, welch_t_test
from trialsim.stats.means_and_proportions.two_shares import compare_shares
from trialsim.stats.missing.repeated_measures import repeated_measures
from trialsim.stats.missing.rubins_rules import pool_estimates

Given = dict[str, Any]


def t_tests(given: Given) -> Given:
    active, y = np.array(given["arm"]) == "A", np.array(given["y"], float)
    pooled, welch = student_t_test(y[active], y[~active]), welch_t_test(y[active], y[~active])
    return {
        "diff_A_minus_P": pooled.estimate,
        "t_pooled_P_minus_A": -pooled.t,
        "p_pooled": pooled.p_value,
        "t_welch_P_minus_A": -welch.t,
        "df_welch": welch.degrees_of_freedom,
        "p_welch": welch.p_value,
    }


def covariance(given: Given) -> Given:
    active, y = np.array(given["arm"]) == "A", np.array(given["y"], float)
    severe = np.array(given["severity"]) == "sev"
    covariates = np.column_stack([given["baseline"], severe])
    found = ancova(y[active], y[~active], covariates[active], covariates[~active])
    return {
        "estimate": found.estimate,
        "se": found.standard_error,
        "t": found.t,
        "p": found.p_value,
        "ci": np.array([found.low, found.high]),
        "df": found.degrees_of_freedom,
    }


def two_by_two(given: Given) -> Given:
    table = given["x1"], given["n1"], given["x2"], given["n2"]
    newcombe = compare_shares(*table)
    score = compare_shares(*table, interval="miettinen-nurminen")
    return {
        "risk_diff": newcombe.estimate,
        "fisher_two_sided": fisher_exact(*table),
        "fisher_greater": fisher_exact(*table, "greater"),
        "newcombe_ci": np.array([newcombe.low, newcombe.high]),
        "miettinen_nurminen_ci": np.array([score.low, score.high]),
    }


def strata_of_shares(given: Given) -> Given:
    x1, n1, x2, n2 = (
        np.array([one[name] for one in given["strata"]]) for name in ("x1", "n1", "x2", "n2")
    )
    found = mantel_haenszel(x1, n1, x2, n2)
    return {
        "chi2_no_cc": found.z**2,
        "p_no_cc": 2 * ndtr(-np.abs(found.z)),
        "rd_mh": found.estimate,
        "rd_mh_se": found.standard_error,
        "or_mh": mantel_haenszel(x1, n1, x2, n2, "odds_ratio").estimate,
    }


def odds_of_alteplase(given: Given) -> Given:
    """Turn the sign, as the coefficient is of a worse, higher score."""
    treated, control = (
        _better_last(given[f"counts_{arm}_mRS0to6"]) for arm in ("alteplase", "placebo")
    )
    found = proportional_odds(treated, control)
    return {
        "log_or_clm": -found.log_odds_ratio,
        "se_clm": found.standard_error,
        "common_or_better": found.odds_ratio,
    }


def _better_last(counts: list[int]) -> Integers:
    return np.array(counts)[::-1]


def rubins_rules(given: Given) -> Given:
    estimates, variances = np.array(given["Q"], float), np.array(given["U"], float)
    found = pool_estimates(estimates, variances, given["n"] - given["k"])
    return {
        "qbar": found.estimate,
        "ubar": found.within,
        "b": found.between,
        "total_var": found.variance,
        "df_barnard_rubin": found.degrees_of_freedom,
        "fmi": found.fraction_missing,
    }


def small_mmrm(given: Given) -> Given:
    scores, arm = np.array(given["y"], float), np.array(given["arm"]) == "A"
    base = np.array(given["baseline"], float)[:, np.newaxis]
    none = np.empty((len(arm), 0))
    plain, wider = (
        [repeated_measures(scores, arm, none, base, visit, freedom) for visit in range(3)]
        for freedom in ("satterthwaite", "kenward-roger")
    )
    return {
        "diff_A_minus_P": np.array([one.estimate for one in plain]),
        "se": np.array([one.standard_error for one in plain]),
        "df_satterthwaite": np.array([one.degrees_of_freedom for one in plain]),
        "p_satterthwaite": np.array([one.p_value for one in plain]),
        "se_KR_linear_SASlike": np.array([one.standard_error for one in wider]),
        "df_KR_linear": np.array([one.degrees_of_freedom for one in wider]),
    }


def lung_function(given: Given) -> Given:
    race, arm = np.array(given["RACE"]), np.array(given["ARMCD"]) == "TRT"
    columns = [race == one for one in np.unique(race)[1:]] + [np.array(given["SEX"]) == "Male"]
    common, none = np.stack(columns, axis=-1).astype(float), np.empty((len(arm), 0))
    scores = np.array(given["FEV1"], float)
    found = [
        repeated_measures(scores, arm, none, common, visit, "satterthwaite") for visit in range(4)
    ]
    return {
        "diff_TRT_minus_PBO": np.array([one.estimate for one in found]),
        "se": np.array([one.standard_error for one in found]),
        "df": np.array([one.degrees_of_freedom for one in found]),
        "p": np.array([one.p_value for one in found]),
    }


FOUND: dict[str, Callable[[Given], Given]] = {
    "ot.ttest": t_tests,
    "ot.ancova": covariance,
    "ot.2x2": two_by_two,
    "ot.cmh": strata_of_shares,
    "ot.polr": odds_of_alteplase,
    "ot.rubin": rubins_rules,
    "ot.mmrm.us20": small_mmrm,
    "ot.mmrm.fev": lung_function,
}
