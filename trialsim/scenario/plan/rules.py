"""What goes together in an analysis plan: each rule names the choice that another forbids."""

from collections.abc import Iterator, Mapping
from typing import Any

from trialsim.scenario.plan.methods import (
    MEAN_METHODS,
    RANK_METHODS,
    AdjustedRank,
    AnyMethod,
    MannWhitney,
    Permutation,
    WeiLachin,
)
from trialsim.scenario.protocol.design import BASELINE
from trialsim.scenario.validation.refusal import WHOLE, Rules, Violation, broken_rules


def _none_for_van_elteren(continuity_correction: bool, strata: str) -> Iterator[Violation]:
    if continuity_correction and strata != "none":
        rule = "must be false with strata: van Elteren's test has no continuity correction"
        yield Violation("continuity_correction", rule, continuity_correction)


def _only_where_asymptotic(continuity_correction: bool, test: AnyMethod) -> Iterator[Violation]:
    if continuity_correction and not isinstance(test, MannWhitney):
        rule = f"must be false with {test.method}: only mann_whitney has a continuity correction"
        yield Violation("continuity_correction", rule, continuity_correction)


def _strata_are_used(strata: str, test: AnyMethod) -> Iterator[Violation]:
    if strata != "none" and not isinstance(test, MannWhitney | AdjustedRank):
        rule = f"must be none with {test.method}: only mann_whitney and adjusted_rank know strata"
        yield Violation("strata", rule, strata)


def _weighting_is_used(stratum_weighting: str, strata: str) -> Iterator[Violation]:
    if strata == "none" and stratum_weighting != "van-elteren":
        rule = "must be left at van-elteren without strata"
        yield Violation("stratum_weighting", rule, stratum_weighting)


def _effect_is_of_ranks(effect: str, test: AnyMethod) -> Iterator[Violation]:
    ranks = (*RANK_METHODS, AdjustedRank, WeiLachin)
    if effect != "mann_whitney" and not isinstance(test, ranks):
        rule = f"must be left at mann_whitney with {test.method}, which estimates something else"
        yield Violation("effect", rule, effect)


def _win_ratio_counts_pairs(
    effect: str, test: AnyMethod, strata: str, missing: str
) -> Iterator[Violation]:
    plain = isinstance(test, RANK_METHODS) and strata == "none" and missing != "multiple_imputation"
    if effect == "win_ratio" and not plain:
        rule = "must be another: the win ratio is that of two unadjusted, unstratified samples"
        yield Violation("effect", rule, effect)


def _means_need_numbers(test: AnyMethod, missing: str, death: str) -> Iterator[Violation]:
    for field, value in (("missing", missing), ("death", death)):
        if value == "worst_rank" and isinstance(test, MEAN_METHODS):
            rule = f"must be another with {test.method}: a rank below all others has no mean"
            yield Violation(field, rule, value)


def _imputations_can_be_pooled(
    missing: str, test: AnyMethod, strata: str, continuity_correction: bool
) -> Iterator[Violation]:
    plain = isinstance(test, MannWhitney) and strata == "none" and not continuity_correction
    if missing == "multiple_imputation" and not (plain or isinstance(test, MEAN_METHODS)):
        rule = (
            "must be another: imputed trials are pooled for mann_whitney without strata and "
            "continuity correction, t_test, welch and ancova alone"
        )
        yield Violation("missing", rule, missing)


def _permutations_can_reject(test: AnyMethod, alpha: float) -> Iterator[Violation]:
    if isinstance(test, Permutation) and 1 / (1 + test.permutations) > alpha:
        rule = f"must be at least {-(-1 // alpha) - 1:.0f}: with fewer no p-value reaches alpha"
        yield Violation("test.permutations", rule, test.permutations)


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
    (("test", "missing", "death"), _means_need_numbers),
    (("missing", "test", "strata", "continuity_correction"), _imputations_can_be_pooled),
    (("test", "alpha"), _permutations_can_reject),
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
