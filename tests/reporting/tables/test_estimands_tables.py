"""The tables of estimands, against the numbers whose names they bear."""

from typing import Any

import pytest

import trialsim as ts
from trialsim.questions.estimands.result import Estimands
from trialsim.reporting.tables.estimands_tables import estimands_tables, meant_table
from trialsim.reporting.tables.page import Table
from trialsim.scenario.programme import single_trial


@pytest.fixture(scope="module")
def result() -> Estimands:
    study = single_trial(ts.load("cars1_estimands"))
    kept = {"failure": {"intercurrent": {"discontinuation": "composite"}, "estimand": "composite"}}
    return ts.estimands(study.replace({"analysis.secondary": kept}), 16, 15, n_jobs=1)


@pytest.fixture(scope="module")
def tables(result: Estimands) -> dict[str, Table]:
    return {one.name: one for one in estimands_tables(result)}


def test_every_number_stands_under_its_name(result: Estimands, tables: dict[str, Table]) -> None:
    data: Any = {"estimands": result.to_dict()}
    seen = 0
    for table in tables.values():
        assert all(len(row.cells) == len(table.columns) for row in table.rows)
        for cell in (cell for row in table.rows for cell in row.cells):
            if cell.name is None:
                continue
            value = data
            for part in cell.name.split("."):
                value = value[int(part)] if isinstance(value, list) else value[part]
            assert cell.value == value, cell.name
            seen += 1
    assert seen > 150


def test_every_estimand_has_a_row_and_every_analysis_one_beside_each(
    result: Estimands, tables: dict[str, Table]
) -> None:
    named = len(result.named)
    assert len(tables["true-values"].rows) == named
    meant = meant_table(result.study, result.named)
    assert {row.cells[0].text for row in meant.rows} == {
        row.cells[0].text for row in tables["true-values"].rows
    }
    assert [row.cells[1].text for row in meant.rows[:2]] == ["the primary analysis", "failure"]
    assert all(len(row.cells) == len(meant.columns) == 7 for row in meant.rows)
    assert len(tables["matrix"].rows) == named * len(result.analysed)
    fits = [row.cells[2].text for row in tables["matrix"].rows]
    assert fits.count("yes") == len(result.analysed)


def test_what_has_no_value_is_a_dash(tables: dict[str, Table]) -> None:
    table = tables["true-values"]
    place = list(table.columns).index("mean difference")
    shown = {row.cells[0].text: row.cells[place].text for row in table.rows}
    assert shown["Composite"] == "–"
    assert shown["Undisturbed"] != "–"
