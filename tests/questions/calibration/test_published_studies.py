"""The studies that come with the package give what they say that they were made to give."""

import pytest

from trialsim.questions.calibration.reproduce import Reproduction, reproduce
from trialsim.questions.calibration.simulated_figures import simulated_figures
from trialsim.runs.runner import Runner
from trialsim.scenario.files.builtin import builtin_studies
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.programme import Study, source_at
from trialsim.scenario.validation.sources import UNSOURCED, source_of
from trialsim.stats.monte_carlo import mean_over_replicates

TRIALS = 64


@pytest.fixture(scope="module")
def studies() -> list[Study]:
    """Return the studies that come with the package."""
    return [load_study(name) for name in builtin_studies()]


@pytest.fixture(scope="module")
def reproduced(studies: list[Study]) -> dict[str, Reproduction]:
    """Return what each study gives for its findings."""
    published = [study for study in studies if study.findings]
    return {study.name: reproduce(study, TRIALS, seed=7, n_jobs=1) for study in published}


def test_a_calibrated_study_gives_the_figures_that_it_was_solved_for(
    reproduced: dict[str, Reproduction],
) -> None:
    """Three and a half Monte Carlo errors, beside the rounding of what was published."""
    rows = [(name, row) for name, one in reproduced.items() for row in one.rows if row.calibrated]
    assert rows
    for name, row in rows:
        within = row.rounding + 3.5 * row.mcse
        assert abs(row.simulated - row.published) <= within, (name, row.label)


def test_a_study_gives_the_quantities_that_it_was_solved_for(studies: list[Study]) -> None:
    """Three and a half Monte Carlo errors of the mean over trials."""
    seen = 0
    for study in studies:
        solved = [(one.quantity, one.value) for one in study.calibrated.values() if one.quantity]
        if not solved:
            continue
        names = [quantity for quantity, _ in solved]
        done = simulated_figures(study, names, {}, range(TRIALS), Runner(7, 1, "auto"))
        for quantity, value in solved:
            assert value is not None
            mean = mean_over_replicates(done.columns[quantity])
            assert abs(mean.estimate - value) <= 3.5 * mean.mcse, (study.name, quantity)
            seen += 1
    assert seen


def test_what_a_study_does_not_give_it_explains(reproduced: dict[str, Reproduction]) -> None:
    for name, one in reproduced.items():
        for row in one.rows:
            told = row.verdict != "not reproduced" or row.explanation is not None
            assert told, (name, row.label)


def test_every_finding_has_a_source(studies: list[Study]) -> None:
    for study in studies:
        for one in study.findings:
            path = f"findings.{one}"
            assert source_of(path, study.sources) is not UNSOURCED, (study.name, path)


def test_no_number_that_was_solved_for_says_that_it_was_published(studies: list[Study]) -> None:
    for study in studies:
        for path in study.calibrated:
            assert source_at(path, study).status != "published", (study.name, path)
