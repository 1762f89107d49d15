"""The page of one patient: the tables' own records, drawn to scale and told in words."""

import re
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any, Final
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.reporting.pages.conftest import CARS1, bare
from trialsim.clock import DAY
from trialsim.errors import InputError
from trialsim.replicates.result import SIMULATED
from trialsim.reporting.consort.text import text_width
from trialsim.reporting.pages.patient import patient_page
from trialsim.reporting.pages.patient_tables import (
    covariates_table,
    eligibility_table,
    infusions_table,
    scores_tables,
)
from trialsim.reporting.pages.patient_timeline import (
    SIZE,
    Days,
    Scores,
    TimelineEvent,
    layout,
    timeline_drawing,
)
from trialsim.runs.replay import timeline
from trialsim.scenario.scenario import Scenario
from trialsim.simulated import SimulatedTrial, simulate

pytest.importorskip("jinja2")

SVG: Final = "{http://www.w3.org/2000/svg}"


PATIENTS: Final = (1, 8, 15, 22, 43)
"""Of every arm: who died, completed, refused, stopped, missed a visit, and was rescued."""
KINDS: Final = ("given", "refused", "no chair", "discontinued", "withdrawn", "died")


@pytest.fixture(scope="module")
def trial() -> SimulatedTrial:
    """Return a trial with three outcomes, three arms and every kind of mishap."""
    content = bare()
    arat = content["outcomes"]["arat"]
    outcome = {"label": "Stroke scale", "baseline": "nihss", "high": 42, "better": "lower"}
    grip: dict[str, Any] = {
        "label": "Grip",
        "baseline": None,
        "kind": "continuous",
        "unit": "kg",
        "step": 0.5,
    }
    grip["course"] = {
        **arat["course"],
        "start_baseline_correlation": 0,
        "end_baseline_correlation": 0,
    }
    content["outcomes"] |= {"nihss": {**arat, **outcome}, "grip": {**arat, **grip}}
    content["treatment"]["rehabilitation"] = None
    content["design"] |= {"patients": 60, "block_size": 3}
    content["design"]["arms"] = {
        f"dose_{dose}": {"label": f"{dose} mL", "dose_ml": dose, "volume_ml": 100}
        for dose in (0, 10, 30)
    }
    content["analysis"] |= {"treated": "dose_30", "control": "dose_0"}
    content["operations"] |= {
        "infusion_chairs_per_site": 1,
        "candidates_per_site_per_month": 20,
        "visit_missed_probability": 0.2,
    }
    for what in ("withdrawal", "death", "discontinuation"):
        content["operations"][what]["probability"] = 0.2
    for what in ("drug_related_discontinuation", "rescue"):
        content["operations"][what] = {"probability": 0.2}
    return simulate(Scenario.model_validate(content), 2016)


@pytest.fixture(scope="module")
def page_of(trial: SimulatedTrial) -> Callable[[int], str]:
    """Return a function from a patient's number to the page, made once."""
    return cache(lambda patient: patient_page(trial, patient, "trialsim replay run/"))


def records(trial: SimulatedTrial, name: str, patient: int) -> list[dict[str, Any]]:
    """Return a patient's rows of a table, None where nothing is known."""
    table = trial.tables()[name]
    plain = table[table["subject"] == patient].astype(object)
    rows = plain.where(plain.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def test_infusions_are_those_of_the_engine(trial: SimulatedTrial) -> None:
    conduct = trial.batch.conduct
    for patient in PATIENTS:
        midnight = int(conduct.randomised[0, patient - 1]) // DAY * DAY
        table = infusions_table(records(trial, "infusions", patient), midnight)
        given = conduct.infusion_given[0, patient - 1]
        started = conduct.infusion_start[0, patient - 1] - midnight
        assert len(table.rows) == 21
        for row, was_given, start in zip(table.rows, given, started, strict=True):
            assert (row.cells[3].text == "given") == was_given
            time = f"{start % DAY // 60:02}:{start % 60:02}"
            assert row.cells[4].text == (time if was_given else "–")


def test_scores_are_those_measured_and_those_of_every_arm(trial: SimulatedTrial) -> None:
    for patient in PATIENTS:
        way = timeline(trial, patient)
        tables = scores_tables(way, records(trial, "visits", patient), trial.scenario, 0)
        own = list(trial.scenario.design.arms).index(way.arm)
        for table, name in zip(tables, ("arat", "nihss", "grip"), strict=True):
            told = np.array(
                [
                    [np.nan if c.value is None else c.value for c in row.cells[3:]]
                    for row in table.rows
                ]
            )
            scores = trial.batch.scores[name][0, patient - 1]
            assert np.array_equal(told[:, 0], scores, equal_nan=True)
            underlying = trial.batch.underlying[name][0, patient - 1]
            assert np.array_equal(told[:, 1 + own], underlying, equal_nan=True)
            assert table.columns[4 + own] == f"on {way.arm.replace('_', ' ')}, as allocated"


def test_the_arm_decides_what_follows_from_it(
    trial: SimulatedTrial, page_of: Callable[[int], str]
) -> None:
    """Oracle: the table of the patients where the patient is as allocated, and the doses."""
    for patient in PATIENTS:
        page = page_of(patient)
        table = page[page.index('id="arms"') :]
        told = re.findall(r'data-value="([^"]+)"', table[: table.index("</table>")])
        given, drug, _ = np.array(told, float).reshape(3, 3).T
        (subject,) = records(trial, "subjects", patient)
        own = ["dose_0", "dose_10", "dose_30"].index(subject["arm"])
        assert given[own] == subject["infusions_given"]
        assert drug.tolist() == (given * [0, 10, 30]).tolist()


def test_every_rule_is_told_with_what_was_found(trial: SimulatedTrial) -> None:
    way = timeline(trial, 5)
    rows = [[cell.text for cell in row.cells] for row in eligibility_table(way, CARS1).rows]
    assert len(rows) == len(CARS1.eligibility.rules)
    assert rows[0] == [
        "45 to 85 years (Age: at least 45 years and at most 85 years)",
        "Inclusion",
        f"{way.covariates['age_years']}",
        "met",
    ]
    assert ["Exclusion", "no", "not met"] in [row[1:] for row in rows]
    assert ["Inclusion", "internal carotid", "met"] in [row[1:] for row in rows]
    values = {row.cells[0].text: row.cells[1].text for row in covariates_table(way, CARS1).rows}
    assert values["Age, years"] == rows[0][2]
    assert len(values) == len(CARS1.population.covariates)


@pytest.mark.parametrize("patient", PATIENTS)
def test_the_page_tells_the_days_of_the_timeline(
    trial: SimulatedTrial, page_of: Callable[[int], str], patient: int
) -> None:
    page, way = page_of(patient), timeline(trial, patient)
    names = re.findall(r'<table class="sortable" id="([^"]+)"', page)
    tables = [
        "arms",
        "scores-arat",
        "scores-nihss",
        "scores-grip",
        "eligibility",
        "covariates",
        "infusions",
        "days",
    ]
    assert names == tables
    days = page[page.index('id="days"') :]
    assert days[: days.index("</table>")].count("<tr") == 1 + len(way.events)
    assert "None" not in page
    assert page.count(SIMULATED) >= 2
    assert "there is no such person" in page
    assert not re.search(r'(src|href)="(?!#|data:)', page)


def test_the_drawing_marks_what_the_tables_tell(
    trial: SimulatedTrial, page_of: Callable[[int], str]
) -> None:
    for patient in PATIENTS:
        page = page_of(patient)
        drawing = page[page.index("<svg") : page.index("</svg>") + 6]
        root = ElementTree.fromstring(drawing)
        said = [one.text or "" for one in root.iter(f"{SVG}title")]
        for row in records(trial, "infusions", patient):
            told = [one for one in said if f"infusion {row['infusion']}," in one]
            assert len(told) == 1
            assert told[0].endswith(row["status"])
        visits = records(trial, "visits", patient)
        scores = [one[0, patient - 1] for one in trial.batch.scores.values()]
        assert sum("measured" in one for one in said) == np.isfinite(scores).sum()
        assert sum("visit " in one for one in said) == len(visits)


def test_a_patient_who_was_not_randomised_has_no_page(trial: SimulatedTrial) -> None:
    with pytest.raises(InputError, match="--patient: must be a patient of the trial, 1 to 60"):
        patient_page(trial, 61, "")


minutes = st.integers(-3 * DAY, 800 * DAY).map(lambda minute: minute / DAY)
happenings = st.lists(
    st.builds(TimelineEvent, minutes, st.sampled_from(KINDS), st.text("ab<&", max_size=5)),
    min_size=1,
    max_size=60,
)


@st.composite
def drawn_days(draw: st.DrawFn) -> Days:
    """Return days of a patient with up to three outcomes in up to six arms."""
    visits = draw(st.lists(minutes, min_size=1, max_size=8).map(sorted))
    arms = [f"arm {'long ' * place}{place}" for place in range(draw(st.integers(2, 6)))]
    score = st.lists(st.integers(0, 57), min_size=len(visits), max_size=len(visits))
    seen = st.lists(st.booleans(), min_size=len(visits), max_size=len(visits))
    scores = [
        Scores("Scale", 0, 57, arms[0], visits, {arm: draw(score) for arm in arms}, draw(seen))
        for _ in range(draw(st.integers(0, 3)))
    ]
    return Days({"Infusions": draw(happenings), "Visits": draw(happenings)}, scores)


BEFORE: Final = Days({"Events": [TimelineEvent(-1.4, "onset", "onset")]}, [])


@given(drawn_days())
@example(BEFORE)
def test_everything_is_drawn_inside_and_in_order_of_time(days: Days) -> None:
    drawn = layout(days)
    for mark in (*drawn.marks, *drawn.legend):
        assert mark.x >= mark.half
        assert mark.x + mark.half <= drawn.width
        assert 0 < mark.y < drawn.height
    for row, (y, _) in zip(days.bands.values(), drawn.rows, strict=True):
        there = [mark.x for mark in drawn.marks if mark.y == y]
        in_order = [x for _, x in sorted(zip([one.day for one in row], there, strict=True))]
        assert in_order == sorted(there)
    for chart in drawn.charts:
        assert len(chart.curves) == len(days.scores[0].by_arm)
        for curve in chart.curves:
            assert all(chart.top <= y <= chart.bottom for _, y in curve.points)
    tops = [drawn.rows[-1][0], *(chart.top for chart in drawn.charts), drawn.axis]
    assert all(one < other for one, other in pairwise(tops))
    for mark, after in pairwise(drawn.legend):
        if mark.y == after.y:
            end = mark.x + mark.half + 6 + text_width(mark.words, SIZE)
            assert end < after.x - after.half
    assert 1 <= len(drawn.days) <= 13


def test_a_drawing_is_xml_whatever_the_words() -> None:
    days = Days({"<rows> & more": [TimelineEvent(1.5, "given", '"quoted" <b>')]}, [])
    root = ElementTree.fromstring(timeline_drawing(days, "a < b", "c & d"))
    assert root.findtext(f"{SVG}title") == "a < b"
    assert next(root.iter(f"{SVG}text")).text == "<rows> & more"
