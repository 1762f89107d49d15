"""What was published stands beside what is simulated, as `reproduce` gives it."""

from pathlib import Path

import pytest

from tests.reporting.conftest import RunOf
from trialsim.questions.calibration.reproduce import reproduce
from trialsim.reporting.evidence.evidence import ReportOptions, collect_evidence
from trialsim.reporting.evidence.published import (
    published_estimate,
    published_table,
    run_reproduction,
)
from trialsim.reporting.pages.report import report
from trialsim.runs.directory import RunDirectory
from trialsim.runs.runner import Runner
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario


@pytest.fixture(scope="module")
def cars1_run(run_of: RunOf) -> RunDirectory:
    """Return a run of a study of which much was published."""
    return run_of(load("cars1"), "cars1", 40)


def test_the_table_is_that_of_reproduce(cars1_run: RunDirectory) -> None:
    told = run_reproduction(cars1_run, 32, Runner(cars1_run.manifest.seed, 1))
    assert told is not None
    expected = reproduce(load("cars1"), 32, cars1_run.manifest.seed, n_jobs=1)
    rows = published_table(told).rows
    assert [row.cells[0].text for row in rows] == [one.label for one in expected.rows]
    for row, one in zip(rows, expected.rows, strict=True):
        found = [cell.value for cell in row.cells[1:6]]
        assert found == [one.published, one.simulated, one.mcse, one.low, one.high]
        assert row.cells[6].text == one.verdict


def test_the_page_shows_the_published_estimate_among_the_simulated(
    cars1_run: RunDirectory,
) -> None:
    wanted = ReportOptions(
        null_replicates=0, sensitivity_replicates=0, published_replicates=32, n_jobs=1
    )
    page = report(collect_evidence(cars1_run, wanted))
    assert 'id="published"' in page
    assert "0.71" in page.partition('id="estimates"')[2].partition("</figure>")[0]


def test_a_study_of_which_nothing_was_published_has_no_table(
    modest_run: RunDirectory, modest: Scenario, tmp_path: Path
) -> None:
    assert published_estimate(modest) is None
    assert run_reproduction(modest_run, 32, Runner(1, 1), tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_another_count_is_computed_again(cars1_run: RunDirectory, tmp_path: Path) -> None:
    for count in (32, 16):
        again = run_reproduction(cars1_run, count, Runner(cars1_run.manifest.seed, 1), tmp_path)
        assert again is not None
        assert again["replicates"] == count
