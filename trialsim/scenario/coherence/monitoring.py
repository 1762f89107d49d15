"""What the looks of a study need of its design, its calendar and its primary analysis."""

from collections.abc import Iterator
from functools import wraps
from itertools import pairwise
from typing import Any, Final

import numpy as np

from trialsim.scenario.monitoring.boundaries import BoundaryPlan, boundary_plan
from trialsim.scenario.monitoring.effect_scale import ends, natural, null_effect
from trialsim.scenario.monitoring.efficacy import GivenBounds, HaybittlePeto, Table
from trialsim.scenario.monitoring.futility import BetaSpending, OnConditionalPower, OnEffect
from trialsim.scenario.monitoring.looks import Look
from trialsim.scenario.monitoring.monitoring import Monitoring
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.choices import PRIMARY
from trialsim.scenario.plan.methods.responders import Responders
from trialsim.scenario.plan.multiplicity import Serial
from trialsim.scenario.protocol.design import Design
from trialsim.scenario.protocol.operations import Operations
from trialsim.scenario.validation.refusal import Rule, Rules, Violation, within

_ROUNDING: Final = 1.02
"""Given bounds with two decimals may spend so many times alpha: 1.98 for 1.977 spends .0249."""


def _looks_before_the_end(
    design: Design, operations: Operations, analysis: AnalysisPlan, monitoring: Monitoring
) -> Iterator[Violation]:
    visit = design.visits.get(analysis.visit)
    days = 0.0 if visit is None else visit.day + visit.window_days
    latest = operations.recruitment_limit_days + days
    for name, look in monitoring.looks.items():
        if look.keeps_its_rules:
            refused = _before_the_end(look, design.patients, latest)
            yield from within(f"monitoring.looks.{name}", refused)


def _before_the_end(look: Look, patients: int, latest: float) -> Iterator[Violation]:
    kind, value = look.when.kind, look.when.value
    if kind == "known_patients" and value >= patients:
        rule = f"must be below the {patients} patients of the design: then it is the last analysis"
        yield Violation(f"when.{kind}", rule, value)
    elif kind == "known" and value * patients > patients - 1:
        rule = "must leave a patient for the last analysis"
        yield Violation(f"when.{kind}", rule, value)
    elif kind in ("day", "days_after_first_patient") and value >= latest:
        rule = f"must be before day {latest:g}, when the last endpoint is known at the latest"
        yield Violation(f"when.{kind}", rule, value)
    elif (value if kind == "day" else 0.0) + look.decided_after_days >= latest:
        rule = f"must lead to a decision before day {latest:g}, when the last endpoint is known"
        yield Violation("decided_after_days", rule, look.decided_after_days)


def _information_rises(design: Design, monitoring: Monitoring) -> Iterator[Violation]:
    """Refuse a look that expects no more information than the one before it."""
    for (first, before), (name, look) in pairwise(monitoring.looks.items()):
        if not (before.keeps_its_rules and look.keeps_its_rules):
            continue
        if look.planned_share is None and before.when.kind == look.when.kind:
            continue  # refused by the looks themselves
        shares = [one.planned_fraction(design.patients) for one in (before, look)]
        if shares[1] <= shares[0]:
            rule = (
                f"must come with more information than the look before it: {name} has "
                f"{shares[1]:.3g} of what is planned, {first} {shares[0]:.3g}"
            )
            share = look.planned_share is not None
            field = "planned_share" if share else f"when.{look.when.kind}"
            value = look.planned_share if share else look.when.value
            yield Violation(f"monitoring.looks.{name}.{field}", rule, value)


def _order_is_possible(design: Design, monitoring: Monitoring) -> Iterator[Violation]:
    """Refuse a look by another clock that must come before the look that it follows."""
    for (first, before), (name, look) in pairwise(monitoring.looks.items()):
        if not (before.keeps_its_rules and look.keeps_its_rules):
            continue
        kinds = before.when.kind, look.when.kind
        if kinds in (("known", "randomised"), ("known_patients", "randomised")):
            share = before.planned_fraction(design.patients)
            early = look.when.value <= share
            rule = f"must be above {share:.3g}: so many are randomised before {first}, which waits"
            rule += " until their endpoint is known"
        else:
            early = kinds == ("days_after_first_patient", "day")
            early = early and look.when.value <= before.when.value
            rule = f"must be later than {first}, {before.when.value:g} days after the first patient"
        if early:
            yield Violation(f"monitoring.looks.{name}.when.{kinds[1]}", rule, look.when.value)


def _effects_are_possible(analysis: AnalysisPlan, monitoring: Monitoring) -> Iterator[Violation]:
    """Refuse effects that cannot be, and a planned one that is no benefit."""
    rule = monitoring.futility
    effects = {"planned_effect": monitoring.planned_effect}
    if isinstance(rule, OnEffect):
        effects["futility.below"] = rule.below
    elif isinstance(rule, OnConditionalPower) and not isinstance(rule.under, str):
        effects["futility.under"] = rule.under
    least, most = ends(analysis)
    for path, effect in effects.items():
        if effect is None:
            continue
        with np.errstate(all="ignore"):
            value = float(natural(analysis, effect))
        if not least <= value <= most or not np.isfinite(value):
            said = f"must be possible as a {analysis.quantity.name}"
            yield Violation(f"monitoring.{path}", said, effect)
        elif path == "planned_effect" and value <= null_effect(analysis):
            said = f"must be a benefit: above {analysis.quantity.null:g}, which is no effect"
            yield Violation("monitoring.planned_effect", said, effect)


def _bounds_can_be_meant(
    design: Design, operations: Operations, analysis: AnalysisPlan, monitoring: Monitoring
) -> Iterator[Violation]:
    """Refuse bounds that do not keep alpha, and futility above efficacy at one look."""
    if not (monitoring.keeps_its_rules and analysis.keeps_its_rules):
        return
    earlier = (
        *_information_rises(design, monitoring),
        *_looks_before_the_end(design, operations, analysis, monitoring),
        *_test_can_be_monitored(analysis, monitoring),
        *_sides_fit(analysis, monitoring),
        *_effects_are_possible(analysis, monitoring),
    )
    if earlier:
        return
    plan = boundary_plan(design, analysis, monitoring)
    yield from tuple(_alpha_is_kept(plan)) or _futility_below_efficacy(plan)


def _alpha_is_kept(plan: BoundaryPlan) -> Iterator[Violation]:
    """Refuse bounds that spend more than alpha, or that leave nothing for the last analysis."""
    rule, alpha, spent = plan.monitoring.efficacy, plan.alpha_of_a_side, float(plan.spent[-1])
    field = {GivenBounds: "z", HaybittlePeto: "z", Table: "shares"}.get(type(rule), "")
    path = f"monitoring.efficacy.{field}" if field else "monitoring.efficacy"
    value = getattr(rule, field or "rule")
    if spent > _ROUNDING * alpha:
        said = f"must spend no more than {alpha:g} a side: the bounds spend {spent:.3g}"
        yield Violation(path, said, value)
    elif not np.isfinite(plan.planned.efficacy[-1]):
        said = f"must leave some of {alpha:g} a side for the last analysis: the looks spend all"
        yield Violation(path, said, value)


def _futility_below_efficacy(plan: BoundaryPlan) -> Iterator[Violation]:
    futility = plan.monitoring.futility
    if futility is None or isinstance(futility, BetaSpending):
        return
    field = "above" if futility.scale == "p" else "below"
    for name, above, below in zip(plan.monitoring.names, *plan.planned, strict=False):
        if below > above:
            said = (
                f"must leave a look to go on: at {name} it stops below z = {below:.3f}, and "
                f"efficacy stops from {above:.3f}"
            )
            yield Violation(f"monitoring.futility.{field}", said, getattr(futility, field))
            return


def _repeated_has_its_level(analysis: AnalysisPlan, monitoring: Monitoring) -> Iterator[Violation]:
    if monitoring.interval != "repeated":
        return
    level = 1 - 2 * analysis.alpha / analysis.sides
    if isinstance(monitoring.efficacy, GivenBounds) and abs(analysis.confidence - level) > 1e-9:
        rule = f"must be {level:g} with repeated intervals and given bounds, which fix their level"
        yield Violation("analysis.confidence", rule, analysis.confidence)


def _sizes_fit(design: Design, monitoring: Monitoring) -> Iterator[Violation]:
    sizes = monitoring.re_estimation
    if sizes is None:
        return
    patients = design.patients
    if not sizes.at_least <= patients <= sizes.at_most:
        rule = (
            f"must enclose the {patients} patients of the design with at_least (change all three; "
            "a search for a size keeps their proportion)"
        )
        yield Violation("monitoring.re_estimation.at_most", rule, sizes.at_most)
    if sizes.unblinded and sizes.at_least < patients:
        rule = f"must be at least the {patients} patients of the design with {sizes.by}"
        yield Violation("monitoring.re_estimation.at_least", rule, sizes.at_least)


def _test_can_be_monitored(analysis: AnalysisPlan, monitoring: Monitoring) -> Iterator[Violation]:
    method = analysis.test.method
    if not analysis.test.can_be_monitored:
        rule = f"must be left out with {method}: {analysis.test.why_not_monitored}"
        yield Violation("monitoring", rule, method)
    if analysis.missing == "multiple_imputation":
        rule = "must be left out where scores are imputed: earlier data would change with later"
        yield Violation("monitoring", rule, analysis.missing)
    if analysis.continuity_correction:
        rule = "must be left out with a continuity correction, whose share falls with information"
        yield Violation("monitoring", rule, True)
    if analysis.claim != "superiority":
        rule = f"must be left out with {analysis.claim}, of which no looks are planned"
        yield Violation("monitoring", rule, analysis.claim)
    if analysis.alternative == "less":
        rule = "needs a test in favour of the treated: set analysis.alternative to greater"
        yield Violation("monitoring", rule, analysis.alternative)
    ratio = analysis.quantity.is_ratio
    if isinstance(analysis.test, Responders) and (ratio or analysis.test.covariates):
        rule = "must be left out with responders as a ratio or given covariates"
        yield Violation("monitoring", f"{rule}: looks test a plain difference", method)
    if analysis.effect == "win_ratio":
        rule = "must be left out where the effect is the win ratio, of which no test is planned"
        yield Violation("monitoring", rule, analysis.effect)


def _sides_fit(analysis: AnalysisPlan, monitoring: Monitoring) -> Iterator[Violation]:
    if monitoring.futility is None or analysis.alternative != "two-sided":
        return
    rule = "needs a one-sided test: set analysis.alternative to greater, and alpha to half"
    if isinstance(monitoring.futility, BetaSpending):
        yield Violation("monitoring.futility.scale", rule, monitoring.futility.scale)
    elif monitoring.futility.binding:
        yield Violation("monitoring.futility.binding", rule, True)


def _information_is_reckoned(analysis: AnalysisPlan, monitoring: Monitoring) -> Iterator[Violation]:
    """Refuse a plan that needs the information of the end, where nothing says what it is."""
    if monitoring.planned_standard_error is not None:
        return
    if analysis.test.reckons_information:
        return
    if monitoring.planned_effect is not None:
        rule = f"must be given with planned_effect and {analysis.test.method}"
        yield Violation("monitoring.planned_standard_error", rule, None)


def _blinded_size_is_known(analysis: AnalysisPlan, monitoring: Monitoring) -> Iterator[Violation]:
    if monitoring.re_estimation is None:
        return
    if monitoring.re_estimation.by == "blinded" and not analysis.test.has_blinded_size:
        rule = f"must not be blinded with {analysis.test.method}, of which no such size is known"
        yield Violation("monitoring.re_estimation.by", rule, "blinded")


def _only_the_primary_looks(analysis: AnalysisPlan, monitoring: Monitoring) -> Iterator[Violation]:
    """Refuse families and graphs: Maurer and Bretz (2013) would have each analysis spend alone."""
    if not isinstance(analysis.multiplicity, Serial):
        procedure = analysis.multiplicity.procedure
        rule = (
            f"cannot be {procedure} with monitoring, which spends the level of the primary "
            "analysis alone over the looks; each analysis would need its own bounds: use a word, "
            "such as holm"
        )
        yield Violation("analysis.multiplicity", rule)
    if analysis.success != PRIMARY:
        rule = "must be primary with monitoring: others are tested at the last analysis alone"
        yield Violation("analysis.success", rule, analysis.success)


def _where_there_are_looks(rule: Rule) -> Rule:
    """Hold a rule, whose last parameter is `monitoring`, to studies that have looks."""

    @wraps(rule)
    def broken(*parts: Any) -> Iterator[Violation]:
        if parts[-1] is not None:
            yield from rule(*parts)

    return broken


_OF_LOOKS: tuple[Rule, ...] = (
    _looks_before_the_end,
    _information_rises,
    _order_is_possible,
    _effects_are_possible,
    _bounds_can_be_meant,
    _repeated_has_its_level,
    _sizes_fit,
    _test_can_be_monitored,
    _sides_fit,
    _only_the_primary_looks,
    _information_is_reckoned,
    _blinded_size_is_known,
)
MONITORING_COHERENCE: Rules = tuple(map(_where_there_are_looks, _OF_LOOKS))
"""Rules between the looks and the rest of the study."""
