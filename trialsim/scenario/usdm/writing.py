"""A study as a USDM v4 document: arms, visits with their timings, planned number, dose, criteria.

What a study file has no place for, such as route, phase and blinding, is left out. What USDM has no
class for, such as margins, courses and effects, travels as the standard provides: in an extension
attribute for each section of the study file, which other software may leave out.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from trialsim import __version__
from trialsim.scenario.files.yaml_text import yaml_of
from trialsim.scenario.protocol.design import Visit
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.values import counted

VERSION: Final = "4.0.0"
ONSET: Final = "onset"
EXTENSION: Final = "urn:trialsim:study-file:"
"""The address of an extension attribute, before the name of a section of the study file."""
DOSES: Final = {"mL": "dose_ml", "mL/kg": "dose_ml_per_kg", "mg/kg": "dose_mg_per_kg"}
"""The field of an arm that has its dose, by the unit."""
_CDISC: Final = ("http://www.cdisc.org", "2025-03-28")
_CODES: Final[Mapping[str, str]] = {
    "After": "C201356",
    "Fixed Reference": "C201358",
    "Start to Start": "C201355",
    "Official Study Title": "C207616",
    "Clinical Study Sponsor": "C70793",
    "Experimental Arm": "C174266",
    "Placebo Comparator Arm": "C174268",
    "Synthetic Data": "C176263",
    "SCREENING": "C202487",
    "TREATMENT": "C101526",
    "FOLLOW-UP": "C202578",
    "Visit": "C25716",
    "PARALLEL": "C82639",
    "INTERVENTIONAL": "C98388",
    "Randomized": "C46079",
    "Experimental Intervention": "C41161",
    "Placebo": "C753",
    "DRUG": "C1909",
    "QD": "C25473",
    "mL": "C28254",
    "mL/kg": "C67411",
    "mg/kg": "C67401",
    "DAYS": "C25301",
    "INCLUSION": "C25532",
    "EXCLUSION": "C25370",
    "Study Primary Objective": "C85826",
    "Primary Endpoint": "C94496",
}
"""Terms of CDISC by what they say, with their codes in the NCI Thesaurus."""
_EPOCHS: Final = ("SCREENING", "TREATMENT", "FOLLOW-UP")


class _Writer:
    """Gives every object its type and an identifier, which are counted by type."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def make(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Return an object of USDM."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return {"id": f"{kind}_{self._counts[kind]}", **fields, "instanceType": kind}

    def code(self, decode: str) -> dict[str, Any]:
        """Return a term of CDISC."""
        system, version = _CDISC
        about = {"codeSystem": system, "codeSystemVersion": version}
        return self.make("Code", code=_CODES[decode], **about, decode=decode)

    def alias(self, decode: str) -> dict[str, Any]:
        """Return a term of CDISC for which there could be others."""
        return self.make("AliasCode", standardCode=self.code(decode))

    def quantity(self, value: float, unit: str | None = None) -> dict[str, Any]:
        """Return a number with its unit."""
        return self.make("Quantity", value=value, unit=None if unit is None else self.alias(unit))


def usdm_document(study: Scenario) -> dict[str, Any]:
    """Return a study as a USDM v4 document, in plain values.

    >>> from trialsim.scenario.files.yaml_file import load
    >>> version = usdm_document(load("cars1"))["study"]["versions"][0]
    >>> [arm["name"] for arm in version["studyDesigns"][0]["arms"]]
    ['cerebrolysin', 'placebo']
    """
    writer = _Writer()
    sponsor = writer.make(
        "Organization",
        name="trialsim",
        type=writer.code("Clinical Study Sponsor"),
        identifierScheme="none",
        identifier="trialsim",
    )
    title = writer.make("StudyTitle", text=study.title, type=writer.code("Official Study Title"))
    interventions = _interventions(writer, study)
    items, criteria = _criteria(writer, study)
    named = writer.make("StudyIdentifier", text=study.name, scopeId=sponsor["id"])
    version = writer.make(
        "StudyVersion",
        versionIdentifier=study.digest,
        rationale=" ".join(study.summary.split()),
        studyIdentifiers=[named],
        titles=[title],
        organizations=[sponsor],
        eligibilityCriterionItems=items,
        studyInterventions=list(interventions.values()),
        studyDesigns=[_design(writer, study, interventions, criteria)],
    )
    return {
        "study": {
            "id": None,
            "name": study.name,
            "label": study.title,
            "versions": [version],
            "instanceType": "Study",
        },
        "usdmVersion": VERSION,
        "systemName": "trialsim",
        "systemVersion": __version__,
    }


def _interventions(writer: _Writer, study: Scenario) -> dict[str, dict[str, Any]]:
    """Return what each arm is given, by the arm's name."""
    found = {}
    for name, arm in study.design.arms.items():
        role = "Experimental Intervention" if max(arm.doses) > 0 else "Placebo"
        found[name] = writer.make(
            "StudyIntervention",
            name=name,
            label=arm.label,
            role=writer.code(role),
            type=writer.code("DRUG"),
            administrations=_administrations(writer, study, name),
        )
    return found


def _administrations(writer: _Writer, study: Scenario, name: str) -> list[dict[str, Any]]:
    """Return the infusions of an arm: one administration, or one for each phase of the course."""
    schedule, arm = study.treatment.infusions, study.design.arms[name]
    counts = [phase.per_cycle * phase.cycles for phase in schedule.phases]
    daily = {phase.days for phase in schedule.phases} == {"every_day"} and schedule.cycles == 1
    counts = counts if len(arm.doses) > 1 else [schedule.count]
    return [
        writer.make(
            "Administration",
            name=f"{name} infusions {place}",
            duration=writer.make(
                "Duration",
                text=counted(count, "infusions"),
                quantity=writer.quantity(count),
                durationWillVary=False,
            ),
            dose=writer.quantity(dose, arm.dose_unit),
            frequency=writer.alias("QD") if daily else None,
        )
        for place, (dose, count) in enumerate(zip(arm.doses, counts, strict=True), 1)
    ]


def _criteria(
    writer: _Writer, study: Scenario
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the texts of the criteria, and the criteria; USDM has one at least."""
    items: list[dict[str, Any]] = []
    criteria: list[dict[str, Any]] = []
    texts = {name: rule.label for name, rule in study.eligibility.rules.items()}
    for name, text in (texts or {"everybody": "Every candidate"}).items():
        category = "EXCLUSION" if name in study.eligibility.exclusion else "INCLUSION"
        item = writer.make("EligibilityCriterionItem", name=name, text=text)
        items.append(item)
        criteria.append(
            writer.make(
                "EligibilityCriterion",
                name=name,
                category=writer.code(category),
                identifier=str(len(criteria) + 1),
                criterionItemId=item["id"],
            )
        )
    return items, criteria


def _design(
    writer: _Writer,
    study: Scenario,
    interventions: Mapping[str, dict[str, Any]],
    criteria: list[dict[str, Any]],
) -> dict[str, Any]:
    arms = _arms(writer, study)
    epochs = {
        name: writer.make("StudyEpoch", name=name, type=writer.code(name)) for name in _EPOCHS
    }
    _in_order(list(epochs.values()))
    elements, cells = _cells(writer, arms, epochs, interventions)
    encounters = {
        name: writer.make("Encounter", name=name, type=writer.code("Visit"))
        for name in study.design.visits
    }
    _in_order(list(encounters.values()))
    population = writer.make(
        "StudyDesignPopulation",
        name="population",
        includesHealthySubjects=False,
        plannedEnrollmentNumber=writer.quantity(study.design.patients),
        criterionIds=[one["id"] for one in criteria],
    )
    return writer.make(
        "InterventionalStudyDesign",
        name=study.name,
        studyType=writer.code("INTERVENTIONAL"),
        characteristics=[writer.code("Randomized")],
        rationale=" ".join(study.summary.split()),
        model=writer.code("PARALLEL"),
        arms=list(arms.values()),
        epochs=list(epochs.values()),
        elements=elements,
        studyCells=cells,
        encounters=list(encounters.values()),
        population=population,
        eligibilityCriteria=criteria,
        studyInterventionIds=[one["id"] for one in interventions.values()],
        objectives=[_objective(writer, study)],
        scheduleTimelines=[_timeline(writer, study, encounters)],
        extensionAttributes=[
            writer.make("ExtensionAttribute", url=f"{EXTENSION}{name}", valueString=text)
            for name, text in _beyond_usdm(study)
        ],
    )


def _beyond_usdm(study: Scenario) -> Iterator[tuple[str, str]]:
    """Yield each section of the study file with what USDM has no class for, as YAML."""
    content = study.model_dump()
    design = content.pop("design")
    arms = {
        name: {field: value for field, value in arm.items() if field not in _SAID_OF_ARMS}
        for name, arm in design["arms"].items()
    }
    rest = {field: value for field, value in design.items() if field not in _SAID_OF_DESIGNS}
    for name, section in {**content, "design": {"arms": arms, **rest}}.items():
        if section and name not in _SAID_OF_STUDIES:
            yield name, yaml_of({name: section})


_SAID_OF_STUDIES: Final = ("name", "title", "summary")
_SAID_OF_DESIGNS: Final = ("arms", "patients", "visits")
_SAID_OF_ARMS: Final = ("label", *DOSES.values())
"""What USDM has classes for."""


def _arms(writer: _Writer, study: Scenario) -> dict[str, dict[str, Any]]:
    """Return the arms by name; one without any study drug is a placebo's."""
    return {
        name: writer.make(
            "StudyArm",
            name=name,
            label=arm.label,
            type=writer.code(
                "Experimental Arm" if max(arm.doses) > 0 else "Placebo Comparator Arm"
            ),
            dataOriginDescription="Simulated",
            dataOriginType=writer.code("Synthetic Data"),
        )
        for name, arm in study.design.arms.items()
    }


def _in_order(objects: list[dict[str, Any]]) -> None:
    """Let each object name the one before it and the one after it."""
    for before, after in pairwise(objects):
        before["nextId"], after["previousId"] = after["id"], before["id"]


def _cells(
    writer: _Writer,
    arms: Mapping[str, dict[str, Any]],
    epochs: Mapping[str, dict[str, Any]],
    interventions: Mapping[str, dict[str, Any]],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the elements, and which of them each arm has in each epoch."""
    shared = {
        epoch: writer.make("StudyElement", name=epoch) for epoch in ("SCREENING", "FOLLOW-UP")
    }
    own = {
        name: writer.make(
            "StudyElement", name=name, studyInterventionIds=[interventions[name]["id"]]
        )
        for name in arms
    }
    cells = [
        writer.make(
            "StudyCell",
            armId=arm["id"],
            epochId=epochs[epoch]["id"],
            elementIds=[(shared.get(epoch) or own[name])["id"]],
        )
        for name, arm in arms.items()
        for epoch in _EPOCHS
    ]
    return [*shared.values(), *own.values()], cells


def _objective(writer: _Writer, study: Scenario) -> dict[str, Any]:
    plan = study.analysis
    what = f"{study.outcomes[plan.endpoint].label} at {plan.visit.replace('_', ' ')}"
    endpoint = writer.make(
        "Endpoint",
        name="primary endpoint",
        text=what,
        purpose="Efficacy",
        level=writer.code("Primary Endpoint"),
    )
    return writer.make(
        "Objective",
        name="primary objective",
        text=f"To compare {plan.treated} with {plan.control} in {what}",
        level=writer.code("Study Primary Objective"),
        endpoints=[endpoint],
    )


def _timeline(
    writer: _Writer, study: Scenario, encounters: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    """Return the visits as scheduled instances, each timed from baseline or from the onset."""
    visits = study.design.visits
    kind = "ScheduledActivityInstance"
    instances = {
        name: writer.make(kind, name=name, encounterId=encounters[name]["id"]) for name in visits
    }
    first = next(iter(instances.values()))
    anchors = {"randomisation": first}
    if any(visit.after == ONSET for visit in visits.values()):
        anchors[ONSET] = writer.make(kind, name=ONSET)
    leaves = writer.make("ScheduleTimelineExit")
    list(instances.values())[-1]["timelineExitId"] = leaves["id"]
    timings = [
        _timing(writer, name, visit, instances[name], anchors[visit.after], first)
        for name, visit in visits.items()
    ]
    return writer.make(
        "ScheduleTimeline",
        name="main timeline",
        mainTimeline=True,
        entryCondition="Randomised",
        entryId=first["id"],
        exits=[leaves],
        timings=timings,
        instances=[*instances.values(), *(one for one in anchors.values() if one is not first)],
    )


def _timing(
    writer: _Writer,
    name: str,
    visit: Visit,
    instance: dict[str, Any],
    anchor: dict[str, Any],
    first: dict[str, Any],
) -> dict[str, Any]:
    fixed = instance is first
    window = {}
    if visit.window_days:
        days = f"P{visit.window_days}D"
        window = {"windowLower": days, "windowUpper": days, "windowLabel": f"{days} either way"}
    return writer.make(
        "Timing",
        name=f"timing of {name}",
        type=writer.code("Fixed Reference" if fixed else "After"),
        value=f"P{visit.day}D",
        valueLabel=counted(visit.day, "days"),
        relativeToFrom=writer.code("Start to Start"),
        relativeFromScheduledInstanceId=instance["id"],
        relativeToScheduledInstanceId=anchor["id"],
        **window,
    )
