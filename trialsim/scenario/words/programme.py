"""A programme in words and rows: the plan, what its trials share, and what is each one's own."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from trialsim.scenario.programme import SIZE, TRIALS, Programme, Study
from trialsim.scenario.words.description import Description, Row, Section, describe, row_of
from trialsim.scenario.words.plan import plan_in_words
from trialsim.scenario.words.values import value_in_words


def describe_study(study: Study) -> Description:
    """Return a study, one trial or a programme, in sections for a reader."""
    return describe_programme(study) if isinstance(study, Programme) else describe(study)


def describe_programme(programme: Programme) -> Description:
    """Return a programme in sections; what all trials have in common stands once.

    A row of a trial's own has the path by which the programme finds it.
    """
    trials = {name: describe(trial) for name, trial in programme.trials.items()}
    shared = set.intersection(*(set(_rows(one)) for one in trials.values()))
    first = next(iter(trials.values()))
    references: dict[str, str] = dict(programme.references)
    for one in trials.values():
        references |= one.references
    return Description(
        name=programme.name,
        title=programme.title,
        summary=programme.summary,
        digest=programme.digest,
        sections=(
            Section("Programme", tuple(_words(programme)), tuple(_own_rows(programme))),
            *(_own(name, one, shared) for name, one in trials.items()),
            *_shared(first, shared),
        ),
        references=references,
    )


def _words(programme: Programme) -> Iterator[str]:
    for name, trial in programme.trials.items():
        yield f"{name}: {trial.title}; {trial.design.patients} patients, digest {trial.digest}."
    for name, sentence in plan_in_words(programme.analysis).items():
        yield f"{name.replace('_', ' ').capitalize()}: {sentence}"


def _own_rows(programme: Programme) -> Iterator[Row]:
    plan = programme.analysis.model_dump(mode="json")
    told = {f"analysis.{name}": value for name, value in plan.items() if value is not None}
    values = {SIZE: programme.size_percent, **told}
    for path, value in values.items():
        text = value_in_words(path.rsplit(".", 1)[-1], value)
        yield row_of(path, value, text, programme.sources)


def _own(name: str, trial: Description, shared: set[tuple[str, str]]) -> Section:
    """Return what one trial does not have in common with all others."""
    above = f"{TRIALS}.{name}"
    rows = tuple(
        replace(row, path=row.path and f"{above}.{row.path}")
        for section in trial.sections
        for row in section.rows
        if _key(section, row) not in shared
    )
    return Section(f"Trial: {name}", (trial.title, trial.summary), rows)


def _shared(trial: Description, shared: set[tuple[str, str]]) -> Iterator[Section]:
    for section in trial.sections:
        rows = tuple(row for row in section.rows if _key(section, row) in shared)
        if rows:
            yield Section(f"In all trials: {section.title}", (), rows)


def _rows(trial: Description) -> Mapping[tuple[str, str], Row]:
    return {_key(section, row): row for section in trial.sections for row in section.rows}


def _key(section: Section, row: Row) -> tuple[str, str]:
    """Return what distinguishes two rows: everything in them."""
    return section.title, repr(row)
