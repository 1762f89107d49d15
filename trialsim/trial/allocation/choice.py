"""Which procedure of randomisation a study uses, and what it needs of the study."""

from trialsim.scenario.protocol.randomisation import (
    AllocationList,
    BiasedCoin,
    BigStick,
    Chen,
    Minimisation,
    PermutedBlockSizes,
    SimpleRandomisation,
    TruncatedBinomial,
    Urn,
)
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.allocation.coins import TolerantCoin
from trialsim.trial.allocation.in_order import InOrder
from trialsim.trial.allocation.lists import lists_of
from trialsim.trial.allocation.minimisation import PocockSimon
from trialsim.trial.allocation.permuted_blocks import PermutedBlocks
from trialsim.trial.allocation.procedure import Allocation, Procedure
from trialsim.trial.allocation.random_blocks import RandomBlocks
from trialsim.trial.allocation.simple import Toss
from trialsim.trial.allocation.strata import Groups, factors_of, margins, strata
from trialsim.trial.allocation.truncated_binomial import Truncated
from trialsim.trial.allocation.urn import WeisUrn
from trialsim.trial.cohort import Cohort


def allocation_of(scenario: Scenario, cohort: Cohort, streams: Streams) -> Allocation:
    """Return the procedure of randomisation that a study uses, applied to its candidates."""
    design = scenario.design
    if len(design.blocks) == 1:
        return PermutedBlocks(design.ratios, design.blocks[0], strata(scenario, cohort), streams)
    groups = groups_of(scenario, cohort)
    return InOrder(procedure_of(scenario), len(design.arms), groups, streams)


def groups_of(scenario: Scenario, cohort: Cohort) -> Groups:
    """Return the groups of patients within which a study's procedure counts arms."""
    named = scenario.design.randomisation
    of_margins = named is not None and named.balances_margins
    return (margins if of_margins else strata)(scenario, cohort)


def procedure_of(scenario: Scenario) -> Procedure:
    """Return the chances of a study's procedure.

    >>> import trialsim as ts
    >>> procedure_of(ts.load("cars1"))
    RandomBlocks(ratios=(1, 1), sizes=(4,))
    """
    design, factors = scenario.design, factors_of(scenario)
    match design.randomisation:
        case None | PermutedBlockSizes():
            return RandomBlocks(design.ratios, design.blocks)
        case SimpleRandomisation():
            return Toss(design.ratios)
        case BigStick(tolerance=tolerance):
            return TolerantCoin(0.5, tolerance)
        case BiasedCoin(probability=probability):
            return TolerantCoin(probability)
        case Chen(probability=probability, tolerance=tolerance):
            return TolerantCoin(probability, tolerance)
        case Urn(balls=balls, added=added):
            return WeisUrn(balls, added)
        case TruncatedBinomial():
            return Truncated(-(-design.patients // 2))
        case Minimisation(measure=measure, probability=probability, weights=weights):
            own = tuple(weights.get(one.name, 1.0) for one in factors)
            return PocockSimon(measure, probability, own)
        case AllocationList(columns=columns):
            return lists_of(columns, tuple(design.arms), factors)
