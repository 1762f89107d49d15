"""What a trial claims: that the treated do better, better by a margin, no worse by one, or alike.

A margin is a value of the effect on the scale of the analysis itself, such as a Mann-Whitney effect
of 0.45 or an odds ratio of 0.8: the border of what is claimed, and the value under test.
"""

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, Final, cast

from trialsim.scenario.plan.choices import Claim, Plan, Quantity
from trialsim.scenario.plan.methods.base import listed
from trialsim.scenario.plan.methods.ranks import SampleRankMethod
from trialsim.scenario.plan.methods.registry import METHODS, AnyMethod, name_of
from trialsim.scenario.validation.refusal import Rules, Violation

_WITH_MARGIN: Final = "superiority_by_margin, non_inferiority or equivalence"


def _margins_are_given(
    claim: Claim, margin: float | None, upper_margin: float | None
) -> Iterator[Violation]:
    if claim == "superiority":
        for name, value in {"margin": margin, "upper_margin": upper_margin}.items():
            if value is not None:
                yield Violation(name, f"must be left out unless claim is {_WITH_MARGIN}", value)
        return
    if margin is None:
        yield Violation("margin", f"must be given with {claim}: the effect at its border")
    if claim == "equivalence" and upper_margin is None:
        yield Violation("upper_margin", "must be given with equivalence: its upper border")
    elif claim != "equivalence" and upper_margin is not None:
        yield Violation("upper_margin", f"must be left out with {claim}", upper_margin)


def _margins_on_their_sides(
    claim: Claim,
    margin: float | None,
    upper_margin: float | None,
    test: AnyMethod,
    fields: Mapping[str, Any],
) -> Iterator[Violation]:
    quantity = quantity_of(test, fields)
    below = claim in ("non_inferiority", "equivalence")
    if claim != "superiority" and margin is not None:
        yield from _within("margin", margin, claim, quantity, below)
    if claim == "equivalence" and upper_margin is not None:
        yield from _within("upper_margin", upper_margin, claim, quantity, below=False)


def _within(
    field: str, value: float, claim: Claim, quantity: Quantity, below: bool
) -> Iterator[Violation]:
    (least, most), null = quantity.ends, quantity.null
    low, high = (least, null) if below else (null, most)
    if low < value < high:
        return
    between = f"between {low:g} and {high:g}"
    if low == -float("inf"):
        between = f"below {high:g}"
    elif high == float("inf"):
        between = f"above {low:g}"
    rule = f"must be {quantity.one} {between} with {claim} ({null:g} is no difference)"
    yield Violation(field, rule, value)


def _a_claim_has_its_sides(claim: Claim, alternative: str) -> Iterator[Violation]:
    if claim == "equivalence" and alternative != "two-sided":
        rule = "must be two-sided with equivalence, which is two one-sided tests, each at alpha"
        yield Violation("alternative", rule, alternative)
    elif claim in ("superiority_by_margin", "non_inferiority") and alternative != "greater":
        rule = f"must be greater with {claim}, a one-sided test at alpha, such as 0.025"
        yield Violation("alternative", rule, alternative)


def _method_tests_margins(claim: Claim, test: AnyMethod) -> Iterator[Violation]:
    if claim != "superiority" and not test.tests_margins:
        names = listed([name_of(one) for one in METHODS if one.tests_margins])
        rule = f"must be superiority with {test.method}: only {names} test a margin"
        yield Violation("claim", rule, claim)


def _interval_holds_at_a_margin(
    claim: Claim, test: AnyMethod, interval: str, strata: str, effect: str, missing: str
) -> Iterator[Violation]:
    used = strata == "none" and effect != "win_ratio" and missing != "multiple_imputation"
    of_samples = isinstance(test, SampleRankMethod) and test.tests_margins
    if claim != "superiority" and used and of_samples and interval == "null_variance":
        rule = (
            f"must be delong, brunner-munzel, logit or newcombe with {claim}: its variance is that "
            "at the margin, and null_variance holds where the arms do not differ"
        )
        yield Violation("interval", rule, interval)


def _margin_is_not_corrected(claim: Claim, continuity_correction: bool) -> Iterator[Violation]:
    if claim != "superiority" and continuity_correction:
        rule = f"must be false with {claim}, which the interval tests"
        yield Violation("continuity_correction", rule, continuity_correction)


CLAIM_RULES: Rules = (
    _margins_are_given,
    _margins_on_their_sides,
    _a_claim_has_its_sides,
    _method_tests_margins,
    _interval_holds_at_a_margin,
    _margin_is_not_corrected,
)
"""Rules between what is claimed and how it is analysed."""


def quantity_of(test: AnyMethod, plan: Mapping[str, Any]) -> Quantity:
    """Return what a plan's method estimates, of a plan that may be wrong elsewhere."""
    return test.quantity(cast(Plan, SimpleNamespace(**plan)))


def claim_name(claim: Claim) -> str:
    """Return what is claimed as a phrase.

    >>> claim_name("non_inferiority"), claim_name("superiority_by_margin")
    ('non-inferiority', 'superiority by a margin')
    """
    named = {"superiority_by_margin": "superiority by a margin"}
    return named.get(claim, claim.replace("_", "-"))


def claim_in_words(plan: Plan, quantity: Quantity) -> str:
    """Return what is claimed, by which of the interval's ends, and at which level.

    >>> quantity = Quantity("mean difference", 0.0)
    >>> plan = SimpleNamespace(claim="non_inferiority", margin=-3.0, upper_margin=None)
    >>> claim_in_words(plan, quantity)  # doctest: +ELLIPSIS
    'Non-inferiority: claimed when a mean difference of -3 or less is rejected, one-sided. ...'
    """
    below = f"{quantity.one} of {plan.margin:.12g} or less"
    if plan.claim == "equivalence":
        claimed = (
            f"Equivalence: claimed when both {below} and one of {plan.upper_margin:.12g} or more "
            "are rejected, by two one-sided tests, each at alpha (Schuirmann 1987)"
        )
    else:
        name = claim_name(plan.claim).capitalize()
        claimed = f"{name}: claimed when {below} is rejected, one-sided"
    return f"{claimed}. Power is the chance of the claim. The interval is always two-sided."


def margin_test_in_words(plan: Plan, interval: str) -> str:
    """Return how a margin is tested, by the interval whose making is said."""
    ends = "both ends" if plan.claim == "equivalence" else "the lower end"
    return (
        f"Test of the margin that the interval inverts ({interval}): the claim is made where "
        f"{ends} of the two-sided {100 * (1 - 2 * plan.alpha):.12g}% interval "
        f"{'lie within the margins' if plan.claim == 'equivalence' else 'exceeds the margin'}."
    )


MARGIN_VARIANCE: Final = (
    "The test's variance is the interval's, under any effect or that at the margin, not that where "
    "the arms do not differ."
)
