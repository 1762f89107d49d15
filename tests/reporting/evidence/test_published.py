"""What was published stands beside what is simulated, as `reproduce` gives it."""

from pathlib import Path

from trialsim.questions.calibration.reproduce import reproduce
from trialsim.reporting.evidence.published import (
    published_estimate,
    published_table,
    run_reproduction,
)
from trialsim.runs.directory import RunDirectory
from trialsim.runs.runner import Runner
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario


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


def test_the_page_shows_the_published_estimate_among_the_simulated(cars1_page: str) -> None:
    assert 'id="published"' in cars1_page
    assert "0.71" in cars1_page.partition('id="estimates"')[2].partition("</figure>")[0]


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
