"""What goes together in an analysis plan: each rule names the choice that another forbids."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from trialsim.scenario.plan.choices import PRIMARY
from trialsim.scenario.plan.claims import CLAIM_RULES, quantity_of
from trialsim.scenario.plan.imputation import Imputation
from trialsim.scenario.plan.methods.base import AnalysisMethod, listed
from trialsim.scenario.plan.methods.registry import METHODS, AnyMethod, name_of
from trialsim.scenario.plan.multiplicity import (
    NESTED,
    TOGETHER,
    AnyMultiplicity,
    Families,
    GraphPlan,
    Serial,
)
from trialsim.scenario.protocol.design import BASELINE
from trialsim.scenario.validation.refusal import Rules, Violation, broken_rules, must_exist, unknown


def _none_for_van_elteren(continuity_correction: bool, strata: str) -> Iterator[Violation]:
    if continuity_correction and strata != "none":
        rule = "must be false with strata: van Elteren's test has no continuity correction"
        yield Violation("continuity_correction", rule, continuity_correction)


def _only_where_asymptotic(continuity_correction: bool, test: AnyMethod) -> Iterator[Violation]:
    if continuity_correction and not test.corrects_continuity:
        only = _names(one for one in METHODS if one.corrects_continuity)
        rule = f"must be false with {test.method}: only {only} has a continuity correction"
        yield Violation("continuity_correction", rule, continuity_correction)


def _strata_are_used(strata: str, test: AnyMethod) -> Iterator[Violation]:
    if strata != "none" and not test.takes_strata:
        only = _names(one for one in METHODS if one.takes_strata)
        rule = f"must be none with {test.method}: only {only} know strata"
        yield Violation("strata", rule, strata)


def _weighting_is_used(stratum_weighting: str, strata: str) -> Iterator[Violation]:
    if strata == "none" and stratum_weighting != "van-elteren":
        rule = "must be left at van-elteren without strata"
        yield Violation("stratum_weighting", rule, stratum_weighting)


def _effect_is_of_ranks(effect: str, test: AnyMethod) -> Iterator[Violation]:
    if effect != "mann_whitney" and not test.has_effect_scales:
        rule = f"must be left at mann_whitney with {test.method}, which estimates something else"
        yield Violation("effect", rule, effect)


def _win_ratio_counts_pairs(
    effect: str, test: AnyMethod, strata: str, missing: str
) -> Iterator[Violation]:
    plain = test.has_win_ratio and strata == "none" and missing != "multiple_imputation"
    if effect == "win_ratio" and not plain:
        rule = "cannot be win_ratio, that of two unadjusted, unstratified samples: use win_odds"
        yield Violation("effect", rule, effect)


def _means_need_numbers(
    test: AnyMethod, missing: str, death: str, intercurrent: Mapping[str, str]
) -> Iterator[Violation]:
    if not test.needs_numbers:
        return
    needs = f"with {test.method}, which needs a number"
    for field, value, other in (("missing", missing, "locf"), ("death", death, "as_missing")):
        if value == "worst_rank":
            yield Violation(field, f"cannot be worst_rank {needs}: use {other}", value)
    for kind, strategy in intercurrent.items():
        if strategy == "composite":
            rule = f"cannot be composite {needs}: use while_on_treatment or hypothetical"
            yield Violation(f"intercurrent.{kind}", rule, strategy)


def _a_model_of_all_visits_has_no_last_score(
    test: AnyMethod, intercurrent: Mapping[str, str]
) -> Iterator[Violation]:
    for kind, strategy in intercurrent.items():
        if strategy == "while_on_treatment" and test.own_missing == "likelihood":
            rule = (
                f"cannot be while_on_treatment with {test.method}, which models the visit at which "
                "all are scored: use hypothetical"
            )
            yield Violation(f"intercurrent.{kind}", rule, strategy)


def _imputations_can_be_pooled(
    missing: str, test: AnyMethod, strata: str, continuity_correction: bool
) -> Iterator[Violation]:
    plain = test.pools_imputations and strata == "none" and not continuity_correction
    if missing == "multiple_imputation" and test.own_missing is None and not plain:
        pooled = _names(one for one in METHODS if one.pools_imputations)
        rule = (
            f"cannot be multiple_imputation, which is pooled for {pooled} alone, without strata "
            "and continuity correction: use locf"
        )
        yield Violation("missing", rule, missing)


def _imputation_is_used(missing: str, imputation: Imputation | None) -> Iterator[Violation]:
    if imputation is not None and missing != "multiple_imputation":
        rule = f"must be left out where missing is {missing}: nothing is imputed"
        yield Violation("imputation", rule)


def _a_method_has_its_own_rule(missing: str, test: AnyMethod) -> Iterator[Violation]:
    if missing == test.own_missing:
        return
    if test.own_missing is not None:
        rule = f"must be {test.own_missing} with {test.method}, which fills in no score"
    elif missing in _OF_THEIR_OWN and not (missing == "likelihood" and test.takes_missing_scores):
        only = _names(one for one in METHODS if one.own_missing == missing)
        rule = f"cannot be {missing} with {test.method}: only {only} {_OF_THEIR_OWN[missing]}"
    else:
        return
    yield Violation("missing", rule, missing)


_OF_THEIR_OWN = {"likelihood": "models all visits", "censored": "have times that are censored"}
"""Rules for missing scores that go with no method but some, and what those do."""


def _method_goes_with_plan(test: AnyMethod, fields: Mapping[str, Any]) -> Iterator[Violation]:
    yield from broken_rules(test.conflicts, fields)


def _names(methods: Iterable[type[AnalysisMethod]]) -> str:
    return listed([name_of(one) for one in methods])


def _two_arms(treated: str, control: str) -> Iterator[Violation]:
    if treated == control:
        yield Violation("control", "must be another arm than treated", control)


def _after_baseline(visit: str) -> Iterator[Violation]:
    if visit == BASELINE:
        yield Violation("visit", "must be after baseline", visit)


COMPARISON_RULES: Rules = (
    _two_arms,
    _after_baseline,
    _none_for_van_elteren,
    _only_where_asymptotic,
    _strata_are_used,
    _weighting_is_used,
    _effect_is_of_ranks,
    _win_ratio_counts_pairs,
    _means_need_numbers,
    _a_model_of_all_visits_has_no_last_score,
    _imputations_can_be_pooled,
    _imputation_is_used,
    _a_method_has_its_own_rule,
    _method_goes_with_plan,
    *CLAIM_RULES,
)
"""Rules of one comparison, primary or secondary."""


def _secondary_comparisons_fit(
    secondary: Mapping[str, Any], fields: Mapping[str, Any]
) -> Iterator[Violation]:
    known = set(broken_rules(COMPARISON_RULES, fields))
    for name, one in secondary.items():
        own = {**fields, **one.changes}
        sound = {field: own[field] for field in own if field not in one.left_out}
        for refusal in broken_rules(COMPARISON_RULES, sound):
            if refusal not in known:
                yield refusal._replace(path=f"secondary.{name}.{refusal.path}")
        yield from _margin_on_its_own_scale(f"secondary.{name}.claim", one.changes, sound, fields)


def _margin_on_its_own_scale(
    path: str, said: Mapping[str, Any], fields: Mapping[str, Any], primary: Mapping[str, Any]
) -> Iterator[Violation]:
    """Refuse a margin taken over from the primary analysis on a scale that it is not on."""
    if "claim" in said or "margin" in said or primary.get("margin") is None:
        return
    if "test" not in fields or "test" not in primary:
        return
    own, there = quantity_of(fields["test"], fields), quantity_of(primary["test"], primary)
    of_points = math.isinf(own.ends[0]) and said.keys() & {"endpoint", "measure"}
    if own != there or of_points:
        rule = f"must be given: the margin of the primary analysis is {there.one}"
        points = f"in points of {primary.get('endpoint')}" if of_points else f"this one {own.one}"
        yield Violation(path, f"{rule}, {points}")


def _one_level_in_a_family(
    multiplicity: AnyMultiplicity, secondary: Mapping[str, Any]
) -> Iterator[Violation]:
    if isinstance(multiplicity, Serial):
        if multiplicity.procedure == "none":
            return
        if not secondary:
            rule = "must be none without secondary analyses"
            yield Violation("multiplicity", rule, multiplicity.procedure)
    for name in multiplicity.named(secondary):
        if name in secondary and "alpha" in secondary[name].changes:
            rule = "must be that of the primary analysis under a multiplicity procedure"
            yield Violation(f"secondary.{name}.alpha", rule, secondary[name].alpha)


def _analyses_exist(
    multiplicity: AnyMultiplicity, secondary: Mapping[str, Any], success: str
) -> Iterator[Violation]:
    known = (PRIMARY, *secondary)
    for name in (PRIMARY, *TOGETHER):
        if name in secondary:
            yield Violation(f"secondary.{name}", f"must have another name: {name} has a meaning")
    named = multiplicity.named(secondary)
    for name in named:
        yield from must_exist("multiplicity", "analysis", name, known)
    if not isinstance(multiplicity, Serial) and PRIMARY not in named:
        rule = f"must name {PRIMARY}, or its error would not be among those that are bounded"
        yield Violation("multiplicity", rule)
    if success in TOGETHER and not named:
        rule = f"must be {PRIMARY}, the only analysis: {success} is of several"
        yield Violation("success", rule, success)
    elif success not in (*known, *TOGETHER):
        yield Violation("success", unknown("analysis", success, (*known, *TOGETHER)), success)


_DUNNETT = ("dunnett", "step_down_dunnett")


def _arms_share_one_law(
    multiplicity: AnyMultiplicity, secondary: Mapping[str, Any], fields: Mapping[str, Any]
) -> Iterator[Violation]:
    """Refuse Dunnett's test of what are not several arms against one control."""
    families: Iterable[tuple[str, tuple[str, ...]]] = ()
    if isinstance(multiplicity, Families):
        families = [
            (f"multiplicity.families.{name}.procedure", family.analyses)
            for name, family in multiplicity.families.items()
            if family.procedure in _DUNNETT
        ]
    elif isinstance(multiplicity, GraphPlan) and multiplicity.intersections == "parametric":
        families = [("multiplicity.intersections", multiplicity.named(secondary))]
    for path, analyses in families:
        plans = [
            {**fields, **(secondary[name].changes if name in secondary else {})}
            for name in analyses
        ]
        yield from _one_law(path, plans, alike=not path.endswith("intersections"))


_OF_ITS_OWN = ("treated", "secondary", "multiplicity", "success", "estimand", "alpha", "effect")
"""In what analyses of several arms may differ, so that the control is the same in all."""


def share_one_control(plans: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether analyses, as fields by name, compare arms with one control in one way."""
    return not _differing(plans)


def _differing(plans: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the fields in which analyses of several arms differ, though they must not."""
    return tuple(
        name
        for name, value in plans[0].items()
        if name not in _OF_ITS_OWN and any(one.get(name) != value for one in plans)
    )


def _one_law(path: str, plans: Sequence[Mapping[str, Any]], alike: bool) -> Iterator[Violation]:
    differs = _differing(plans)
    if alike and differs:
        rule = f"must be of analyses that differ in treated alone (they differ in {differs[0]})"
        yield Violation(path, rule)
    elif alike and len({one.get("treated") for one in plans}) < len(plans):
        yield Violation(path, "must be of analyses of different arms")
    yield from _has_a_law(path, plans)


def _has_a_law(path: str, plans: Sequence[Mapping[str, Any]]) -> Iterator[Violation]:
    """Refuse what has no known joint law."""
    for one in plans:
        plain = one.get("strata") == "none" and one.get("missing") != "multiple_imputation"
        plain &= one.get("claim") == "superiority"
        if "test" in one and not (plain and one["test"].has_joint_law):
            known = _names(method for method in METHODS if method.has_joint_law)
            rule = (
                f"must be of {known}, without strata, imputation and margins: others have no known "
                "law"
            )
            yield Violation(path, rule, one["test"].method)
            return


def _one_is_a_subgroup(
    multiplicity: AnyMultiplicity, secondary: Mapping[str, Any], fields: Mapping[str, Any]
) -> Iterator[Violation]:
    """Refuse a procedure of overall population and subgroup for what are not those."""
    families = multiplicity.families.items() if isinstance(multiplicity, Families) else ()
    for name, family in families:
        if family.procedure not in NESTED or len(family.analyses) != 2:
            continue
        path = f"multiplicity.families.{name}"
        overall, subgroup = (
            {**fields, **(secondary[one].changes if one in secondary else {})}
            for one in family.analyses
        )
        whole = {**overall, "subgroup": None, "treated": None}
        differs = _differing([whole, {**subgroup, "subgroup": None, "treated": None}])
        if overall.get("treated") != subgroup.get("treated"):
            differs = ("treated", *differs)
        if differs or subgroup.get("subgroup") is None or overall.get("subgroup") is not None:
            rule = "must be of everybody first, and then of the same analysis of a subgroup"
            told = f"{rule} (they differ in {differs[0]})" if differs else rule
            yield Violation(f"{path}.analyses", told, ", ".join(family.analyses))
        else:
            yield from _has_a_law(f"{path}.procedure", [overall, subgroup])
        alpha = fields.get("alpha")
        if family.lenient is not None and alpha is not None and family.lenient <= alpha:
            rule = f"must be above alpha, {alpha:g}, or the subgroup is never tested by itself"
            yield Violation(f"{path}.lenient", rule, family.lenient)


FAMILY_RULES: Rules = (
    _secondary_comparisons_fit,
    _one_level_in_a_family,
    _analyses_exist,
    _arms_share_one_law,
    _one_is_a_subgroup,
)
"""Rules between the primary and the secondary analyses."""
