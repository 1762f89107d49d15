"""Rank tests, effects and their intervals, wins, strata and adjustment."""

from collections.abc import Callable
from typing import Any

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers
from trialsim.stats.p_values import Alternative
from trialsim.stats.ranks.adjusted import Arm, adjusted_effect
from trialsim.stats.ranks.brunner_munzel import brunner_munzel, brunner_munzel_exact
from trialsim.stats.ranks.effect_intervals import effect_interval
from trialsim.stats.ranks.estimated_effect import EstimatedEffect
from trialsim.stats.ranks.exact_rank import exact_rank_test
from trialsim.stats.ranks.mann_whitney import RankSummary, mann_whitney, rank_test, summarise
from trialsim.stats.ranks.stratified import stratified_effect, stratified_test, summarise_strata
from trialsim.stats.ranks.wins import net_benefit, win_odds, win_ratio

Given = dict[str, Any]

_SIDES: tuple[tuple[Alternative, str], ...] = (
    ("two-sided", "two_sided"),
    ("greater", "greater"),
    ("less", "less"),
)


def _samples(given: Given) -> tuple[Floats, Floats]:
    return np.array(given["x"], float), np.array(given["y"], float)


def point_and_variance(given: Given) -> Given:
    summary = summarise(*_samples(given))
    return {
        "mw": summary.effect,
        "U_x": summary.effect * summary.treated * summary.control,
        "cliffs_delta": net_benefit(summary).estimate,
        "win_odds": win_odds(summary).estimate,
        "S10": summary.treated_variance,
        "S01": summary.control_variance,
        "var_placement": summary.placement_variance,
        "se_placement": np.sqrt(summary.placement_variance),
        "null_var_tie_corrected": summary.null_variance,
        "tie_sum_t3_minus_t": summary.tie_sum,
    }


def tests(given: Given) -> Given:
    samples = _samples(given)
    summary = summarise(*samples)
    munzel = brunner_munzel(summary)
    found = {"z_no_cc": rank_test(summary).z}
    for alternative, name in _SIDES:
        exact = "p_exact_two_sided_coin" if name == "two_sided" else f"p_exact_{name}"
        found |= {
            f"p_{name}_no_cc": rank_test(summary, alternative).p_value,
            f"p_{name}_cc": rank_test(summary, alternative, continuity=True).p_value,
            exact: exact_rank_test(*samples, alternative).p_value,
        }
    return found | {
        "bm_statistic": munzel.statistic,
        "bm_df": munzel.degrees_of_freedom,
        "bm_p_two_sided": munzel.p_value,
    }


def degenerate(given: Given) -> Given:
    summary = summarise(*_samples(given))
    return {
        "mw": summary.effect,
        "var_placement": summary.placement_variance,
        "null_var_tie_corrected": summary.null_variance,
        "newcombe_method5": np.array(effect_interval(summary, "newcombe")),
        "R_wilcox_p_no_cc": rank_test(summary).p_value,
        "R_wilcox_p_cc": rank_test(summary, continuity=True).p_value,
        "coin_exact_p": exact_rank_test(*_samples(given)).p_value,
    }


def permeability(given: Given) -> Given:
    test = exact_rank_test(*_samples(given), "greater")
    patients = len(given["x"]) * len(given["y"])
    return {
        "U_x": test.effect * patients,
        "p_greater_exact": test.p_value,
        "p_greater_exact_full": test.p_value,
    }


def rank_sum_of_idl(given: Given) -> Given:
    test = mann_whitney(*_samples(given))
    pairs = len(given["x"]) * len(given["y"])
    return {
        "U_pair_min": test.effect * pairs,
        "U_pair_max": (1 - test.effect) * pairs,
        "z_tie_corrected": np.abs(test.z),
    }


def intervals(given: Given) -> Given:
    summary = summarise(*_samples(given))
    odds = win_odds(summary, "logit")
    return {
        "mw": summary.effect,
        "wald_placement_clipped": _ends(summary, "delong"),
        "null_variance_wald_clipped": _ends(summary, "null_variance"),
        "brunner_munzel_t_clipped": _ends(summary, "brunner-munzel"),
        "logit_placement": _ends(summary, "logit"),
        "newcombe_method5": _ends(summary, "newcombe"),
        "win_odds_logit": np.array([odds.low, odds.high]),
    }


def _ends(summary: RankSummary, method: Any) -> Floats:
    return np.array(effect_interval(summary, method))


def permuted(given: Given) -> Given:
    return {"p_two_sided": brunner_munzel_exact(*_samples(given)).p_value}


def wins(given: Given) -> Given:
    samples = _samples(given)
    ratio, summary = win_ratio(*samples), summarise(*samples)
    return {
        "win_odds": win_odds(summary).estimate,
        "net_benefit": net_benefit(summary).estimate,
        "win_ratio": ratio.estimate,
        "wins": ratio.wins,
        "losses": ratio.losses,
        "ties": ratio.ties,
    }


def _strata(given: Given) -> tuple[Floats, Floats, Integers, Integers]:
    values = np.array(given["v"], float)
    stratum = np.unique(given["stratum"], return_inverse=True)[1]
    treated = np.array(given["arm"]) == given["treatment"]
    return values[treated], values[~treated], stratum[treated], stratum[~treated]


def van_elteren(given: Given) -> Given:
    strata = summarise_strata(*_strata(given))
    test, pairs = stratified_test(strata), stratified_test(strata, "pairs")
    return {
        "z_van_elteren": test.z,
        "p_two_sided": test.p_value,
        "chi2_van_elteren": test.z**2,
        "z_unweighted_stratified_ranksum": pairs.z,
        "p_two_sided_unweighted": pairs.p_value,
    }


_WEIGHTINGS: dict[str, Any] = {
    "van_elteren_mn_over_Np1": "van-elteren",
    "mantel_haenszel_mn_over_N": "mantel-haenszel",
    "total_N": "patients",
    "equal": "equal",
    "pairs_mn": "pairs",
}


def stratified_effects(given: Given) -> Given:
    strata = summarise_strata(*_strata(given))
    found = {name: stratified_effect(strata, one) for name, one in _WEIGHTINGS.items()}
    return {
        "weights": {
            name: {"mw": one.effect, "se": one.standard_error} for name, one in found.items()
        },
        "hce_stratWO": {"WP": found["mantel_haenszel_mn_over_N"].effect},
    }


def respiratory_trial(given: Given) -> Given:
    """Adjust four visits for ranked baseline and age, by centre and sex."""
    data = given["data"]
    strata = [one + other for one, other in zip(data["center"], data["sex"], strict=True)]
    covariates = np.array([data["baseline"], data["age"]], float)
    treated = np.array(data["treatment"]) == "A"
    found = [
        _adjusted(np.array(data[f"visit{visit}"], float), covariates, strata, treated)
        for visit in range(1, 5)
    ]
    return {
        "xi_minus_half": np.array([one.effect - 0.5 for one in found]),
        "se": np.array([one.standard_error for one in found]),
        "p": np.array([one.p_value for one in found]),
    }


def chronic_pain_trial(given: Given) -> Given:
    pairs = zip(given["center"], given["diagnosis"], strict=True)
    strata = [one + other for one, other in pairs]
    treated, scores = np.array(given["treat"]) == "active", np.array(given["response"], float)
    found = _adjusted(scores, np.empty((0, len(scores))), strata, treated)
    return {"mw_minus_half": found.effect - 0.5, "se": found.standard_error, "p": found.p_value}


def _adjusted(
    scores: Floats, covariates: Floats, strata: list[str], treated: Booleans
) -> EstimatedEffect:
    """Adjust as sanon does, the first covariate by its ranks."""
    stratum = np.unique(strata, return_inverse=True)[1]
    one, other = (Arm(scores[who], covariates[:, who], stratum[who]) for who in (treated, ~treated))
    ranked = [place == 0 for place in range(len(covariates))]
    return adjusted_effect(one, other, ranked, variance="u-statistic", small_samples=False)


FOUND: dict[str, Callable[[Given], Given]] = {
    "mw.point": point_and_variance,
    "mw.test": tests,
    "mw.degenerate": degenerate,
    "mw.published.hollander41": permeability,
    "mw.published.idl_rs_test": rank_sum_of_idl,
    "mw.ci": intervals,
    "mw.permbm": permuted,
    "winodds": wins,
    "strat.vanelteren": van_elteren,
    "strat.mw": stratified_effects,
    "wl.sanon_resp_adjusted": respiratory_trial,
    "wl.sanon_cpain": chronic_pain_trial,
}
