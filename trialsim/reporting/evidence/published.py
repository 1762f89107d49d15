"""What was published of a study beside what its simulation gives, where the study says any."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from trialsim.questions.calibration.reproduce import reproduced
from trialsim.reporting.evidence.kept_file import kept
from trialsim.reporting.tables.page import Cell, Table, TableRow, number
from trialsim.runs.directory import RunDirectory
from trialsim.runs.runner import Runner
from trialsim.scenario.plan.choices import PRIMARY
from trialsim.scenario.plan.findings import AnalysisFigure
from trialsim.scenario.programme import single_trial
from trialsim.scenario.scenario import Scenario

KEPT: Final = "reproduction.json"
"""The file that holds the comparison made for a report, where it is kept."""
_COLUMNS: Final = (
    "Figure",
    "Published",
    "Simulated mean",
    "Monte Carlo error",
    "95% of trials from",
    "to",
    "Verdict",
    "Explanation",
)


def run_reproduction(
    run: RunDirectory, replicates: int, runner: Runner, keep: Path | None = None
) -> dict[str, Any] | None:
    """Return a study's findings beside the simulated figures, None where it says none.

    They are read from a folder that keeps them, or else written there.

    Raises
    ------
    RunError
        If every replicate failed, or they cannot be kept.
    """
    manifest = run.manifest
    scenario = single_trial(manifest.scenario)
    if not scenario.findings:
        return None
    findings = {name: one.model_dump(mode="json") for name, one in scenario.findings.items()}
    inputs = {"seed": manifest.seed, "replicates": replicates, "findings": findings}

    def compute() -> dict[str, Any]:
        found = reproduced(runner, scenario, replicates)
        return {name: value for name, value in found.to_dict().items() if name != "seconds"}

    return kept(keep and keep / KEPT, inputs, compute)


def published_estimate(scenario: Scenario) -> float | None:
    """Return the published estimate of the primary analysis, None where there is none.

    >>> from trialsim.scenario.files.yaml_file import load
    >>> published_estimate(load("cars1"))
    0.71
    """
    primary = AnalysisFigure(kind="analysis", analysis=PRIMARY, figure="estimate")
    return next((one.value for one in scenario.findings.values() if one.of == primary), None)


def published_table(reproduction: Mapping[str, Any]) -> Table:
    """Return a row for each published figure, in the order of the study."""
    rows = [_row(place, row) for place, row in enumerate(reproduction["rows"])]
    caption = f"What was published, beside {reproduction['replicates']:,} simulated trials"
    return Table("published-figures", caption, _COLUMNS, rows)


def _row(place: int, row: Mapping[str, Any]) -> TableRow:
    decimals, path = row["decimals"], f"reproduction.rows.{place}"
    cells = [
        Cell(row["label"]),
        number(row["published"], decimals, f"{path}.published"),
        *(
            number(row[name], decimals + 1, f"{path}.{name}")
            for name in ("simulated", "mcse", "low", "high")
        ),
        Cell(row["verdict"], kind="status"),
        Cell(row["explanation"] or "", kind="prose" if row["explanation"] else ""),
    ]
    return TableRow(cells)
