"""Statistics against random permutations, or other randomisations, of the treatment labels.

What chance decides has an address, so that it is the same in every batch.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np

from trialsim.analysis.comparison import Comparison
from trialsim.analysis.data import Data
from trialsim.analysis.methods import mann_whitney, means
from trialsim.analysis.methods.ranks import (
    rank_comparison,
    rank_effect_of,
    rank_truth,
    two_samples,
)
from trialsim.analysis.truth import Populations, TruthParts, whole
from trialsim.arrays import Booleans, Floats, Integers, take_rows
from trialsim.clock import NEVER
from trialsim.scenario.plan.methods.base import AnalysisMethod
from trialsim.scenario.plan.methods.mann_whitney import MannWhitney
from trialsim.scenario.plan.methods.means import TTest
from trialsim.scenario.plan.methods.permutation import Permutation, ReRandomisation
from trialsim.stats.monte_carlo import RatioOfMeans
from trialsim.stats.re_randomisation import as_extreme, deviations
from trialsim.streams import Streams
from trialsim.trial.allocation.choice import allocation_of, groups_of, procedure_of
from trialsim.trial.allocation.in_order import Sequences, every_sequence

_AT_ONCE = 4096
"""Permuted trials held in memory; it changes no result."""


def compare(data: Data, method: Permutation) -> Comparison:
    """Return the comparison of each replicate."""
    from trialsim.stats.ranks.brunner_munzel import brunner_munzel_permutation
    from trialsim.stats.ranks.exact_rank import permutation_rank_test
    from trialsim.stats.ranks.stratified import split_by_stratum

    tests = {"mann_whitney": permutation_rank_test, "brunner_munzel": brunner_munzel_permutation}
    treated, control = data.arms
    values = data.values
    arm = np.select([treated & values.analysed, control & values.analysed], [0, 1], -1)
    arms = split_by_stratum(np.asarray(values.cell, np.float64), arm, 2)
    patients = values.cell.shape[1]
    at_once = max(1, _AT_ONCE // len(arm))
    extreme = np.zeros(len(arm))
    for start in range(0, method.permutations, at_once):
        draws = range(start, min(start + at_once, method.permutations))
        keys = np.stack([data.uniform("permutation", patients, draw) for draw in draws], axis=1)
        by_arm = split_by_stratum(keys, arm[:, np.newaxis], 2)
        order = np.argsort(by_arm.reshape(*keys.shape[:2], -1), axis=-1)
        test = tests[method.statistic](arms[:, 0], arms[:, 1], order, data.plan.alternative)
        extreme += np.rint(test.p_value * (1 + len(draws))) - 1
    p_value = (1 + extreme) / (1 + method.permutations)
    return rank_comparison(data, two_samples(data), test.z, p_value)


def compare_re_randomised(data: Data, method: ReRandomisation) -> Comparison:
    """Return the comparison of each replicate, its p-value by the procedure run again.

    Patients are taken in order of randomisation; of whom it is not known, in the order in which
    they stand.
    """
    plain = _plain(data, method)
    found = _COMPARED[type(method.of)](plain, method.of)
    order = np.argsort(data.trial.conduct.randomised, axis=1, kind="stable")
    values = np.where(data.values.analysed, data.values.cell, np.nan)
    patients = _InOrder(
        take_rows(data.trial.candidate, order),
        take_rows(values, order),
        take_rows(data.arms[0], order),
        list(data.trial.scenario.design.arms).index(data.plan.treated),
    )
    observed = deviations(patients.values, patients.treated[:, None], method.statistic)[:, 0]
    p_value = _p_of_draws(data, method, patients, observed)
    for replicate, every in _enumerated(data, method, patients):
        treated = every.arms == patients.arm
        there = patients.values[replicate, : treated.shape[1]]
        drawn = deviations(there, treated, method.statistic)
        extreme = as_extreme(drawn, observed[replicate], data.plan.alternative)
        p_value[replicate] = min(1.0, float(every.chances @ extreme))
    return found._replace(p_value=np.where(np.isnan(observed), found.p_value, p_value))


def re_randomised_truth(data: Data, method: ReRandomisation) -> TruthParts:
    """Return the parts of the true effect, which is that of the statistic's own method."""
    if method.statistic == "mann_whitney":
        return rank_truth(data, method)
    return whole(means.compare(_plain(data, method), TTest(method="t_test")).estimate)


def re_randomised_effect_of(populations: Populations, method: ReRandomisation) -> RatioOfMeans:
    """Return the effect of two populations, which is that of the statistic's own method."""
    if method.statistic == "mann_whitney":
        return rank_effect_of(populations, method)
    return means.difference_of(populations, TTest(method="t_test"))


_COMPARED: Final[Mapping[type[AnalysisMethod], Callable[[Data, Any], Comparison]]] = {
    MannWhitney: mann_whitney.compare,
    TTest: means.compare,
}


class _InOrder(NamedTuple):
    """The patients in order of randomisation, shape (replicate, patient)."""

    candidates: Integers
    values: Floats
    """NaN of whom is not analysed."""
    treated: Booleans
    arm: int
    """The position of the treated arm in the design."""


def _plain(data: Data, method: ReRandomisation) -> Data:
    """Return the same patients as the statistic's own method is to compare them."""
    plan = data.plan.model_copy(update={"test": method.of})
    return replace(data, plan=plan, given=data.values)


def _p_of_draws(
    data: Data, method: ReRandomisation, patients: _InOrder, observed: Floats
) -> Floats:
    """Return the share of draws, and of the observed allocation, that is as extreme."""
    trial, width = data.trial, patients.values.shape[1]
    streams = Streams(trial.seed, range(1))  # which decides nothing here
    allocation = allocation_of(trial.scenario, trial.cohort, streams)
    at_once = max(1, _AT_ONCE // len(observed))
    extreme = np.zeros(len(observed))
    for start in range(0, method.draws, at_once):
        draws = range(start, min(start + at_once, method.draws))
        marks, openings = (
            np.stack([data.words(purpose, width, draw) for draw in draws], axis=1)
            for purpose in ("re-randomisation", "re-randomised block size")
        )
        treated = allocation.again(patients.candidates, marks, openings) == patients.arm
        drawn = deviations(patients.values, treated, method.statistic)
        extreme += as_extreme(drawn, observed, data.plan.alternative).sum(axis=1)
    return (1 + extreme) / (1 + method.draws)


def _enumerated(
    data: Data, method: ReRandomisation, patients: _InOrder
) -> Iterator[tuple[int, Sequences]]:
    """Yield the replicates that have no more sequences than would be drawn, with all of them."""
    scenario, cohort = data.trial.scenario, data.trial.cohort
    procedure, groups = procedure_of(scenario), groups_of(scenario, cohort)
    places = groups.of(patients.candidates)
    recruited = (data.trial.conduct.randomised < NEVER).sum(axis=1)
    for replicate, count in enumerate(recruited.tolist()):
        own = places[replicate, :count]
        arms = len(scenario.design.arms)
        every = every_sequence(procedure, arms, own, groups.count, method.draws)
        if every is not None:
            yield replicate, every
