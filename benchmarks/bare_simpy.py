"""The trial as one would first write it in SimPy: a process for each patient, an event a contact.

It draws nothing but arrivals, has no outcome and analyses nothing, so it does less than a trial.
"""

from collections.abc import Generator

import numpy as np
import simpy

from trialsim.clock import DAY, MONTH
from trialsim.scenario.scenario import Scenario

Process = Generator[simpy.Event, None, None]


def bare_loop(scenario: Scenario, trials: int, chairs: int | None = None) -> None:
    """Run trials of the scenario's size, infusions and visits, one after the other.

    Parameters
    ----------
    chairs
        Chairs of each site, as a `simpy.Resource`; None for a timeout and no more.
    """
    generator = np.random.default_rng(2016)
    for _ in range(trials):
        _trial(scenario, generator, chairs)


def _trial(scenario: Scenario, generator: np.random.Generator, chairs: int | None) -> None:
    env, operations = simpy.Environment(), scenario.operations
    gap = MONTH / operations.candidates_per_site_per_month / len(operations.sites)
    arrivals = generator.exponential(gap, scenario.design.patients).cumsum().astype(int).tolist()
    infusions = (scenario.treatment.infusions.offsets()[0] * DAY).tolist()
    visits = [visit.day * DAY for visit in scenario.design.visits.values()]
    if chairs is None:
        contacts = sorted([*infusions, *visits])
        gaps = np.diff(contacts, prepend=0).tolist()
        for arrival in arrivals:
            env.process(_patient(env, arrival, gaps))
    else:
        rooms = [simpy.Resource(env, chairs) for _ in operations.sites]
        sites = generator.integers(len(rooms), size=len(arrivals)).tolist()
        minutes = operations.infusion_minutes
        for arrival, site in zip(arrivals, sites, strict=True):
            env.process(_seated(env, arrival, infusions, minutes, rooms[site]))
            env.process(_patient(env, arrival, np.diff(visits, prepend=0).tolist()))
    env.run()


def _patient(env: simpy.Environment, arrival: int, gaps: list[int]) -> Process:
    yield env.timeout(arrival)
    for gap in gaps:
        yield env.timeout(gap)


def _seated(
    env: simpy.Environment, arrival: int, infusions: list[int], minutes: int, room: simpy.Resource
) -> Process:
    for infusion in infusions:
        yield env.timeout(max(arrival + infusion - env.now, 0))
        with room.request() as chair:
            yield chair
            yield env.timeout(minutes)
