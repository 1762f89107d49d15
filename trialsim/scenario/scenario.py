"""A study is data: one frozen, complete, validated scenario, and changes of it by path."""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from pydantic import Field, ValidationError

from trialsim.distributions import FrozenModel, plain_of
from trialsim.errors import InputError, Problem, nearest, nearest_path
from trialsim.legible import PrintedStudy
from trialsim.scenario.coherence.findings import FINDING_COHERENCE
from trialsim.scenario.coherence.study import COHERENCE
from trialsim.scenario.monitoring.monitoring import Monitoring
from trialsim.scenario.outcomes.correlation import OutcomeCorrelation
from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.patients.eligibility import Eligibility
from trialsim.scenario.patients.population import Population
from trialsim.scenario.plan.analysis_plan import AnalysisPlan, FurtherAnalysis
from trialsim.scenario.plan.estimands import Estimand
from trialsim.scenario.plan.findings import Calibration, Finding
from trialsim.scenario.plan.methods.registry import as_short
from trialsim.scenario.protocol.design import Design
from trialsim.scenario.protocol.operations import Operations, each_site
from trialsim.scenario.protocol.treatment import Treatment
from trialsim.scenario.report import ReportPlan
from trialsim.scenario.validation.paths import (
    SCALES,
    and_above,
    below,
    changed_paths,
    has_path,
    part_at,
    paths_of,
)
from trialsim.scenario.validation.problems import as_written, problems_between, problems_of
from trialsim.scenario.validation.refusal import (
    CheckedModel,
    Name,
    Violation,
    ViolationsError,
)
from trialsim.scenario.validation.sources import Source, source_of, sources_after

ABOUT = (
    *("name", "title", "summary"),
    *("findings", "calibrated", "report", "sources", "references"),
)
"""What documents a study and changes nothing in it."""
_GONE = object()
"""In place of a value that is taken away."""
_UNSOURCED = tuple(name for name in ABOUT if name != "findings")


def _sources_speak_of_something(fields: Mapping[str, Any]) -> Iterator[Violation]:
    told = {name: fields[name] for name in fields if name not in _UNSOURCED}
    yield from _paths_exist("sources", fields, told)


def _calibrated_numbers_exist(fields: Mapping[str, Any]) -> Iterator[Violation]:
    told = {name: fields[name] for name in fields if name not in ABOUT}
    yield from _paths_exist("calibrated", fields, told)
    content = plain_of(told)
    for path in fields.get("calibrated", {}):
        value = part_at(content, path)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if has_path(content, path) and not number:
            yield Violation(f"calibrated.{path}", "must be the path of a number")


def _paths_exist(
    name: str, fields: Mapping[str, Any], told: Mapping[str, Any]
) -> Iterator[Violation]:
    """Refuse what a field says at paths of what is told, where nothing stands, right or wrong."""
    content = plain_of(told)
    without = [path for path in fields.get(name, {}) if not has_path(content, path)]
    wrong = dict.fromkeys(_wrong_paths(Scenario.incomplete(told)) if without else ())
    for path in without:
        if not any(above in wrong for above in and_above(path)):
            hint = nearest_path(path, [*paths_of(content), *wrong])
            yield Violation(f"{name}.{path}", f"must be a path that exists{hint}")


def _wrong_paths(part: Any, above: str = "") -> Iterator[str]:
    """Yield the paths of what was left out of incomplete parts."""
    if isinstance(part, FrozenModel):
        yield from (below(above, name) for name in part.left_out)
        for name in type(part).model_fields:
            yield from _wrong_paths(vars(part).get(name), below(above, name))
    elif isinstance(part, Mapping):
        for name, inner in part.items():
            yield from (below(above, name),) if inner is None else ()
            yield from _wrong_paths(inner, below(above, name))


class Scenario(PrintedStudy, CheckedModel):
    """Everything there is to say about a study, before any of it is simulated."""

    rules = (*COHERENCE, *FINDING_COHERENCE, _sources_speak_of_something, _calibrated_numbers_exist)

    omitted_defaults = (
        "outcome_correlation",
        "estimands",
        "monitoring",
        "findings",
        "calibrated",
        "report",
    )

    assumed_defaults = ("eligibility", "treatment")

    name: Name
    """A short name of lower case letters, digits and underscores, such as my_trial."""
    title: str = Field(min_length=1)
    """The title in one line, such as A bolus after stroke."""
    summary: str = Field(min_length=1)
    """What the study is, in a sentence or a few."""
    population: Population
    """Who presents as a candidate."""
    eligibility: Eligibility = Field(default_factory=Eligibility)
    """Who of the candidates may enter."""
    operations: Operations
    """How the trial is run: sites, times and what goes wrong."""
    design: Design
    """Arms, number of patients, randomisation and visits."""
    treatment: Treatment = Field(default_factory=Treatment)
    """What all arms are given, and on which days."""
    outcomes: dict[Name, Outcome] = Field(min_length=1)
    """The scales that are measured, by name, such as mrs."""
    outcome_correlation: OutcomeCorrelation = Field(default_factory=OutcomeCorrelation)
    """How outcomes of one patient are correlated beyond their common predictor."""
    estimands: dict[Name, Estimand] = Field(default_factory=dict)
    """The effects that are meant, by name, each by what is done about intercurrent events; analyses
    name the one that they are for."""
    analysis: AnalysisPlan
    """What is estimated and tested."""
    monitoring: Monitoring | None = None
    """Looks at the data before the end; null for one analysis, when everybody has finished."""
    findings: dict[Name, Finding] = Field(default_factory=dict)
    """Published figures by name, to compare the simulation with; they change nothing in it."""
    calibrated: dict[str, Calibration] = Field(default_factory=dict)
    """By the path of each number that was solved for: which figure it makes the study give."""
    report: ReportPlan = Field(default_factory=ReportPlan)
    """What the report has from the study's author: scenarios by name, and what M15 asks."""
    sources: dict[str, Source] = Field(default_factory=dict)
    """Where numbers come from, by the path of a number or of what is above it, such as
    design.patients."""
    references: dict[str, str] = Field(default_factory=dict)
    """Full references by the short name that sources give."""

    @cached_property
    def digest(self) -> str:
        """Twelve hexadecimal digits that are the same for two scenarios which simulate alike."""
        content = self.model_dump(mode="json", exclude=set(ABOUT))
        text = json.dumps(content, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def __hash__(self) -> int:
        """Agree for scenarios that simulate alike."""
        return hash(self.digest)

    def replace(self, changes: Mapping[str, Any]) -> "Scenario":
        """Return the same scenario with the values at some dotted paths replaced.

        None takes an entry away, such as an eligibility rule or a site. The values that change
        keep no source of the old ones: they are assumed. What was published is of the study as it
        was: a changed one has no findings and is not calibrated to any.

        Raises
        ------
        InputError
            With every path that does not exist and every value that is out of range.
        """
        before = plain_of(_fields(self))
        content = dict(before)
        optional = {*_of_secondary(self.analysis), *_of_methods(self.analysis)}
        problems = [
            problem
            for path in changes
            for problem in _misplaced(path, changes, _study(content), {*ABOUT, *optional})
        ]
        problems += _without_number(content, changes)
        if problems:
            raise InputError(problems)
        for path, value in changes.items():
            gone = value is None and path in optional
            content = _with(content, path.split("."), _GONE if gone else value)
        if _differs(content, before):
            content |= {name: {} for name in ("findings", "calibrated") if name not in changes}
        if "sources" not in changes:
            note = f"set in place of what {self.name} gives"
            content["sources"] = resourced(before, content, {}, note)
        return self._changed(before, content)

    def _changed(self, before: Mapping[str, Any], content: Mapping[str, Any]) -> "Scenario":
        """Return the scenario of changed content, of which only what changed is read again.

        What did not change is the same object as in `before`, this scenario's own content. Rules
        between parts are held to those that changed.
        """
        if content.keys() != before.keys():  # a part that is gone has its default
            return validated(content)
        fields = _unless_changed(_fields(self), before, content)
        try:
            study = Scenario.model_validate(fields, context=self)
        except ValidationError:  # whose problems are told of the whole content
            return validated(content)
        new = [name for name in content if content[name] is not before[name]]
        parts = (_assumed(getattr(study, name), name) for name in new if name not in _UNSOURCED)
        return _with_assumptions(study, chain.from_iterable(parts))

    def changed_by(
        self, changes: Mapping[str, Mapping[str, Any]], above: str
    ) -> "dict[str, Scenario]":
        """Return the same scenario under each of several named changes, which stand below a path.

        Raises
        ------
        InputError
            With every problem of every one of them.
        """
        studies, problems = {}, []
        for name, own in changes.items():
            try:
                studies[name] = self.replace(own)
            except InputError as error:
                place = f"{above}.{name}.changes"
                problems += [replace(one, path=below(place, one.path)) for one in error.problems]
        if problems:
            raise InputError(problems)
        return studies

    def with_analysis(self, name: str) -> "Scenario":
        """Return the same study with one of its secondary analyses as the primary, and alone.

        What was published is of the study as it was: the new one has no findings.

        Raises
        ------
        InputError
            If there is no such secondary analysis.
        """
        secondary = self.analysis.secondary
        if name not in secondary:
            rule = f"must be a secondary analysis of {self.name}{nearest(name, secondary)}"
            raise InputError([Problem("analysis", rule, name)])
        plan = self.analysis.further[name].model_dump()
        own = {
            f"analysis.{field}": source_of(f"analysis.secondary.{name}.{field}", self.sources)
            for field in secondary[name].changes
        }
        content = self.model_dump()
        after = {**content, "analysis": plan, "findings": {}, "calibrated": {}}
        brought = {path: source.model_dump() for path, source in own.items()}
        after["sources"] = resourced(content, after, brought, f"as planned for {name}")
        after["title"] = f"{self.title}; {name.replace('_', ' ')} as primary analysis"
        return validated(after)


def resourced(
    before: Mapping[str, Any], after: Mapping[str, Any], brought: Mapping[str, Any], note: str
) -> dict[str, Any]:
    """Return the sources of changed plain content: no changed value keeps that of the old one.

    `brought` are the sources that the change itself gives; `note` is the reason of the others.
    """
    study = _study(after)
    changed = list(changed_paths(_study(before), study))
    standing = {path for path in changed if has_path(study, path)}
    return sources_after(changed, standing, before.get("sources") or {}, brought, note)


def _study(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return plain content without what has no source: the study and its findings."""
    study = {name: part for name, part in content.items() if name not in _UNSOURCED}
    operations = study.get("operations")
    if isinstance(operations, Mapping) and "sites" in operations:
        with suppress(ViolationsError):  # it is refused elsewhere, at its place
            study["operations"] = {**operations, "sites": each_site(operations["sites"])}
    analysis = study.get("analysis")
    if isinstance(analysis, Mapping) and "test" in analysis:
        study["analysis"] = {**analysis, "test": as_short(analysis["test"])}
    return study


def _differs(content: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two studies differ in more than their documentation."""
    return any(content[name] != other[name] for name in content if name not in ABOUT)


def _of_secondary(plan: AnalysisPlan) -> set[str]:
    """Return the path of whatever each secondary analysis says, or has from the primary one."""
    fields = FurtherAnalysis.model_fields
    return {f"analysis.secondary.{name}.{field}" for name in plan.secondary for field in fields}


def _of_methods(plan: AnalysisPlan) -> Iterator[str]:
    """Yield the path of each choice of a method, also of those that a file need not say."""
    own = {f"analysis.secondary.{name}": one.test for name, one in plan.secondary.items()}
    for above, test in {"analysis": plan.test, **own}.items():
        if test is not None:
            yield from (f"{above}.test.{field}" for field in type(test).model_fields)


def _misplaced(
    path: str, changes: Collection[str], study: Mapping[str, Any], others: Collection[str]
) -> Iterator[Problem]:
    """Yield the problem of a change to what does not exist or is changed already.

    There are the paths of the study's plain content, and others.
    """
    if path not in others and not has_path(study, path):
        hint = nearest_path(path, dict.fromkeys([*paths_of(study), *others]))
        yield Problem(path, f"must be a path that exists{hint}")
    for above in list(and_above(path))[1:]:
        if above in changes:
            yield Problem(path, f"must not be changed together with {above}, which holds it")


def _without_number(content: Mapping[str, Any], changes: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the numbers whose scale changes and which would keep what they were on the old one."""
    for path, value in changes.items():
        above, _, last = path.rpartition(".")
        number = below(above, SCALES.get(last, last))
        old = part_at(content, path)
        if last in SCALES and value != old and number not in changes:
            rule = f"must be given with another {last}, for it stands on that of {old}"
            yield Problem(number, rule, as_written(part_at(content, number)))


def _with(content: Mapping[Any, Any], path: Sequence[str], value: Any) -> dict[Any, Any]:
    """Return plain content with a value at a path; None takes away what is a mapping there.

    So does `_GONE` what is of any kind.

    All that is not above the path is the same object as before.
    """
    name, *rest = path
    key = _key(content, name)
    if rest:
        held = content[key]
        inner = {"method": held} if isinstance(held, str) else held  # a method without choices
        return {**content, key: _with(inner, rest, value)}
    if value is _GONE or (value is None and isinstance(content.get(key), Mapping)):
        return {at: part for at, part in content.items() if at != key}
    return {**content, key: value.item() if isinstance(value, np.generic) else value}


def _key(content: Mapping[Any, Any], name: str) -> Any:
    """Return the key, a name or a whole number, that a path spells; the name of what is new."""
    return next((key for key in content if str(key) == name), name)


def _fields(study: Scenario) -> dict[str, Any]:
    return {name: getattr(study, name) for name in type(study).model_fields}


def _unless_changed(part: Any, before: Any, after: Any) -> Any:
    """Return plain content with the parts themselves for what is the same object as before."""
    if after is before:
        return part
    if isinstance(part, Mapping) and isinstance(after, Mapping):
        return {
            name: _unless_changed(part[name], before[name], inner) if name in part else inner
            for name, inner in after.items()
        }
    return after


def _with_assumptions(study: Scenario, paths: Iterable[str]) -> Scenario:
    """Return a study whose defaults that are assumptions, at these paths, say so in its sources."""
    assumption = Source(status="assumed", note="the default, where the file does not say it")
    assumed = {path: assumption for path in paths if path not in study.sources}
    if not assumed:
        return study
    return study.model_copy(update={"sources": {**study.sources, **assumed}})


def _assumed(part: Any, above: str = "") -> Iterator[str]:
    """Yield the paths of defaults, left as they are, that are assumptions."""
    if isinstance(part, FrozenModel):
        for name in type(part).model_fields:
            path = below(above, name)
            if name not in part.model_fields_set:
                yield from (path,) if name in part.assumed_defaults else ()
            else:
                yield from _assumed(getattr(part, name), path)
    elif isinstance(part, Mapping):
        for name, inner in part.items():
            yield from _assumed(inner, below(above, name))


def validated(content: Mapping[str, Any]) -> Scenario:
    """Return the scenario that plain content describes.

    Raises
    ------
    InputError
        With every problem: of each value, and between those values that are right in themselves.
    """
    try:
        study = Scenario.model_validate(content)
        return _with_assumptions(study, _assumed(study))
    except ValidationError as error:
        problems = problems_of(error, content, Scenario)
    # A source of what stands there is not wrong too, though what stands there is.
    told = {f"sources.{path}" for path in paths_of(_study(content))}
    hidden = [one for one in problems_between(Scenario, content) if one.path not in told]
    raise InputError([*problems, *(one for one in hidden if one not in problems)])
