"""The comparison that belongs to each method that a study file can name."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from trialsim.analysis.claims import claimed
from trialsim.analysis.comparison import Comparison
from trialsim.analysis.data import Data
from trialsim.analysis.methods import (
    adjusted_rank,
    brunner_munzel,
    mann_whitney,
    means,
    mmrm,
    own,
    permutation,
    proportional_odds,
    ranks,
    responders,
    several_outcomes,
    weighted,
    win_statistic,
)
from trialsim.analysis.methods.dose_finding import mcp_mod
from trialsim.analysis.methods.subgroups import interaction
from trialsim.analysis.methods.time_to_event import log_rank, restricted_mean
from trialsim.analysis.truth import Populations, TruthParts, whole
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods.adjusted_rank import AdjustedRank
from trialsim.scenario.plan.methods.base import AnalysisMethod
from trialsim.scenario.plan.methods.brunner_munzel import BrunnerMunzel
from trialsim.scenario.plan.methods.dose_finding.mcp_mod import McpMod
from trialsim.scenario.plan.methods.mann_whitney import ExactMannWhitney, MannWhitney
from trialsim.scenario.plan.methods.means import Ancova, TTest, Welch
from trialsim.scenario.plan.methods.mmrm import Mmrm
from trialsim.scenario.plan.methods.permutation import Permutation, ReRandomisation
from trialsim.scenario.plan.methods.proportional_odds import (
    ProportionalOdds,
    StandardisedMannWhitney,
)
from trialsim.scenario.plan.methods.responders import Responders
from trialsim.scenario.plan.methods.several_outcomes import OBrien, WeiLachin
from trialsim.scenario.plan.methods.subgroups.interaction import Interaction
from trialsim.scenario.plan.methods.time_to_event.log_rank import LogRank
from trialsim.scenario.plan.methods.time_to_event.restricted_mean import RestrictedMean
from trialsim.scenario.plan.methods.weighted import WeightedMannWhitney, WeightedMeans
from trialsim.scenario.plan.methods.win_statistic import WinStatistic
from trialsim.scenario.plan.own_method import Own
from trialsim.stats.monte_carlo import RatioOfMeans


class _Analysis(NamedTuple):
    compare: Callable[[Data, Any], Comparison]
    truth: Callable[[Data, Any], TruthParts] | None = None
    """The true effect, where it is not the mean of the estimates."""
    of_populations: Callable[[Populations, Any], RatioOfMeans] | None = None
    """The effect of two populations of one outcome; None where it is not of one."""
    of_several: Callable[[Sequence[Populations], Any], RatioOfMeans] | None = None
    """The same of the populations at several visits, of which it is made."""


_ANALYSES: Final[Mapping[type[AnalysisMethod], _Analysis]] = {
    MannWhitney: _Analysis(mann_whitney.compare, ranks.rank_truth, ranks.rank_effect_of),
    ExactMannWhitney: _Analysis(
        mann_whitney.compare_exactly, ranks.rank_truth, ranks.rank_effect_of
    ),
    Permutation: _Analysis(permutation.compare, ranks.rank_truth, ranks.rank_effect_of),
    ReRandomisation: _Analysis(
        permutation.compare_re_randomised,
        permutation.re_randomised_truth,
        permutation.re_randomised_effect_of,
    ),
    BrunnerMunzel: _Analysis(brunner_munzel.compare, ranks.rank_truth, ranks.rank_effect_of),
    AdjustedRank: _Analysis(adjusted_rank.compare, ranks.rank_truth, ranks.rank_effect_of),
    WeiLachin: _Analysis(
        several_outcomes.compare_effects,
        several_outcomes.truth,
        of_several=several_outcomes.mean_effect_of,
    ),
    OBrien: _Analysis(several_outcomes.compare_rank_sums),
    WinStatistic: _Analysis(win_statistic.compare, win_statistic.truth),
    TTest: _Analysis(means.compare, None, means.difference_of),
    Welch: _Analysis(means.compare, None, means.difference_of),
    Ancova: _Analysis(means.compare, None, means.difference_of),
    Mmrm: _Analysis(mmrm.compare, mmrm.truth, means.difference_of),
    WeightedMannWhitney: _Analysis(
        weighted.compare_effects, ranks.rank_truth, ranks.rank_effect_of
    ),
    WeightedMeans: _Analysis(weighted.compare_means, None, means.difference_of),
    Responders: _Analysis(responders.compare, responders.truth, responders.effect_of),
    ProportionalOdds: _Analysis(
        proportional_odds.compare, proportional_odds.truth, proportional_odds.ratio_of
    ),
    StandardisedMannWhitney: _Analysis(
        proportional_odds.compare_standardised, ranks.rank_truth, ranks.rank_effect_of
    ),
    LogRank: _Analysis(log_rank.compare, log_rank.truth),
    RestrictedMean: _Analysis(restricted_mean.compare, restricted_mean.truth),
    Interaction: _Analysis(interaction.compare),
    McpMod: _Analysis(mcp_mod.compare, mcp_mod.truth, mcp_mod.effect_of),
    Own: _Analysis(own.compare, None, own.effect_of),
}


def compare(data: Data) -> Comparison:
    """Return what the plan's method finds in each replicate, and the p-value of its claim."""
    found = _ANALYSES[type(data.plan.test)].compare(data, data.plan.test)
    return claimed(found, data.plan)


def truth_parts(data: Data) -> TruthParts:
    """Return what each replicate contributes to the true value of what the plan's method estimates.

    The patients are those of a trial with complete follow-up.
    """
    method = data.plan.test
    analysis = _ANALYSES[type(method)]
    if analysis.truth is not None:
        return analysis.truth(data, method)
    return whole(analysis.compare(data, method).estimate)


def measurements(plan: AnalysisPlan) -> tuple[AnalysisPlan, ...]:
    """Return the plan at each outcome and visit whose effects what it estimates is made of."""
    return tuple(
        plan.model_copy(update={"endpoint": outcome, "visit": visit})
        for outcome, visit in plan.test.measured_at(plan)
    )


def population_effect(populations: Sequence[Populations]) -> RatioOfMeans:
    """Return the effect that a plan's method estimates of two populations; NaN where it has none.

    Parameters
    ----------
    populations
        Those of each of the plan's `measurements`.

    Raises
    ------
    ValueError
        If it has none of two populations of one outcome; see `why_no_population_effect`.
    """
    method = populations[0].plan.test
    analysis = _ANALYSES[type(method)]
    if analysis.of_several is not None:
        return analysis.of_several(populations, method)
    if analysis.of_populations is None:
        raise ValueError(f"{method.method} has no effect of two populations of one outcome")
    (one,) = populations
    return analysis.of_populations(one, method)
