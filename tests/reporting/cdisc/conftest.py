"""One trial with everything that can happen in it, as datasets and as files."""

from pathlib import Path

import pytest

from trialsim.analysis.analyse import analyse
from trialsim.reporting.cdisc.calendar import calendar_from
from trialsim.reporting.cdisc.metadata import Dataset
from trialsim.reporting.cdisc.package import datasets_of
from trialsim.reporting.cdisc.source import Source
from trialsim.reporting.exports import write_analysed
from trialsim.scenario.files.yaml_file import load
from trialsim.simulated import simulate

CHANGES = {
    "design.patients": 60,
    "operations.withdrawal.probability": 0.15,
    "operations.death.probability": 0.1,
    "operations.discontinuation.probability": 0.1,
    "operations.drug_related_discontinuation.probability": 0.1,
    "operations.rescue.probability": 0.1,
    "operations.switching": {"probability": 0.1, "to": "placebo"},
    "operations.visit_missed_probability": 0.1,
    "operations.infusion_chairs_per_site": 1,
    "operations.clinic_closes_hour": 9,
    "operations.first_infusion_after_onset.latest_hours": 240,
}
START = "2026-01-05"


@pytest.fixture(scope="session")
def source() -> Source:
    """Return the trial with its dates."""
    return Source(simulate(load("cars1").replace(CHANGES), seed=7), calendar_from(START))


@pytest.fixture(scope="session")
def datasets(source: Source) -> dict[str, Dataset]:
    """Return its datasets by name."""
    return {one.name: one for one in datasets_of(source)}


@pytest.fixture(scope="session")
def written(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with its files; skipped where what writes them is not installed."""
    for needed in ("pyreadstat", "odmlib"):
        pytest.importorskip(needed, reason=f"the extra cdisc is not installed: no {needed}")
    folder = tmp_path_factory.mktemp("cdisc") / "trial"
    write_analysed(folder, source.trial, analyse(source.trial), "", "cdisc", START)
    return folder
