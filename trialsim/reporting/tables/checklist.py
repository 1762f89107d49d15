"""What guidances ask of a simulation report, and where this one has it or why it has not.

FDA 2019: Adaptive Designs for Clinical Trials. FDA 2020: Interacting with the FDA on Complex
Innovative Trial Designs. FDA 2026: Use of Bayesian Methodology (draft). ICH E9(R1): estimands;
E20: adaptive designs (draft 2025); M15: model-informed drug development. ADEMP: Morris, White and
Crowther 2019, Statistics in Medicine 38:2074.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from trialsim.reporting.evidence.evidence import Evidence
from trialsim.reporting.tables.page import Cell, Table, TableRow
from trialsim.scenario.monitoring.monitoring import Monitoring
from trialsim.scenario.programme import single_trial
from trialsim.scenario.report import Credibility

_RELIED_ON: Final = "Question, context of use, influence, and consequence of a wrong decision"


class Demand(NamedTuple):
    """What is asked, by whom, and the place in the report or the reason why it has none."""

    asked: str
    by: str
    place: str
    """The name of a section or table of the page; empty where it does not apply."""
    told: str
    """The words of the link, or the reason."""


def checklist(evidence: Evidence, conclusion: str = "") -> Table:
    """Return each demand with a link to its place, or with why it does not apply."""
    every = (*_OF_EVERY_REPORT, _of_the_author(conclusion), *_of_this_one(evidence))
    rows = [
        TableRow([Cell(one.asked), Cell(one.by), Cell(one.told, target=one.place)]) for one in every
    ]
    columns = ("Asked for", "By", "Where, or why not")
    return Table("demands", "What guidances ask of a simulation report", columns, rows)


_OF_EVERY_REPORT: Final = (
    Demand("Aims, and the design in words", "FDA 2019, E20, ADEMP", "aims", "Aims and design"),
    Demand("Data-generating mechanisms", "ADEMP", "mechanisms", "Data-generating mechanisms"),
    Demand(
        "Assumptions with their sources", "FDA 2019, E20, M15", "assumptions", "Every assumption"
    ),
    Demand("Methods of analysis", "ADEMP", "methods", "Methods"),
    Demand("The estimand's five attributes", "E9(R1), ADEMP", "estimands", "Estimands"),
    Demand(
        "Number of trials simulated, and Monte Carlo errors",
        "FDA 2019, ADEMP",
        "methods",
        "Methods",
    ),
    Demand(
        "Power, bias and coverage", "FDA 2019, E20, ADEMP", "performance", "Performance measures"
    ),
    Demand(
        "Expected size and duration, and their distribution", "FDA 2019", "resources", "Percentiles"
    ),
    Demand(
        "Example trials of different conclusions", "FDA 2019", "example-trials", "Example trials"
    ),
    Demand(
        "Code, software, versions and seeds",
        "FDA 2019, M15",
        "reproduction",
        "How to reproduce this",
    ),
)


def _of_the_author(conclusion: str) -> Demand:
    demand = Demand("Conclusions", "FDA 2019", "conclusion", "The author’s conclusion")
    reason = "Left to the reader: --conclusion prints the author’s own"
    return _unless(not conclusion, reason, demand)


def _of_this_one(evidence: Evidence) -> Iterator[Demand]:
    """Yield what a report has only if it was requested, or if something was published."""
    study = single_trial(evidence.run.manifest.scenario)
    yield _unless(
        evidence.without_effect is None,
        "Not requested: --null-replicates",
        Demand("Type I error", "FDA 2019, E20", "performance", "Performance measures"),
    )
    yield _unless(
        study.report.credibility == Credibility(),
        "Not part of the study: report.credibility can say it",
        Demand(_RELIED_ON, "M15", "credibility", "Credibility of the simulation"),
    )
    asked = "Type I error over nuisance values, each on a seed of its own"
    yield _unless(
        evidence.nuisance is None,
        "Not requested: --nuisance-replicates",
        Demand(asked, "FDA 2019, E20", "nuisance", "The type I error under other values"),
    )
    asked = "Scenarios by name, why they suffice, and the worst type I error among them"
    yield _unless(
        evidence.scenarios is None,
        "Not part of the study, nor requested: report.scenarios or --scenarios",
        Demand(asked, "FDA 2019, E20", "scenarios", "Named scenarios"),
    )
    asked, place = "Sensitivity to what is assumed", "assumptions-varied"
    yield _unless(
        evidence.what_if is None,
        "Not requested: --sensitivity-replicates",
        Demand(asked, "FDA 2019, M15", place, "Sensitivity to assumptions"),
    )
    asked = "Analyses for missing data beside their estimands"
    yield _unless(
        evidence.estimands is None,
        "Not part of this run: trialsim estimands, missingness and tipping-point",
        Demand(asked, "E9(R1)", "estimands", "Estimands"),
    )
    yield _unless(
        evidence.reproduction is None,
        "Nothing published is compared",
        Demand("Validation against what is known", "M15", "published", "What was published"),
    )
    yield from _of_looks(study.monitoring)
    asked = "Priors, borrowing and their conflict with the data"
    yield Demand(asked, "FDA 2020, FDA 2026", "", "Does not apply: the analysis is not Bayesian")


def _of_looks(monitoring: Monitoring | None) -> Iterator[Demand]:
    """Yield what is asked of a study whose data are looked at before the end."""
    reason = "Does not apply: nobody looks at the data before the end"
    for asked, by in (
        ("Chance of each stop, and of wrong decisions", "FDA 2019, E20"),
        ("Estimates given where the trial stopped", "E20"),
    ):
        demand = Demand(asked, by, "looks-at-the-data", "Looks at the data")
        yield _unless(monitoring is None, reason, demand)
    asked = "Who sees the data, and how integrity is kept"
    if monitoring is not None and not monitoring.board:
        reason = "Not part of the study: monitoring.board can say it"
    demand = Demand(asked, "FDA 2019, E20", "looks-at-the-data", "Looks at the data")
    yield _unless(monitoring is None or not monitoring.board, reason, demand)


def _unless(lacking: bool, reason: str, demand: Demand) -> Demand:
    return demand._replace(place="", told=reason) if lacking else demand
