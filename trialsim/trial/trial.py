"""The whole story of a trial, for a batch of replicates."""

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike

from trialsim.arrays import Booleans, Floats, Integers, take_rows
from trialsim.clock import DAY, MONTH, NEVER
from trialsim.errors import InputError, Problem, RecruitmentError, nearest
from trialsim.scenario.protocol.intercurrent import Happening
from trialsim.scenario.scenario import Scenario
from trialsim.streams import TILE, Streams, whole_tiles
from trialsim.trial.allocation.choice import allocation_of
from trialsim.trial.cohort import CandidateCovariates, Cohort, DrawnScreening, Screening, enrol
from trialsim.trial.conduct import Conduct, Recruitment, couples_patients
from trialsim.trial.event_engine import recruit_by_events
from trialsim.trial.itinerary import DrawnIntentions, Itinerary, first_infusion, plan_itinerary
from trialsim.trial.outcomes import Scores
from trialsim.trial.unfolding import Recruited, recruit_together, unfold
from trialsim.trial.vector_engine import recruit_without_waiting

Engine = Literal["auto", "events", "vector"]

_PILOT: Final = 64
"""Replicates, and candidates of each, from whom the share that can be randomised is judged."""
_FAR: Final = 3.5
"""So many standard deviations beyond what is expected, more candidates are hardly ever needed."""
_FAR_IF_SKEWED: Final = 4.0
"""The same of what sites' rates decide, as few sites may have most of the candidates."""
_PILOTS: Final = 64
"""How often others are drawn as long as none of them can be."""


class Pause(NamedTuple):
    """A time without randomisation in each replicate, minutes of shape (replicate,)."""

    begins: Integers
    ends: Integers


@dataclass(frozen=True, slots=True)
class Trial:
    """A batch of replicates of one study, from screening to scores.

    Arrays have the shape (replicate, candidate ...) or (replicate, patient ...); patients are in
    order of randomisation.
    """

    scenario: Scenario
    seed: int
    engine: str
    replicates: Integers
    """The replicates' numbers; those that could not be recruited are not among them."""
    failures: Mapping[int, str]
    """Why each replicate failed that did."""
    cohort: Cohort
    itinerary: Itinerary
    conduct: Conduct
    arms: Integers
    """Each patient's arm as its position in the design."""
    underlying: Scores
    """Each outcome's scores at every planned visit, had none been missed."""
    scores: Scores
    """Each outcome's scores, shape (replicate, patient, visit), NaN where not measured."""
    recruited: Recruited = field(repr=False)
    """What the trial unfolded from, the replicates that failed among it."""

    @property
    def rows(self) -> Integers:
        """Where each replicate stands among those of `recruited.streams`."""
        return self.replicates - self.recruited.streams.replicates.start

    @property
    def candidate(self) -> Integers:
        """Each patient's number in the cohort."""
        return take_rows(self.itinerary.candidate, self.conduct.place)

    @property
    def site(self) -> Integers:
        """Each patient's site as its position in the operations."""
        return take_rows(self.itinerary.site, self.conduct.place)

    def world(self, arm: str | Integers | None = None, off: Collection[Happening] = ()) -> "Trial":
        """Return the same patients in other arms, or without something that happened to them.

        Random numbers have addresses, so whoever keeps the arm and had nothing that is switched off
        keeps every bit. Who was recruited, when, and the waits for chairs stay as they were run; a
        trial cut at a date, or stopped, gives the world of the finished one.

        Parameters
        ----------
        arm
            The arm of everybody by its name, or each patient's by its position in the design, shape
            (replicate, patient); None leaves them as they are.
        off
            What happens to nobody, such as ("discontinuation", "visit_missed").

        Raises
        ------
        InputError
            If there is no such arm, or nothing of that name can happen.
        """
        arms = self._arms_of(arm)
        known = get_args(Happening)
        unknown = [one for one in off if one not in known]
        if unknown:
            rule = f"must be of {', '.join(known)}"
            raise InputError([Problem("off", rule, one) for one in unknown])
        recruited, kept = self.recruited, self.recruited.recruitment.complete
        everywhere = recruited.recruitment.arms.copy()
        everywhere[kept] = arms
        conduct, underlying = unfold(recruited, everywhere, frozenset(off))
        if not kept.all():
            conduct, underlying = (_rows(part, kept, len(kept)) for part in (conduct, underlying))
        return dataclasses.replace(
            self,
            conduct=conduct,
            arms=arms,
            underlying=underlying,
            scores=underlying.seen_at(conduct.visit_attended),
        )

    def _arms_of(self, arm: str | Integers | None) -> Integers:
        """Return each patient's arm as its position in the design."""
        if arm is None:
            return self.arms
        if not isinstance(arm, str):
            return arm
        known = list(self.scenario.design.arms)
        if arm not in known:
            rule = f"must be an arm of {self.scenario.name}{nearest(arm, known)}"
            raise InputError([Problem("arm", rule, arm)])
        return np.full_like(self.arms, known.index(arm))


def simulate_batch(
    scenario: Scenario,
    streams: Streams,
    engine: Engine = "auto",
    closes: ArrayLike | None = None,
    pauses: Sequence[Pause] = (),
    sizes: Integers | None = None,
) -> Trial:
    """Run a batch of replicates of a study.

    Parameters
    ----------
    closes
        The minute from which on nobody is randomised, one for each replicate or one for all, as if
        the trial had been stopped; those randomised before it are treated and followed to the end.
        None and `NEVER` are as planned.
    pauses
        From which minute to before which nobody is randomised, one of each a replicate; who would
        have been in the meantime is lost to the trial.
    sizes
        How many patients are randomised, one for each replicate, at most those of the design; the
        arrays have a place for each of the latter. None is as planned.

    Raises
    ------
    RecruitmentError
        If recruitment can never finish in any replicate of the batch.
    InputError
        If the engine is unknown, or the vector engine is asked to run what couples patients.
    """
    engine = chosen_engine(scenario, engine)
    candidates = whole_tiles(candidates_needed(scenario))  # as it costs far more to draw again
    stop = np.broadcast_to(NEVER if closes is None else np.asarray(closes), len(streams.replicates))
    while True:
        cohort = enrol(scenario, streams, candidates)
        itinerary = plan_itinerary(cohort, scenario, streams)
        allocation = allocation_of(scenario, cohort, streams)
        open_to = itinerary.closed_from(stop)
        for pause in pauses:
            open_to = open_to.paused(*pause)
        open_to = dataclasses.replace(open_to, places=sizes)
        if couples_patients(scenario):
            recruitment = recruit_together(open_to, cohort, scenario, streams, allocation)
        else:
            recruit = recruit_by_events if engine == "events" else recruit_without_waiting
            recruitment = recruit(open_to, scenario, allocation)
        closed = _closed_at_limit(recruitment, scenario)
        closed = np.minimum(closed, stop)
        recruitment = dataclasses.replace(recruitment, closed=closed)
        if _enough_were_drawn(cohort, recruitment, scenario):
            break
        candidates += TILE * math.ceil(candidates / (4 * TILE))  # the first ones stay the same
    recruited = Recruited(scenario, streams, cohort, itinerary, recruitment)
    conduct, underlying = unfold(recruited, recruitment.arms)
    whole = Trial(
        scenario=scenario,
        seed=streams.seed,
        engine=engine,
        replicates=np.array(streams.replicates),
        failures={},
        cohort=cohort,
        itinerary=itinerary,
        conduct=conduct,
        arms=recruitment.arms,
        underlying=underlying,
        scores=underlying.seen_at(conduct.visit_attended),
        recruited=recruited,
    )
    return whole if recruitment.complete.all() else _recruited(whole, recruitment)


def _closed_at_limit(recruitment: Recruitment, scenario: Scenario) -> Integers:
    """Return when recruitment closed: if the limit stops it, when the last before it had begun."""
    if scenario.operations.at_limit == "fail":
        return recruitment.closed
    begun = np.where(recruitment.randomised < NEVER, recruitment.randomised, 0).max(axis=1)
    last = np.maximum(begun, scenario.operations.last_arrival)
    return np.where(recruitment.complete, recruitment.closed, last)


def chosen_engine(scenario: Scenario, engine: Engine) -> Literal["events", "vector"]:
    """Return the engine that runs a scenario: with "auto" the fastest that can.

    Raises
    ------
    InputError
        If the engine is unknown, or the vector engine is asked to run what couples patients.
    """
    if engine not in get_args(Engine):
        raise InputError([Problem("engine", "must be auto, events or vector", engine)])
    coupled = couples_patients(scenario)
    if engine == "vector" and coupled:
        rule = f"must be events (or auto) where something couples patients: {coupled}"
        raise InputError([Problem("engine", rule, engine)])
    if engine == "auto":
        return "events" if coupled else "vector"
    return engine


class Pilot(NamedTuple):
    """Candidates of whom some can be randomised, arrays of shape (replicate, candidate)."""

    cohort: Cohort
    ready: Integers
    """When each could have the first infusion."""
    possible: Booleans
    """Who can be randomised."""
    share: float
    """The share of all pilot candidates who can be, those of pilots without any among them."""


def pilot_of(scenario: Scenario) -> Pilot:
    """Return the first pilot candidates of whom any can be randomised.

    Raises
    ------
    RecruitmentError
        If none of 262,144 could be.
    """
    for pilot in range(_PILOTS):
        cohort = enrol(scenario, Streams(0, range(pilot * _PILOT, (pilot + 1) * _PILOT)), _PILOT)
        ready, _, possible = first_infusion(cohort, scenario)
        if possible.any():
            share = np.count_nonzero(possible) / ((pilot + 1) * possible.size)
            return Pilot(cohort, ready, possible, share)
    raise RecruitmentError(_nobody(cohort, scenario))


@lru_cache(maxsize=1024)
def candidates_needed(scenario: Scenario) -> int:
    """Return a number of candidates that nearly always suffices; it changes no result.

    Raises
    ------
    RecruitmentError
        If none of 262,144 pilot candidates could be randomised.
    """
    cohort, ready, possible, share = pilot_of(scenario)
    patients, operations = scenario.design.patients, scenario.operations
    pace = operations.candidates_per_site_per_month / MONTH
    opened = np.array([site.activation_day * DAY for site in operations.sites.values()])
    delay = int((ready - cohort.arrival)[possible].max())
    of_pilot = 1 + patients / np.count_nonzero(possible)  # whose share is known only so well
    spread = math.sqrt(patients * (1 - share) * of_pilot) / share
    needed = (patients + 4) / share + 2 * pace * len(opened) * delay
    last = min(_when(needed + _FAR * spread, pace, opened), operations.last_arrival)
    # Candidates are numbered as if every site had opened with the first, so that those of the
    # others' late days have numbers too; how many they are, sites' rates decide.
    late = np.minimum(opened - opened.min(), last)
    early = pace * late.sum()
    of_sites = pace * operations.site_rate_coefficient_of_variation * np.linalg.norm(late)
    chance = math.hypot(_FAR * spread, _FAR_IF_SKEWED * of_sites)
    before_the_limit = 2 * pace * len(opened) * operations.last_arrival + TILE
    return int(TILE * math.ceil(min(needed + early + chance, before_the_limit) / TILE))


def _when(candidates: float, pace: float, opened: Floats) -> float:
    """Return the minute by which so many candidates are expected to have come."""
    sites = np.arange(1, len(opened) + 1)
    when = (candidates / pace + np.cumsum(np.sort(opened))) / sites  # were no further to open
    return float(when.min())


def _nobody(cohort: Cohort, scenario: Scenario) -> str:
    """Say how rare those are who can be randomised, and what most candidates fail.

    If none of n can, at most 3 in n can with 95% confidence (Hanley and Lippman-Hand 1983, JAMA
    249:1743).
    """
    rules = [f"eligibility rule {name}" for name in scenario.eligibility.rules]
    failing = {name: float(cohort.fails[:, :, place].mean()) for place, name in enumerate(rules)}
    ready, deadline, _ = first_infusion(cohort, scenario)
    failing["the window of the first infusion"] = float((ready > deadline).mean())
    too_late = cohort.arrival > scenario.operations.last_arrival
    failing["the limit of recruitment"] = float(too_late.mean())
    worst, share = max(failing.items(), key=lambda one: one[1])
    drawn = _PILOTS * cohort.arrival.size
    return (
        f"recruitment can never finish, as far as can be seen: none of {drawn:,} pilot candidates "
        f"could be randomised, so that at most 1 in {drawn // 3:,} can (95% confidence); most "
        f"({share:.0%}) fail {worst}"
    )


def _enough_were_drawn(cohort: Cohort, recruitment: Recruitment, scenario: Scenario) -> bool:
    """Return whether no candidate who was not drawn could have mattered."""
    limit = scenario.operations.last_arrival
    known = cohort.complete_until
    return bool(((recruitment.complete & (recruitment.closed < known)) | (known > limit)).all())


def _recruited(whole: Trial, recruitment: Recruitment) -> Trial:
    """Return a batch without the replicates whose recruitment never finished."""
    kept = recruitment.complete
    limit = whole.scenario.operations.recruitment_limit_days
    failures = {
        int(number): f"recruitment was not complete after {limit:g} days"
        for number in whole.replicates[~kept]
    }
    if not kept.any():
        raise RecruitmentError(next(iter(failures.values())), len(kept))
    rows = len(kept)
    recruited: Trial = _rows(whole, kept, rows)
    return dataclasses.replace(recruited, failures=failures)


def _rows(part: Any, kept: Booleans, rows: int) -> Any:
    """Return a part of a batch, or a mapping of arrays, with some of its replicates."""
    if isinstance(part, np.ndarray):
        return part[kept] if len(part) == rows else part
    if isinstance(part, CandidateCovariates | DrawnScreening | DrawnIntentions | Scores):
        return part.of_replicates(kept)
    if type(part) is tuple:
        return tuple(_rows(one, kept, rows) for one in part)
    if isinstance(part, dict):
        return {name: _rows(one, kept, rows) for name, one in part.items()}
    if isinstance(part, Cohort | Screening | Itinerary | Conduct | Trial):
        fields = {one.name: getattr(part, one.name) for one in dataclasses.fields(part)}
        return type(part)(**{name: _rows(one, kept, rows) for name, one in fields.items()})
    return part
