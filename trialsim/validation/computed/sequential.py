"""Sequential and adaptive trials, as the packages of the reference cases describe them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from trialsim.arrays import Floats
from trialsim.stats.sequential.boundaries import (
    beta_spending_bounds,
    beta_spending_drift,
    completed_bounds,
    spending_bounds,
    wang_tsiatis_bounds,
)
from trialsim.stats.sequential.combination import (
    conditional_error,
    conventional_critical,
    cui_hung_wang,
    fisher_critical,
    fisher_first_level,
    fisher_p_value,
    fisher_product,
    inverse_normal,
)
from trialsim.stats.sequential.conditional_power import (
    conditional_power,
    predictive_power,
    trend_drift,
)
from trialsim.stats.sequential.crossing import (
    crossing_probabilities,
    drift_for_power,
    expected_fraction,
    inflation_factor,
)
from trialsim.stats.sequential.re_estimation import (
    Aim,
    blinded_mean_patients,
    blinded_odds_patients,
    blinded_proportion_patients,
    promising_zone,
)
from trialsim.stats.sequential.repeated import repeated_intervals, repeated_p_values
from trialsim.stats.sequential.spending import (
    HwangShihDeCani,
    KimDeMets,
    OBrienFlemingSpending,
    PocockSpending,
    Spending,
)
from trialsim.stats.sequential.stagewise import stagewise_inference

Given = dict[str, Any]

SPENDING: dict[str, Spending] = {
    "asOF": OBrienFlemingSpending(),
    "bsOF": OBrienFlemingSpending(),
    "asP": PocockSpending(),
    "HSDm4": HwangShihDeCani(-4),
    "HSDm2": HwangShihDeCani(-2),
    "bsHSD": HwangShihDeCani(-2),
    "HSD1": HwangShihDeCani(1),
    "KD1": KimDeMets(1),
    "KD2": KimDeMets(2),
    "KD3": KimDeMets(3),
}


def equal_looks(looks: int) -> Floats:
    return np.arange(1, looks + 1) / looks


def classical_bounds(given: Given) -> Given:
    t = given.get("information_rates", equal_looks(given.get("K", 3)))
    alpha, sides = given["alpha"], given["sided"]
    if "interim_bound" in given:
        return {"critical_values_z": completed_bounds(t, given["interim_bound"], alpha, sides)}
    delta = given["delta_WT"] if "delta_WT" in given else {"P": 0.5, "OF": 0.0}[given["type"]]
    bounds = wang_tsiatis_bounds(t, delta, alpha, sides)
    crossing = crossing_probabilities(t, bounds, -bounds if sides == 2 else None)
    return {
        "critical_values_z": bounds,
        "constant": bounds[-1],
        "stage_levels_one_sided": ndtr(-bounds),
        "cumulative_alpha_spent": sides * crossing.efficacy.cumsum(),
    }


def alpha_spending(given: Given) -> Given:
    t, alpha, sides = given["information_rates"], given["alpha"], given["sided"]
    spending = SPENDING[given["spending"]]
    bounds = spending_bounds(t, spending, alpha, sides)
    drift = np.array([2, 2.8, 3.3])
    spent = sides * spending.spent(t, alpha / sides)
    return {
        "critical_values_z": bounds,
        "cumulative_alpha_spent": spent,
        "nominal_p_one_sided": ndtr(-bounds),
        "power_at_drift": {
            "drift": drift,
            "power": crossing_probabilities(t, bounds, drift=drift).efficacy.sum(axis=-1),
        },
        "ldbounds_critical_values": bounds,
        "ldbounds_exit_pr": spent,
    }


def repeated_tests(given: Given) -> Given:
    bound = -ndtri(given["nominal_two_sided"] / 2)
    found = crossing_probabilities(equal_looks(given["K"]), bound, -bound)
    overall = found.efficacy.sum() + found.futility.sum()
    return {"overall_type1_two_sided": overall, "published_one_tail": overall / 2}


def textbook_bounds(given: Given) -> Given:
    bounds = spending_bounds(given["information_rates"], OBrienFlemingSpending(), given["alpha"])
    return {"critical_values_z": bounds}


def published_sizes(given: Given) -> Given:
    """Maximum and expected information in percent of a fixed test's."""
    t, alpha, power = equal_looks(given["k"]), given["alpha_one_sided"], 1 - given["beta"]
    if given["test.type"] == 3:
        spending = KimDeMets(given["sfupar"])
        drift = beta_spending_drift(t, spending, spending, alpha, given["beta"], binding=True)
        upper, lower = beta_spending_bounds(
            t, spending, spending, drift, alpha, given["beta"], binding=True
        )
    else:
        match given["sfu"]:
            case "OF":
                upper = wang_tsiatis_bounds(t, 0, 2 * alpha, 2)
            case "WT":
                upper = wang_tsiatis_bounds(t, given["sfupar"], 2 * alpha, 2)
            case _:
                upper = spending_bounds(t, KimDeMets(given["sfupar"]), 2 * alpha, 2)
        lower = -upper
        drift = drift_for_power(t, upper, power, lower).item()
    inflation = inflation_factor(drift, alpha, power).item()

    def expected(share: Floats) -> Floats:
        crossing = crossing_probabilities(t, upper, lower, share * drift)
        return np.asarray(100 * inflation * expected_fraction(t, crossing))

    shares = np.arange({"pow1": 4, "pow2": 4}.get(f"pow{given.get('sfupar')}", 0)) / 2
    if given["test.type"] == 3:
        shares = np.array([0, 0.5, 1])
    return {
        "max_N_pct_of_fixed": 100 * inflation,
        "ASN_pct_theta0": expected(np.zeros(1)).item(),
        "ASN_pct": {
            "theta_over_delta": shares,
            "asn": expected(shares if shares.size else np.zeros(1)),
        },
        "last_bound": upper[-1],
        "computed_bounds": {"upper": upper, "lower": lower, "max_inflation": inflation},
    }


def characteristics(given: Given) -> Given:
    t, alpha, power = equal_looks(given["K"]), given["alpha"], 1 - given["beta"]
    if given["type"] in SPENDING:
        bounds = spending_bounds(t, SPENDING[given["type"]], alpha)
    else:
        bounds = wang_tsiatis_bounds(t, {"P": 0.5, "OF": 0.0}[given["type"]], alpha)
    drift = drift_for_power(t, bounds, power).item()
    crossing = crossing_probabilities(t, bounds, drift=drift * np.array([0, 0.5, 1]))
    inflation = inflation_factor(drift, alpha, power)
    none, half, whole = inflation * expected_fraction(t, crossing)
    return {
        "shift": drift**2,
        "inflation_factor": inflation,
        "ASN_H0": none,
        "ASN_H01": half,
        "ASN_H1": whole,
        "cumulative_power": crossing.efficacy[2].cumsum(),
    }


def beta_spending(given: Given) -> Given:
    t, alpha, beta = np.array(given["information_rates"]), given["alpha"], given["beta"]
    spending = SPENDING[given["alpha_spending"]], SPENDING[given["beta_spending"]]
    drift = beta_spending_drift(t, *spending, alpha, beta, given["binding"])
    upper, lower = beta_spending_bounds(t, *spending, drift, alpha, beta, given["binding"])
    crossing = crossing_probabilities(t, upper, lower, drift * np.array([0, 1]))
    inflation = inflation_factor(drift, alpha, 1 - beta)
    none, whole = inflation * expected_fraction(t, crossing)
    return {
        "critical_values_z": upper,
        "futility_z": lower[:-1],
        "shift": drift**2,
        "inflation_factor": inflation,
        "ASN_H1": whole,
        "ASN_H0": none,
        "gsDesign_upper": upper,
        "gsDesign_lower": lower,
        "gsDesign_inflation": inflation,
    }


def futility_at_zero(given: Given) -> Given:
    t = np.array([0.5, 1])
    upper = spending_bounds(t, OBrienFlemingSpending(), 0.025)
    drift = given["delta"] / given["sd"] * np.sqrt(given["n"]) / 2
    lower = np.array([0, -np.inf])
    crossing = crossing_probabilities(t, upper, lower, drift)
    return {
        "critical_z": upper,
        "critical_z_binding": spending_bounds(t, OBrienFlemingSpending(), 0.025, futility=lower),
        "power": crossing.efficacy.sum(),
        "futility_stop": crossing.futility[0],
        "expected_n": given["n"] * expected_fraction(t, crossing),
        "reject_per_stage": crossing.efficacy,
    }


def rates(given: Given) -> Given:
    """Size two rates, the null variance of the fixed test being that of their mean."""
    t, power = equal_looks(given["K"]), 1 - given["beta"]
    p, q = given["pi1"], given["pi2"]
    mean = (p + q) / 2
    sds = np.sqrt(2 * mean * (1 - mean)), np.sqrt(p * (1 - p) + q * (1 - q))
    fixed = 2 * ((ndtri(1 - given["alpha"]) * sds[0] + ndtri(power) * sds[1]) / (p - q)) ** 2
    bounds = spending_bounds(t, SPENDING[given["spending"]], given["alpha"])
    drift = drift_for_power(t, bounds, power).item()
    most = fixed * inflation_factor(drift, given["alpha"], power)
    crossing = crossing_probabilities(t, bounds, drift=drift * np.array([0, 1]))
    none, whole = most * expected_fraction(t, crossing)
    return {"max_N": most, "expected_N_H1": whole, "expected_N_H0": none}


def conditional_powers(given: Given) -> Given:
    """Mehta and Pocock's trial of means: patients are the information, drift is per their root."""
    n1, n2, z = given["n1"], given["n2"], given["z1"]
    t, critical = n1 / n2, -ndtri(given["alpha_one_sided"])
    design = given["delta"] / (2 * given["sigma"]) * np.sqrt(n2)
    return {
        "cp_trend": conditional_power(z, t, critical, trend_drift(z, t)),
        "cp_null": conditional_power(z, t, critical, 0),
        "cp_design": conditional_power(z, t, critical, design),
        "predictive_power_flat": predictive_power(z, t, critical),
    }


def conditional_power_of_means(given: Given) -> Given:
    n1, n2 = 2 * given["n_per_arm"], given["n_planned_stage2_total"]
    z = given["mean_diff"] / given["sd"] * np.sqrt(n1) / 2
    drift = given["thetaH1"] / given["sd"] * np.sqrt(n1 + n2) / 2
    power = conditional_power(z, n1 / (n1 + n2), -ndtri(0.025), drift)
    return {"z1": z, "conditional_power": power}


def conditional_power_of_gsdesign(given: Given) -> Given:
    t, (first, last) = given["information_rates"], given["n_I"]
    bounds = spending_bounds(t, SPENDING[given["spending"]], given["alpha"])
    theta = np.array([given["zi"] / np.sqrt(first), 0, given["delta"]])
    power = conditional_power(given["zi"], first / last, bounds[1], theta * np.sqrt(last))
    return {"theta": theta, "conditional_power": power, "critical_values_z": bounds}


def conditional_power_of_east(given: Given) -> Given:
    """Weight by the plan, and take the second stage with the size that it is said to have."""
    t = np.array([given["timing"], 1])
    bounds = spending_bounds(t, HwangShihDeCani(-4), given["alpha"])
    drift = drift_for_power(t, bounds, 1 - given["beta"])
    inflation = inflation_factor(drift, given["alpha"], 1 - given["beta"])
    sizes = given["n_fix"] * inflation * t
    trend = given["z1"] / np.sqrt(sizes[0])
    needed = (bounds[1] - np.sqrt(t[0]) * given["z1"]) / np.sqrt(1 - t[0])
    power = ndtr(trend * np.sqrt(given["n2"]) - needed)
    return {
        "conditional_power_east": power,
        "conditional_power_gsDesign": power,
        "critical_values_z": bounds,
        "n_I": sizes,
    }


def powers_at_half(given: Given) -> Given:
    z, t, critical = given["z"], given["t"], -ndtri(0.025)
    return {
        "cp_trend": conditional_power(z, t, critical, trend_drift(z, t)),
        "cp_null": conditional_power(z, t, critical, 0),
        "pp_flat": predictive_power(z, t, critical),
    }


def combination(given: Given) -> Given:
    p, share, alpha = given["p_stagewise"], given["w1_squared"], given["alpha"]
    z = inverse_normal(p, [share, 1 - share])
    bounds = spending_bounds([share, 1], OBrienFlemingSpending(), alpha)
    product = fisher_product(p)
    return {
        "z_combined": z[1],
        "critical_values_z": bounds,
        "reject_stage1": z[0] >= bounds[0],
        "reject_final": z[1] >= bounds[1],
        "fisher_product": product,
        "fisher_chi2": -2 * np.log(product),
        "fisher_p": fisher_p_value(p),
    }


def bauer_koehne(given: Given) -> Given:
    alpha = given["alpha"]
    return {
        "c_alpha": fisher_critical(alpha),
        "alpha1": fisher_first_level(alpha, given["alpha0"]),
    }


def weighted_test(given: Given) -> Given:
    n1, planned, actual = given["n1"], given["n2_planned"], given["n2_actual"]
    z, later = given["z1"], given["z2_incremental"]
    critical = -ndtri(given["alpha_one_sided"])
    weighted = cui_hung_wang(z, later, n1 / planned)
    plain = cui_hung_wang(z, later, n1 / actual)
    needed = conventional_critical(z, n1, planned, actual, critical)
    return {
        "z_chw": weighted,
        "z_conventional": plain,
        "b_critical": needed,
        "chw_rejects": weighted >= critical,
        "conventional_vs_b_rejects": plain >= needed,
    }


def zone(given: Given) -> Given:
    found = promising_zone(
        given["n1_over_n2"],
        given["nmax_over_n2"],
        given["target_power"],
        -ndtri(given["alpha_one_sided"]),
    )
    return {"cp_min": found.least_power, "z_lower": found.z_lower, "z_upper": found.z_upper}


def blinded_means(given: Given) -> Given:
    aim = Aim(given["power"], given["alpha_one_sided"], 1)
    plan = given["lumped_sd"] ** 2, given["delta"], aim
    return {
        "n_per_arm_lumped": blinded_mean_patients(*plan) / 2,
        "n_per_arm_adjusted": blinded_mean_patients(*plan, adjusted=True) / 2,
    }


def blinded_odds(given: Given) -> Given:
    aim = Aim(given["power"], given["alpha_two_sided"])
    return {"N_total": blinded_odds_patients(given["p_pooled"], given["odds_ratio"], aim)}


def blinded_chi_squared(given: Given) -> Given:
    """Enumerate all outcomes of the look and of the end, patients re-estimated in between."""
    from scipy.stats import binom

    p, n1 = given["nuisance_pooled_rate"], given["n1"] // 2
    alpha, power, delta = given["alpha"], 1 - given["beta"], given["delta"]

    def arm(pooled: ArrayLike) -> Floats:
        return np.ceil(blinded_proportion_patients(pooled, delta, Aim(power, alpha, 1)) / 2)

    def rejected(n: int) -> Floats:
        treated, control = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
        mean = (treated + control) / (2 * n)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.sqrt(n / 2) * (treated - control) / n / np.sqrt(mean * (1 - mean))
        return np.asarray(z > -ndtri(alpha))

    def outcomes(n: int) -> Floats:
        return np.asarray(binom.pmf(np.arange(n + 1), n, p))

    first, recalculated = outcomes(n1), 0.0
    for responders in range(2 * n1 + 1):
        needed = arm(responders / (2 * n1))
        n = n1 if np.isnan(needed) else max(n1, int(needed))
        ends, later = rejected(n), outcomes(n - n1)
        for treated in range(max(0, responders - n1), min(responders, n1) + 1):
            control = responders - treated
            block = ends[treated : treated + n - n1 + 1, control : control + n - n1 + 1]
            recalculated += first[treated] * first[control] * (later @ block @ later)
    fixed = first @ rejected(n1) @ first
    return {"n_fix": 2 * arm(p), "toer_fixed_n1": fixed, "toer_recalc": recalculated}


def mueller_schaefer(given: Given) -> Given:
    """Look once of three times, and give a second trial the conditional error as its level."""
    t, most = np.array(given["information_rates"]), given["IMax"]
    look, z, alpha = given["L"] - 1, given["zL"], given["alpha"]
    drift = given["theta"] * np.sqrt(most)
    bounds = spending_bounds(t, HwangShihDeCani(-4), alpha)
    error = conditional_error(z, look, t, bounds).item()
    stretched = drift * np.sqrt(given["INew"] / (most * (1 - t[look])))
    second = spending_bounds(equal_looks(3), HwangShihDeCani(-2), error)
    needed = drift_for_power(equal_looks(3), second, 0.84).item()
    return {
        "efficacy_bounds": bounds,
        "conditional_alpha": error,
        "conditional_power_original": conditional_error(z, look, t, bounds, drift),
        "conditional_power_after_increase": conditional_error(z, look, t, bounds, stretched),
        "MS_secondary_bounds_3look_HSDm2_power84": second,
        "MS_secondary_information": (needed / given["theta"]) ** 2,
    }


def inference(given: Given) -> Given:
    """Infer after a stop; rpact looks for no repeated p-value above one half."""
    t, stop = np.array(given["information_rates"]), given["stage"]
    spending = KimDeMets(2) if given["spending"] == "asKD" else SPENDING[given["spending"]]
    bounds = spending_bounds(t, spending, given["alpha_one_sided"])
    information, z = given["IMax_lrstat"] * t, np.full(len(t), np.nan)
    z[:stop] = given["z_overall"]
    found = stagewise_inference(z[stop - 1], stop - 1, information, bounds)
    repeated = repeated_intervals(z, information, bounds)
    interval, band = (
        np.array([low, high])
        for low, high in (
            (found.lower, found.upper),
            (repeated.lower[stop - 1], repeated.upper[stop - 1]),
        )
    )
    return {
        "crit": bounds,
        "stagewise_p": found.p_value,
        "rpact_final_p": found.p_value,
        "stagewise_ci": interval,
        "rpact_final_ci": interval,
        "median_unbiased": found.estimate,
        "rpact_median_unbiased": found.estimate,
        "repeated_ci": band,
        "rpact_repeated_ci": band,
        "rpact_repeated_p": np.minimum(repeated_p_values(z, t, spending)[:stop], 0.5),
    }


FOUND: dict[str, Callable[[Given], Given]] = {
    "gs.bound": classical_bounds,
    "gs.spend": alpha_spending,
    "gs.armitage": repeated_tests,
    "gs.published": textbook_bounds,
    "gs.JT": published_sizes,
    "gs.char": characteristics,
    "gs.betaspend": beta_spending,
    "gs.futility0": futility_at_zero,
    "gs.ss": rates,
    "gs.analysis": inference,
    "gs.cp": conditional_power_of_gsdesign,
    "ad.cp.rpact": conditional_power_of_means,
    "ad.cp.east_gsDesign": conditional_power_of_east,
    "ad.cp": conditional_powers,
    "cp.half": powers_at_half,
    "ad.invnorm": combination,
    "ad.fisher.BK": bauer_koehne,
    "ad.chw": weighted_test,
    "ad.pz": zone,
    "ad.bssr.means": blinded_means,
    "ad.bssr.ordinal": blinded_odds,
    "ad.bssr.chisq_exact": blinded_chi_squared,
    "ad.crp": mueller_schaefer,
}
"""The computation of each family of cases, by how their identifiers begin."""
