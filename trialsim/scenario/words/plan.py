"""The analysis plan said in words: every convention that software disagrees about, one sentence."""

from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.pooled_analysis import PooledAnalysis, pooling_in_words


def plan_in_words(plan: AnalysisPlan | PooledAnalysis) -> dict[str, str]:
    """Return each convention of the analysis by name, as a sentence or more.

    The names are the same for every plan of a trial, so two results can be compared line by line.
    """
    if isinstance(plan, PooledAnalysis):
        return pooling_in_words(plan)
    return {
        **_comparison(plan),
        "n": "N in the design is patients randomised in all arms; N in a result is patients "
        "analysed in an arm.",
        "secondary": _secondary(plan),
        "multiplicity": _MULTIPLICITY[plan.multiplicity],
    }


def _comparison(plan: AnalysisPlan) -> dict[str, str]:
    """Return what can differ from one comparison to another."""
    quantity, method = plan.quantity, plan.test
    imputed = plan.missing == "multiple_imputation"
    interval = "Student's t by Rubin's rules" if imputed else method.interval_in_words(plan)
    return {
        "estimate": method.estimate_in_words(plan),
        "direction": f"Above {quantity.null:g}, its null value, the treated are better, whichever "
        "end of the scale is better.",
        "test": method.test_in_words(plan),
        "side": f"{_SIDES[plan.alternative]} The interval is always two-sided.",
        "alpha": f"The null hypothesis is rejected when the p-value is at most {plan.alpha:.12g}.",
        "ties": method.ties_in_words(plan),
        "continuity": _continuity(plan),
        "variance": _POOLED_VARIANCE if imputed else method.variance_in_words(plan),
        "interval": f"{100 * plan.confidence:.12g}% interval: {interval}.",
        "small_samples": method.small_samples_in_words(plan),
        "analysis_set": _analysis_set(plan),
        "missing_data": _missing(plan),
        "death": _DEATH[plan.death],
        "speed": _POOLED_SPEED if imputed else method.speed_in_words(),
    }


_POOLED_VARIANCE = (
    "Within imputations as in each completed trial, between them that of the estimates."
)
_POOLED_SPEED = "Slow, so think before thousands of replicates: every trial is imputed many times."
_DEATH = {
    "worst_rank": "Patients who died by the time of the visit rank below every survivor, whatever "
    "was measured before, and tie with one another.",
    "as_missing": "A death makes later scores missing, as a withdrawal does, and follows the "
    "rule for missing data.",
}

_SIDES = {
    "two-sided": "Two-sided: a difference in either direction can reject.",
    "greater": "One-sided: only a difference in favour of the treated can reject.",
    "less": "One-sided: only a difference in favour of the control can reject.",
}

_BEHIND = (
    "and none is smaller than that of the primary analysis, which is tested first at the full "
    "level (serial gatekeeping); the other visits are not adjusted."
)
_MULTIPLICITY = {
    "none": "No p-value is adjusted for multiplicity.",
    "bonferroni": f"The secondary p-values are adjusted by Bonferroni, {_BEHIND}",
    "holm": f"The secondary p-values are adjusted by Holm's procedure, {_BEHIND}",
    "hochberg": f"The secondary p-values are adjusted by Hochberg's procedure, {_BEHIND}",
    "hommel": f"The secondary p-values are adjusted by Hommel's procedure, {_BEHIND}",
    "fixed_sequence": "The secondary p-values are adjusted by testing in the order of the plan, "
    f"each only after all before it have rejected, {_BEHIND}",
}


def _secondary(plan: AnalysisPlan) -> str:
    sentence = "The primary analysis is repeated at every other visit after baseline."
    primary = _comparison(plan)
    for name, further in plan.further.items():
        told = [
            words for what, words in _comparison(further).items() if words != primary[what]
        ] or ["As the primary analysis."]
        sentence += f" {name}: {' '.join(told)}"
    return sentence


def _continuity(plan: AnalysisPlan) -> str:
    if plan.continuity_correction:
        return (
            "The test brings the count of won pairs half a pair nearer to its null mean; the "
            "interval is not corrected."
        )
    return "No continuity correction."


def _analysis_set(plan: AnalysisPlan) -> str:
    sentence = "Everybody randomised, in the arm allocated."
    if plan.analysis_set == "full_analysis_set":
        sentence = "Everybody randomised who has a score at any visit after baseline"
        dead = ", or died by the time of the visit" if plan.death == "worst_rank" else ""
        sentence += f"{dead}; in the arm allocated."
    if plan.minimum_infusion_share > 0:
        sentence += (
            f" Patients given less than {plan.minimum_infusion_share:.12g} of the planned infusions"
            " are left out."
        )
    if plan.subgroup is not None:
        sentence += f" Subgroup: {plan.subgroup.label}."
    return sentence


def _missing(plan: AnalysisPlan) -> str:
    if plan.missing == "multiple_imputation":
        scale = "on the logit scale" if plan.test.has_effect_scales else "as differences of means"
        return (
            f"A missing score is imputed {plan.imputations} times, assuming it to be missing at "
            "random: in each arm, from the first visit on, by the normal regression of a visit on "
            "those before it, rounded and held within the scale; the results are pooled by Rubin's "
            f"rules {scale}, with the degrees of freedom of Barnard and Rubin (1999)."
        )
    return {
        "locf": "A missing score is the last one known, baseline among them (LOCF).",
        "bocf": "A missing score is that of baseline (BOCF).",
        "worst_rank": "A patient whose score is missing ranks below all who have one, like the "
        "dead.",
        "complete_case": "A patient whose score is missing is left out.",
    }[plan.missing]
