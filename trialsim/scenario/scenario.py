"""A study is data: one frozen, complete, validated scenario, and changes of it by path."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Any, Self, cast

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError, model_validator

from trialsim.distributions import Described
from trialsim.errors import InputError, Problem, nearest
from trialsim.scenario.analysis_plan import AnalysisPlan
from trialsim.scenario.design import BASELINE, Design
from trialsim.scenario.effects import effect_refusals
from trialsim.scenario.eligibility import Eligibility
from trialsim.scenario.operations import Operations
from trialsim.scenario.outcomes import Outcome
from trialsim.scenario.paths import and_above, changed_paths, paths_of
from trialsim.scenario.population import Population
from trialsim.scenario.problems import problem_of, problems_of
from trialsim.scenario.refusal import Name, Refusal, refuse, unknown
from trialsim.scenario.sources import Source, sources_after
from trialsim.scenario.treatment import Treatment

ABOUT = ("name", "title", "summary", "sources", "references")
"""What tells of a study and changes nothing in it."""


class Scenario(Described):
    """Everything there is to say about a study, before any of it is simulated."""

    name: Name
    title: str = Field(min_length=1)
    summary: str = Field(min_length=1)
    population: Population
    eligibility: Eligibility
    operations: Operations
    design: Design
    treatment: Treatment
    outcomes: dict[Name, Outcome] = Field(min_length=1)
    analysis: AnalysisPlan
    sources: dict[str, Source] = Field(default_factory=dict)
    references: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        refuse([*incoherences(vars(self)), *self._sources_of_nothing()])
        return self

    def _sources_of_nothing(self) -> Iterator[Refusal]:
        known = list(paths_of(self.model_dump(exclude=set(ABOUT))))
        for path in set(self.sources) - set(known):
            yield Refusal(f"sources.{path}", f"must be a path that exists{nearest(path, known)}")

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
        keep no source of the old ones: they are assumed.

        Raises
        ------
        InputError
            With every path that does not exist and every value that is out of range.
        """
        content = self.model_dump()
        known = dict.fromkeys([*paths_of(_study(content)), *ABOUT])
        problems = [problem for path in changes for problem in _misplaced(path, changes, known)]
        if problems:
            raise InputError(problems)
        for path, value in changes.items():
            _put(content, path, value)
        if "sources" not in changes:
            note = f"set in place of what {self.name} gives"
            content["sources"] = resourced(self.model_dump(), content, {}, note)
        return validated(content)


def resourced(
    before: Mapping[str, Any], after: Mapping[str, Any], brought: Mapping[str, Any], note: str
) -> dict[str, Any]:
    """Return the sources of changed plain content: no changed value keeps that of the old one.

    `brought` are the sources that the change itself gives; `note` is the reason of the others.
    """
    changed = list(changed_paths(_study(before), _study(after)))
    standing = set(paths_of(_study(after)))
    return sources_after(changed, standing, before.get("sources") or {}, brought, note)


def _study(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return plain content without what only tells of the study."""
    return {name: part for name, part in content.items() if name not in ABOUT}


def _misplaced(path: str, changes: Collection[str], known: Collection[str]) -> Iterator[Problem]:
    """Yield the problem of a change to what does not exist or is changed already."""
    if path not in known:
        yield Problem(path, f"must be a path that exists{nearest(path, known)}")
    for above in list(and_above(path))[1:]:
        if above in changes:
            yield Problem(path, f"must not be changed together with {above}, which holds it")


def _put(content: dict[Any, Any], path: str, value: Any) -> None:
    """Put a value at a path of plain content; None takes away what is a mapping there."""
    *above, last = path.split(".")
    for name in above:
        content = content[_key(content, name)]
    last = _key(content, last)
    if value is None and isinstance(content[last], Mapping):
        del content[last]
    else:
        content[last] = value.item() if isinstance(value, np.generic) else value


def _key(content: Mapping[Any, Any], name: str) -> Any:
    """Return the key, a name or a whole number, that a path spells."""
    return next(key for key in content if str(key) == name)


def validated(content: Mapping[str, Any]) -> Scenario:
    """Return the scenario that plain content describes.

    Raises
    ------
    InputError
        With every problem: of each part, and between those parts that are right in themselves.
    """
    try:
        return Scenario.model_validate(content)
    except ValidationError as error:
        problems = problems_of(error, content, Scenario)
    told = {problem.path for problem in problems}
    between = (problem_of(refusal) for refusal in incoherences(_sound_parts(content)))
    problems += [problem for problem in between if problem.path not in told]
    raise InputError(problems)


def _sound_parts(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return those parts of plain content that are right in themselves."""
    sound = {}
    for name, field in Scenario.model_fields.items():
        try:
            part = content.get(name, field.get_default(call_default_factory=True))
            sound[name] = TypeAdapter(cast(Any, field.annotation)).validate_python(part)
        except ValidationError:
            continue
    return sound


def incoherences(parts: Mapping[str, Any]) -> Iterator[Refusal]:
    """Yield every rule between parts that does not hold, among the parts that are there."""
    for needed, check in _CHECKS:
        if all(name in parts for name in needed):
            yield from check(*(parts[name] for name in needed))


def _eligibility_fits(population: Population, eligibility: Eligibility) -> Iterator[Refusal]:
    for refusal in eligibility.refusals(population.covariates):
        yield refusal._replace(path=f"eligibility.{refusal.path}")


def _arrival_is_known(population: Population, operations: Operations) -> Iterator[Refusal]:
    name = operations.onset_to_arrival_hours
    path = "operations.onset_to_arrival_hours"
    yield from _number(path, name, population)


def _outcomes_fit(population: Population, outcomes: Mapping[str, Outcome]) -> Iterator[Refusal]:
    for name, outcome in outcomes.items():
        path = f"outcomes.{name}.baseline"
        yield from _number(path, outcome.baseline, population)
        covariate = population.covariates.get(outcome.baseline)
        if covariate is None:
            continue
        low, high = covariate.bounds or (outcome.low - 1, outcome.high)
        if low < outcome.low or high > outcome.high:
            rule = f"must be a whole-number covariate within {outcome.low} and {outcome.high}"
            yield Refusal(path, rule, outcome.baseline)


def _effects_reachable(outcomes: Mapping[str, Outcome]) -> Iterator[Refusal]:
    for name, outcome in outcomes.items():
        for refusal in effect_refusals(outcome):
            yield refusal._replace(path=f"outcomes.{name}.effect.{refusal.path}")


def _analysis_fits(
    design: Design, outcomes: Mapping[str, Outcome], analysis: AnalysisPlan
) -> Iterator[Refusal]:
    known = {"endpoint": outcomes, "visit": design.visits}
    known |= {"treated": design.arms, "control": design.arms}
    for field, names in known.items():
        name = getattr(analysis, field)
        if name not in names:
            kind = "arm" if names is design.arms else field
            yield Refusal(f"analysis.{field}", unknown(kind, name, names), name)
    if analysis.treated == analysis.control:
        yield Refusal("analysis.control", "must be another arm than treated", analysis.control)
    if analysis.visit == BASELINE:
        yield Refusal("analysis.visit", "must be after baseline", analysis.visit)


def _sources_fit(sources: Mapping[str, Source], references: Mapping[str, str]) -> Iterator[Refusal]:
    for path, source in sources.items():
        if source.reference is not None and source.reference not in references:
            rule = unknown("reference", source.reference, references)
            yield Refusal(f"sources.{path}.reference", rule, source.reference)


_CHECKS = (
    (("population", "eligibility"), _eligibility_fits),
    (("population", "operations"), _arrival_is_known),
    (("population", "outcomes"), _outcomes_fit),
    (("outcomes",), _effects_reachable),
    (("design", "outcomes", "analysis"), _analysis_fits),
    (("sources", "references"), _sources_fit),
)


def _number(path: str, name: str, population: Population) -> Iterator[Refusal]:
    covariate = population.covariates.get(name)
    if covariate is None:
        yield Refusal(path, unknown("covariate", name, population.covariates), name)
    elif covariate.levels is not None or covariate.is_flag:
        yield Refusal(path, "must be a covariate that is a number", name)
