"""The report of a run: one page, which answers first, and then says how it knows.

The answer comes first, then the results, how they were found, and what was assumed. It has all
parts of ADEMP (Morris, White and Crowther 2019, Statistics in Medicine 38:2074): aims,
data-generating mechanisms, estimands, methods, performance measures. What stands in its tables
stands in full precision, under the names of the JSON, in the page's data.
"""

from base64 import b64encode
from typing import Any, Final

from pandas import DataFrame

from trialsim.analysis.analyse import analyse
from trialsim.questions.estimands.result import INDIVIDUAL, Estimands
from trialsim.questions.monitoring.bounds import bounds
from trialsim.replicates.result import PowerResult
from trialsim.reporting.evidence.evidence import Evidence
from trialsim.reporting.evidence.published import published_table
from trialsim.reporting.evidence.reproduction import commands, versions
from trialsim.reporting.pages.example_tables import example_tables
from trialsim.reporting.pages.report_figures import figures_of
from trialsim.reporting.pages.sensitivity_table import sensitivity_tables
from trialsim.reporting.tables.assumptions import Part, as_frame, parts, status_counts
from trialsim.reporting.tables.checklist import checklist
from trialsim.reporting.tables.credibility_table import credibility_table
from trialsim.reporting.tables.estimands_tables import estimands_tables, meant_table
from trialsim.reporting.tables.failure_tables import failure_tables
from trialsim.reporting.tables.first_page import first_page
from trialsim.reporting.tables.looks_tables import looks_tables
from trialsim.reporting.tables.operating_characteristics import (
    nuisance_table,
    performance,
    quantiles,
    resources,
)
from trialsim.reporting.tables.page import rendered
from trialsim.reporting.tables.scenarios_table import scenarios_table
from trialsim.reporting.text.power import HARMFUL, about_ratios
from trialsim.runs.plain_csv import as_csv
from trialsim.runs.plain_json import as_json
from trialsim.scenario.files.yaml_file import to_yaml
from trialsim.scenario.programme import single_trial
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.description import describe
from trialsim.scenario.words.estimands import OF_ALL_PAIRS, VARYING

_MECHANISMS: Final = (
    "Treatment",
    "Visits",
    "Eligibility",
    "Population",
    "Operations",
    "Outcomes together",
)
"""Sections of a study that say how its patients are simulated; the primary outcome joins them."""


def report(evidence: Evidence, question: str = "", command: str = "", conclusion: str = "") -> str:
    """Return the report of a run as a page.

    Parameters
    ----------
    question
        What the study was simulated to answer, in the words of whoever asks.
    command
        How the report was made.
    conclusion
        What its author concludes, in the author's words.

    Raises
    ------
    InputError
        If the extra `report` is not installed.
    """
    result, scenario = evidence.result, single_trial(evidence.run.manifest.scenario)
    null = evidence.without_effect
    study = describe(scenario)
    sections = parts(study, scenario)
    meant = evidence.estimands
    planned = None if scenario.monitoring is None else bounds(scenario)
    content = {
        "first": first_page(evidence, question),
        "study": study,
        "scenario": scenario,
        "plan": scenario.analysis,
        "result": result,
        "null": null,
        "what_if": evidence.what_if,
        "own_what_if": evidence.own_what_if,
        "examples": evidence.examples,
        "conventions": result.conventions,
        "harm": HARMFUL if result.is_harmful else "",
        "design": sections[0],
        "mechanisms": [part for part in sections if _is_mechanism(part, scenario)],
        "assumptions": [part for part in sections if part.table],
        "assumptions_csv": _data_link(as_frame(study, scenario)),
        "statuses": status_counts(study),
        "performance": performance(result, null.result if null else None),
        **_under_other_values(evidence, scenario),
        **{"conclusion": conclusion, "credibility": credibility_table(evidence, question)},
        "resources": resources(result),
        **_of_estimands(scenario, meant),
        "looks": planned and looks_tables(result, planned),
        "doubts": planned.warnings if planned else (),
        "reversals": result.looks and result.looks.reversals(),
        "published": evidence.reproduction and published_table(evidence.reproduction),
        "sensitivity": evidence.what_if and sensitivity_tables(evidence.what_if, scenario),
        "example_tables": example_tables(evidence.examples),
        "varying": VARYING,
        "notes": list(about_ratios(result)),
        "checklist": checklist(evidence, conclusion),
        "failures": failure_tables(result),
        "figures": figures_of(evidence),
        "commands": commands(evidence, command),
        "versions": versions(evidence.run),
        "yaml": to_yaml(scenario),
        "data": as_json(data_of(evidence)).replace("<", "\\u003c"),
    }
    return rendered("report.html", content)


def _under_other_values(evidence: Evidence, scenario: Scenario) -> dict[str, Any]:
    """Return what the design does over nuisance values, and in the scenarios that are named."""
    return {
        "nuisance": evidence.nuisance and nuisance_table(evidence.nuisance),
        "scenarios": evidence.scenarios and scenarios_table(evidence.scenarios, scenario),
    }


def _of_estimands(scenario: Scenario, meant: Estimands | None) -> dict[str, Any]:
    """Return what each analysis is for, and the true values where the run is one for estimands."""
    return {
        "meant": meant_table(scenario, None if meant is None else meant.named),
        "estimands": meant and estimands_tables(meant),
        "of_all_pairs": OF_ALL_PAIRS,
        "individual": INDIVIDUAL,
    }


def data_of(evidence: Evidence) -> dict[str, Any]:
    """Return the numbers of the page as plain values: those of the JSON of each result."""
    null = evidence.without_effect
    typical = evidence.examples[0].trial if evidence.examples else None
    scenario = single_trial(evidence.run.manifest.scenario)
    meant = evidence.estimands
    return {
        "run": _as_kept(evidence.result),
        "bounds": None if scenario.monitoring is None else bounds(scenario).to_dict(),
        "null": null and _as_kept(null.result),
        "what_if": evidence.what_if,
        "estimands": meant and {**meant.to_dict(), "seconds": None},
        "reproduction": evidence.reproduction,
        "nuisance": evidence.nuisance,
        "scenarios": evidence.scenarios,
        "quantiles": quantiles(evidence.result),
        "examples": [one.to_dict() for one in evidence.examples],
        "analysis": typical and analyse(typical).to_dict(),
    }


def _is_mechanism(part: Part, scenario: Scenario) -> bool:
    endpoint = scenario.outcomes[scenario.analysis.endpoint].label
    return part.title in (*_MECHANISMS, f"Outcome: {endpoint}")


def _data_link(table: DataFrame) -> str:
    """Return a table as a CSV file that a link of the page itself holds."""
    encoded = b64encode(as_csv(table).encode("utf-8")).decode("ascii")
    return f"data:text/csv;charset=utf-8;base64,{encoded}"


def _as_kept(result: PowerResult) -> dict[str, Any]:
    """Return a result as the summary of a run holds it, without the seconds."""
    return {name: value for name, value in result.to_dict().items() if name != "seconds"}
