"""How the level is shared between analyses, in words."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.choices import PRIMARY
from trialsim.scenario.plan.methods.base import listed
from trialsim.scenario.plan.multiplicity import ALL, ANY, NESTED, Families, Family, GraphPlan
from trialsim.scenario.words.labels import in_words

_BEHIND: Final = (
    "and none is smaller than that of the primary analysis, which is tested first at the full "
    "level (serial gatekeeping); the other visits are not adjusted."
)
_WORDS: Final[Mapping[str, str]] = {
    "bonferroni": "Bonferroni",
    "holm": "Holm's procedure",
    "hochberg": "Hochberg's procedure",
    "hommel": "Hommel's procedure",
    "fixed_sequence": "testing in the order of the plan, each only after all before it have "
    "rejected",
}
_PROCEDURES: Final[Mapping[str, str]] = {
    "bonferroni": "Bonferroni's procedure",
    "holm": "Holm's procedure",
    "hochberg": "Hochberg's procedure, valid for independent or positively dependent tests",
    "hommel": "Hommel's procedure, valid for independent or positively dependent tests",
    "fixed_sequence": "a fixed sequence, each only after all before it have rejected",
    "fallback": "the fallback procedure (Wiens 2003), in this order",
    "dunnett": "Dunnett's test in a single step",
    "step_down_dunnett": "Dunnett's test, stepping down",
    "spiessens_debois": "the procedure of Spiessens and Debois (2010)",
    "song_chi": "the procedure of Song and Chi (2007)",
}
_TESTS: Final[Mapping[str, str]] = {
    "bonferroni": "Intersections are tested by Bonferroni's test, valid whatever the dependence.",
    "simes": "Intersections are tested by Simes' test, valid for independent or positively "
    "dependent tests.",
    "parametric": "Intersections of doses against one control are tested by the joint normal "
    "distribution of their statistics, and others by Bonferroni's test (Xi et al. 2017).",
}
_LAWS: Final[Mapping[str, str]] = {
    "t_test": "by Student's t with one variance of all arms",
    "mann_whitney": "by normal statistics correlated as their placements are",
    "welch": "by normal statistics of the p-values, correlated through the control's mean",
    "ancova": "by normal statistics of the p-values, correlated as the arms' sizes say",
}


def multiplicity_in_words(plan: AnalysisPlan) -> str:
    """Return which analyses are tested together and how, a line for each family or analysis."""
    match plan.multiplicity:
        case GraphPlan() as graph:
            return "\n".join(_graph(plan, graph))
        case Families() as families:
            return "\n".join(_families(plan, families))
        case word:
            if word.procedure == "none":
                return "No p-value is adjusted for multiplicity."
            return f"The secondary p-values are adjusted by {_WORDS[word.procedure]}, {_BEHIND}"


def success_in_words(plan: AnalysisPlan) -> str:
    """Return what the power is the probability of.

    >>> import trialsim as ts
    >>> success_in_words(ts.load("cars1").analysis)
    'The primary analysis rejects, in favour of the treated.'
    """
    adjusted = ", its p-value adjusted," if plan.success in plan.together else ""
    if plan.success in (ANY, ALL):
        which = "At least one" if plan.success == ANY else "Every one"
        names = listed(map(in_words, plan.together))
        return f"{which} of {names} rejects, in favour of the treated, its p-value adjusted."
    name = "primary" if plan.success == PRIMARY else in_words(plan.success)
    return f"The {name} analysis{adjusted} rejects, in favour of the treated."


def _families(plan: AnalysisPlan, families: Families) -> Iterator[str]:
    count = len(families.families)
    yield (
        "Analyses are tested in a family, so that the chance of any false rejection is at most "
        "alpha."
        if count == 1
        else f"Analyses are tested in {count} families, in order (gatekeeping, Dmitrienko, "
        "Tamhane and Wiens 2008), so that the chance of any false rejection is at most alpha."
    )
    for place, (name, family) in enumerate(families.families.items(), start=1):
        last = place == count
        names = listed(map(in_words, family.analyses))
        yield f"{in_words(name)}: {names}, by {_within(plan, family)}.{_left(family, last)}"
    yield from _others(plan, plan.together)


def _within(plan: AnalysisPlan, family: Family) -> str:
    words = _PROCEDURES[family.procedure]
    if family.procedure in ("dunnett", "step_down_dunnett"):
        method = plan.every[family.analyses[0]].test.method
        return f"{words}, {_LAWS[method]}"
    if family.procedure in NESTED:
        return f"{words}: {_nested(plan, family)}"
    if family.procedure == "fallback":
        return f"{words}, with shares {listed(map(_share, family.shares))} of the level"
    if family.truncation < 1:
        return f"{words}, truncated at {family.truncation:g}"
    return words


def _nested(plan: AnalysisPlan, family: Family) -> str:
    overall, subgroup = map(in_words, family.analyses)
    level = family.shares[0] * plan.alpha
    where = ""
    if family.lenient is not None:
        side = " on the same side" if plan.sides == 2 else ""
        where = f" where {overall} has a p-value of at most {family.lenient:.6g}{side}"
    by_ranks = plan.every[family.analyses[0]].test.method == "mann_whitney"
    law = "that of their ranks" if by_ranks else "the root of the share of the information"
    return (
        f"{overall} at {_share(family.shares[0])} of the level ({level:.6g}), or {subgroup} at "
        f"what the correlation of the two tests leaves{where}; once either is rejected each is "
        f"tested at the whole level (closed test). The correlation, {law} in the subgroup, is "
        "estimated from the data"
    )


def _left(family: Family, last: bool) -> str:
    if last:
        return ""
    if family.truncation < 1:
        share = (1 - family.truncation) / len(family.analyses)
        return (
            f" Each rejection passes {_share(share)} of its level on to the next family, and all "
            "is passed on once all have rejected."
        )
    return " Its level is passed on once all have rejected."


def _graph(plan: AnalysisPlan, graph: GraphPlan) -> Iterator[str]:
    names = graph.named(plan.secondary)
    yield (
        "Analyses are tested by a graph (Bretz et al. 2009), so that the chance of any false "
        f"rejection is at most alpha. {_TESTS[graph.intersections]}"
    )
    for name in names:
        weight = graph.weights.get(name, 0.0)
        begins = f"begins with {_share(weight)} of the level" if weight else "begins with nothing"
        passed = graph.transitions.get(name, {})
        shares = [f"{_share(share)} to {in_words(one)}" for one, share in passed.items() if share]
        after = f"once rejected passes {listed(shares)}" if shares else "passes nothing on"
        yield f"{in_words(name)}: {begins}; {after}."
    yield from _others(plan, names)


def _others(plan: AnalysisPlan, named: Iterable[str]) -> Iterator[str]:
    left = [in_words(one) for one in plan.every if one not in named]
    beside = f"{listed(left)} and the other visits" if left else "The other visits"
    yield f"{beside[0].upper()}{beside[1:]} are not adjusted."


def _share(share: float) -> str:
    return f"{100 * share:.6g}%"
