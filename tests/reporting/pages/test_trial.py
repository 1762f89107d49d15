"""The page of one trial: its tables are the trial's own, counted again."""

import re
from typing import Any, Final

import numpy as np
import pytest

from tests.reporting.pages.conftest import CARS1, bare
from trialsim.analysis.analyse import analyse
from trialsim.clock import DAY
from trialsim.replicates.result import SIMULATED
from trialsim.reporting.pages.trial import trial_page
from trialsim.reporting.pages.trial_baseline import baseline_table
from trialsim.reporting.pages.trial_conduct import (
    chairs_table,
    infusions_table,
    most_at_once,
    recruitment_table,
)
from trialsim.reporting.tables.analysis_tables import analyses_table, scores_tables
from trialsim.reporting.tables.page import Table
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.labels import spoken
from trialsim.simulated import SimulatedTrial, simulate
from trialsim.trial.conduct import Lack

pytest.importorskip("jinja2")


CHAIRS: Final = CARS1.replace(
    {
        "operations.infusion_chairs_per_site": 1,
        "operations.candidates_per_site_per_month": 30,
        "operations.clinic_closes_hour": 11,
        "design.patients": 60,
    }
)


@pytest.fixture(scope="module")
def trial() -> SimulatedTrial:
    """Return a trial of the published design."""
    return simulate(CARS1, 2016)


@pytest.fixture(scope="module")
def waiting() -> SimulatedTrial:
    """Return a trial whose patients wait for one chair at each site, some in vain."""
    return simulate(CHAIRS, 2016)


def rows(table: Table) -> dict[str, list[float | None]]:
    """Return the numbers of a table by the first cell of each row."""
    return {row.cells[0].text: [cell.value for cell in row.cells[1:]] for row in table.rows}


def test_baseline_is_that_of_the_patients_of_each_arm(trial: SimulatedTrial) -> None:
    """Oracle: the arrays of the cohort at the patients' numbers."""
    told = rows(baseline_table(trial.tables(), CARS1))
    batch = trial.batch
    candidate, arms = batch.candidate[0], batch.arms[0]
    age = batch.cohort.covariates["age_years"][0, candidate]
    expected = [age[arms == arm].mean() for arm in (0, 1)]
    assert told["Age, years"] == pytest.approx([*expected, age.mean()])
    sex = batch.cohort.covariates["sex"][0, candidate]
    assert told["Sex: male"] == [(sex[arms == arm] == 1).sum() for arm in (0, 1)] + [sex.sum()]
    assert "Hours from onset to presentation at the site" in told
    levels = [numbers for label, numbers in told.items() if label.startswith("Mechanism")]
    assert np.sum(np.array(levels, float), axis=0).tolist() == [104, 104, 208]


def test_a_covariate_that_bears_the_name_of_a_column_is_found() -> None:
    content = bare()
    covariates = content["population"]["covariates"]
    another = {**covariates["sex"], "label": "Another"}
    content["population"]["covariates"] = {"site": another, **covariates}
    study = Scenario.model_validate(content)
    trial = simulate(study, 2016)
    told = rows(baseline_table(trial.tables(), study))
    place = trial.batch.cohort.covariates["site"][0, trial.batch.candidate[0]]
    assert told["Another: female"][2] == (place == 0).sum()
    assert told["Another: male"][2] == (place == 1).sum()


def test_analyses_are_those_of_the_trial(trial: SimulatedTrial) -> None:
    found = analyse(trial)
    table = analyses_table(found, CARS1)
    primary, *others = table.rows
    assert primary.cells[2].value == found.estimate
    assert primary.cells[2].text.startswith(f"{found.estimate:.3f} ({found.ci[0]:.3f} to ")
    assert primary.cells[4].text == "<0.0001"
    assert [row.cells[2].value for row in others] == [
        one.estimate for one in found.secondary.values()
    ]
    assert "Adjusted p" not in table.columns


def test_p_values_are_told_adjusted_where_the_plan_adjusts() -> None:
    further: dict[str, Any] = {"change": {"measure": "change"}}
    content = bare()
    content["analysis"] |= {"secondary": further, "multiplicity": "holm"}
    study = Scenario.model_validate(content)
    found = analyse(simulate(study, 2016))
    table = analyses_table(found, study)
    place = table.columns.index("Adjusted p")
    adjusted = [row.cells[place].value for row in table.rows]
    assert adjusted == [one.adjusted_p_value for one in (found.primary, *found.secondary.values())]


def test_scores_are_those_measured(trial: SimulatedTrial) -> None:
    (table,) = scores_tables(analyse(trial), CARS1)
    scores, arms = trial.batch.scores["arat"][0], trial.batch.arms[0]
    told = rows(table)
    assert list(told) == ["Baseline", "Day 7", "Day 14", "Day 21", "Day 42", "Day 90"]
    for place, numbers in enumerate(told.values()):
        for arm, mean in enumerate(numbers):
            assert mean == pytest.approx(np.nanmean(scores[arms == arm, place]))


def test_infusions_of_an_arm_add_up_to_those_planned(waiting: SimulatedTrial) -> None:
    told = rows(infusions_table(waiting.tables(), CHAIRS))
    conduct, arms = waiting.batch.conduct, waiting.batch.arms[0]
    statuses = ("Given", "Refused", "No chair", "Discontinued", "Withdrawn", "Died")
    counted = np.array([told.get(status, [0, 0]) for status in statuses], float)
    assert counted.sum(axis=0).tolist() == told["Infusions planned"]
    given = [conduct.infusion_given[0, arms == arm].sum() for arm in (0, 1)]
    assert told["Given"] == given
    assert conduct.lacked is not None
    assert counted[2].sum() == (conduct.lacked == Lack.CHAIR).sum() > 0


def test_a_study_without_rehabilitation_tells_of_none(trial: SimulatedTrial) -> None:
    assert "Rehabilitation sessions attended, mean" in rows(infusions_table(trial.tables(), CARS1))
    content = bare()
    content["treatment"]["rehabilitation"] = None
    study = Scenario.model_validate(content)
    told = rows(infusions_table(simulate(study, 2016).tables(), study))
    assert not [label for label in told if label.startswith("Rehabilitation")]


def test_chairs_tell_who_waited_and_how_long(waiting: SimulatedTrial) -> None:
    """Oracle: the engine's arrays, site by site."""
    told = rows(chairs_table(waiting.tables(), CHAIRS))
    conduct, site = waiting.batch.conduct, waiting.batch.site[0]
    assert conduct.waited is not None
    for place, name in enumerate(CHAIRS.operations.sites):
        given = conduct.infusion_given[0, site == place]
        waited = conduct.waited[0, site == place][given]
        infusions, most, number, mean, _ = told[spoken(name)]
        assert (infusions, number) == (given.sum(), (waited > 0).sum())
        assert most == min(given.sum(), 1)
        if number:
            assert mean == pytest.approx(waited[waited > 0].mean())
    assert sum(row[4] or 0 for row in told.values()) > 0


def test_as_many_are_there_at_once_as_a_count_of_every_minute_says() -> None:
    starts = np.random.default_rng(7).integers(0, 500, 60)
    minutes = np.arange(700)[:, None]
    there = ((starts <= minutes) & (minutes < starts + 60)).sum(axis=1)
    assert most_at_once(starts, 60) == there.max()
    assert most_at_once(starts[:0], 60) == 0


def test_recruitment_by_site_adds_up(trial: SimulatedTrial) -> None:
    told = rows(recruitment_table(trial.tables(), CARS1))
    *sites, total = told.values()
    assert list(told)[-1] == "All"
    for column in (1, 2):
        assert sum(site[column] or 0 for site in sites) == total[column]
    assert total[1:3] == [trial.batch.conduct.screened[0], 208]
    closed = trial.batch.conduct.closed[0]
    month = 365.25 / 12 * DAY
    assert total[6] == pytest.approx(208 / closed * month)
    late = told["Site 12"]
    assert late[0] == 112
    assert late[6] == pytest.approx((late[2] or 0) / (closed - 112 * DAY) * month)


def test_the_page_holds_every_table_and_the_flow_diagram() -> None:
    whole = load("cars1")
    trial = simulate(whole, 2016)
    page = trial_page(trial, "trialsim simulate cars1 --report trial.html")
    names = re.findall(r'<table class="sortable" id="([^"]+)"', page)
    scores = [f"scores-{name}" for name in whole.outcomes]
    assert names == ["baseline", *scores, "analyses", "infusions", "chairs", "recruitment"]
    assert page.count(SIMULATED) >= 2
    assert "Randomised (n\xa0=\xa0208)" in page
    assert re.findall(r'<figure id="([^"]+)"', page) == ["flow", "course"]
    assert "trialsim simulate cars1 --report trial.html" in page
    assert f'data-value="{analyse(trial).estimate}" data-name="estimate"' in page
    assert not re.search(r'(src|href)="(?!#|data:)', page)


def test_an_outcome_without_baseline_has_no_row_for_it() -> None:
    content = bare()
    arat = content["outcomes"]["arat"]
    course = {**arat["course"], "start_baseline_correlation": 0, "end_baseline_correlation": 0}
    content["outcomes"]["grip"] = {**arat, "baseline": None, "course": course}
    study = Scenario.model_validate(content)
    one, other = scores_tables(analyse(simulate(study, 2016)), study)
    assert list(rows(one))[1:] == list(rows(other))


def test_a_study_s_words_stay_words() -> None:
    study = CARS1.replace({"title": "<b>A & B</b>", "design.arms.placebo.label": "Saline <0.9%>"})
    page = trial_page(simulate(study, 2016), "trialsim")
    assert "<b>A &" not in page
    assert "Saline &lt;0.9%&gt;" in page
