"""The one value per patient that is analysed: endpoint, visit, analysis set, missing data, death.

Values are cells of the scale, counted from 0 at the worst, so that more is better whichever end of
the scale is better; a patient who is not analysed has no value.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers, RowIndex
from trialsim.clock import NEVER
from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.protocol.intercurrent import Event
from trialsim.trial.cohort import meets
from trialsim.trial.outcomes import Scores
from trialsim.trial.trial import Trial

WORST: int = 0
"""The cell of those who are ranked below all others; the scale's own cells follow it."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is analysed of a batch of replicates, shape (replicate, patient)."""

    cell: Integers
    """The patient's cell; meaningless where not analysed."""
    analysed: Booleans
    cells: int
    """How many cells there are."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where patients stand at the plan's visit whatever is measured, shape (replicate, patient)."""

    worst: Booleans
    """Who is ranked below all others."""
    included: Booleans
    """Who is analysed if a value is known."""


def standing(trial: Trial, plan: AnalysisPlan) -> Standing:
    """Return where patients stand under the plan's rules, the same for every outcome."""
    worst = _dead(trial, plan) | by_the_visit(trial, plan, plan.kinds_under("composite"))
    return Standing(worst, in_analysis_set(trial, plan))


def complete_standing(trial: Trial, plan: AnalysisPlan) -> Standing:
    """Return where patients stand with complete follow-up."""
    return Standing(_dead(trial, plan), in_subgroup(trial, plan))


def endpoint(trial: Trial, plan: AnalysisPlan, known: Standing | None = None) -> Endpoint:
    """Return the analysed values under the plan's rules for what was not measured.

    Parameters
    ----------
    known
        Where patients stand, if it was found before.
    """
    return endpoint_of_values(trial, plan, filled_in(trial, plan), known)


def filled_in(trial: Trial, plan: AnalysisPlan) -> Floats:
    """Return the scores at the visit, those not measured carried forward where the plan does so."""
    name, last, scores = plan.endpoint, visit_of(trial, plan), counted_scores(trial, plan)
    if plan.missing == "locf":
        return scores.carried_forward(name, last)
    value = scores.at(name, last)
    if plan.missing == "bocf":
        value = np.where(np.isnan(value), scores.at(name, 0), value)
    return on_treatment(trial, plan, value)


def on_treatment(trial: Trial, plan: AnalysisPlan, value: Floats) -> Floats:
    """Return values at the visit with the last scores before events that end those that count.

    Where an event of the hypothetical strategy came before, the value stays as it was filled in.
    """
    kinds = plan.kinds_under("while_on_treatment")
    if not kinds:
        return value
    ends, gone = first_of(trial, kinds), first_of(trial, plan.kinds_under("hypothetical"))
    ended = by_the_visit(trial, plan, kinds) & (ends <= gone)
    last = counted_scores(trial, plan).carried_forward(plan.endpoint, visit_of(trial, plan))
    return np.where(ended & ~np.isnan(last), last, value)


def counted_scores(trial: Trial, plan: AnalysisPlan) -> Scores:
    """Return the scores that count: not those after events by which the plan ends them."""
    kinds = (*plan.kinds_under("hypothetical"), *plan.kinds_under("while_on_treatment"))
    if not kinds:
        return trial.scores
    ends = first_of(trial, kinds)
    return trial.scores.seen_at(trial.conduct.visit_minute < ends[..., np.newaxis])


def first_of(trial: Trial, kinds: Collection[Event]) -> Integers:
    """Return the minute of the first of some kinds of event, `NEVER` where none happens."""
    minutes = [trial.conduct.minute_of(kind) for kind in kinds]
    never = np.full(trial.arms.shape, NEVER)
    return np.asarray(np.minimum.reduce([never, *minutes]))


def by_the_visit(trial: Trial, plan: AnalysisPlan, kinds: Collection[Event]) -> Booleans:
    """Return who has any of some kinds of event by the plan's visit."""
    return first_of(trial, kinds) <= trial.conduct.visit_minute[:, :, visit_of(trial, plan)]


def endpoint_of_values(
    trial: Trial, plan: AnalysisPlan, value: Floats, known: Standing | None = None
) -> Endpoint:
    """Return values at the visit, the missing ones filled in by whatever rule, as analysed."""
    known = known or standing(trial, plan)
    return ranked(trial, plan, value, known.worst, known.included)


def complete_endpoint(trial: Trial, plan: AnalysisPlan, known: Standing | None = None) -> Endpoint:
    """Return the values with complete follow-up: the treatment-policy estimand.

    Everybody randomised, or in the plan's subgroup, is analysed, with the score that they would
    have had at the visit under the infusions that they were in fact given; the plan's rule for the
    dead holds.
    """
    value = trial.underlying.at(plan.endpoint, visit_of(trial, plan))
    known = known or complete_standing(trial, plan)
    return ranked(trial, plan, value, known.worst, known.included)


def ranked(
    trial: Trial, plan: AnalysisPlan, value: Floats, dead: Booleans, included: Booleans
) -> Endpoint:
    """Return values as cells, with those ranked below all others in a cell of their own."""
    outcome = trial.scenario.outcomes[plan.endpoint]
    grid = outcome.grid
    steps = grid.cell_of(value)
    most = grid.steps
    if plan.measure == "change":
        steps = steps - grid.cell_of(trial.underlying.at(plan.endpoint, 0)) + most
        most *= 2
    known = ~np.isnan(value)
    above = steps if outcome.sign > 0 else most - steps
    above += WORST + 1
    above[dead | ~known] = WORST
    ranked = known | dead
    if plan.missing == "worst_rank":
        ranked |= ~known
    return Endpoint(above.astype(np.int64), ranked & included, cells_of(outcome, plan))


def cells_of(outcome: Outcome, plan: AnalysisPlan) -> int:
    """Return how many cells there are: those of a score or of a change, and the worst."""
    steps = outcome.grid.steps
    return (2 * steps if plan.measure == "change" else steps) + 2


def visit_of(trial: Trial, plan: AnalysisPlan) -> int:
    """Return the place of the plan's visit among those of the design."""
    return list(trial.scenario.design.visits).index(plan.visit)


def _dead(trial: Trial, plan: AnalysisPlan) -> Booleans:
    """Return who had died by the visit and is to be ranked below every survivor."""
    if plan.death == "as_missing":
        return np.zeros(trial.arms.shape, np.bool_)
    return trial.conduct.died <= trial.conduct.visit_minute[:, :, visit_of(trial, plan)]


def in_analysis_set(trial: Trial, plan: AnalysisPlan) -> Booleans:
    """Return who is analysed if a value is known, shape (replicate, patient).

    Who has an event whose time is analysed needs no score for it.
    """
    included = in_subgroup(trial, plan)
    included &= trial.conduct.visit_settled[:, :, visit_of(trial, plan)]
    if plan.analysis_set == "full_analysis_set" and not plan.test.counted_events:
        included &= trial.conduct.visit_attended[:, :, 1:].any(axis=2) | _dead(trial, plan)
    included &= ~by_the_visit(trial, plan, plan.kinds_under("principal_stratum"))
    if plan.minimum_infusion_share > 0:
        included &= trial.conduct.infusion_given.mean(axis=2) >= plan.minimum_infusion_share
    return included


def in_subgroup(trial: Trial, plan: AnalysisPlan) -> Booleans:
    """Return who of the randomised the plan analyses, shape (replicate, patient)."""
    there = trial.conduct.randomised < NEVER  # not those who were missing at the limit
    if plan.subgroup is None:
        return there
    return there & meets(plan.subgroup, trial.scenario, trial.cohort, RowIndex(trial.candidate))
