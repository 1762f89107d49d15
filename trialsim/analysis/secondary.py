"""Every analysis of a plan, the p-values of those that are tested together adjusted."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

import numpy as np

from trialsim.analysis.claims import in_favour
from trialsim.analysis.data import Data
from trialsim.analysis.joint_laws import adjust_populations, joint_statistics, normal_law
from trialsim.analysis.primary import PrimaryAnalysis, analyse_data
from trialsim.arrays import Booleans, Floats
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.choices import PRIMARY
from trialsim.scenario.plan.multiplicity import Family, GraphPlan
from trialsim.scenario.plan.rules import share_one_control
from trialsim.stats.multiplicity.dunnett import (
    Block,
    dunnett,
    parametric_test,
    step_down_dunnett,
)
from trialsim.stats.multiplicity.families import Family as Adjustments
from trialsim.stats.multiplicity.families import adjust_in_order, passed_on
from trialsim.stats.multiplicity.graphs import (
    Graph,
    adjust_by_closure,
    adjust_by_graph,
    intersection_weights,
    sequence,
    simes,
)
from trialsim.stats.multiplicity.p_value_adjustments import adjust_p_values, truncated
from trialsim.trial.trial import Trial


class Adjusted(NamedTuple):
    """One analysis of each replicate, shape (replicate,)."""

    found: PrimaryAnalysis
    """As it is by itself, not adjusted."""
    p_value: Floats
    """Adjusted for multiplicity, or as it is."""
    rejected: Booleans
    """By the adjusted p-value."""
    favoured: Booleans
    """Whether that is in favour of the treated."""


def every_analysis(
    trial: Trial,
    plan: AnalysisPlan,
    among: Booleans | None = None,
    decided: Floats | None = None,
) -> dict[str, Adjusted]:
    """Apply every planned analysis to every replicate, by name, the primary one first.

    Parameters
    ----------
    among
        Who may be analysed, shape (replicate, patient); None for all.
    decided
        The p-value of the primary analysis where looks at the data decided it, shape (replicate,);
        it is then left out of what is returned.
    """
    plans = {name: one for name, one in plan.every.items() if decided is None or name != PRIMARY}
    data = {name: Data(trial, one, among=among) for name, one in plans.items()}
    return analyses_of(data, plan, decided)


def analyses_of(
    data: Mapping[str, Data], plan: AnalysisPlan, decided: Floats | None = None
) -> dict[str, Adjusted]:
    """Analyse what every analysis of a plan may read, by name, and adjust those tested together."""
    found = {name: analyse_data(one) for name, one in data.items()}
    p_values = {name: one.p_value for name, one in found.items()}
    if decided is not None:
        p_values[PRIMARY] = decided
    upwards = {name: one.estimate > data[name].plan.quantity.null for name, one in found.items()}
    adjusted = {**p_values, **_adjusted(plan, p_values, data, upwards)}
    return {name: _by_adjusted(one, adjusted[name], data[name].plan) for name, one in found.items()}


def adjusts_p_values_alone(plan: AnalysisPlan) -> bool:
    """Return whether no patient is looked at to adjust for multiplicity."""
    multiplicity = plan.multiplicity
    if isinstance(multiplicity, GraphPlan):
        return multiplicity.intersections != "parametric"
    families = multiplicity.families_of(plan.secondary).values()
    return not any(one.procedure in _BY_JOINT_LAWS for one in families)


_BY_JOINT_LAWS: Final = ("dunnett", "step_down_dunnett", "spiessens_debois", "song_chi")


def _by_adjusted(found: PrimaryAnalysis, p_value: Floats, plan: AnalysisPlan) -> Adjusted:
    rejected = np.asarray(p_value <= plan.alpha)
    return Adjusted(found, p_value, rejected, rejected & in_favour(found.estimate, plan))


def _adjusted(
    plan: AnalysisPlan,
    p_values: Mapping[str, Floats],
    data: Mapping[str, Data],
    upwards: Mapping[str, Booleans],
) -> dict[str, Floats]:
    """Return the adjusted p-values of those analyses that are tested together."""
    multiplicity = plan.multiplicity
    if isinstance(multiplicity, GraphPlan):
        names = multiplicity.named(plan.secondary)
        return _by_name(names, _by_graph(multiplicity, names, _stacked(names, p_values), data))
    families = multiplicity.families_of(plan.secondary)
    adjustments = [
        Adjustments(
            _within(one, _stacked(one.analyses, p_values), data, upwards),
            passed_on(len(one.analyses), one.truncation),
        )
        for one in families.values()
    ]
    if not adjustments:
        return {}
    in_order = zip(families.values(), adjust_in_order(adjustments), strict=True)
    return {
        name: p_value
        for family, adjusted in in_order
        for name, p_value in _by_name(family.analyses, adjusted).items()
    }


def _within(
    family: Family, p_values: Floats, data: Mapping[str, Data], upwards: Mapping[str, Booleans]
) -> Floats:
    """Return the p-values of a family, shape (replicate, analyses), adjusted among themselves."""
    match family.procedure:
        case "dunnett" | "step_down_dunnett":
            adjust = dunnett if family.procedure == "dunnett" else step_down_dunnett
            return adjust(*joint_statistics([data[name] for name in family.analyses], p_values))
        case "spiessens_debois" | "song_chi":
            both = [data[name] for name in family.analyses]
            direction = np.stack([upwards[name] for name in family.analyses], axis=-1)
            return adjust_populations(both, p_values, direction, family)
        case "fallback":
            return adjust_by_graph(p_values, sequence(family.shares))
        case ("holm" | "hochberg") as procedure if family.truncation < 1:
            return truncated(p_values, procedure, family.truncation)
        case procedure:
            return adjust_p_values(p_values, procedure)


def _by_graph(
    plan: GraphPlan, names: Sequence[str], p_values: Floats, data: Mapping[str, Data]
) -> Floats:
    transitions = [
        [plan.transitions.get(row, {}).get(name, 0.0) for name in names] for row in names
    ]
    weights = tuple(plan.weights.get(name, 0.0) for name in names)
    graph = Graph(weights, tuple(map(tuple, transitions)))
    if plan.intersections == "bonferroni":
        return adjust_by_graph(p_values, graph)
    test = simes
    if plan.intersections == "parametric":
        test = partial(parametric_test, blocks=_blocks(names, data))
    return adjust_by_closure(p_values, intersection_weights(graph), test)


def _blocks(names: Sequence[str], data: Mapping[str, Data]) -> list[Block]:
    """Return the groups of analyses whose joint law is known: those of arms with one control."""
    groups: list[list[str]] = []
    for name in names:
        for group in groups:
            if share_one_control([vars(data[one].plan) for one in (group[0], name)]):
                group.append(name)
                break
        else:
            groups.append([name])
    return [
        Block([names.index(name) for name in group], normal_law([data[name] for name in group]))
        for group in groups
    ]


def _stacked(names: Sequence[str], p_values: Mapping[str, Floats]) -> Floats:
    return np.stack([p_values[name] for name in names], axis=-1)


def _by_name(names: Sequence[str], adjusted: Floats) -> dict[str, Floats]:
    return {name: adjusted[..., place] for place, name in enumerate(names)}
