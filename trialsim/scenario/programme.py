"""A programme is several trials simulated side by side and pooled: studies by name, and a plan."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cached_property, lru_cache
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeGuard

from pydantic import Field, ValidationError

from trialsim.errors import InputError, Problem, nearest, nearest_path
from trialsim.legible import PrintedStudy
from trialsim.scenario.coherence.findings import findings_exist
from trialsim.scenario.plan.choices import PRIMARY
from trialsim.scenario.plan.findings import (
    AnalysisFigure,
    Calibration,
    Finding,
    OfPatients,
)
from trialsim.scenario.plan.pooled_analysis import PooledAnalysis, pooling_violations
from trialsim.scenario.scenario import ABOUT, Scenario, validated
from trialsim.scenario.validation.paths import below, changed_paths, part_at, paths_of
from trialsim.scenario.validation.problems import problems_between, problems_of
from trialsim.scenario.validation.refusal import (
    CheckedModel,
    Name,
    Violation,
    within,
)
from trialsim.scenario.validation.sources import Source, source_of, sources_after

TRIALS: Final = "trials"
SIZE: Final = "size_percent"
"""The path along which a programme grows, as the patients are that of one trial."""
_CONTENTS_KEPT: Final = 256
_COUNTED: Final = ("analysed", "discontinued", "withdrawn", "died")
_DECIDES: Final[Mapping[str, Any]] = {
    **dict.fromkeys(ABOUT, True),
    TRIALS: {"__all__": set(ABOUT)},
}
"""What to leave out of a programme's content to have what decides its results."""


def _plans_can_be_pooled(
    trials: Mapping[str, Scenario], analysis: PooledAnalysis
) -> Iterator[Violation]:
    for name, trial in trials.items():
        yield from within(f"{TRIALS}.{name}.analysis", pooling_violations(trial.analysis, analysis))


def _sources_are_of_the_whole(fields: Mapping[str, Any]) -> Iterator[Violation]:
    known = [SIZE, "analysis", *(f"analysis.{name}" for name in PooledAnalysis.model_fields)]
    known += ["findings", *(f"findings.{name}" for name in fields.get("findings", {}))]
    for path in fields.get("sources", {}):
        if path not in known:
            rule = f"must be a path of the programme itself{nearest_path(path, known)}"
            yield Violation(f"sources.{path}", rule)


def _findings_are_of_the_whole(findings: Mapping[str, Finding]) -> Iterator[Violation]:
    for name, finding in findings.items():
        if (of := vars(finding).get("of")) is not None:
            yield from within(f"findings.{name}.of", _not_of_the_whole(of))


def _not_of_the_whole(of: Any) -> Iterator[Violation]:
    """Yield what of a finding's subject a programme has no figure of."""
    match of:
        case AnalysisFigure():
            if of.analysis != PRIMARY:
                yield Violation("analysis", f"must be {PRIMARY}", of.analysis)
        case OfPatients():
            if of.what not in _COUNTED:
                yield Violation("what", f"must be one of {', '.join(_COUNTED)}", of.what)
            if of.figure != "count" or of.arm is not None or of.subgroup is not None:
                yield Violation("figure", "must be count, of all patients of all trials", of.figure)
        case _:
            rule = "must be analysis or patients: scores are those of single trials"
            yield Violation("kind", rule, of.kind)


def _calibrated_numbers_exist(
    trials: Mapping[str, Scenario], calibrated: Mapping[str, object]
) -> Iterator[Violation]:
    content = {name: trial.model_dump() for name, trial in trials.items()} if calibrated else {}
    for path in calibrated:
        if not isinstance(part_at({TRIALS: content}, path), int | float):
            yield Violation(f"calibrated.{path}", "must be the path of a number of a trial")


def _trials_have_no_looks(trials: Mapping[str, Scenario]) -> Iterator[Violation]:
    for name, trial in trials.items():
        if trial.monitoring is not None:
            rule = "must be left out in a programme, which pools trials that ran to their end"
            yield Violation(f"{TRIALS}.{name}.monitoring", rule, "a mapping")


class Programme(PrintedStudy, CheckedModel):
    """Several trials, and how they are pooled in every replicate."""

    rules = (
        _plans_can_be_pooled,
        _trials_have_no_looks,
        _findings_are_of_the_whole,
        findings_exist,
        _calibrated_numbers_exist,
        _sources_are_of_the_whole,
    )
    omitted_defaults = ("findings", "calibrated")

    name: Name
    """A short name of lower case letters, digits and underscores, such as my_programme."""
    title: str = Field(min_length=1)
    """The title in one line."""
    summary: str = Field(min_length=1)
    """What the programme is, in a sentence or a few."""
    size_percent: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Patients of every trial, as a percentage of what the trial says, usually 100."""
    trials: dict[Name, Scenario] = Field(min_length=2)
    """The trials by name, each a whole study or one that extends another."""
    analysis: PooledAnalysis
    """How the trials are pooled."""
    findings: dict[Name, Finding] = Field(default_factory=dict)
    """Published figures by name, to compare the simulation with."""
    calibrated: dict[str, Calibration] = Field(default_factory=dict)
    """By the path of each number that was solved for: which figure it gives the pooled trials."""
    sources: dict[str, Source] = Field(default_factory=dict)
    """Where numbers come from, by the path of a number or of what is above it."""
    references: dict[str, str] = Field(default_factory=dict)
    """Full references by the short name that sources give."""

    @cached_property
    def digest(self) -> str:
        """Twelve hexadecimal digits that are the same for two programmes which simulate alike."""
        content = {
            TRIALS: {name: trial.digest for name, trial in self.trials.items()},
            SIZE: self.size_percent,
            "analysis": self.analysis.model_dump(mode="json"),
        }
        text = json.dumps(content, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def __hash__(self) -> int:
        """Agree for programmes that simulate alike."""
        return hash(self.digest)

    @cached_property
    def scaled_trials(self) -> Mapping[str, Scenario]:
        """The trials with the patients that `size_percent` gives them."""
        if self.size_percent == 100:
            return self.trials
        return {name: self._sized(trial) for name, trial in self.trials.items()}

    def _sized(self, trial: Scenario) -> Scenario:
        patients = round(trial.design.patients * self.size_percent / 100)
        return trial.replace({"design.patients": max(patients, len(trial.design.arms))})

    def replace(self, changes: Mapping[str, Any]) -> "Programme":
        """Return the same programme with the values at some dotted paths replaced.

        `trials.NAME.PATH` is a path of one trial; `trials.NAME: None` takes the trial away. Values
        that change keep no source of the old ones: they are assumed; and a changed programme has
        no findings, which are of it as it was.

        Raises
        ------
        InputError
            With every path that does not exist and every value that is out of range.
        """
        trials, problems = self._changed_trials(changes)
        own = {path: value for path, value in changes.items() if not _of_a_trial(path)}
        content: dict[str, Any] = {name: getattr(self, name) for name in type(self).model_fields}
        content["analysis"] = self.analysis.model_dump()
        known = [*paths_of({name: content[name] for name in (SIZE, "analysis")}), *ABOUT]
        for path, value in own.items():
            if path not in known:
                rule = f"must be a path that exists{nearest_path(path, [*known, TRIALS])}"
                problems.append(Problem(path, rule))
                continue
            part, _, last = path.rpartition(".")
            (content[part] if part else content)[last] = value
        if problems:
            raise InputError(problems)
        before, after = ({**_sourced(vars(self)), **self.trials}, {**_sourced(content), **trials})
        if before != after:
            content |= {name: {} for name in ("findings", "calibrated") if name not in changes}
        if "sources" not in changes:
            note = f"set in place of what {self.name} gives"
            old, new = _sourced(vars(self)), _sourced(content)
            changed, standing = list(changed_paths(old, new)), list(paths_of(new))
            content["sources"] = sources_after(changed, standing, self.sources, {}, note)
        return programme_of({**content, TRIALS: trials})

    def _changed_trials(
        self, changes: Mapping[str, Any]
    ) -> tuple[dict[str, Scenario], list[Problem]]:
        trials, problems = dict(self.trials), []
        by_trial: dict[str, dict[str, Any]] = {}
        for path, value in changes.items():
            if not _of_a_trial(path):
                continue
            _, name, rest = (*path.split(".", 2), "", "")[:3]
            if name not in trials or (not rest and value is not None):
                hint = nearest(below(TRIALS, name), [below(TRIALS, one) for one in self.trials])
                problems.append(Problem(path, f"must be a path that exists{hint}"))
            else:
                by_trial.setdefault(name, {})[rest] = value
        for name, own in by_trial.items():
            if "" in own:
                del trials[name]
                continue
            try:
                trials[name] = trials[name].replace(own)
            except InputError as error:
                problems += _below(error, f"{TRIALS}.{name}")
        return trials, problems


def _sourced(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a programme's own fields has sources, as plain content."""
    analysis = fields["analysis"]
    plan = analysis.model_dump() if isinstance(analysis, PooledAnalysis) else analysis
    return {SIZE: fields[SIZE], "analysis": plan, "findings": fields["findings"]}


Study: TypeAlias = Scenario | Programme
"""What can be simulated: one trial, or several that are pooled."""


def is_programme(content: Any) -> TypeGuard[Mapping[str, Any]]:
    """Return whether plain content is that of a programme.

    >>> is_programme({"name": "two", "trials": {}}), is_programme({"name": "one"})
    (True, False)
    """
    return isinstance(content, Mapping) and TRIALS in content


def trials_of(study: Study) -> Mapping[str, Scenario]:
    """Return the trials of a study by name, as large as they are simulated."""
    return study.scaled_trials if isinstance(study, Programme) else {study.name: study}


def single_trial(study: Study) -> Scenario:
    """Return a study that must be one trial, as for what looks at its patients.

    Raises
    ------
    InputError
        If it is a programme.
    """
    if isinstance(study, Programme):
        named = ", ".join(study.trials)
        rule = f"must be one trial; this is a programme of {named}"
        raise InputError([Problem("scenario", rule, study.name)])
    return study


def programme_of_trials(study: Study) -> Programme:
    """Return a study that must be a programme, as for what compares its trials.

    Raises
    ------
    InputError
        If it is one trial.
    """
    if not isinstance(study, Programme):
        rule = "must be a programme of several trials"
        raise InputError([Problem("programme", rule, study.name)])
    return study


def source_at(path: str, study: Study) -> Source:
    """Return the source of a number of a study, which of a programme is that of its trial."""
    if isinstance(study, Programme) and path.startswith(f"{TRIALS}."):
        _, trial, own = f"{path}.".split(".", 2)
        return source_of(own.removesuffix("."), study.trials[trial].sources)
    return source_of(path, study.sources)


def content_of(study: Study, mode: Literal["json", "python"] = "python") -> dict[str, Any]:
    """Return what decides a study's results, as plain content."""
    if isinstance(study, Programme):
        return study.model_dump(mode=mode, exclude=dict(_DECIDES))
    return study.model_dump(mode=mode, exclude=set(ABOUT))


def programme_of(content: Mapping[str, Any]) -> Programme:
    """Return the programme that plain content describes; its trials may be scenarios already.

    Raises
    ------
    InputError
        With every problem of the programme and of each of its trials.
    """
    trials, problems = _validated_trials(content.get(TRIALS))
    whole = {**content, TRIALS: trials}
    try:
        programme = Programme.model_validate(whole)
    except ValidationError as error:
        problems += problems_of(error, whole, Programme)
        hidden = problems_between(Programme, whole)
        problems += [one for one in hidden if one not in problems]
    if problems:
        raise InputError(problems)
    return programme


def _validated_trials(trials: Any) -> tuple[Any, list[Problem]]:
    """Return trials as scenarios; one that is wrong is empty, and its problems are reported."""
    if not isinstance(trials, Mapping):
        return trials, []
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, trial in trials.items():
        found[name] = trial
        if isinstance(trial, Mapping):
            try:
                found[name] = validated({"name": name, **trial})
            except InputError as error:
                found[name] = Scenario.incomplete({})
                problems += _below(error, f"{TRIALS}.{name}")
    return found, problems


def _below(error: InputError, above: str) -> list[Problem]:
    """Return problems at their paths below another."""
    return [
        Problem(below(above, one.path).rstrip("."), one.rule, one.value) for one in error.problems
    ]


def _of_a_trial(path: str) -> bool:
    return path.partition(".")[0] == TRIALS


def differences(base: Study, other: Study) -> dict[str, Any]:
    """Return path and value of what differs in another scenario; None for what is gone there."""
    before, after = (content_of(one, "json") for one in (base, other))
    return {path: part_at(after, path) for path in changed_paths(before, after)}


def value_at(scenario: Study, path: str) -> Any:
    """Return the value at a dotted path; None where there is none.

    >>> import trialsim as ts
    >>> value_at(ts.load("cars1"), "design.patients")
    208
    """
    return deepcopy(part_at(_content(scenario), path))


@lru_cache(maxsize=_CONTENTS_KEPT)
def _content(study: Study) -> dict[str, Any]:
    """Return plain content that nobody changes, as a table looks up a dozen paths of each study."""
    return content_of(study)


def effect_paths(study: Study) -> list[str]:
    """Return where the effect on the primary outcome stands, in each trial of a programme.

    >>> import trialsim as ts
    >>> effect_paths(ts.load("cars1"))
    ['outcomes.arat.effect']
    """
    if isinstance(study, Programme):
        return [
            f"{TRIALS}.{name}.{path}"
            for name, trial in study.trials.items()
            for path in effect_paths(trial)
        ]
    return [f"outcomes.{study.analysis.endpoint}.effect"]
