"""Several hypotheses, outcomes or studies: adjusted, graphical, multivariate, pooled."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import ndtri

from trialsim.stats.meta_analysis import fixed_effect, heterogeneity, random_effects
from trialsim.stats.multiplicity.arms_in_stages import (
    Arms,
    Shape,
    bounds_of_arms,
    chance_of_any_claim,
)
from trialsim.stats.multiplicity.dunnett import Law, chance_of_any, dunnett, loadings_of_sizes
from trialsim.stats.multiplicity.graphs import Graph, adjust_by_graph, sequence
from trialsim.stats.multiplicity.p_value_adjustments import adjust_p_values, fixed_sequence
from trialsim.stats.ranks.mann_whitney import mann_whitney
from trialsim.stats.several_outcomes.joint_effects import joint_effects
from trialsim.stats.several_outcomes.multivariate import wei_lachin
from trialsim.stats.several_outcomes.obrien import obrien_test, rank_sums

Given = dict[str, Any]


def adjusted(given: Given) -> Given:
    p_values = np.array(given["p"], float)
    return {
        "bonferroni": adjust_p_values(p_values, "bonferroni"),
        "holm": adjust_p_values(p_values, "holm"),
        "hochberg": adjust_p_values(p_values, "hochberg"),
        "hommel": adjust_p_values(p_values, "hommel"),
    }


def in_order(given: Given) -> Given:
    p_values = np.array(given["p"], float)
    fallback = adjust_by_graph(p_values, sequence(given["weights"]))
    return {
        "fixed_sequence_adjusted_p": fixed_sequence(p_values),
        "fallback_adjusted_p": fallback,
        "fallback_reject": fallback <= given["alpha"],
    }


def graphical(given: Given) -> Given:
    graph = Graph(tuple(given["weights"]), tuple(map(tuple, given["transition"])))
    found = adjust_by_graph(np.array(given["p"]), graph)
    return {"adjusted_p": found, "reject": found <= given["alpha"]}


def critical_value_of_dunnett(given: Given) -> Given:
    """Find the bound that keeps the level."""
    from scipy.optimize import brentq

    freedom = None if given["df"] == "Inf" else np.array(float(given["df"]))
    law = Law(np.full(given["k"], given["rho"] ** 0.5), freedom, given["sided"] == 2)

    def above(bound: float) -> float:
        return float(chance_of_any(np.full(given["k"], bound), law) - given["alpha"])

    return {"critical_value": brentq(above, 1.0, 6.0, xtol=1e-6)}


def example_of_dunnett(given: Given) -> Given:
    arms = [np.array(given[name]) for name in ("control", "drug_a", "drug_b")]
    sizes = np.array([len(arm) for arm in arms], float)
    freedom = sizes.sum() - len(arms)
    spread = np.sqrt(sum(((arm - arm.mean()) ** 2).sum() for arm in arms) / freedom)
    means = np.array([arm.mean() for arm in arms])
    t = (means[1:] - means[0]) / spread / np.sqrt(1 / sizes[1:] + 1 / sizes[0])
    law = Law(loadings_of_sizes(sizes[1:], sizes[0]), np.asarray(freedom), two_sided=True)
    return {"t": t, "p_two_sided": dunnett(t, law)}


def error_rates(given: Given) -> Given:
    count, level = given["K"], given["alpha_one_sided"]
    law = Law(np.full(count, given["rho"] ** 0.5))
    return {
        "fwer_bonferroni_holm": chance_of_any(np.full(count, -ndtri(level / count)), law),
        "fwer_unadjusted": chance_of_any(np.full(count, -ndtri(level)), law),
    }


def arms_at_stages(given: Given) -> Given:
    """Find the bounds, and their error rate; a design without a shape is that of an odds ratio."""
    ratio = given.get("r", [1, 2]), given.get("r0", [1, 2])
    arms = Arms(given["K"], *ratio)
    shapes: dict[str, Shape] = {"obf": "obrien_fleming", "pocock": "pocock"}
    shape = shapes.get(given.get("upper_shape", ""), "triangular")
    bounds = bounds_of_arms(given["alpha"], arms, shape, given.get("lower_fixed", 0.0))
    return {
        "upper": bounds.upper,
        "lower": bounds.lower,
        "fwer_check": chance_of_any_claim(bounds, arms),
    }


def several_scales(given: Given) -> Given:
    values = np.array(
        [[np.nan if one == "NA" else one for one in row] for row in given["Y"]], float
    )
    treated = np.array(given["arm"]) == "A"
    arms = values[treated].T, values[~treated].T
    higher = given.get("higher_is_better", [True] * values.shape[1])
    joint = joint_effects(*arms, higher)
    pooled, null = wei_lachin(joint), wei_lachin(joint, variance="null_variance")
    found = {
        "mw": joint.effects,
        "mw_average": pooled.effect,
        "se_average": pooled.standard_error,
    }
    if np.isnan(values).any():
        return {**found, "cov_influence": joint.covariance, "z_wei_lachin": pooled.z}
    test = obrien_test(*arms, higher)
    return {
        **found,
        "cov_placement": joint.covariance,
        "cov_null": joint.null_covariance,
        "z_wei_lachin_H1cov": pooled.z,
        "p_two_sided_H1cov": pooled.p_value,
        "p_one_sided_H1cov": wei_lachin(joint, alternative="greater").p_value,
        "z_wei_lachin_H0cov": null.z,
        "p_two_sided_H0cov": null.p_value,
        "z_standardised_sum": wei_lachin(joint, "standardised", "null_variance").z,
        "z_gls_obrien": wei_lachin(joint, "least-squares", "null_variance").z,
        "obrien_ranksum_t": test.t,
        "obrien_ranksum_t_p": test.p_value,
        "obrien_ranksum_wilcoxon_p": mann_whitney(*rank_sums(*arms, higher)).p_value,
    }


def several_studies(given: Given) -> Given:
    """Paule and Mandel's estimate solves the equation of the empirical Bayes one."""
    studies = np.array(given["yi"]), np.array(given["vi"])
    fixed, q = fixed_effect(*studies), heterogeneity(*studies)
    found: Given = {
        "FE": {
            "est": fixed.estimate,
            "se": fixed.standard_error,
            "ci": np.array([fixed.low, fixed.high]),
            "Q": q.q,
            "Qp": q.p_value,
        }
    }
    methods: dict[str, Any] = {"DL": "dersimonian-laird", "EB": "paule-mandel"}
    for name, method in methods.items():
        normal = random_effects(*studies, method, "normal")
        student = random_effects(*studies, method, "hartung-knapp")
        found[name] = {
            "tau2": normal.tau2,
            "est": normal.estimate,
            "se": normal.standard_error,
            "ci": np.array([normal.low, normal.high]),
            "HKSJ_se": student.standard_error,
            "HKSJ_p": student.p_value,
        }
    return found


FOUND: dict[str, Callable[[Given], Given]] = {
    "mult.padjust": adjusted,
    "mult.fallback": in_order,
    "mult.graph": graphical,
    "mult.dunnett.crit": critical_value_of_dunnett,
    "mult.dunnett.1955": example_of_dunnett,
    "mult.fwer": error_rates,
    "ad.mams": arms_at_stages,
    "wl.": several_scales,
    "meta.": several_studies,
}
