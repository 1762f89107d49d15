"""Then what happened: who was randomised when, which infusions were given, who left, who came.

An engine says who is randomised, when, and how long each infusion waits; all else is read off the
itinerary here, once, for every engine. Arrays have the shape (replicate, patient[, infusion or
visit]); patients are in order of randomisation.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np

from trialsim.arrays import Booleans, Integers, Pairs, empty_by_layer, take_rows
from trialsim.clock import DAY, NEVER, weekday
from trialsim.compiled.library import stages
from trialsim.scenario.protocol.design import Visit
from trialsim.scenario.protocol.intercurrent import DISCONTINUATIONS, Event
from trialsim.scenario.protocol.treatment import Schedule
from trialsim.scenario.scenario import Scenario
from trialsim.trial.cohort import Cohort
from trialsim.trial.itinerary import Intentions, of_arm


class Lack(IntEnum):
    """What there was too little of."""

    NOTHING = 0
    CHAIR = 1
    PLACE = 2
    """A place in the trial; no infusion lacks it."""


STATUS_OF_LACK: Final[Mapping[Lack, str]] = {Lack.CHAIR: "no chair"}
"""What the tables call an infusion that was not given for want of something."""
CHAIRS: Final = "operations.infusion_chairs_per_site"


@dataclass(frozen=True, slots=True)
class Recruitment:
    """What an engine adds to the itinerary.

    Where recruitment closed before the last patient, the places of those who are missing hold
    candidate 0 and arm 0, randomised at `NEVER`.
    """

    place: Integers
    """Where each patient stands on the itinerary's axis, shape (replicate, patient)."""
    arms: Integers
    """Each patient's arm as its position in the design."""
    randomised: Integers
    """Minute of randomisation, which is that of the first infusion."""
    closed: Integers
    """Minute at which recruitment closed, shape (replicate,); `NEVER` if it did not."""
    waited: Integers | None
    """Minutes that each infusion waited; None where no patient can wait for another."""
    lacked: Integers | None
    """What was lacking until it was too late for each infusion, a `Lack`; None likewise."""

    @property
    def complete(self) -> Booleans:
        """Whether recruitment closed, shape (replicate,)."""
        return self.closed < NEVER


@dataclass(frozen=True, slots=True)
class Conduct:
    """What happened to the patients."""

    place: Integers
    """Where each patient stands on the itinerary's axis."""
    randomised: Integers
    """Minute of randomisation; `NEVER` of those who were missing when recruitment closed."""
    closed: Integers
    """Minute at which recruitment closed, shape (replicate,)."""
    screened: Integers
    """Candidates screened until then, shape (replicate,)."""
    schedule: Schedule
    waited: Integers | None
    """Minutes that each infusion waited; None where no patient can wait for another."""
    lacked: Integers | None
    """What was lacking until it was too late for each infusion, a `Lack`; None likewise."""
    infusion_given: Booleans
    discontinued: Integers
    """Minute at which infusions ended for good, `NEVER` for most."""
    stopped_for_drug: Integers
    """The same minute, of those alone who stopped because of the drug."""
    rescued: Integers
    """Minute at which a rescue treatment began, `NEVER` for most."""
    switched: Integers
    """Minute from which on infusions contain another arm's study drug, `NEVER` for most."""
    withdrawn: Integers
    died: Integers
    visit_day: Integers
    """Whole days from randomisation to each visit; it takes place at the same time of day."""
    visit_minute: Integers
    visit_attended: Booleans
    visit_settled: Booleans
    """Whether it is known what each visit brought: always, but in a trial as it stood on a date."""

    def of_some(self, patients: Pairs) -> "Conduct":
        """Return what happened to some patients, as if they were those of one trial."""
        fields = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}
        some: dict[str, Any] = {
            name: patients.of(field)
            for name, field in fields.items()
            if isinstance(field, np.ndarray) and field.shape[:2] == self.place.shape
        }
        return dataclasses.replace(self, **some)

    def at_visits(self, visits: Integers) -> "Conduct":
        """Return the same with one visit of each patient, shape (replicate, patient)."""
        own = visits[..., np.newaxis]
        names = ("visit_day", "visit_minute", "visit_attended", "visit_settled")
        one: dict[str, Any] = {
            name: np.take_along_axis(getattr(self, name), own, axis=2) for name in names
        }
        return dataclasses.replace(self, **one)

    def minute_of(self, event: Event) -> Integers:
        """Return the minute at which an event happened to each patient, `NEVER` where it did not.

        >>> from trialsim.simulated import simulate
        >>> conduct = simulate("cars1", seed=2016).batch.conduct
        >>> (conduct.minute_of("rescue") < NEVER).sum().item()
        0
        """
        if event == "discontinuation":
            return np.where(self.stopped_for_drug < NEVER, NEVER, self.discontinued)
        minutes: Integers = getattr(self, _FIELD_OF[event])
        return minutes

    @property
    def ends(self) -> Mapping[str, Integers]:
        """The minutes of what happens once at most, by the names of the fields."""
        return {name: getattr(self, name) for name in ("discontinued", *_FIELD_OF.values())}

    @property
    def exited(self) -> Integers:
        """Minute of withdrawal or death, whichever comes first."""
        return np.minimum(self.withdrawn, self.died)

    @property
    def infusion_due(self) -> Integers:
        """Minute at which each infusion is due."""
        due = DAY * due_days(self.schedule, self.randomised)
        due += self.randomised[:, :, None]
        return due

    @property
    def infusion_switched(self) -> Booleans:
        """Whether each infusion, if it is given, contains the drug that the patient switched to."""
        return self.infusion_start >= self.switched[:, :, None]

    @property
    def infusion_start(self) -> Integers:
        """Minute at which each infusion started, or was due where it was not given."""
        return self.infusion_due if self.waited is None else self.infusion_due + self.waited


_FIELD_OF: Final[Mapping[Event, str]] = {
    "drug_related_discontinuation": "stopped_for_drug",
    "rescue": "rescued",
    "switching": "switched",
    "withdrawal": "withdrawn",
    "death": "died",
}


def couples_patients(scenario: Scenario) -> str | None:
    """Return the path of what makes patients wait for one another; None if nothing does.

    Chairs for every patient of the trial can never all be taken. They come last: where anything
    else is shared too, its path is returned.
    """
    short = scenario.operations.chairs_can_run_short(scenario.design.patients)
    return CHAIRS if short else None


def screened(cohort: Cohort, closed: Integers, scenario: Scenario) -> Integers:
    """Return how many candidates arrived while recruitment was open, shape (replicate,)."""
    last = np.minimum(closed, scenario.operations.last_arrival)
    count: Integers = (cohort.arrival <= last[:, None]).sum(axis=1)
    return count


def due_days(schedule: Schedule, randomised: Integers) -> Integers:
    """Return the days after the first on which infusions are due, shape (..., infusion)."""
    offsets = schedule.offsets()
    if (offsets == offsets[0]).all():
        return np.broadcast_to(offsets[0], (*randomised.shape, schedule.count))
    return offsets[weekday(randomised)]


def derive_conduct(
    recruitment: Recruitment,
    intended: Intentions,
    candidate: Integers,
    cohort: Cohort,
    scenario: Scenario,
) -> Conduct:
    """Return the conduct of the patients that an engine recruited, in the arms that they got.

    Nobody leaves after the last visit and the last infusion, begins a rescue treatment then, or
    discontinues or switches when there is no infusion left to come. Nothing happens to who has left
    the trial. Whoever stops infusions for two reasons at once does so because of the drug.

    Parameters
    ----------
    intended
        What the patients intend, in any arm or in their own.
    candidate
        The number of each patient in the cohort, shape (replicate, patient).
    """
    randomised = recruitment.randomised
    kinds: tuple[tuple[Event, ...], ...] = (DISCONTINUATIONS, ("withdrawal",), ("death",))
    own_ends = [of_arm(intended.ends(*kind), recruitment.arms) for kind in kinds]
    onset = take_rows(cohort.onset, candidate)
    compiled = stages()
    if compiled is not None and recruitment.waited is None:
        visits = scenario.design.visits.values()
        happened = compiled.conduct(
            *(randomised, onset, own_ends),
            *((intended.refused, intended.visit_shift, intended.visit_missed),),
            scenario.treatment.infusions.offsets(),
            [visit.day for visit in visits],
            [visit.after == "onset" for visit in visits],
        )
    else:
        happened = _happened(scenario, recruitment, onset, intended, own_ends)
    return Conduct(
        place=recruitment.place,
        randomised=randomised,
        closed=recruitment.closed,
        screened=screened(cohort, recruitment.closed, scenario),
        schedule=scenario.treatment.infusions,
        waited=recruitment.waited,
        lacked=recruitment.lacked,
        visit_settled=np.broadcast_to(
            (randomised < NEVER)[:, :, None], happened["visit_minute"].shape
        ),
        **happened,
        **_besides(scenario, recruitment, intended, happened),
    )


def _happened(
    scenario: Scenario,
    recruitment: Recruitment,
    onset: Integers,
    intended: Intentions,
    ends: Sequence[Integers],
) -> dict[str, Any]:
    """Return what happened to the patients, by the names of `Conduct`.

    Parameters
    ----------
    ends
        Minutes to discontinuation, withdrawal and death, each in the patient's own arm.
    """
    randomised, (discontinues, withdraws, dies) = recruitment.randomised, ends
    days = visit_days(scenario, randomised, onset, intended.visit_shift)
    visits = days * DAY
    visits += randomised[:, :, None]
    last_infusion = due_days(scenario.treatment.infusions, randomised)[:, :, -1] * DAY
    exits = np.minimum(withdraws, dies)
    stops = np.minimum(discontinues, exits)
    exits = np.where(exits <= np.maximum(days[:, :, -1] * DAY, last_infusion), exits, NEVER)
    discontinues = np.where(discontinues <= np.minimum(last_infusion, exits), discontinues, NEVER)
    exited = _minute(randomised, exits)
    here = (randomised < NEVER)[:, :, None]
    return {
        "infusion_given": _given(recruitment, intended.refused, stops, scenario),
        "discontinued": _minute(randomised, discontinues),
        "withdrawn": np.where(withdraws < dies, exited, NEVER),
        "died": np.where(withdraws < dies, NEVER, exited),
        "visit_day": days,
        "visit_minute": visits,
        "visit_attended": here & ~intended.visit_missed & (visits < exited[:, :, None]),
    }


def _besides(
    scenario: Scenario,
    recruitment: Recruitment,
    intended: Intentions,
    happened: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what happened besides, given the ends of infusions and of the trial."""
    randomised, arms = recruitment.randomised, recruitment.arms
    never: Integers = np.broadcast_to(NEVER, randomised.shape)
    found = dict.fromkeys(("stopped_for_drug", "rescued", "switched"), never)
    if not intended.events.keys() & {"drug_related_discontinuation", "rescue", "switching"}:
        return found

    def minute(kind: Event) -> Integers:
        return _minute(randomised, of_arm(intended.ends(kind), arms))

    discontinued = happened["discontinued"]
    for_drug = minute("drug_related_discontinuation") == discontinued
    exited = np.minimum(happened["withdrawn"], happened["died"])
    last_infusion = due_days(scenario.treatment.infusions, randomised)[:, :, -1] * DAY
    last_infusion = _minute(randomised, last_infusion)
    last = np.maximum(happened["visit_minute"][:, :, -1], last_infusion)
    rescued, switched = minute("rescue"), minute("switching")
    switches = (switched <= last_infusion) & (switched < np.minimum(discontinued, exited))
    return {
        "stopped_for_drug": np.where(for_drug, discontinued, NEVER),
        "rescued": np.where((rescued <= last) & (rescued < exited), rescued, NEVER),
        "switched": np.where(switches, switched, NEVER),
    }


def _given(
    recruitment: Recruitment, refused: Booleans, stops: Integers, scenario: Scenario
) -> Booleans:
    """Return which infusions were given: not refused, not for lack of anything, not too late."""
    given = ~refused
    given &= (recruitment.randomised < NEVER)[:, :, None]
    if recruitment.lacked is not None:
        given &= recruitment.lacked == Lack.NOTHING
    days = due_days(scenario.treatment.infusions, recruitment.randomised)
    some = np.nonzero(stops < NEVER)
    started = days[some] * DAY
    if recruitment.waited is not None:
        started = started + recruitment.waited[some]
    given[some] &= started < stops[some][:, None]
    return given


def _minute(randomised: Integers, after: Integers) -> Integers:
    """Return the minute so many minutes after randomisation, `NEVER` where either is."""
    return np.where(np.maximum(randomised, after) < NEVER, randomised + after, NEVER)


def visit_days(
    scenario: Scenario, randomised: Integers, onset: Integers, shift: Integers
) -> Integers:
    """Return whole days from randomisation to each visit, as `days_to` does of one."""
    days: Integers = empty_by_layer(shift.shape, np.int64)
    since_onset = (randomised - onset) // DAY
    for place, visit in enumerate(scenario.design.visits.values()):
        days[:, :, place] = days_to(visit, since_onset, shift[:, :, place])
    return days


def days_to(visit: Visit, since_onset: Integers, shift: Integers | int) -> Integers:
    """Return whole days from randomisation to a visit that comes so much late.

    A visit counted from onset takes place when, at the time of day of randomisation, so many whole
    days have passed since the onset, or at randomisation if that is later.
    """
    days = np.asarray(visit.day + shift)
    return np.maximum(days - since_onset, 0) if visit.after == "onset" else days
