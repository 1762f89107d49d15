"""The beginning of a study file from a USDM v4 document: what it says, and what it does not.

Arms, visits, planned number, dose and number of infusions become values. Everything else that a
study file must say, USDM has as text or not at all. A document that trialsim wrote has it in
extension attributes, one for each section. Of any other it is asked for in comments, and `check`
names it as missing until somebody writes it. No number is made up.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trialsim.errors import InputError, Problem
from trialsim.scenario.files.templates import checked_name, template
from trialsim.scenario.files.yaml_text import parsed_value, yaml_of
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.usdm.writing import DOSES, EXTENSION, ONSET

_ASKED: Final = {
    "population": "candidates and their covariates, which USDM does not describe",
    "eligibility": "criteria as conditions on covariates; USDM has them as text:",
    "operations": "sites, recruitment, clinic hours and what goes wrong, which USDM does not have",
    "outcomes": "scales, courses and effects; USDM has endpoints as text:",
    "analysis": "what is estimated and tested; USDM has objectives as text:",
}
_DAYS: Final = {"D": 1, "W": 7}


class _Part(BaseModel):
    """A part of the document of which only what is used is read."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Code(_Part):
    decode: str


class _Alias(_Part):
    standardCode: _Code  # noqa: N815 - the standard's own name


class _Quantity(_Part):
    value: float | None = None
    unit: _Alias | None = None
    maxValue: "_Quantity | None" = None  # noqa: N815

    @property
    def most(self) -> float | None:
        """The value, or the greatest of a range."""
        return self.maxValue.most if self.maxValue is not None else self.value


class _Duration(_Part):
    quantity: _Quantity | None = None


class _Administration(_Part):
    dose: _Quantity | None = None
    route: _Alias | None = None
    frequency: _Alias | None = None
    duration: _Duration | None = None


class _Named(_Part):
    id: str
    name: str
    label: str | None = None
    text: str = ""


class _Intervention(_Named):
    administrations: tuple[_Administration, ...] = ()


class _Element(_Named):
    studyInterventionIds: tuple[str, ...] = ()  # noqa: N815


class _Cell(_Part):
    armId: str  # noqa: N815
    elementIds: tuple[str, ...]  # noqa: N815


class _Instance(_Named):
    encounterId: str | None = None  # noqa: N815


class _Timing(_Part):
    value: str
    relativeFromScheduledInstanceId: str  # noqa: N815
    relativeToScheduledInstanceId: str | None = None  # noqa: N815
    windowLower: str | None = None  # noqa: N815


class _Timeline(_Part):
    mainTimeline: bool  # noqa: N815
    instances: tuple[_Instance, ...] = ()
    timings: tuple[_Timing, ...] = ()


class _Population(_Part):
    plannedEnrollmentNumber: _Quantity | None = None  # noqa: N815


class _Objective(_Named):
    endpoints: tuple[_Named, ...] = ()


class _Extension(_Part):
    url: str
    valueString: str | None = None  # noqa: N815


class _Design(_Part):
    arms: tuple[_Named, ...] = Field(min_length=1)
    population: _Population
    encounters: tuple[_Named, ...] = ()
    elements: tuple[_Element, ...] = ()
    studyCells: tuple[_Cell, ...] = ()  # noqa: N815
    objectives: tuple[_Objective, ...] = ()
    scheduleTimelines: tuple[_Timeline, ...] = ()  # noqa: N815
    extensionAttributes: tuple[_Extension, ...] = ()  # noqa: N815


class _Title(_Part):
    text: str


class _Version(_Part):
    rationale: str = ""
    titles: tuple[_Title, ...] = ()
    studyDesigns: tuple[_Design, ...] = Field(min_length=1)  # noqa: N815
    studyInterventions: tuple[_Intervention, ...] = ()  # noqa: N815
    eligibilityCriterionItems: tuple[_Named, ...] = ()  # noqa: N815


class _Study(_Part):
    name: str
    versions: tuple[_Version, ...] = Field(min_length=1)


class _Document(_Part):
    study: _Study


def study_from_usdm(name: str, file: Path) -> str:
    """Return the beginning of a study file from the first version and design of a document.

    Raises
    ------
    InputError
        If the name is none, or the file is no USDM document: with every problem and its place.
    """
    name, study = checked_name(name), _read(file).study
    version = study.versions[0]
    design = version.studyDesigns[0]
    title = version.titles[0].text if version.titles else study.name
    texts = {
        "eligibility": [one.text for one in version.eligibilityCriterionItems],
        "outcomes": [one.text for aim in design.objectives for one in aim.endpoints],
        "analysis": [aim.text for aim in design.objectives],
    }
    own = _sections_beyond_usdm(design, str(file))
    said = {
        "design": list(_design(version, design, own.pop("design", {}))),
        "treatment": list(_treatment(version, own.pop("treatment", {}))),
        **{name: _yaml_lines(name, content) for name, content in own.items()},
    }
    lines = [
        f"# From the USDM document {_said(file.name)}. What stands after ASK is not in it, or only",
        "# as text: replace it, and take the # away. `trialsim check` names what is still missing.",
        f"name: {name}",
        f"title: {_quoted(title)}",
        f"summary: {_quoted(version.rationale or title)}",
    ]
    for section, example in _sections(template("infusions")).items():
        lines.append("")
        if section in said:
            lines += said.pop(section)
        else:
            lines.append(f"# ASK: {_ASKED[section]}")
            lines += [f"#   {_said(text)}" for text in texts.get(section, ()) if text.strip()]
            lines += [f"# {line}".rstrip() for line in example]
    for further in said.values():
        lines += ["", *further]
    return "\n".join(lines) + "\n"


def _sections_beyond_usdm(design: _Design, file: str) -> dict[str, Any]:
    """Return the sections of a study file that trialsim put into a document, as plain values."""
    found = {}
    for place, one in enumerate(design.extensionAttributes):
        name = one.url.removeprefix(EXTENSION)
        if name == one.url or name not in Scenario.model_fields or name in _SAID:
            continue
        section: Any = None
        with suppress(InputError):
            section = parsed_value(one.valueString or "")
        if not isinstance(section, dict) or not isinstance(section.get(name), dict):
            path = f"study.versions.0.studyDesigns.0.extensionAttributes.{place}.valueString"
            rule = f"must be the section {name} of a study file"
            raise InputError([Problem(path, rule, file=file)])
        found[name] = section[name]
    return found


_SAID: Final = ("name", "title", "summary")
"""What a study file says that every document has."""


def _yaml_lines(name: str, content: Mapping[str, Any]) -> list[str]:
    return yaml_of({name: content}).splitlines() if content else []


def _read(file: Path) -> _Document:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        rule = f"cannot be read: {error.strerror}"
        raise InputError([Problem("from", rule, str(file))]) from None
    except (ValueError, RecursionError):
        rule = "must be a USDM document in JSON"
        raise InputError([Problem("from", rule, str(file))]) from None
    try:
        return _Document.model_validate(content)
    except ValidationError as error:
        raise InputError(map(partial(_problem, str(file)), error.errors())) from None


def _problem(file: str, error: Mapping[str, Any]) -> Problem:
    rule = str(error["msg"])
    return Problem(".".join(map(str, error["loc"])), rule[:1].lower() + rule[1:], file=file)


def _design(version: _Version, design: _Design, own: dict[str, Any]) -> Iterator[str]:
    arms = own.pop("arms", {})
    yield "design:"
    yield "  arms:"
    names = _names(design.arms)
    for arm in design.arms:
        label = _quoted(arm.label or arm.name)
        dose, said = _dose(version, design, arm)
        more = arms.get(names[arm.id], {}) if isinstance(arms, dict) else {}
        rest = "".join(f", {field}: {json.dumps(value)}" for field, value in more.items())
        yield f"    {names[arm.id]}: {{label: {label}{dose}{rest}}}{said}"
    planned = design.population.plannedEnrollmentNumber
    if planned is None or planned.most is None:
        yield "  # ASK: patients to randomise, all arms together"
        yield "  # patients: 200"
    else:
        yield f"  patients: {round(planned.most)}"
    yield from (f"  {line}" for line in (yaml_of(own).splitlines() if own else ()))
    yield from _visits(design)


def _given(version: _Version, design: _Design, arm: _Named) -> tuple[_Administration, ...]:
    """Return what an arm is given, through its elements and their interventions."""
    elements = {one.id: one for one in design.elements}
    interventions = {one.id: one for one in version.studyInterventions}
    for cell in design.studyCells:
        for element in cell.elementIds if cell.armId == arm.id else ():
            for one in elements[element].studyInterventionIds if element in elements else ():
                if one in interventions and interventions[one].administrations:
                    return interventions[one].administrations
    return ()


def _dose(version: _Version, design: _Design, arm: _Named) -> tuple[str, str]:
    """Return the dose of an arm as a field, or one for each phase, and a comment."""
    given = _given(version, design, arm)
    routes = [one.route.standardCode.decode for one in given if one.route is not None]
    told = f"  # route: {_said(', '.join(dict.fromkeys(routes)))}" if routes else ""
    doses = [one.dose for one in given if one.dose is not None and one.dose.value is not None]
    units = {"" if one.unit is None else one.unit.standardCode.decode for one in doses}
    numbers = ", ".join(f"{one.value:g}" for one in doses)
    if not doses or len(units) > 1 or not units <= DOSES.keys():
        amount = f"; the document says {numbers} {_said(', '.join(units))}" if doses else ""
        return "", f"  # ASK: dose_ml{amount}{told.replace('  #', ';')}"
    value = f"[{numbers}]" if len(doses) > 1 else numbers
    return f", {DOSES[units.pop()]}: {value}", told


def _visits(design: _Design) -> Iterator[str]:
    timeline = next((one for one in design.scheduleTimelines if one.mainTimeline), None)
    timings = (
        {}
        if timeline is None
        else {one.relativeFromScheduledInstanceId: one for one in timeline.timings}
    )
    instances = () if timeline is None else timeline.instances
    at = {one.encounterId: one.id for one in instances if one.encounterId is not None}
    onset = {one.id for one in instances if one.encounterId is None and one.name == ONSET}
    names = _names(design.encounters)
    yield "  visits:  # the first must be baseline, on day 0"
    for encounter in design.encounters:
        timing = timings.get(at.get(encounter.id, ""))
        day = None if timing is None else _days(timing.value)
        if timing is None or day is None:
            value = "" if timing is None else f"; the document says {_said(timing.value)}"
            yield f"    # ASK: {names[encounter.id]}: {{day: 30}}{value}"
            continue
        after = ", after: onset" if timing.relativeToScheduledInstanceId in onset else ""
        window = _days(timing.windowLower or "")
        wide = f", window_days: {window}" if window else ""
        yield f"    {names[encounter.id]}: {{day: {day}{after}{wide}}}"


def _treatment(version: _Version, own: dict[str, Any]) -> Iterator[str]:
    given = [one for each in version.studyInterventions for one in each.administrations]
    phased = any(len(each.administrations) > 1 for each in version.studyInterventions)
    counts = {
        round(one.duration.quantity.value)
        for one in given
        if one.duration is not None
        and one.duration.quantity is not None
        and one.duration.quantity.value is not None
    }
    daily = bool(given) and all(
        one.frequency is not None and one.frequency.standardCode.decode == "QD" for one in given
    )
    if len(counts) == 1 and daily and not phased:
        infusions = {"per_cycle": counts.pop(), "days": "every_day"}
        yield from _yaml_lines("treatment", {**own, "infusions": infusions})
    elif own:
        yield from _yaml_lines("treatment", own)
    else:
        yield "# ASK: the days of infusions"
        yield "# treatment:"
        yield "#   infusions: {per_cycle: 10, days: every_day}"


def _days(value: str) -> int | None:
    """Return whole days of a duration in ISO 8601; None of any other.

    >>> _days("P90D"), _days("P2W"), _days("PT4H")
    (90, 14, None)
    """
    found = re.fullmatch(r"P(\d{1,6})([DW])", value)
    return None if found is None else int(found[1]) * _DAYS[found[2]]


def _names(objects: tuple[_Named, ...]) -> dict[str, str]:
    """Return a name as a study file has it of each object, by its identifier, no two alike."""
    names: dict[str, str] = {}
    for one in objects:
        words = re.findall("[a-z0-9]+", one.name.lower())
        name = "_".join(words) or "unnamed"
        name = name if name[0].isalpha() else f"x_{name}"
        number, found = 1, name
        while found in names.values():
            number += 1
            found = f"{name}_{number}"
        names[one.id] = found
    return names


def _sections(text: str) -> Mapping[str, list[str]]:
    """Return the lines of each section of a study file, without name, title and summary."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in text.splitlines():
        begins = re.match(r"([a-z_]+):", line)
        section = begins[1] if begins else section
        if section in (*_ASKED, "design", "treatment"):
            found.setdefault(section, []).append(line)
    return {name: _stripped(lines) for name, lines in found.items()}


def _stripped(lines: list[str]) -> list[str]:
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines


def _said(text: Any) -> str:
    """Return a text for a comment: one line of characters that are seen."""
    words = " ".join(str(text).split())
    return "".join(one for one in words if one.isprintable())


def _quoted(text: str) -> str:
    """Return a text as a value of YAML, which takes a string of JSON."""
    return json.dumps(" ".join(text.split()))
