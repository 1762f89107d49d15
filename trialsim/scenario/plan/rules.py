"""What goes together in an analysis plan: each rule names the choice that another forbids."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from trialsim.scenario.plan.imputation import Imputation
from trialsim.scenario.plan.methods.base import AnalysisMethod, listed
from trialsim.scenario.plan.methods.registry import METHODS, AnyMethod, name_of
from trialsim.scenario.protocol.design import BASELINE
from trialsim.scenario.validation.refusal import WHOLE, Rules, Violation, broken_rules


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
    if missing == "multiple_imputation" and not plain:
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
    elif missing == "likelihood" and not test.takes_missing_scores:
        only = _names(one for one in METHODS if one.own_missing == missing)
        rule = f"cannot be likelihood with {test.method}: only {only} models all visits"
    else:
        return
    yield Violation("missing", rule, missing)


def _method_goes_with_plan(test: AnyMethod, plan: Mapping[str, Any]) -> Iterator[Violation]:
    yield from broken_rules(test.conflicts, plan)


def _names(methods: Iterable[type[AnalysisMethod]]) -> str:
    return listed([name_of(one) for one in methods])


def _two_arms(treated: str, control: str) -> Iterator[Violation]:
    if treated == control:
        yield Violation("control", "must be another arm than treated", control)


def _after_baseline(visit: str) -> Iterator[Violation]:
    if visit == BASELINE:
        yield Violation("visit", "must be after baseline", visit)


COMPARISON_RULES: Rules = (
    (("treated", "control"), _two_arms),
    (("visit",), _after_baseline),
    (("continuity_correction", "strata"), _none_for_van_elteren),
    (("continuity_correction", "test"), _only_where_asymptotic),
    (("strata", "test"), _strata_are_used),
    (("stratum_weighting", "strata"), _weighting_is_used),
    (("effect", "test"), _effect_is_of_ranks),
    (("effect", "test", "strata", "missing"), _win_ratio_counts_pairs),
    (("test", "missing", "death", "intercurrent"), _means_need_numbers),
    (("test", "intercurrent"), _a_model_of_all_visits_has_no_last_score),
    (("missing", "test", "strata", "continuity_correction"), _imputations_can_be_pooled),
    (("missing", "imputation"), _imputation_is_used),
    (("missing", "test"), _a_method_has_its_own_rule),
    (("test", WHOLE), _method_goes_with_plan),
)
"""Rules of one comparison, primary or secondary."""


def _secondary_comparisons_fit(
    secondary: Mapping[str, Any], primary: Mapping[str, Any]
) -> Iterator[Violation]:
    known = set(broken_rules(COMPARISON_RULES, primary))
    for name, one in secondary.items():
        fields = {**primary, **one.changes}
        sound = {field: fields[field] for field in fields if field not in one.left_out}
        for refusal in broken_rules(COMPARISON_RULES, sound):
            if refusal not in known:
                yield refusal._replace(path=f"secondary.{name}.{refusal.path}")


def _one_level_in_a_family(multiplicity: str, secondary: Mapping[str, Any]) -> Iterator[Violation]:
    if multiplicity == "none":
        return
    if not secondary:
        yield Violation("multiplicity", "must be none without secondary analyses", multiplicity)
    for name, one in secondary.items():
        if "alpha" in one.changes:
            rule = "must be that of the primary analysis under a multiplicity procedure"
            yield Violation(f"secondary.{name}.alpha", rule, one.alpha)


FAMILY_RULES: Rules = (
    (("secondary", WHOLE), _secondary_comparisons_fit),
    (("multiplicity", "secondary"), _one_level_in_a_family),
)
"""Rules between the primary and the secondary analyses."""
