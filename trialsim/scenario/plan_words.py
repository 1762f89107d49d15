"""The analysis plan said in words: every convention that software disagrees about, one sentence."""

from trialsim.scenario.analysis_plan import AnalysisPlan


def plan_in_words(plan: AnalysisPlan) -> dict[str, str]:
    """Return each convention of the analysis by name, as a sentence.

    The names are the same for every plan, so two results can be compared line by line.
    """
    return {
        "estimate": _estimate(plan),
        "direction": "Above 0.5 the treated are better, whichever end of the scale is better.",
        "test": _test(plan),
        "side": _side(plan),
        "alpha": f"The null hypothesis is rejected when the p-value is at most {plan.alpha:g}.",
        "ties": "Tied patients share the mean of their ranks (midranks); a tie counts one half.",
        "continuity": _continuity(plan),
        "variance": _variance(plan),
        "interval": _interval(plan),
        "analysis_set": _analysis_set(plan),
        "missing_data": _missing(plan),
        "death": _DEATH[plan.death],
        "n": "N in the design is patients randomised in all arms; N in a result is patients "
        "analysed in an arm.",
    }


_DEATH = {
    "worst_rank": "Patients who died by the time of the visit rank below every survivor, whatever "
    "was measured before, and tie with one another.",
    "as_missing": "A death makes later scores missing, as a withdrawal does, and is ranked by the "
    "rule for missing data.",
}

_SIDES = {
    "two-sided": "Two-sided: a difference in either direction can reject.",
    "greater": "One-sided: only a difference in favour of the treated can reject.",
    "less": "One-sided: only a difference in favour of the control can reject.",
}

_INTERVALS = {
    "null": "normal, with the tie-corrected variance that holds when the arms do not differ",
    "delong": "normal, with the variance of the placements (DeLong 1988)",
    "brunner-munzel": "Student's t with Satterthwaite's degrees of freedom and the variance of "
    "the placements (Brunner and Munzel 2000)",
    "logit": "normal on the logit scale, with the variance of the placements",
    "newcombe": "Newcombe's method 5 (2006), a score interval that takes no account of ties",
}


def _estimate(plan: AnalysisPlan) -> str:
    measure = {"score": "score", "change": "change from baseline"}[plan.measure]
    what = (
        f"Mann-Whitney effect: the chance that a patient on {plan.treated} has a better "
        f"{plan.endpoint} {measure} at {plan.visit} than one on {plan.control}, ties counted half"
    )
    within = "" if plan.strata == "none" else ", within each site, weighted as van Elteren weights"
    return f"{what}{within}."


def _test(plan: AnalysisPlan) -> str:
    if plan.strata == "site":
        return "Van Elteren's test: Wilcoxon-Mann-Whitney stratified by site, asymptotic."
    return "Wilcoxon-Mann-Whitney, asymptotic, not stratified."


def _side(plan: AnalysisPlan) -> str:
    return f"{_SIDES[plan.alternative]} The interval is always two-sided."


def _continuity(plan: AnalysisPlan) -> str:
    if plan.continuity_correction:
        return (
            "The test brings the count of won pairs half a pair nearer to its null mean; the "
            "interval is not corrected."
        )
    return "No continuity correction."


def _variance(plan: AnalysisPlan) -> str:
    within = "" if plan.strata == "none" else " in each site"
    return f"The test's variance is that of the null hypothesis, corrected for ties{within}."


def _interval(plan: AnalysisPlan) -> str:
    method = _INTERVALS[plan.interval]
    if plan.strata == "site":
        method = "normal, with the variance of the placements in each site"
    return f"{100 * plan.confidence:.12g}% interval: {method}."


def _analysis_set(plan: AnalysisPlan) -> str:
    sentence = "Everybody randomised, in the arm allocated."
    if plan.analysis_set == "efficacy":
        sentence = "Everybody randomised who has a score at any visit after baseline"
        dead = ", or died by the time of the visit" if plan.death == "worst_rank" else ""
        sentence += f"{dead}; in the arm allocated."
    if plan.minimum_infusion_share > 0:
        sentence += (
            f" Patients given less than {plan.minimum_infusion_share:.12g} of the planned infusions"
            " are left out."
        )
    return sentence


def _missing(plan: AnalysisPlan) -> str:
    return {
        "locf": "A missing score is the last one known, baseline among them (LOCF).",
        "bocf": "A missing score is that of baseline (BOCF).",
        "worst_rank": "A patient whose score is missing ranks below all who have one, like the "
        "dead.",
        "complete_case": "A patient whose score is missing is left out.",
    }[plan.missing]
