"""Scenarios of a file stand in the report with their reasons, each on trials of its own."""

import re
from pathlib import Path

import pytest

from trialsim.errors import InputError
from trialsim.questions.named_scenarios import load_scenarios, scenarios_by, scenarios_of
from trialsim.questions.power import power
from trialsim.questions.type_one_error import own_seed, without_effect
from trialsim.reporting.evidence.named_scenarios import KEPT, run_scenarios
from trialsim.reporting.tables.scenarios_table import scenarios_table
from trialsim.runs.runner import Runner
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario

FILE = """\
scenarios:
  as_planned:
    kind: effect
    because: It is what the sponsor believes.
  half_the_effect:
    kind: effect
    because: CARS-2 found next to nothing.
    changes: {outcomes.arat.effect.value: 0.575}
  no_effect:
    kind: no_effect
    because: The level must hold.
  no_effect_and_many_leave:
    kind: no_effect
    because: More may leave than were reported.
    changes: {operations.withdrawal.probability: 0.3}
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of scenarios."""
    path = tmp_path_factory.mktemp("named") / "scenarios.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_each_scenario_gives_what_its_own_study_gives_on_a_seed_of_its_own(
    file: Path, modest: Scenario
) -> None:
    named = load_scenarios(file, modest)
    told = scenarios_by(Runner(2016, 1), named, 64)
    rows = {row["name"]: row for row in told["rows"]}
    assert list(rows) == list(named)
    seeds = {row["seed"] for row in rows.values()}
    assert len(seeds | {2016, own_seed(2016)}) == 6
    half = rows["half_the_effect"]
    alone = power(modest.replace({"outcomes.arat.effect.value": 0.575}), 64, half["seed"], n_jobs=1)
    assert half["share"] == alone.power < rows["as_planned"]["share"]
    null = rows["no_effect"]
    without = power(without_effect(modest), 64, null["seed"], n_jobs=1)
    assert (null["share"], null["mcse"]) == (
        without.rejections.estimate,
        pytest.approx(without.rejections.mcse),
    )
    nulls = [row for row in rows.values() if row["kind"] == "no_effect"]
    assert told["worst"] == max(nulls, key=lambda row: row["share"])["name"]
    assert told["simultaneous_bound"] > max(row["ci"][1] for row in nulls)


def test_a_report_keeps_them_and_its_table_has_reasons_and_errors(
    file: Path, modest: Scenario, tmp_path: Path
) -> None:
    named = load_scenarios(file, modest)
    told = run_scenarios(named, 16, Runner(2016, 1), tmp_path)
    before = (tmp_path / KEPT).stat().st_mtime_ns
    assert run_scenarios(named, 16, Runner(2016, 1), tmp_path) == told
    assert (tmp_path / KEPT).stat().st_mtime_ns == before
    table = scenarios_table(told, modest)
    assert f"that of none of them is above {told['simultaneous_bound']:.4f}" in table.caption
    first, _, _, last = ([cell.text for cell in row.cells] for row in table.rows)
    assert first[:4] == ["As planned", "It is what the sponsor believes.", "–", "power"]
    assert last[2] == "no effect; Withdrawal, probability: 0.3"
    assert all(row.cells[5].value is not None for row in table.rows)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            FILE.replace("probability: 0.3", "probability: 3"),
            r":15:\d+: scenarios.no_effect_and_many_leave.changes.operations.withdrawal.probability"
            r": must be .*got 3",
        ),
        (FILE.replace("because: The level", "reason: The level"), r":11:5: .*no_effect.*reason"),
        (FILE.replace("kind: effect", "kind: null"), r":3:5: scenarios.as_planned.kind"),
        ("scenarios: {}", "scenarios: must"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_with_its_place(
    wrong: str, told: str, modest: Scenario, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(wrong, encoding="utf-8")
    with pytest.raises(InputError, match=told):
        load_scenarios(path, modest)


def test_a_study_names_its_own_scenarios_which_change_nothing_in_it(tmp_path: Path) -> None:
    study = load("cars_sequential")
    own = study.report
    assert study.replace({"report": {}}).digest == study.digest
    named = scenarios_of(study, own.scenarios)
    assert [one.because for one, _ in named.values()] == [
        one.because for one in own.scenarios.values()
    ]
    told, half = named["half_the_effect"]
    assert half.outcomes["arat"].effect == study.replace(told.changes).outcomes["arat"].effect
    assert half.digest != study.digest == named["as_planned"][1].digest
    path = tmp_path / "variant.yaml"
    path.write_text("extends: cars_sequential\n", encoding="utf-8")
    assert load(path).report.scenarios == {}  # reasons are given for one study


def test_a_wrong_change_of_a_studys_own_scenario_is_said_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    wrong = {"a": "{operations.withdrawal.probability: 3}", "b": "{design.patient: 40}"}
    path.write_text(
        "extends: cars1\nreport:\n  scenarios:\n"
        + "".join(
            f"    {name}:\n      kind: effect\n      because: x\n      changes: {changes}\n"
            for name, changes in wrong.items()
        ),
        encoding="utf-8",
    )
    with pytest.raises(InputError) as refused:
        load(path)
    first, second = (str(one) for one in refused.value.problems)
    assert re.search(
        r":7:\d+: report.scenarios.a.changes.operations.withdrawal.probability: .*3", first
    )
    assert re.search(r":11:\d+: report.scenarios.b.changes.design.patient: .*exists", second)
