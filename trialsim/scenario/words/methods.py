"""The methods of an analysis said in words: estimate, test, ties, variance, interval and speed."""

from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods import (
    MEAN_METHODS,
    AdjustedRank,
    Ancova,
    BrunnerMunzel,
    ExactMannWhitney,
    MannWhitney,
    OBrien,
    Permutation,
    ProportionalOdds,
    Responders,
    TTest,
    WeiLachin,
    Welch,
)


def is_mann_whitney(plan: AnalysisPlan) -> bool:
    """Return whether the plan's test is the asymptotic Mann-Whitney test, stratified or not."""
    return isinstance(plan.test, MannWhitney)


def estimate_in_words(plan: AnalysisPlan) -> str:
    """Return what is estimated, with who is compared in what and when."""
    measure = {"score": "score", "change": "change from baseline"}[plan.measure]
    against = f"{plan.endpoint} {measure} at {plan.visit}"
    match plan.test:
        case Responders(threshold=threshold):
            return (
                f"Risk difference: the share of patients on {plan.treated} whose {against} is "
                f"{threshold} or better, less that on {plan.control}."
            )
        case ProportionalOdds():
            return (
                f"Common odds ratio of a better {against} on {plan.treated} against "
                f"{plan.control}, above any cell of the scale."
            )
        case OBrien(outcomes=outcomes):
            return (
                f"Difference of the mean sums of ranks over {_listed(outcomes)}, {measure} at "
                f"{plan.visit}, {plan.treated} less {plan.control}."
            )
        case TTest() | Welch() | Ancova():
            return (
                f"Mean difference: {against} on {plan.treated} less that on {plan.control}, in "
                "points towards the better end of the scale."
            )
    return f"{_EFFECTS[plan.effect]}{_effect_in_words(plan, measure)}."


def test_in_words(plan: AnalysisPlan) -> str:
    """Return the test, what it is referred to, and whether it is stratified."""
    if plan.missing == "multiple_imputation" and is_mann_whitney(plan):
        return "Student's t test of the pooled logit of the Mann-Whitney effect, not stratified."
    match plan.test:
        case MannWhitney():
            return _mann_whitney(plan)
        case ExactMannWhitney():
            return (
                "Wilcoxon-Mann-Whitney, exact: against every way of dealing the patients to the "
                "arms again, ties as they are; two-sided extremes are the rank sums at least as "
                "far from their mean. Not stratified."
            )
        case Permutation(statistic=statistic, permutations=permutations):
            name = {"mann_whitney": "Wilcoxon-Mann-Whitney", "brunner_munzel": "Brunner-Munzel"}
            return (
                f"{name[statistic]} statistic against {permutations:,} random ways of dealing the "
                "patients to the arms again, the observed one counted as one more. Not stratified."
            )
        case BrunnerMunzel(reference=reference):
            against = {
                "t": "Student's t with Satterthwaite's degrees of freedom",
                "normal": "the normal distribution",
            }
            return f"Brunner-Munzel, against {against[reference]}, not stratified."
        case AdjustedRank():
            return _adjusted(plan, plan.test)
        case WeiLachin(weighting=weighting):
            weights = {
                "equal": "weighted equally",
                "standardised": "divided by their null standard errors",
                "least-squares": "weighted by O'Brien's generalised least squares",
            }
            return (
                "Wei-Lachin multivariate directional test: the effects are "
                f"{weights[weighting]}, normal. Not stratified."
            )
    return _OTHER_TESTS[plan.test.method]


def ties_in_words(plan: AnalysisPlan) -> str:
    """Return what becomes of tied patients."""
    if isinstance(plan.test, (*MEAN_METHODS, Responders)):
        return "Scores are not ranked, so ties have no part."
    if isinstance(plan.test, ProportionalOdds):
        return "Tied patients are in one cell of the model."
    sentence = "Tied patients share the mean of their ranks (midranks); a tie counts one half."
    if plan.effect == "win_ratio":
        return "Tied pairs count in the test one half, and not at all in the win ratio."
    return sentence


def variance_in_words(plan: AnalysisPlan) -> str:
    """Return under which hypothesis the test's variance holds, and how it is made."""
    if plan.missing == "multiple_imputation":
        return "Within imputations as in each completed trial, between them that of the estimates."
    placements = "The test's variance is that of the placements, under any hypothesis"
    match plan.test:
        case MannWhitney() | ExactMannWhitney() | Permutation(statistic="mann_whitney"):
            within = "" if plan.strata == "none" else " in each site"
            return (
                f"The test's variance is that of the null hypothesis, corrected for ties{within}."
            )
        case Permutation() | BrunnerMunzel():
            return f"{placements} (Brunner and Munzel 2000)."
        case AdjustedRank(variance=variance):
            if variance == "u-statistic":
                return "The test's variance is that of U-statistics, arms as random (Koch 1998)."
            return f"{placements}, less what the covariates explain."
        case WeiLachin(variance=variance):
            if variance == "null":
                return "The test's variance is that of the null hypothesis, over all outcomes."
            return f"{placements}, with the covariances between outcomes."
    return _OTHER_VARIANCES[plan.test.method]


def interval_in_words(plan: AnalysisPlan) -> str:
    """Return how the interval is made, without a full stop."""
    if plan.missing == "multiple_imputation":
        return "Student's t by Rubin's rules"
    if plan.effect == "win_ratio":
        return "normal on the log scale (Bebu and Lachin 2016)"
    method = _OTHER_INTERVALS.get(plan.test.method, _INTERVALS[plan.interval])
    if plan.strata == "site":
        method = "normal, with the variance of the placements in each site"
    if isinstance(plan.test, AdjustedRank):
        method = _OTHER_INTERVALS["adjusted_rank"]
    if plan.effect != "mann_whitney":
        method += "; made for the Mann-Whitney effect and carried over"
    return method


def speed_in_words(plan: AnalysisPlan) -> str:
    """Return whether thousands of trials can be analysed in seconds, with a warning where not."""
    slow = {
        "exact_mann_whitney": "up to half a second a trial of 208 patients",
        "permutation": "about as many times slower as there are permutations, shared by a batch",
        "proportional_odds": "a fit by statsmodels, 20 ms to a second a trial, twice for the power",
    }
    if plan.test.method in slow:
        return f"Slow, so think before thousands of replicates: {slow[plan.test.method]}."
    if plan.missing == "multiple_imputation":
        return "Slow, so think before thousands of replicates: every trial is imputed many times."
    return "Fast: whole batches of trials are analysed at once."


_EFFECTS = {
    "mann_whitney": "Mann-Whitney effect: ",
    "win_odds": "Win odds, effect / (1 - effect) of the Mann-Whitney effect: ",
    "win_ratio": "Win ratio, pairs won over pairs lost by the treated, ties left out; tested by "
    "the Mann-Whitney effect: ",
    "net_benefit": "Net benefit, 2 effect - 1 of the Mann-Whitney effect: ",
}
_INTERVALS = {
    "null": "normal, with the tie-corrected variance that holds when the arms do not differ",
    "delong": "normal, with the variance of the placements (DeLong 1988)",
    "brunner-munzel": "Student's t with Satterthwaite's degrees of freedom and the variance of "
    "the placements (Brunner and Munzel 2000)",
    "logit": "normal on the logit scale, with the variance of the placements",
    "newcombe": "Newcombe's method 5 (2006), a score interval that takes no account of ties",
}
_OTHER_INTERVALS = {
    "adjusted_rank": "normal, with the test's variance",
    "wei_lachin": "normal, with the test's variance",
    "obrien": "Student's t",
    "t_test": "Student's t",
    "welch": "Student's t with Satterthwaite's degrees of freedom",
    "ancova": "Student's t",
    "responders": "Newcombe's method 10 (1998), from two Wilson intervals",
    "proportional_odds": "Wald, on the log scale",
}
_OTHER_TESTS = {
    "obrien": "O'Brien's rank-sum test (1984): Student's t test of each patient's sum of ranks.",
    "t_test": "Student's t test, one variance for both arms.",
    "welch": "Welch's t test, a variance for each arm.",
    "ancova": "Analysis of covariance: least squares on arm and baseline score, one slope for "
    "both arms, Student's t.",
    "responders": "Fisher's exact test, two-sided by adding the tables that are no more probable; "
    "it has no statistic. Whoever ranks below all others does not respond.",
    "proportional_odds": "Wald's test in the proportional odds model.",
}
_OTHER_VARIANCES = {
    "obrien": "One variance of the rank sums for both arms.",
    "t_test": "One variance for both arms, from within them.",
    "welch": "A variance for each arm.",
    "ancova": "One residual variance for both arms, after the baseline score.",
    "responders": "The test is exact and has no variance.",
    "proportional_odds": "The test's variance is that of maximum likelihood.",
}


def _effect_in_words(plan: AnalysisPlan, measure: str) -> str:
    if isinstance(plan.test, WeiLachin):
        return (
            f"the mean over {_listed(plan.test.outcomes)} of the chance that a patient on "
            f"{plan.treated} has a better {measure} at {plan.visit} than one on {plan.control}, "
            "ties counted half"
        )
    weights = _STRATUM_WEIGHTS[plan.stratum_weighting]
    within = "" if plan.strata == "none" else f", within each site, {weights}"
    adjusted = ", adjusted for covariates" if isinstance(plan.test, AdjustedRank) else ""
    return (
        f"the chance that a patient on {plan.treated} has a better {plan.endpoint} {measure} at "
        f"{plan.visit} than one on {plan.control}, ties counted half{within}{adjusted}"
    )


_STRATUM_WEIGHTS = {
    "van-elteren": "weighted as van Elteren weights",
    "mantel-haenszel": "weighted by m n / N of its patients (Mantel-Haenszel)",
    "pairs": "weighted by its pairs of patients",
    "patients": "weighted by its patients",
    "equal": "all sites weighted alike",
    "inverse-variance": "weighted by the inverse of its variance",
}


def _mann_whitney(plan: AnalysisPlan) -> str:
    if plan.strata == "none":
        return "Wilcoxon-Mann-Whitney, asymptotic, not stratified."
    if plan.stratum_weighting == "van-elteren":
        return "Van Elteren's test: Wilcoxon-Mann-Whitney stratified by site, asymptotic."
    return "Wilcoxon-Mann-Whitney stratified by site, with these weights, asymptotic."


def _adjusted(plan: AnalysisPlan, method: AdjustedRank) -> str:
    by = {"rank": "by ranks", "mean": "by means"}
    named = [f"{name} ({by[how]})" for name, how in method.covariates.items()]
    strata = "not stratified" if plan.strata == "none" else "stratified by site"
    return (
        "Nonparametric analysis of covariance (Koch 1998; Kawaguchi, Koch and Wang 2011), normal: "
        f"the effect is adjusted for the imbalance of {_listed(named)}; {strata}."
    )


def _listed(names: tuple[str, ...] | list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
