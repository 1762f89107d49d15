"""The studies that come with the package give what they say that they were made to give."""

from functools import cache

import pytest

from trialsim.questions.calibration.reproduce import Reproduction, reproduce
from trialsim.questions.calibration.simulated_figures import simulated_figures
from trialsim.runs.runner import Runner
from trialsim.scenario.files.builtin import builtin_studies
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.programme import source_at
from trialsim.scenario.validation.sources import UNSOURCED, source_of
from trialsim.stats.monte_carlo import mean_over_replicates

STUDIES = {name: load_study(name) for name in builtin_studies()}
PUBLISHED = [name for name, study in STUDIES.items() if study.findings]
CALIBRATED = [name for name, study in STUDIES.items() if study.calibrated]
TRIALS = 64


@cache
def reproduced(name: str) -> Reproduction:
    """Return what a study gives for its findings, simulated once for all tests."""
    return reproduce(STUDIES[name], TRIALS, seed=7, n_jobs=1)


@pytest.mark.parametrize("name", [name for name in CALIBRATED if STUDIES[name].findings])
def test_a_calibrated_study_gives_the_figures_that_it_was_solved_for(name: str) -> None:
    """Three and a half Monte Carlo errors, beside the rounding of what was published."""
    for row in reproduced(name).rows:
        within = row.rounding + 3.5 * row.mcse
        assert not row.calibrated or abs(row.simulated - row.published) <= within, row.label


@pytest.mark.parametrize("name", CALIBRATED)
def test_a_study_gives_the_quantities_that_it_was_solved_for(name: str) -> None:
    """Three and a half Monte Carlo errors of the mean over trials."""
    records = [one for one in STUDIES[name].calibrated.values() if one.quantity is not None]
    if not records:
        return
    names = [one.quantity for one in records if one.quantity is not None]
    done = simulated_figures(STUDIES[name], names, {}, range(TRIALS), Runner(7, 1, "auto"))
    for one in records:
        assert one.quantity is not None
        assert one.value is not None
        mean = mean_over_replicates(done.columns[one.quantity])
        assert abs(mean.estimate - one.value) <= 3.5 * mean.mcse, one.quantity


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_a_study_does_not_give_it_explains(name: str) -> None:
    for row in reproduced(name).rows:
        assert row.verdict != "not reproduced" or row.explanation is not None, row.label


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_finding_has_a_source(name: str) -> None:
    study = STUDIES[name]
    omitted_defaults = [
        one for one in study.findings if source_of(f"findings.{one}", study.sources) is UNSOURCED
    ]
    assert omitted_defaults == []


@pytest.mark.parametrize("name", CALIBRATED)
def test_no_number_that_was_solved_for_says_that_it_was_published(name: str) -> None:
    study = STUDIES[name]
    statuses = {path: source_at(path, study).status for path in study.calibrated}
    assert "published" not in statuses.values(), statuses
