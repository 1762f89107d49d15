"""Both engines against the floor of their random numbers, a bare SimPy loop, and as they grow.

The vector engine computes by the best build that is here, and each build is set beside NumPy.
"""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Final

from benchmarks.bare_simpy import bare_loop
from benchmarks.floor import draw_again, draws_of
from benchmarks.measure import (
    FULL,
    Effort,
    Row,
    Table,
    Target,
    Work,
    compared,
    in_turns,
    on_one_core,
)
from trialsim.compiled.library import NUMPY, build_name, builds_here, computed_by
from trialsim.replicates.run import BATCH, Simulation
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.trial.trial import Engine

SEED: Final = 2016
CHAIRS: Final = 4
SCHEDULER: Final = SimpleNamespace(chairs=3.2, events=2.9)
"""The events engine before it was written as processes, with a scheduler of its own.

Bare loops that took as long as one trial with chairs, and trials without that took as long as one
bare loop, on two cores on 26 November 2026. Processes may take half as long again with chairs, and
twice as long without.
"""
PATIENTS: Final = (104, 208, 416, 832, 1664, 3328, 6656, 53_248)
LARGE: Final = {"short": 1664, "smoke": 208}
"""The size that is enough for less than a full run."""
SITES: Final = (12, 48, 192, 1000)
MANY_SITES: Final = Target("at most", 2)
"""For the most sites."""
COMPILED: Final = Target("at least", 4)
"""What the best build is to do beside NumPy, of a study of which whole trials are compiled."""
BATTERY: Final = "global_status"
"""The secondary analysis of cars1 in which its twelve scales are one test."""
INFUSIONS: Final = (21, 42, 84)
VISITS: Final = (6, 24)
FIRST_FURTHER: Final = 50
"""The day after onset of the first of the visits that cars1 has not."""
LINEAR: Final = Target("at most", 1.2)
"""A fifth more a patient, as what is looked up no longer lies in the nearest memory."""
MOST_AT_ONCE: Final = 8
"""Trials of the largest size."""


def measure(effort: Effort) -> Table:
    """Time whole trials, simulated and analysed, on one core."""
    base = load("cars1")
    return Table(
        "whole trials, simulated and analysed, on one core; times are of the processor",
        [
            *_by_build(base, effort),
            *_of_twelve_scales(base, effort),
            _against_floor(base, effort),
            *_against_bare_loop(base, effort),
            *_growing_by_patients(base, "vector", PATIENTS, effort),
            *_growing_by_patients(base, "events", (PATIENTS[0], PATIENTS[-2]), effort),
            *_growing_by_sites(base, effort),
            *_growing_by_infusions(base, effort),
            *_growing_by_visits(base, effort),
        ],
    )


def trials(scenario: Scenario, engine: Engine, count: int) -> Work:
    """Return the work of simulating and analysing so many trials."""
    return on_one_core(lambda: Simulation(scenario, SEED, engine).run(range(count)), count)


def _by_build(base: Scenario, effort: Effort) -> list[Row]:
    """Compare what each compiled build does with what NumPy does, to the same bits."""
    count, builds = BATCH * effort.of(64), builds_here()

    def by(build: str) -> Work:
        def run() -> None:
            with computed_by(build):
                Simulation(base, SEED, "vector").run(range(count))

        return on_one_core(run, count)

    rates = in_turns({build: by(build) for build in builds}, effort.repeats)
    if builds == (NUMPY,):
        return [Row("vector engine, compiled, against NumPy", "trials/s", note="not installed")]
    return [
        compared(
            f"vector engine, compiled for {build}, against NumPy",
            "trials/s",
            rates[build],
            rates[NUMPY],
            COMPILED if build == builds[0] else None,
        )
        for build in builds[:-1]
    ]


def _of_twelve_scales(base: Scenario, effort: Effort) -> list[Row]:
    """Compare the time of the twelve scales analysed together with that of the primary alone."""
    count = BATCH * effort.of(16)
    studies = {"all": base.with_analysis(BATTERY), "one": base.replace({"analysis.secondary": {}})}
    works = {name: trials(study, "vector", count) for name, study in studies.items()}
    rows = []
    for build in dict.fromkeys((build_name(), NUMPY)):
        with computed_by(build):
            rates = in_turns(works, effort.repeats)
        times = {name: 1000 / rate for name, rate in rates.items()}
        what = f"twelve scales by Wei and Lachin, against the primary outcome alone, {build}"
        why = "twelve scores are drawn, and 22 more words a patient"
        target = Target("at most", 2)
        rows.append(compared(what, "ms/trial", times["all"], times["one"], target, note=why))
    return rows


def _against_floor(scenario: Scenario, effort: Effort) -> Row:
    draws, count = draws_of(scenario, SEED), BATCH * effort.of(64)
    floor = on_one_core(lambda: draw_again(draws, SEED, count), count)
    rates = in_turns({"vector": trials(scenario, "vector", count), "floor": floor}, effort.repeats)
    what = "vector engine, against its random numbers alone"
    target, why = Target("at least", 1 / 3), "aim 0.5; NumPy's own calls take the rest"
    return compared(what, "trials/s", rates["vector"], rates["floor"], target, note=why)


def _against_bare_loop(base: Scenario, effort: Effort) -> list[Row]:
    seated = base.replace({"operations.infusion_chairs_per_site": CHAIRS})
    few, resource = effort.of(40, least=2), effort.of(20, least=1)
    rates = in_turns(
        {
            "vector": trials(base, "vector", BATCH * effort.of(64)),
            "events": trials(base, "events", effort.of(256, least=4)),
            "chairs": trials(seated, "events", effort.of(40, least=2)),
            "bare": on_one_core(lambda: bare_loop(base, few), few),
            "resource": on_one_core(lambda: bare_loop(base, resource, CHAIRS), resource),
        },
        effort.repeats,
    )
    bare, rows = rates["bare"], []
    for engine, least in (("vector", 60), ("events", SCHEDULER.events / 2)):
        what = f"{engine} engine, against a bare SimPy loop"
        target = Target("at least", least)
        rows.append(compared(what, "trials/s", rates[engine], bare, target))
    slow = {name: 1000 / rate for name, rate in rates.items()}
    for what, other, target in (
        ("the bare loop", "bare", Target("at most", 1.5 * SCHEDULER.chairs)),
        ("a plain simpy.Resource", "resource", Target("at most", 1)),
    ):
        whole = f"events engine with {CHAIRS} chairs a site, against {what}"
        note = "events where somebody could wait"
        rows.append(compared(whole, "ms/trial", slow["chairs"], slow[other], target, note=note))
    return rows


def _growing_by_patients(
    base: Scenario, engine: Engine, sizes: Sequence[int], effort: Effort
) -> list[Row]:
    """Compare the time a patient takes in larger trials, recruited in the same time."""
    few = BATCH if engine == "vector" else effort.of(16, least=1)
    if effort != FULL:
        sizes = (sizes[0], LARGE[effort.name])
    rate = base.operations.candidates_per_site_per_month / base.design.patients
    works = {}
    for patients in sizes:
        changes = {
            "design.patients": patients,
            "operations.candidates_per_site_per_month": rate * patients,
        }
        count = few if patients <= PATIENTS[-2] else min(few, MOST_AT_ONCE)
        work = trials(base.replace(changes), engine, count)
        works[str(patients)] = work._replace(amount=count * patients)
    times = {size: 1e6 / rates for size, rates in in_turns(works, effort.repeats).items()}
    least, *others = sizes
    return [
        compared(
            f"{engine} engine, {size:,} patients against {least}",
            "us/patient",
            times[str(size)],
            times[str(least)],
            LINEAR if size == sizes[-1] else None,
            judged=size >= PATIENTS[-2],
        )
        for size in others
    ]


def _growing_by_sites(base: Scenario, effort: Effort) -> list[Row]:
    """Compare trials at more sites, each of which recruits the less."""
    sites = base.model_dump()["operations"]["sites"]
    opened, month = list(sites.values()), base.operations.candidates_per_site_per_month
    scenarios = {
        count: base.replace(
            {
                "operations.sites": {f"site_{n}": opened[n % len(opened)] for n in range(count)},
                "operations.candidates_per_site_per_month": month * len(opened) / count,
            }
        )
        for count in SITES
    }
    return _growing(scenarios, "sites", effort, MANY_SITES)


def _growing_by_visits(base: Scenario, effort: Effort) -> list[Row]:
    """Compare trials with further visits before the last, which is the one that is analysed."""
    *planned, (last, final) = base.model_dump()["design"]["visits"].items()
    scenarios = {}
    for count in VISITS:
        days = range(FIRST_FURTHER, FIRST_FURTHER + count - len(planned) - 1)
        further = {f"day_{day}": {"day": day, "after": "onset"} for day in days}
        visits = dict(planned) | further | {last: final}
        scenarios[count] = base.replace({"design.visits": visits})
    return _growing(scenarios, "visits", effort)


def _growing_by_infusions(base: Scenario, effort: Effort) -> list[Row]:
    changed = {count: base.replace({"treatment.infusions.per_cycle": count}) for count in INFUSIONS}
    return _growing(changed, "infusions", effort)


def _growing(
    scenarios: dict[int, Scenario], of_what: str, effort: Effort, target: Target | None = None
) -> list[Row]:
    """Compare each scenario with the first on the vector engine."""
    count = BATCH * effort.of(64)
    works = {str(size): trials(one, "vector", count) for size, one in scenarios.items()}
    times = {size: 1000 / rates for size, rates in in_turns(works, effort.repeats).items()}
    least, *others = times
    return [
        compared(
            f"vector engine, {size} {of_what} against {least}",
            "ms/trial",
            times[size],
            times[least],
            target if size == others[-1] else None,
        )
        for size in others
    ]
