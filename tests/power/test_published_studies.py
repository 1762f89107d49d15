"""The studies that come with the package give what they say that they were made to give."""

import pytest

from trialsim.power.reproduce import reproduce
from trialsim.scenario.programme import Study
from trialsim.scenario.sources import UNSOURCED, source_of
from trialsim.scenario.studies import builtin_studies, load_study

STUDIES = {name: load_study(name) for name in builtin_studies()}
PUBLISHED = [name for name, study in STUDIES.items() if study.findings]
CALIBRATED = [name for name, study in STUDIES.items() if study.calibrated]


def with_findings_alone(study: Study, names: set[str]) -> Study:
    findings = {name: one for name, one in study.findings.items() if name in names}
    return study.model_copy(update={"findings": findings})


@pytest.mark.parametrize("name", CALIBRATED)
def test_a_calibrated_study_gives_the_figures_that_it_was_solved_for(name: str) -> None:
    """Three Monte Carlo errors of 192 trials, beside the rounding of what was published."""
    study = STUDIES[name]
    targets = {one.finding for one in study.calibrated.values() if one.finding is not None}
    for row in reproduce(with_findings_alone(study, targets), 192, seed=7, n_jobs=1).rows:
        assert abs(row.simulated - row.published) <= row.rounding + 3 * row.mcse, row.label


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_a_study_does_not_give_it_explains(name: str) -> None:
    for row in reproduce(STUDIES[name], 64, seed=8, n_jobs=1).rows:
        assert row.verdict != "not reproduced" or row.explanation is not None, row.label


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_finding_has_a_source(name: str) -> None:
    study = STUDIES[name]
    unsaid = [
        one for one in study.findings if source_of(f"findings.{one}", study.sources) is UNSOURCED
    ]
    assert unsaid == []


def test_every_number_that_was_solved_for_a_quantity_is_checked_too() -> None:
    """None is, so far: each was solved for a finding."""
    others = [
        (name, path)
        for name, study in STUDIES.items()
        for path, one in study.calibrated.items()
        if one.finding is None
    ]
    assert others == []
