"""The scenarios that a report names, as a matrix: what differs, why, and what it gives."""

from collections.abc import Mapping
from typing import Any

from trialsim.questions.named_scenarios import NO_EFFECT
from trialsim.reporting.tables.page import Cell, Table, TableRow, number, proportion
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.labels import label_of, spoken
from trialsim.scenario.words.values import value_in_words


def scenarios_table(told: Mapping[str, Any], scenario: Scenario) -> Table:
    """Return a row for each named scenario, as their JSON tells it."""
    rows = [_row(place, one, scenario) for place, one in enumerate(told["rows"])]
    columns = (
        *("Scenario", "Why", "Otherwise than the study", "Power or type I error", "Value"),
        *("Monte Carlo SE", "95% from", "to", "True effect", "Days", "Failed"),
    )
    caption = (
        f"Named scenarios, {told['replicates']:,} simulated trials of each, on seeds of their own"
    )
    if told["worst"] is not None:
        caption += (
            f". Largest type I error: {spoken(told['worst'])}; with 95% confidence that of none "
            f"of them is above {told['simultaneous_bound']:.4f}"
        )
    return Table("scenarios", caption, columns, rows)


def _row(place: int, one: Mapping[str, Any], scenario: Scenario) -> TableRow:
    path = f"scenarios.rows.{place}"
    changes = "; ".join(
        f"{label_of(where, scenario)}: {value_in_words(where.rsplit('.', 1)[-1], value)}"
        for where, value in one["changes"].items()
    )
    without = one["kind"] == NO_EFFECT
    truth, days = (one.get(name, {}) for name in ("truth", "duration_days"))
    cells = [
        Cell(spoken(one["name"])),
        Cell(one["because"], kind="prose"),
        Cell("; ".join(part for part in ("no effect" if without else "", changes) if part) or "–"),
        Cell("type I error" if without else "power"),
        *proportion(one, "share", path),
        number(truth.get("mean"), 3, f"{path}.truth.mean"),
        number(days.get("mean"), 0, f"{path}.duration_days.mean"),
        number(one["failed"], 0, f"{path}.failed"),
    ]
    return TableRow(cells)
