"""How the trial is run: sites, arrivals, clinic hours, chairs, and all that goes wrong."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

from pydantic import BeforeValidator, Field, ValidationError

from trialsim.clock import DAY, HOUR
from trialsim.distributions import (
    LEAST_VARIATION,
    Constant,
    Continuous,
    FrozenModel,
    NotNegative,
    support,
)
from trialsim.scenario.protocol.intercurrent import (
    Event,
    IntercurrentEvent,
    LastingEvent,
    Odds,
    Rescue,
    Switching,
)
from trialsim.scenario.validation.paths import part_at
from trialsim.scenario.validation.problems import problems_of
from trialsim.scenario.validation.refusal import (
    CheckedModel,
    Name,
    Positive,
    Probability,
    Violation,
    negative,
    refuse,
)

LONGEST_DAYS = 1_000_000
"""No trial lasts longer; in whole minutes there is room for it."""
_MOST_CANDIDATES: Final = 100_000
"""A month, at all sites together: more than any trial screens, and room for all in memory."""
_MOST_SITES: Final = 10_000
Days = Annotated[float, Field(ge=0, le=LONGEST_DAYS)]
HourOfDay = Annotated[float, Field(ge=0, le=24)]


class Site(FrozenModel):
    """A centre that recruits from its activation on."""

    activation_day: Days
    """The day on which the site begins to recruit, from the start of the trial, such as 14."""


class EvenSites(CheckedModel):
    """So many sites, alike but for their countries, that begin to recruit one after another."""

    rules = (lambda count, countries: _all_somewhere(count, countries),)

    count: Annotated[int, Field(ge=1, le=_MOST_SITES)]
    """How many sites there are, such as 30."""
    activation_day: Days = 0.0
    """The day on which the first of them begins to recruit, usually 0."""
    every_days: NotNegative = 0.0
    """Days from one site's activation to the next one's, such as 14; 0 for all at once."""
    countries: dict[Annotated[str, Field(pattern=r"^[A-Za-z]+$", max_length=50)], int] = Field(
        default_factory=dict
    )
    """How many sites each country has, such as {RO: 10, PL: 20}; they are named after it."""

    def sites(self) -> dict[str, dict[str, float]]:
        """Return each site as a file would have it, the countries taking turns.

        >>> list(EvenSites(count=3, countries={"RO": 1, "PL": 2}).sites())
        ['ro_1', 'pl_1', 'pl_2']
        """
        countries = self.countries or {"site": self.count}
        width = len(str(max(countries.values())))
        named = sorted(
            (
                (turn, place, f"{country.lower()}_{turn:0{width}}")
                for place, (country, count) in enumerate(countries.items())
                for turn in range(1, count + 1)
            )
        )
        return {
            name: {"activation_day": self.activation_day + self.every_days * place}
            for place, (*_, name) in enumerate(named)
        }


def _all_somewhere(count: int, countries: Mapping[str, int]) -> Iterator[Violation]:
    for country, sites in countries.items():
        if sites < 1:
            yield Violation(f"countries.{country}", "must be at least 1", sites)
    total = sum(countries.values())
    if countries and total != count:
        yield Violation("countries", f"must add to the count, {count}", total)


def each_site(written: Any) -> Any:
    """Return sites one by one where they were written all at once.

    Raises
    ------
    ViolationsError
        With what is wrong in how they were written all at once.
    """
    if not isinstance(written, Mapping) or "count" not in written:
        return written
    try:
        return EvenSites.model_validate(written).sites()
    except ValidationError as error:
        found = problems_of(error, written, EvenSites)
        refuse(Violation(one.path, one.rule, part_at(written, one.path)) for one in found)


Sites: TypeAlias = Annotated[
    dict[Name, Site],
    BeforeValidator(each_site, json_schema_input_type=dict[Name, Site] | EvenSites),
]
"""By name, or all at once by their count."""


def _always(value: float) -> Constant:
    return Constant(distribution="constant", value=value)


def _later_than_earliest(earliest_hours: float, latest_hours: float) -> Iterator[Violation]:
    if not earliest_hours < latest_hours:
        yield Violation("latest_hours", "must be after earliest_hours", latest_hours)


class Window(CheckedModel):
    """When the first infusion must start, in hours after the onset of the stroke."""

    rules = (_later_than_earliest,)

    assumed_defaults = ("earliest_hours",)

    earliest_hours: NotNegative = 0.0
    """Hours after onset before which no first infusion starts, such as 24."""
    latest_hours: Positive
    """Hours after onset after which no first infusion starts, such as 72."""


def _open_for_a_minute(clinic_opens_hour: float, clinic_closes_hour: float) -> Iterator[Violation]:
    if not round(clinic_opens_hour * HOUR) < round(clinic_closes_hour * HOUR):
        rule = "must be at least a minute after clinic_opens_hour"
        yield Violation("clinic_closes_hour", rule, clinic_closes_hour)


def _candidates_can_be_held(
    sites: Mapping[str, Site | None], candidates_per_site_per_month: float
) -> Iterator[Violation]:
    most = _MOST_CANDIDATES / max(len(sites), 1)
    if candidates_per_site_per_month > most:
        rule = f"must be at most {most:g}: {_MOST_CANDIDATES:,} at all sites together"
        yield Violation("candidates_per_site_per_month", rule, candidates_per_site_per_month)


def _none_or_some_variation(site_rate_coefficient_of_variation: float) -> Iterator[Violation]:
    if 0 < site_rate_coefficient_of_variation < LEAST_VARIATION:
        rule = f"must be 0, or at least {LEAST_VARIATION:g}"
        path = "site_rate_coefficient_of_variation"
        yield Violation(path, rule, site_rate_coefficient_of_variation)


def _after_arrival(screening_hours: Continuous) -> Iterator[Violation]:
    yield from negative("screening_hours", screening_hours)


def _a_probability(refusal_probability: Continuous) -> Iterator[Violation]:
    least, most = support(refusal_probability)
    if least < 0 or most > 1:
        rule = f"must lie within 0 and 1 for every patient, not within {least:g} and {most:g}"
        yield Violation("refusal_probability", rule)


class Operations(CheckedModel):
    """Recruitment, the clinic's day, and what happens to patients besides the disease.

    Sites recruit independently: candidates arrive at each as a Poisson process whose rate is
    gamma distributed over sites, with the given mean and coefficient of variation.
    """

    rules = (
        _open_for_a_minute,
        _candidates_can_be_held,
        _none_or_some_variation,
        _after_arrival,
        _a_probability,
    )

    omitted_defaults = (
        *("at_limit", "drug_related_discontinuation", "rescue", "switching", "visit_missed_odds"),
    )
    assumed_defaults = (
        "site_rate_coefficient_of_variation",
        "recruitment_limit_days",
        "screening_hours",
        "clinic_opens_hour",
        "clinic_closes_hour",
        "infusion_minutes",
        "infusion_chairs_per_site",
        "refusal_probability",
        "discontinuation",
        "withdrawal",
        "death",
        "visit_missed_probability",
    )

    sites: Sites = Field(min_length=1, max_length=10_000)
    """The sites by name, each with the day on which it begins to recruit; or all at once, such as
    {count: 30, every_days: 14}."""
    candidates_per_site_per_month: Positive
    """Mean number of candidates who present at a site in a month of 30.44 days, such as 3.6."""
    site_rate_coefficient_of_variation: Annotated[float, Field(ge=0, le=10)] = 0.5
    """Standard deviation of the sites' rates divided by their mean, such as 0.5; 0 where all
    recruit alike."""
    recruitment_limit_days: Annotated[Days, Field(gt=0)] = 3650.0
    """Days from the start after which no candidate is screened, such as 1095."""
    at_limit: Literal["stop", "fail"] = "stop"
    """What becomes of a trial whose recruitment has not ended by the limit: it stops recruiting and
    analyses the patients whom it has, usually, or counts as failed."""
    onset_to_arrival_hours: Name = "onset_to_arrival_hours"
    """The covariate that holds the hours from onset to arrival, such as onset_to_arrival_hours."""
    screening_hours: Continuous = Field(default_factory=lambda: _always(1.0))
    """Hours from presentation to the end of screening, such as a lognormal with median 4."""
    first_infusion_after_onset: Window
    """When the first infusion must start, in hours after onset."""
    clinic_opens_hour: HourOfDay = 0.0
    """Hour of the day from which infusions start, such as 8."""
    clinic_closes_hour: HourOfDay = 24.0
    """Hour of the day from which no infusion starts, such as 20."""
    infusion_minutes: Annotated[int, Field(ge=1, le=DAY)] = 60
    """Minutes that an infusion takes, such as 60."""
    infusion_chairs_per_site: Annotated[int, Field(ge=1)] | None = None
    """Infusions that a site can give at once, such as 2; null for no limit."""
    refusal_probability: Continuous = Field(default_factory=lambda: _always(0.0))
    """The patient's own chance of refusing any one infusion, distributed over patients."""
    discontinuation: LastingEvent = Field(default_factory=LastingEvent.never)
    """The patient stops infusions for good and stays in the trial."""
    drug_related_discontinuation: LastingEvent = Field(default_factory=LastingEvent.never)
    """The patient stops infusions for good because of the drug, or of what is taken for it, and
    stays in the trial."""
    rescue: Rescue = Field(default_factory=Rescue.never)
    """The patient begins a rescue treatment, or one that the protocol prohibits."""
    switching: Switching = Field(default_factory=Switching.never)
    """The patient's infusions contain another arm's study drug from then on."""
    withdrawal: LastingEvent = Field(default_factory=LastingEvent.never)
    """The patient leaves the trial and is not seen again."""
    death: IntercurrentEvent = Field(default_factory=IntercurrentEvent.never)
    """The patient dies."""
    visit_missed_probability: Probability = 0.0
    """Probability that a patient misses any one visit after baseline, such as 0.02."""
    visit_missed_odds: Odds = Field(default_factory=Odds)
    """What changes the odds that a visit is missed; at the reference values the probability is
    `visit_missed_probability`."""

    @property
    def events(self) -> Mapping[Event, IntercurrentEvent]:
        """The intercurrent events by their kinds, those that cannot happen among them."""
        return {kind: getattr(self, kind) for kind in get_args(Event)}

    def chairs_can_run_short(self, patients: int) -> bool:
        """Return whether a patient may ever wait for a chair in a trial of so many."""
        chairs = self.infusion_chairs_per_site
        return chairs is not None and chairs < patients

    @property
    def opens(self) -> int:
        """The minute of the day at which the clinic opens."""
        return round(self.clinic_opens_hour * HOUR)

    @property
    def closes(self) -> int:
        """The minute of the day from which no infusion may start."""
        return round(self.clinic_closes_hour * HOUR)

    @property
    def last_arrival(self) -> int:
        """The last minute of the trial at which a candidate is still screened."""
        return round(self.recruitment_limit_days * DAY)
