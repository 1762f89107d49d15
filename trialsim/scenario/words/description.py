"""A study in words and rows, each number with its status and its source; nothing prints."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from textwrap import fill
from typing import Any, Final

from trialsim.scenario.outcomes.bounds import Bound
from trialsim.scenario.outcomes.courses import Proportions
from trialsim.scenario.outcomes.effects import control_cells, effect_sizes, treated_cells
from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.outcomes.own_course import OwnCourse
from trialsim.scenario.outcomes.tabulated import Tabulated
from trialsim.scenario.patients.columns import FromTable
from trialsim.scenario.protocol.design import Design
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.validation.paths import below
from trialsim.scenario.validation.sources import Source, Status, source_of
from trialsim.scenario.words.estimands import estimands_in_words
from trialsim.scenario.words.events import events_in_words
from trialsim.scenario.words.labels import in_words, path_in_words
from trialsim.scenario.words.monitoring import conventions_in_words, monitoring_in_words
from trialsim.scenario.words.plan import plan_in_words
from trialsim.scenario.words.values import (
    alternative_in_words,
    counted,
    rule_in_words,
    schedule_in_words,
    unit_of,
    value_in_words,
)

__all__ = ["Description", "Row", "Section", "as_text", "describe", "plan_in_words"]

_WIDTH: Final = 100
_TOLD_IN_WORDS: Final = ("label", "whole")


@dataclass(frozen=True, slots=True)
class Row:
    """One parameter of a study, and its source."""

    label: str
    path: str | None
    """Where it stands in the scenario; None for what is computed from it."""
    value: Any
    text: str
    """The value in words, with its unit."""
    status: Status
    reference: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a study: said in sentences, then value by value."""

    title: str
    words: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Description:
    """The whole of a study for a reader."""

    name: str
    title: str
    summary: str
    digest: str
    sections: tuple[Section, ...]
    references: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return the description as plain values, for JSON."""
        return asdict(self)


def describe(scenario: Scenario) -> Description:
    """Return a study in sections: every value of the scenario stands in one row."""
    return Description(
        name=scenario.name,
        title=scenario.title,
        summary=scenario.summary,
        digest=scenario.digest,
        sections=tuple(_sections(scenario)),
        references=dict(scenario.references),
    )


def _sections(scenario: Scenario) -> Iterator[Section]:
    content = scenario.model_dump(mode="json")
    visits = content["design"].pop("visits")

    def section(title: str, path: str, part: Any, words: list[str]) -> Section:
        return Section(title, tuple(words), tuple(_rows(path, part, scenario)))

    yield section("Design", "design", content["design"], _design_words(scenario))
    yield section("Treatment", "treatment", content["treatment"], _treatment_words(content))
    yield section("Visits", "design.visits", visits, _visit_words(scenario))
    yield section("Eligibility", "eligibility", content["eligibility"], _ELIGIBILITY)
    yield section("Population", "population", content["population"], _POPULATION)
    yield section("Operations", "operations", content["operations"], _operation_words(scenario))
    for name, part in content["outcomes"].items():
        yield _outcome_section(scenario, name, section(name, f"outcomes.{name}", part, []))
    if (part := content.get("outcome_correlation")) is not None:
        yield section("Outcomes together", "outcome_correlation", part, _TOGETHER)
    words = estimands_in_words(scenario)
    yield section("Estimands", "estimands", content.get("estimands", {}), words)
    words = _sentences(conventions_in_words(scenario))
    yield section("Analysis", "analysis", content["analysis"], words)
    if (part := content.get("monitoring")) is not None:
        words = _sentences(monitoring_in_words(scenario))
        yield section("Monitoring", "monitoring", part, words)
    yield from _published(scenario)
    yield from _reported(scenario)


def as_text(description: Description) -> str:
    """Return the description for a terminal, 100 columns wide; a note stands once a section."""
    lines = [
        f"{description.title} ({description.name}, digest {description.digest})",
        "",
        fill(description.summary, _WIDTH),
        "",
        fill(_LEGEND, _WIDTH),
    ]
    for section in description.sections:
        lines += ["", section.title, "-" * len(section.title)]
        lines += [fill(sentence, _WIDTH) for sentence in section.words]
        said: set[str | None] = {None}
        for row in section.rows:
            lines.append(fill(_line(row), _WIDTH, subsequent_indent=_INDENT))
            if row.note not in said:
                lines.append(fill(f"{_INDENT}{row.note}", _WIDTH, subsequent_indent=_INDENT))
            said.add(row.note)
    if description.references:
        lines += ["", "References", "----------"]
    for name, reference in description.references.items():
        lines.append(fill(f"{name}: {reference}", _WIDTH, subsequent_indent="  "))
    return "\n".join(lines)


_INDENT: Final = " " * 14
_LEGEND: Final = (
    "Each value is [published], [derived] from what is published, or [assumed]; one without a "
    "source is assumed. Names in parentheses are references. All cohorts are simulated."
)
_ELIGIBILITY: Final = [
    "A candidate must meet every inclusion and no exclusion. The rules are checked in this order: "
    "every failed rule is recorded, the first as the reason."
]
_CORRELATIONS: Final = ("population.correlation", "outcome_correlation")
_TOGETHER: Final = [
    "Given prognosis, the outcomes of a patient are correlated: the correlations are those of "
    "normal scores towards the better ends; pairs not listed have the common one."
]
_POPULATION: Final = [
    "Candidates' covariates have the margins below, joined by a Gaussian copula: the correlations "
    "are those of normal scores, 0 where none is given."
]


def _line(row: Row) -> str:
    reference = f"  ({row.reference})" if row.reference else ""
    return f"{f'[{row.status}]':13} {row.label}: {row.text}{reference}"


def _rows(path: str, part: Any, scenario: Scenario, unit: str = "") -> Iterator[Row]:
    """Yield a row for every value at and below a path.

    A distribution, an exposure model and an eligibility rule are one row each, followed by one for
    every part of theirs that has a source of its own.
    """
    text = _phrase(path, part, scenario, unit)
    if text is not None:
        yield row_of(path, part, text, scenario.sources)
        yield from _apart(path, part, scenario.sources)
        return
    for key, inner in part.items():
        if key not in _TOLD_IN_WORDS:
            last = path.rsplit(".", 1)[-1]
            yield from _rows(below(path, key), inner, scenario, unit_of(last))


def _apart(path: str, part: Any, sources: Mapping[str, Source]) -> Iterator[Row]:
    """Yield a row for every value below a path that has a source of its own."""
    if isinstance(part, Mapping):
        for key, inner in part.items():
            lower = below(path, key)
            if lower in sources:
                yield row_of(lower, inner, value_in_words(key, inner), sources)
            yield from _apart(lower, inner, sources)


def row_of(path: str, value: Any, text: str, sources: Mapping[str, Source]) -> Row:
    """Return the row of a value with its own source, or that of what is above it."""
    source = source_of(path, sources)
    return Row(path, path, value, text, source.status, source.reference, source.note)


def _phrase(path: str, part: Any, scenario: Scenario, unit: str) -> str | None:
    """Return a part as one phrase, or None for what is described part by part."""
    if not isinstance(part, Mapping):
        in_units = not path.startswith(_CORRELATIONS)  # the last name is no unit
        return value_in_words(path.rsplit(".", 1)[-1] if in_units else "", part)
    if part.get("distribution") == "table":
        margin = scenario.population.covariates[path.split(".")[2]].margin
        return margin.in_words(unit) if isinstance(margin, FromTable) else None
    if part.get("distribution") == "by_level":  # a distribution in each level
        return None
    has_parts = ".course" in path or any(isinstance(one, Mapping) for one in part.values())
    if "distribution" in part or ("model" in part and not has_parts):
        return alternative_in_words(part, unit)
    if "covariate" in part and "label" in part:
        return rule_in_words(part, scenario.population.covariates[part["covariate"]].label)
    return None


def _design_words(scenario: Scenario) -> list[str]:
    design = scenario.design
    ratio = ":".join(str(arm.ratio) for arm in design.arms.values())
    named, where = design.randomisation, _stratified_in_words(design)
    plain = f"in permuted blocks of {design.block_size} {where}"
    how = plain if named is None else f"{where}, {named.in_words()}"
    first = f"{design.patients} patients are randomised {ratio} to {_listed(design.arms)}, {how}."
    capped = [
        f"{cap.who.label}: at most {cap.places(design.patients)} patients ({cap.share:.0%}); a "
        "candidate beyond is not randomised."
        for cap in design.caps.values()
    ]
    arms = [
        f"{name}: {arm.label}; {' then '.join(f'{dose:g}' for dose in arm.doses)} "
        f"{arm.dose_unit} of study drug in an infusion of {arm.volume_ml:g} mL."
        for name, arm in design.arms.items()
    ]
    return [first, *capped, *arms]


def _stratified_in_words(design: Design) -> str:
    """Return within what a procedure works, or which factors it balances."""
    classes = [f"class of {in_words(name)}" for name in design.strata]
    if design.randomisation is not None and design.randomisation.balances_margins:
        return f"over the factors {_listed(map(in_words, design.factors))}"
    if design.stratify_by == "nothing":
        return f"within each {_listed(classes)}, over all sites" if classes else "over all sites"
    return f"within each {_listed(['site', *classes])}"


def _treatment_words(content: Mapping[str, Any]) -> list[str]:
    treatment = content["treatment"]
    window = content["operations"]["first_infusion_after_onset"]
    programme = treatment["rehabilitation"]
    told = [
        f"Infusions are given {schedule_in_words(treatment['infusions'])}; the first starts "
        f"{window['earliest_hours']:g} to {window['latest_hours']:g} hours after onset."
    ]
    if programme is None:
        return [*told, "There is no programme of rehabilitation."]
    return [
        *told,
        f"Rehabilitation in all arms: {schedule_in_words(programme['schedule'])}, "
        f"{programme['session_minutes']} minutes each.",
    ]


def _visit_words(scenario: Scenario) -> list[str]:
    told = []
    for name, visit in scenario.design.visits.items():
        about = counted(visit.window_days, "days")
        window = f", up to {about} early or late" if visit.window_days else ""
        told.append(f"{in_words(name)} ({counted(visit.day, 'days')} after {visit.after}{window})")
    return [f"Outcomes are measured at {_listed(told)}."]


def _operation_words(scenario: Scenario) -> list[str]:
    operations = scenario.operations
    chairs = operations.infusion_chairs_per_site
    waits = (
        "Infusion chairs are not limited."
        if chairs is None
        else f"A site has {chairs} infusion chairs; a patient who finds none free waits until "
        "the clinic closes, and then misses the infusion."
    )
    return [
        f"{len(operations.sites)} sites recruit from their activation on. Candidates arrive at "
        "each as a Poisson process, whose rate is gamma distributed over sites. One who cannot "
        "start the first infusion in the window after onset is lost (window missed).",
        waits,
        "Probabilities of discontinuation, withdrawal and death are those of its ever happening to "
        "a patient at the reference values of the covariates; days count from randomisation.",
        *events_in_words(scenario),
    ]


def _outcome_section(scenario: Scenario, name: str, plain: Section) -> Section:
    outcome = scenario.outcomes[name]
    words = (
        f"{outcome.label}: {outcome.low:g} to {outcome.high:g} {outcome.unit}, {outcome.better} is "
        "better. "
        f"{_course_in_words(outcome)} The drug adds a shift of the latent score"
        + (
            " from randomisation on, whatever is infused."
            if outcome.effect.exposure.model == "none"
            else " in proportion to the exposure reached."
        ),
        *_prognosis_in_words(outcome),
        *_sites_in_words(outcome),
        *(_bound_in_words(scenario, outcome, bound) for bound in outcome.bounds.values()),
        "In reference patients, those of the course's end day, at full exposure the effect is, on "
        "four scales, and these proportions are at floor and ceiling"
        + (", before any bound:" if outcome.bounds else ":"),
    )
    return Section(
        f"Outcome: {outcome.label}", words, (*_effect_rows(scenario, name, outcome), *plain.rows)
    )


def _prognosis_in_words(outcome: Outcome) -> list[str]:
    """Return on what the course depends, where that is several covariates."""
    told = [f"{in_words(name)} ({weight:g})" for name, weight in outcome.predictors.items()]
    if len(told) < 2:
        return []
    return [f"It depends on a weighted sum of the normal scores of {_listed(told)}."]


def _sites_in_words(outcome: Outcome) -> list[str]:
    """Return by how much sites differ, where they do."""
    told = []
    if outcome.site_sd > 0:
        told.append(f"the latent score of all patients (SD {outcome.site_sd:g})")
    if outcome.effect.site_sd > 0:
        told.append(f"the drug's shift (SD {outcome.effect.site_sd:g})")
    return [f"Sites differ, normally, in {' and in '.join(told)}."] if told else []


def _bound_in_words(scenario: Scenario, outcome: Outcome, bound: Bound) -> str:
    """Return what a score of another outcome leaves possible."""
    other = scenario.outcomes[bound.outcome]
    ends = {"at least": bound.at_least, "at most": bound.at_most}
    limits = {"better": bound.no_better_than, "worse": bound.no_worse_than}
    where = [f"{end} {score:g}" for end, score in ends.items() if score is not None]
    then = [f"no {end} than {score:g}" for end, score in limits.items() if score is not None]
    return (
        f"Where {other.label} is {' and '.join(where)} {other.unit} at a visit, the score is "
        f"{' and '.join(then)} {outcome.unit}."
    )


def _course_in_words(outcome: Outcome) -> str:
    course = outcome.course
    if isinstance(course, OwnCourse):
        return (
            f"The score at any time is what the own course {course.named}, written outside "
            "trialsim, makes of a standard normal latent score and a shift."
        )
    if isinstance(course, Proportions) and course.start is None:
        return _AS_ON_THE_END_DAY
    return _COURSES.get(course.model, _FROM_ONSET_TO_END)


_AS_ON_THE_END_DAY: Final = (
    "The score is a latent score, rounded and bounded; without the drug it has at any time the "
    "distribution of the end day."
)
_FROM_ONSET_TO_END: Final = (
    "The score is a latent score, rounded and bounded; without the drug the latent score moves "
    "from its values at onset to those on the end day."
)
_COURSES: Final = {
    "tabulated": "The score is a latent score, rounded and bounded; without the drug it has on the "
    "days of its table the distribution given there, and between them one that moves from each to "
    "the next.",
    "recovery_classes": "The score is a latent score read off lines between points, rounded; "
    "without the drug the latent score moves from where the patient starts, as far and as fast as "
    "the patient's class recovers, and each measurement adds a residual.",
}


def _effect_rows(scenario: Scenario, name: str, outcome: Outcome) -> Iterator[Row]:
    path = f"outcomes.{name}.effect.value"
    anchor, source = outcome.effect.anchor, source_of(path, scenario.sources)
    note = f"computed from the effect as {_SCALES.get(anchor, in_words(anchor))} and the course"
    units = {"latent_shift": _latent_unit(outcome), "mean_difference": outcome.unit}
    ends = (f"outcomes.{name}.course.end_{what}" for what in ("mean", "sd"))
    computed = _computed(source.status, *(source_of(end, scenario.sources).status for end in ends))
    for scale, value in effect_sizes(outcome)._asdict().items():
        label = f"effect as {_SCALES.get(scale, in_words(scale))}"
        text = f"{value:.4g} {units.get(scale, '')}"
        if scale == anchor:
            told = (source.status, source.reference, source.note)
            yield Row(label, path, value, text.rstrip(), *told)
        else:
            yield Row(label, None, value, text.rstrip(), computed, None, note)
    control, treated = control_cells(outcome), treated_cells(outcome)
    for who, cells in (("without the drug", control), ("at full exposure", treated)):
        for end, share in (("worst", cells[0].item()), ("best", cells[-1].item())):
            label = f"proportion with the {end} score {who}"
            yield Row(label, None, share, f"{share:.3g}", computed, None, note)


_SCALES: Final = {"theta": "Mann-Whitney effect"}
"""The scales of an effect whose names are not their fields'."""


def _latent_unit(outcome: Outcome) -> str:
    """Return the unit of the latent score, which of a time or a count is a logarithm."""
    if isinstance(outcome.course, Proportions | Tabulated):
        return "SD"
    if isinstance(outcome.course, OwnCourse):
        return "in the unit of the own course"
    return "on the log scale" if outcome.kind in ("time", "count") else outcome.unit


def _computed(*statuses: Status) -> Status:
    """Return the status of what follows from values: never better than derived."""
    return "assumed" if "assumed" in statuses else "derived"


def _sentences(conventions: Mapping[str, str]) -> list[str]:
    """Return the conventions as sentences, and the lines of a list one by one."""
    sentences = []
    for name, words in conventions.items():
        first, *items = words.splitlines()
        sentences += [f"{in_words(name).capitalize()}: {first}", *(f"- {item}" for item in items)]
    return sentences


def _published(scenario: Scenario) -> Iterator[Section]:
    """Yield a section of what was published, and of what was solved to give it, if anything was."""
    solved: dict[str, list[str]] = {}
    for path, one in scenario.calibrated.items():
        target = f"{in_words(one.quantity)} {one.value}" if one.quantity else ""
        label = scenario.findings[one.finding].label if one.finding else target
        solved.setdefault(label, []).append(path_in_words(path, scenario))
    words = [f"Calibrated to give {label}: {'; '.join(paths)}." for label, paths in solved.items()]
    rows = []
    for name, finding in scenario.findings.items():
        path = f"findings.{name}"
        text = f"{finding.value:.{finding.published_decimals}f} ({finding.label})"
        rows.append(row_of(path, finding.value, text, scenario.sources))
    if rows:
        yield Section("Published results", tuple(words), tuple(rows))


def _reported(scenario: Scenario) -> Iterator[Section]:
    """Yield a section of what the report has from the study's author, if it has anything."""
    told = scenario.report.credibility.model_dump(exclude_none=True)
    words = [f"{in_words(name).capitalize()}: {text}" for name, text in told.items()]
    words += [
        f"Scenario {in_words(name)} ({in_words(one.kind)}): {one.because}"
        for name, one in scenario.report.scenarios.items()
    ]
    if words:
        yield Section("For the report", tuple(words), ())


def _listed(names: Any) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else str(last)
