"""The looks of a study in words: when, by what rules, with what bounds, and what follows."""

from functools import lru_cache
from math import isnan
from typing import Final

from trialsim.arrays import Floats
from trialsim.scenario.monitoring.boundaries import BoundaryPlan, boundary_plan
from trialsim.scenario.monitoring.effect_scale import reported
from trialsim.scenario.monitoring.efficacy import (
    SPENDING,
    EfficacyRule,
    GammaFamily,
    GivenBounds,
    HaybittlePeto,
    NoEfficacy,
    PowerFamily,
    Table,
    WangTsiatis,
)
from trialsim.scenario.monitoring.futility import (
    BetaSpending,
    FutilityRule,
    OnConditionalPower,
    OnEffect,
    OnP,
    OnPredictivePower,
    OnZ,
)
from trialsim.scenario.monitoring.looks import Look
from trialsim.scenario.monitoring.monitoring import Monitoring
from trialsim.scenario.monitoring.re_estimation import ReEstimation
from trialsim.scenario.monitoring.trend_sizes import least_power_of
from trialsim.scenario.plan.methods.several_outcomes import WeiLachin
from trialsim.scenario.programme import Study, trials_of
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.labels import in_words
from trialsim.scenario.words.plan import plan_in_words

_NAMES: Final = {
    "obrien_fleming": "alpha spending after Lan and DeMets, of the O'Brien-Fleming type",
    "pocock": "alpha spending after Lan and DeMets, of the Pocock type",
    "hwang_shih_decani": "alpha spending after Hwang, Shih and DeCani",
    "kim_demets": "alpha spending after Kim and DeMets",
    "spending_table": "alpha spending by a table",
    "classical_obrien_fleming": "the bounds of O'Brien and Fleming",
    "classical_pocock": "the bounds of Pocock",
    "wang_tsiatis": "the bounds of Wang and Tsiatis",
    "haybittle_peto": "the bounds of Haybittle and Peto",
    "given_bounds": "given bounds",
    "none": "none before the end",
}


def monitoring_in_words(scenario: Scenario) -> dict[str, str]:
    """Return what is planned of looks by name, a sentence or more each; empty without looks."""
    if scenario.monitoring is None:
        return {}
    plan, monitoring = boundary_of(scenario), scenario.monitoring
    told = {
        "looks": " ".join(look_in_words(name, look) for name, look in monitoring.looks.items()),
        "information": _information(monitoring),
        "efficacy": f"{_sentence(efficacy_in_words(monitoring.efficacy))} {_bounds_said(plan)}",
        "futility": _futility_said(plan),
        "waiting_patients": _WAITING[monitoring.waiting_patients],
        "final_test": _final(plan),
        "inference": _inference(monitoring) + _not_in_the_order(monitoring),
    }
    if scenario.analysis.test.method == "responders" and scenario.analysis.strata != "none":
        told["statistic"] = (
            "At the looks and at the end shares are compared by the Cochran-Mantel-Haenszel test, "
            "and the information is that of its variance."
        )
    elif scenario.analysis.test.method == "responders":
        told["statistic"] = (
            "At the looks and at the end the shares are compared by the normal approximation with "
            "the pooled variance: Fisher's exact test has no statistic to monitor."
        )
    elif scenario.analysis.test.method in ("t_test", "welch", "ancova", "brunner_munzel"):
        told["statistic"] = (
            "z is the normal quantile of the test's one-sided p-value, so a bound on z is one on p."
        )
    if monitoring.re_estimation is not None:
        told["sample_size"] = _sizes(plan, monitoring.re_estimation)
    if monitoring.board is not None:
        told["board"] = monitoring.board
    return told


def conventions_in_words(scenario: Scenario) -> dict[str, str]:
    """Return the conventions of a trial's analysis; with looks, those of its looks replace some."""
    plan, monitoring = scenario.analysis, scenario.monitoring
    told = plan_in_words(plan, scenario.outcomes)
    if monitoring is None:
        return told
    sides = "two-sided" if plan.alternative == "two-sided" else "one-sided"
    told["alpha"] = (
        f"The overall level is {plan.alpha:.12g}, {sides}. The null hypothesis is rejected when "
        "the test crosses a bound for efficacy given under Monitoring."
    )
    if monitoring.interval != "naive":
        told["interval"] = (
            f"{100 * plan.confidence:.12g}% interval: {_ORDERED[monitoring.interval]}, as given "
            "under Monitoring."
        )
    told["small_samples"] = f"Of the fixed design, without looks: {told['small_samples']}"
    return told


def beyond_level(study: Study) -> tuple[str, ...]:
    """Return a warning for a study whose test is known to exceed its level at looks.

    >>> import trialsim as ts
    >>> beyond_level(ts.load("cars_sequential"))
    ()
    """
    return tuple(
        f"{name}: analysis.test.variance: with placement, looks exceed the one-sided level of "
        "0.025 (0.027 to 0.029 in 40,000 trials of 240 patients without effect); with "
        "null_variance they keep it"
        for name, trial in trials_of(study).items()
        if trial.monitoring is not None
        and isinstance(test := trial.analysis.test, WeiLachin)
        and test.variance == "placement"
    )


@lru_cache(256)
def boundary_of(scenario: Scenario) -> BoundaryPlan:
    """Return the plan of the bounds of a study that has looks."""
    if scenario.monitoring is None:
        raise ValueError(f"{scenario.name} has no looks")
    return boundary_plan(scenario.design, scenario.analysis, scenario.monitoring)


def look_in_words(name: str, look: Look) -> str:
    """Say when a look falls, and when its decision.

    >>> from trialsim.scenario.monitoring.looks import When
    >>> look_in_words("first", Look(when=When(known=0.5), decided_after_days=28.0))
    'first: when the endpoint of 50% of the planned patients is known, decided after 28 days.'
    """
    value = look.when.value
    moment = {
        "known": f"when the endpoint of {value:.4g} of the planned patients is known",
        "known_patients": f"when the endpoint of {value:g} patients is known",
        "randomised": f"when {value:.4g} of the planned patients are randomised",
        "day": f"on day {value:g}",
        "days_after_first_patient": f"{value:g} days after the first patient",
    }[look.when.kind]
    if look.when.kind in ("known", "randomised"):
        moment = moment.replace(f"{value:.4g} of", f"{100 * value:.4g}% of")
    after = f"decided after {look.decided_after_days:g} days" if look.decided_after_days else ""
    pause = "while recruitment pauses" if after and look.recruitment_meanwhile == "pauses" else ""
    return f"{name}: {moment}{', ' if after else ''}{after}{' ' if pause else ''}{pause}."


def efficacy_in_words(rule: EfficacyRule) -> str:
    """Name the rule for efficacy, with its choice.

    >>> efficacy_in_words(GammaFamily(rule="hwang_shih_decani", gamma=-4.0))
    'alpha spending after Hwang, Shih and DeCani (gamma -4)'
    """
    match rule:
        case GammaFamily(gamma=gamma):
            choice = f" (gamma {gamma:g})"
        case PowerFamily(rho=rho):
            choice = f" (rho {rho:g})"
        case WangTsiatis(delta=delta):
            choice = f" (delta {delta:g})"
        case HaybittlePeto(z=z):
            choice = f" (z {z:g})"
        case Table(fractions=fractions, shares=shares):
            pairs = zip(shares, fractions, strict=True)
            told = ", ".join(f"{share:g} by {fraction:g}" for share, fraction in pairs)
            choice = f" ({told})"
        case _:
            choice = ""
    return _NAMES[rule.rule] + choice


def futility_in_words(rule: FutilityRule | None) -> str:
    """Say when the trial stops for futility, as a condition."""
    match rule:
        case OnZ(below=below):
            return f"z is below {below:g}"
        case OnP(above=above):
            return f"the one-sided p-value is above {above:g}"
        case OnEffect(below=below):
            return f"the estimate is below {below:g}"
        case OnConditionalPower(below=below, under=under):
            of = _UNDER[under] if isinstance(under, str) else f"an effect of {under:g}"
            return f"conditional power under {of} is below {below:g}"
        case OnPredictivePower(below=below):
            return f"predictive power is below {below:g}"
        case BetaSpending(power=power):
            return f"z is below the bounds of beta spending for a power of {power:g}"
    return "none"


def _information(monitoring: Monitoring) -> str:
    said = _INFORMATION[monitoring.information]
    if monitoring.information == "variance" and monitoring.final.test == "conventional":
        return f"{said} A look with all of the planned information is the last analysis."
    return said


def _sentence(said: str) -> str:
    return f"{said[0].upper()}{said[1:]}."


def _bounds_said(plan: BoundaryPlan) -> str:
    """Say the planned bounds on z at each look and at the end."""
    each = _each(plan, plan.planned.efficacy)
    sides = "two-sided, so |z|" if plan.sides == 2 else "one-sided, so z"
    kept = (
        " Bounds are recomputed from the information observed."
        if isinstance(plan.monitoring.efficacy, SPENDING)
        else ""
    )
    if isinstance(plan.monitoring.efficacy, NoEfficacy):
        each = f"{plan.planned.efficacy[-1]:.3f} at the end"
    if isinstance(plan.monitoring.efficacy, GivenBounds):
        kept = ""
    return (
        f"The test at level {plan.analysis.alpha:g} is {sides} must reach, at the planned "
        f"information: {each}.{kept}"
    )


def _futility_said(plan: BoundaryPlan) -> str:
    rule = plan.monitoring.futility
    if rule is None:
        return "No look stops for futility."
    named = zip(plan.names, plan.planned.futility.tolist(), strict=True)
    each = ", ".join(f"{z:.3f} at {_the_look(name)}" for name, z in named if abs(z) < float("inf"))
    binding = (
        "Binding: the efficacy bounds take it into account."
        if rule.binding
        else "Non-binding: the type I error is kept whether the board stops or not."
    )
    said = f" (at the planned information: z < {each})" if each else ""
    return f"Stop for futility if {futility_in_words(rule)}{_under(plan)}{said}. {binding}"


def _under(plan: BoundaryPlan) -> str:
    """Say under which effect beta is spent; nothing where it is not, or nothing says which."""
    if not isinstance(plan.monitoring.futility, BetaSpending) or isnan(plan.information):
        return ""
    effect = reported(plan.analysis, plan.effect_of_beta_spending)
    return f", which these looks have at an effect of {effect:.3g}"


def _the_look(name: str) -> str:
    """Name a look in a sentence.

    >>> _the_look("first"), _the_look("look_1")
    ('the first look', 'look 1')
    """
    return in_words(name) if "look" in name else f"the {in_words(name)} look"


def _each(plan: BoundaryPlan, bounds: Floats) -> str:
    """Say the bounds that can be crossed."""
    named = zip(plan.names, bounds.tolist(), strict=True)
    return ", ".join(f"{name} {z:.3f}" for name, z in named if abs(z) < float("inf"))


def _final(plan: BoundaryPlan) -> str:
    """Say the test of the last analysis, with what it must reach where it combines stages."""
    final = plan.monitoring.final
    weights = ", ".join(f"{weight:.4f}" for weight in plan.weights)
    weighted = f"The weights of the stages' z are {weights}; bounds are of the combined z."
    said = {
        "conventional": "The last analysis takes all patients together.",
        "inverse_normal": "The last analysis combines the stages' own one-sided p-values by the "
        f"inverse normal method, with the planned shares of information as weights. {weighted}",
        "fisher": "The last analysis multiplies the two stages' own one-sided p-values (Fisher) "
        f"and rejects where the product is at most {plan.product:.5f}.",
        "cui_hung_wang": "The last analysis weights the z of either stage, from its own patients "
        "alone, as planned, not as they turned out (Cui, Hung and Wang 1999). " + weighted,
    }[final.test]
    return said if final.because is None else f"{said} Because: {final.because.rstrip('.')}."


def _inference(monitoring: Monitoring) -> str:
    """Say the estimate and the interval, and of combined stages what stands for them."""
    estimate, interval = monitoring.estimate, monitoring.interval
    combines = monitoring.final.test != "conventional"
    said = _ESTIMATES[estimate]
    if combines and estimate == "median_unbiased":
        said = "The estimate is the effect under which the combined z is as likely above as below."
    alone = interval == "naive" != estimate
    said = f"{said} {_NAIVE if alone else _INTERVALS[interval]}"
    if combines and interval == "naive":
        available = "not available" if monitoring.final.test == "fisher" else "interval: repeated"
        said += (
            " It may disagree with the decision of the combined test; an interval that agrees: "
            f"{available}."
        )
    return said


def _not_in_the_order(monitoring: Monitoring) -> str:
    """Say whether stage-wise inference counts a stop for futility that the board may overrule."""
    staged = monitoring.estimate == "median_unbiased" or monitoring.interval == "stagewise"
    if monitoring.final.test != "conventional" or not staged:
        return ""
    if monitoring.futility is None or monitoring.futility.binding:
        return ""
    if monitoring.orders_futility:
        return (
            " The ordering counts the non-binding stop for futility: estimate and interval are "
            "exact where the board obeys it, and the interval may exclude the null effect where "
            "the test does not reject."
        )
    return (
        " The ordering leaves out the non-binding stop for futility: where the board obeys it, the "
        "estimate is not quite median unbiased, nor the interval's coverage exact (cars_sequential "
        "at effects of 0.55, 0.57 and 0.62: 60%, 55% and 48% of estimates below the truth, Monte "
        "Carlo standard error 0.8%); with futility_in_order: always it counts it."
    )


def _sizes(plan: BoundaryPlan, rule: ReEstimation) -> str:
    whence = {
        "blinded": "from the pooled endpoint, blinded,",
        "conditional_power": "for the conditional power under the current trend,",
        "promising_zone": "where conditional power under the current trend is promising, from "
        f"{least_power_of(plan, rule):.3f},",
    }[rule.by]
    return (
        f"At {rule.at} the sample size is re-estimated, {whence} to give {rule.power:g}, "
        f"between {rule.at_least} and {rule.at_most}."
    )


_UNDER: Final = {
    "no_effect": "no effect",
    "design": "the planned effect",
    "trend": "the current trend",
}
_INFORMATION: Final = {
    "patients": "Information fraction: patients analysed / patients planned.",
    "variance": "Information fraction: reciprocal of the variance of the test, ties included / the "
    "planned one.",
}
_WAITING: Final = {
    "followed": "After a stop no more patients are randomised; those whose endpoint is pending are "
    "followed up and included in the final analysis; the decision is not reversed.",
    "left_out": "After a stop the trial is closed at once; those whose endpoint is pending are "
    "left out.",
}
_ESTIMATES: Final = {
    "naive": "The estimate is that of the last data, as if there had been no looks.",
    "median_unbiased": "The estimate is median unbiased, by stage-wise ordering of the data at the "
    "decision.",
}
_INTERVALS: Final = {
    "naive": "So is the interval.",
    "stagewise": "The interval is by stage-wise ordering of the data at the decision.",
    "repeated": "The interval is the repeated confidence interval.",
}
_NAIVE: Final = "The interval is that of the last data, as if there had been no looks."
_ORDERED: Final = {
    "stagewise": "by stage-wise ordering",
    "repeated": "repeated confidence interval",
}
