"""What was published of a study beside what its simulation gives, where the study says any."""

from collections.abc import Mapping
from typing import Any, Final

from trialsim.questions.calibration.reproduce import reproduced
from trialsim.reporting.evidence.kept_file import read_kept, write_kept
from trialsim.reporting.tables.page import Cell, Table, TableRow, number
from trialsim.runs.directory import RunDirectory
from trialsim.runs.runner import Runner
from trialsim.scenario.plan.findings import PRIMARY, AnalysisFigure
from trialsim.scenario.programme import single_trial
from trialsim.scenario.scenario import Scenario

KEPT: Final = "reproduction.json"
"""The file, in the folder of a run, that holds the comparison made for its report."""
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


def computed(run: RunDirectory, replicates: int, runner: Runner) -> dict[str, Any] | None:
    """Return a study's findings beside the simulated figures, None where it says none.

    Raises
    ------
    RunError
        If every replicate failed, or nothing can be kept in the folder of the run.
    """
    manifest = run.manifest
    scenario = single_trial(manifest.scenario)
    if not scenario.findings:
        return None
    findings = {name: one.model_dump(mode="json") for name, one in scenario.findings.items()}
    asked = {"seed": manifest.seed, "replicates": replicates, "findings": findings}
    held = read_kept(run.folder / KEPT, asked)
    if held is not None:
        return held
    found = reproduced(runner, scenario, replicates)
    told = {name: value for name, value in found.to_dict().items() if name != "seconds"}
    return write_kept(run.folder / KEPT, asked, told)


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
    return Table("published", caption, _COLUMNS, rows)


def _row(place: int, row: Mapping[str, Any]) -> TableRow:
    decimals, path = row["decimals"], f"reproduction.rows.{place}"
    cells = [
        Cell(row["label"]),
        number(row["published"], decimals, f"{path}.published"),
        *(
            number(float("nan") if row[name] is None else row[name], decimals + 1, f"{path}.{name}")
            for name in ("simulated", "mcse", "low", "high")
        ),
        Cell(row["verdict"], kind="status"),
        Cell(row["explanation"] or "", kind="prose" if row["explanation"] else ""),
    ]
    return TableRow(cells)
