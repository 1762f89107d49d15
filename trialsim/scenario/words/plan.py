"""The analysis plan in words: a sentence for every convention on which software differs."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.choices import SIDES
from trialsim.scenario.plan.claims import MARGIN_VARIANCE, claim_in_words, margin_test_in_words
from trialsim.scenario.plan.estimands import Strategy
from trialsim.scenario.plan.imputation import AT_RANDOM, imputation_in_words
from trialsim.scenario.plan.methods.base import listed
from trialsim.scenario.plan.pooled_analysis import PooledAnalysis, pooling_in_words
from trialsim.scenario.plan.prognostic import PROGNOSTIC
from trialsim.scenario.protocol.intercurrent import DISCONTINUATIONS, Event
from trialsim.scenario.words.events import EVENTS
from trialsim.scenario.words.labels import in_words, outcome_in_words
from trialsim.scenario.words.multiplicity import multiplicity_in_words, success_in_words

_NO_LABELS: Final[Mapping[str, Outcome]] = MappingProxyType({})


def plan_in_words(
    plan: AnalysisPlan | PooledAnalysis, outcomes: Mapping[str, Outcome] = _NO_LABELS
) -> dict[str, str]:
    """Return each convention of the analysis by name, as a sentence or more.

    Outcomes are called by their labels. The secondary analyses stand on a line each. The names are
    the same for every plan of a trial, so two results can be compared line by line; `success` is
    beside them where it is not that of the primary analysis by itself.
    """
    if isinstance(plan, PooledAnalysis):
        return pooling_in_words(plan)
    return {
        **_comparison(plan, outcomes),
        "secondary": _secondary(plan, outcomes),
        "multiplicity": multiplicity_in_words(plan),
        **({"success": success_in_words(plan)} if plan.needs_every_analysis else {}),
    }


def _comparison(plan: AnalysisPlan, outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    """Return what can differ from one comparison to another."""
    plan = labelled(plan, outcomes)
    quantity, method = plan.quantity, plan.test
    imputed = plan.missing == "multiple_imputation"
    interval = "Student's t by Rubin's rules" if imputed else method.interval_in_words(plan)
    test, variance, sides = _tested(plan, interval)
    return {
        "estimate": f"{method.estimate_in_words(plan)}{_meant(plan)}",
        "direction": f"Values above {quantity.null:g} favour treatment (the scale's direction is "
        "taken into account).",
        "test": f"{test}{_score(plan)}",
        "alternative": sides,
        "alpha": f"The null hypothesis is rejected when the p-value is at most {plan.alpha:.12g}.",
        "ties": method.ties_in_words(plan),
        "continuity": _continuity(plan),
        "variance": variance,
        "interval": f"{100 * plan.confidence:.12g}% interval: {interval}.",
        "small_samples": method.small_samples_in_words(plan),
        "analysis_set": _analysis_set(plan),
        "missing_data": "".join([_missing(plan), *_after_events(plan)]),
        "death": method.death_in_words(plan, _DEATH[plan.death]),
    }


def _tested(plan: AnalysisPlan, interval: str) -> tuple[str, str, str]:
    """Return the test, its variance and its sides, of a difference or of a margin."""
    method, imputed = plan.test, plan.missing == "multiple_imputation"
    if plan.claim != "superiority":
        variance = _pooled_variance(plan) if imputed else MARGIN_VARIANCE
        return margin_test_in_words(plan, interval), variance, claim_in_words(plan, plan.quantity)
    return (
        method.pooled_in_words(plan) if imputed else method.test_in_words(plan),
        _pooled_variance(plan) if imputed else method.variance_in_words(plan),
        f"{SIDES[plan.alternative]} The interval is always two-sided.",
    )


def _score(plan: AnalysisPlan) -> str:
    """Return what the prognostic score is, where a covariate is the score."""
    prognostic = plan.prognostic
    if prognostic is None or PROGNOSTIC not in getattr(plan.test, "covariates", ()):
        return ""
    return (
        f" The prognostic score is what least squares on {listed(prognostic.covariates)}, their "
        f"squares and products say of the score at {plan.visit} without the drug, fitted once to "
        f"simulated control patients of {prognostic.learned_from} (Schuler et al. 2022)."
    )


def _meant(plan: AnalysisPlan) -> str:
    return "" if plan.estimand is None else f" It is for the estimand {in_words(plan.estimand)}."


def _pooled_variance(plan: AnalysisPlan) -> str:
    pooled = (
        "Within imputations that of each completed trial; between imputations that of the "
        "estimates."
    )
    if (plan.imputation or AT_RANDOM) == AT_RANDOM:
        return pooled
    return (
        f"{pooled} It is information-anchored (Cro, Carpenter and Kenward 2019): missing scores "
        "take as much information away as under missing at random, so that it is larger than the "
        "variance over repeated trials, and the test conservative."
    )


_DEATH = {
    "worst_rank": "Patients who died by the time of the visit rank below every survivor, whatever "
    "was measured before, and are tied with one another.",
    "as_missing": "A death makes later scores missing, as a withdrawal does, and follows the "
    "rule for missing data.",
}

_AFTER_EVENTS: Final[Mapping[Strategy, str]] = {
    "hypothetical": "Scores after {what} are missing, whether or not they were measured.",
    "composite": "Patients with {what} by the time of the visit rank below all others, with those "
    "who died, whatever was measured (composite).",
    "while_on_treatment": "Of patients with {what} by the time of the visit the last score seen "
    "before counts (while on treatment).",
    "principal_stratum": "Patients with {what} by the time of the visit are left out; they need "
    "not be those who would have had it in the other arm (principal stratum).",
}


def _after_events(plan: AnalysisPlan) -> Iterator[str]:
    """Yield a sentence for each way in which scores after events are not counted as they are."""
    for strategy, sentence in _AFTER_EVENTS.items():
        kinds = plan.kinds_under(strategy)
        if kinds:
            what = " or ".join(_kinds(kinds))
            said = sentence.format(what=what)
            composite = strategy == "composite"
            yield f" {plan.test.composite_in_words(what, said) if composite else said}"


def _kinds(kinds: tuple[Event, ...]) -> Iterator[str]:
    """Yield kinds of event in words; that of every discontinuation is one."""
    every = set(DISCONTINUATIONS) <= set(kinds)
    for kind in kinds:
        if kind == "discontinuation" and not every:
            yield f"{EVENTS[kind]} for another reason than the drug"
        elif kind != "drug_related_discontinuation" or not every:
            yield EVENTS[kind]


def labelled(plan: AnalysisPlan, outcomes: Mapping[str, Outcome]) -> AnalysisPlan:
    """Return a plan to be read, not run: words in place of the names in it."""
    named: dict[str, Any] = {
        "endpoint": outcome_in_words(plan.endpoint, outcomes),
        **{what: in_words(getattr(plan, what)) for what in ("visit", "treated", "control")},
    }
    named["test"] = plan.test.in_labels(lambda name: outcome_in_words(name, outcomes), in_words)
    return plan.model_copy(update=named)


def _secondary(plan: AnalysisPlan, outcomes: Mapping[str, Outcome]) -> str:
    """Return a line for the other visits, and one for each secondary analysis."""
    lines = ["The primary analysis is repeated at every other visit after baseline."]
    primary = _comparison(plan, outcomes)
    for name, further in plan.further.items():
        own = _comparison(further, outcomes)
        differing = [words for what, words in own.items() if words != primary[what]]
        lines.append(f"{in_words(name)}: {' '.join(differing or ['As the primary analysis.'])}")
    return "\n".join(lines)


def _continuity(plan: AnalysisPlan) -> str:
    if plan.continuity_correction:
        return (
            "The test moves the count of won pairs half a pair towards its null mean; the "
            "interval is not corrected."
        )
    return "No continuity correction."


def _analysis_set(plan: AnalysisPlan) -> str:
    sentence = plan.test.analysed_in_words(plan)
    if plan.analysis_set == "full_analysis_set" and not plan.test.counted_events:
        sentence = (
            "Full analysis set: all randomised patients with a score at any visit after baseline"
        )
        dead = ", or dead by the time of the visit" if plan.death == "worst_rank" else ""
        sentence += f"{dead}, in the arm allocated."
    sentence += plan.test.left_out_in_words(plan)
    if plan.minimum_infusion_share > 0:
        sentence += (
            f" Patients given less than {plan.minimum_infusion_share:.12g} of the planned infusions"
            " are excluded."
        )
    if plan.subgroup is not None:
        sentence += f" Subgroup: {plan.subgroup.label}."
    return sentence


def _missing(plan: AnalysisPlan) -> str:
    if plan.missing == "multiple_imputation":
        assumed = imputation_in_words(plan.imputation or AT_RANDOM, plan.treated, plan.control)
        return (
            f"A missing score is imputed {plan.imputations} times, {assumed}; the results are "
            f"pooled by Rubin's rules as {plan.test.pooled_as}, with the degrees of freedom of "
            "Barnard and Rubin (1999)."
        )
    if plan.missing == "censored":
        return plan.test.censoring_in_words(plan)
    return {
        "locf": "A missing score is replaced by the last one observed, baseline included (LOCF).",
        "bocf": "A missing score is replaced by that at baseline (BOCF).",
        "worst_rank": "A patient whose score is missing ranks below all who have one, as do "
        "patients who died.",
        "complete_case": "A patient whose score is missing is excluded.",
        "likelihood": "A missing score stays missing: the likelihood of those observed takes it as "
        "missing at random, given arm, covariates and the patient's other scores. The effect is "
        "that had nobody left the trial (hypothetical).",
    }[plan.missing]
