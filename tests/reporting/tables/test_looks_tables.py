"""The tables of looks, against the numbers whose names they bear."""

from typing import Any

import pytest

import trialsim as ts
from trialsim.reporting.tables.looks_tables import looks_tables
from trialsim.reporting.tables.page import Table


def tables_of(**changes: Any) -> tuple[dict[str, Table], dict[str, Any]]:
    """Return the tables of a small run by name, and the numbers of its JSON."""
    told = {name.replace("__", "."): value for name, value in changes.items()}
    study = ts.load("cars_sequential").replace({"design.patients": 80, **told})
    result, bounds = ts.power(study, 32, 5, n_jobs=1), ts.bounds(study)
    data = {"run": result.to_dict(), "bounds": bounds.to_dict()}
    return {one.name: one for one in looks_tables(result, bounds)}, data


def checked(table: Table, data: dict[str, Any]) -> int:
    """Return how many numbers of a table there are, each of which stands under its name."""
    found = [cell for row in table.rows for cell in row.cells if cell.name is not None]
    for cell in found:
        assert cell.name is not None
        value: Any = data
        for part in cell.name.split("."):
            value = value[int(part)] if isinstance(value, list) else value[part]
        assert cell.value is None or cell.value == pytest.approx(value), cell.name
    return len(found)


def test_a_size_that_is_set_again_has_a_table() -> None:
    rule = {"at": "second", "by": "blinded", "power": 0.9, "at_least": 80, "at_most": 120}
    tables, data = tables_of(monitoring__re_estimation=rule)
    assert checked(tables["re-estimation"], data) == 5 * 4 + 2 + 3 * 3
    assert checked(tables["sizes"], data) == 4 * (2 + 3 * 3) + 4
    (performed,) = (row for row in tables["looks"].rows if row.cells[0].text.startswith("Perf"))
    assert [cell.text for cell in performed.cells[1:3]] == ["1.0000", ">0.8928"]
    assert checked(tables["looks"], data) == 2 * 2 * len(tables["looks"].rows)
    assert "re-estimation" not in tables_of()[0]


def test_a_ratio_is_estimated_on_its_logarithm_and_an_other_estimand_without_bias() -> None:
    changes: dict[str, Any] = {"analysis__effect": "win_odds", "monitoring__planned_effect": 1.6}
    tables, data = tables_of(**changes)
    table = tables["estimates-after-looks"]
    assert "of the logarithm of the ratio" in table.caption
    assert checked(table, data) > 20
    tables, data = tables_of(analysis__missing="worst_rank")
    table = tables["estimates-after-looks"]
    assert "Difference from the true effect" in table.columns
    assert not {"Bias", "RMSE", "Coverage"} & set(table.columns)
    assert checked(table, data) > 8
