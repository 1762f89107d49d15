"""Potential outcomes: strategies on a few patients by hand, and laws over simulated trials."""

from dataclasses import replace
from functools import cache
from typing import Any, cast

import numpy as np
import pytest

import trialsim as ts
from trialsim.analysis.endpoint import WORST, by_the_visit, complete_endpoint
from trialsim.analysis.potential import (
    Potential,
    Worlds,
    histograms,
    potential_endpoint,
    variable_of,
)
from trialsim.arrays import Floats, Integers, Pairs
from trialsim.clock import NEVER
from trialsim.scenario.plan.estimands import STRATEGIES, Estimand, Strategy
from trialsim.scenario.programme import single_trial
from trialsim.scenario.protocol.intercurrent import Event
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.outcomes import Scores, Visits
from trialsim.trial.trial import Trial, simulate_batch

CARS1 = single_trial(ts.load("cars1"))
SCORES = [0.0, 10, 20, 30, 40, 50]
"""A patient's score at each visit of cars1, baseline first."""
DEAD: tuple[Event, ...] = ("death",)
STOPPED: tuple[Event, ...] = ("discontinuation",)
PATIENTS = 4
"""Nobody stops; before the first visit; between days 14 and 21; then dies after day 42."""


@cache
def batch(study: Scenario, replicates: int = 8) -> Trial:
    return simulate_batch(study, Streams(15, range(replicates)))


def written() -> Trial:
    """Return four patients of one trial, whose scores and events are written by hand."""
    trial = batch(CARS1.replace({"design.patients": PATIENTS, "design.block_size": 2}), 1)
    visits = trial.conduct.visit_minute
    stopped, died = (np.full(trial.arms.shape, NEVER) for _ in range(2))
    stopped[0, 1] = visits[0, 1, 1] - 1
    stopped[0, 2:] = visits[0, 2:, 3]
    died[0, 3] = visits[0, 3, 4] + 1
    conduct = replace(trial.conduct, discontinued=stopped, died=died)

    def make(outcome: str, visit: Visits, patients: Pairs | None) -> Floats:
        shape = trial.arms.shape if patients is None else (1, len(patients.rows))
        return np.full(shape, np.array(SCORES)[visit])

    scores = Scores(["arat"], len(SCORES), make)
    return replace(trial, conduct=conduct, underlying=scores, scores=scores)


def values(**given: Any) -> list[float]:
    """Return the score of each of the four patients as an estimand has it, NaN for the worst."""
    world, strategies = written(), cast(dict[Event, Strategy], given)
    found = potential_endpoint(world, CARS1.analysis, Estimand(intercurrent=strategies))
    assert found.analysed.all()
    cells: Integers = found.cell[0]
    return [float(cell) - 1 if cell != WORST else float("nan") for cell in cells]


def test_treatment_policy_is_the_score_whatever_happened_but_for_the_dead() -> None:
    assert values(death="hypothetical") == [50, 50, 50, 50]
    assert values()[:3] == [50, 50, 50]
    assert np.isnan(values()[3])


def test_while_on_treatment_is_the_last_visit_before_the_event_or_the_baseline() -> None:
    """An event at the minute of a visit is before it: day 14 is the last before that of day 21."""
    found = values(discontinuation="while_on_treatment", death="hypothetical")
    assert found == [50, 0, 20, 20]


def test_a_death_after_the_event_is_the_worst_all_the_same() -> None:
    found = values(discontinuation="while_on_treatment", death="composite")
    assert found[:3] == [50, 0, 20]
    assert np.isnan(found[3])


def test_while_alive_is_the_last_visit_before_the_death() -> None:
    assert values(death="while_on_treatment") == [50, 50, 50, 40]


def test_of_two_events_the_first_ends_the_scores_that_count() -> None:
    both = {"discontinuation": "while_on_treatment", "death": "while_on_treatment"}
    assert values(**both) == [50, 0, 20, 20]


def test_composite_is_below_every_score() -> None:
    found = values(discontinuation="composite", death="composite")
    assert found[0] == 50
    assert np.isnan(found[1:]).all()


def test_an_event_after_the_visit_is_none() -> None:
    earlier = CARS1.analysis.model_copy(update={"visit": "day_7"})
    world, kind = written(), Estimand(intercurrent={"discontinuation": "composite"})
    found = potential_endpoint(world, earlier, kind)
    assert (found.cell[0] == WORST).tolist() == [False, True, False, False]


def test_histograms_count_each_replicate_apart() -> None:
    found = potential_endpoint(written(), CARS1.analysis, Estimand())
    counts = histograms(found)
    assert counts.shape == (1, found.cells)
    assert (counts[0, WORST], counts[0, 51], counts.sum()) == (1, 3, PATIENTS)


def without_baseline() -> Scenario:
    """Return a study whose endpoint has no baseline, and whose patients stop on the first days."""
    return CARS1.replace(
        {
            "analysis.endpoint": "barthel",
            "operations.discontinuation.probability": 0.5,
            "operations.discontinuation.days": {"distribution": "uniform", "low": 1, "high": 12},
        }
    )


def test_without_a_baseline_an_event_before_the_first_visit_leaves_no_value() -> None:
    trial = batch(without_baseline())
    plan = trial.scenario.analysis
    meant = Estimand(intercurrent={"discontinuation": "while_on_treatment"})
    potential = Potential(Worlds(trial), plan, meant)
    early = trial.world("cerebrolysin").conduct
    before = early.discontinued <= early.visit_minute[:, :, 1]
    dead = by_the_visit(trial.world("cerebrolysin"), plan, DEAD)
    assert before.any()
    assert ((~potential.treated.analysed) == (before & ~dead)).all()


def test_the_principal_stratum_is_who_has_the_event_in_neither_arm() -> None:
    """Those who stop in an arm are found by running everybody in it."""
    risk = {"cerebrolysin": {"odds_ratio": 3}}
    study = CARS1.replace(
        {"operations.discontinuation.probability": 0.3, "operations.discontinuation.arms": risk}
    )
    trial = batch(study)
    stops = {
        arm: by_the_visit(trial.world(arm), study.analysis, STOPPED)
        for arm in ("cerebrolysin", "placebo")
    }
    strategies: Any = {"discontinuation": "principal_stratum"}
    neither, treated = (
        Potential(
            Worlds(trial), study.analysis, Estimand(intercurrent=strategies, stratum=stratum)
        ).population
        for stratum in ("neither_arm", "treated_arm")
    )
    assert (neither == ~(stops["cerebrolysin"] | stops["placebo"])).all()
    assert (treated == ~stops["cerebrolysin"]).all()
    assert stops["cerebrolysin"].sum() > 1.5 * stops["placebo"].sum()


def test_whoever_is_in_the_arm_that_was_allocated_has_the_trial_s_own_value() -> None:
    trial = batch(CARS1)
    own = complete_endpoint(trial, CARS1.analysis)
    potential = Potential(Worlds(trial), CARS1.analysis, Estimand())
    for place, values in enumerate((potential.treated, potential.control)):
        there = trial.arms == place
        assert (values.cell[there] == own.cell[there]).all()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_without_any_event_every_strategy_gives_the_same_values(strategy: Any) -> None:
    never = {
        f"operations.{event}.probability": 0.0
        for event in ("discontinuation", "withdrawal", "death")
    }
    study = CARS1.replace(never)
    trial = batch(study)
    meant = Estimand(intercurrent={"discontinuation": strategy})
    potential = Potential(Worlds(trial), study.analysis, meant)
    plain = Potential(Worlds(trial), study.analysis, Estimand())
    assert potential.population.all()
    assert (potential.treated.cell == plain.treated.cell).all()
    assert (potential.control.cell == plain.control.cell).all()


def test_a_variable_is_the_same_whatever_is_done_about_missing_scores() -> None:
    plan = CARS1.analysis
    same = plan.model_copy(update={"missing": "worst_rank", "death": "as_missing"})
    other = plan.model_copy(update={"visit": "day_42"})
    assert variable_of(plan) == variable_of(same)
    assert variable_of(plan) != variable_of(other)
