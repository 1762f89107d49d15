"""A study is data: one frozen, complete, validated scenario, and changes of it by path."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Self, cast

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from trialsim.distributions import Described
from trialsim.errors import InputError, Problem, nearest
from trialsim.scenario.analysis_plan import AnalysisPlan
from trialsim.scenario.design import BASELINE, Design
from trialsim.scenario.effects import effect_refusals
from trialsim.scenario.eligibility import Eligibility
from trialsim.scenario.operations import Operations
from trialsim.scenario.outcomes import Outcome
from trialsim.scenario.population import Population
from trialsim.scenario.problems import problem_of, problems_of
from trialsim.scenario.refusal import Name, Refusal, refuse, unknown
from trialsim.scenario.sources import Source
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

        Raises
        ------
        InputError
            With every path that does not exist and every value that is out of range.
        """
        content = self.model_dump()
        known = list(paths_of(content))
        unknown_paths = [path for path in changes if path not in known]
        if unknown_paths:
            raise InputError(
                Problem(path, f"must be a path that exists{nearest(path, known)}")
                for path in unknown_paths
            )
        for path, value in changes.items():
            *above, last = path.split(".")
            part = content
            for key in above:
                part = part[key]
            part[last] = value
        return validated(content)


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


def paths_of(content: Any, above: str = "") -> Iterator[str]:
    """Yield the dotted path of every value in plain content, and of everything above one.

    >>> list(paths_of({"design": {"patients": 208}}))
    ['design', 'design.patients']
    """
    if isinstance(content, Mapping):
        for key, part in content.items():
            path = f"{above}.{key}" if above else str(key)
            yield path
            yield from paths_of(part, path)


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
