"""Every number that is not published is moved, one at a time, and nothing else."""

import json

import pytest

import trialsim as ts
from trialsim.cli.app import run
from trialsim.questions.sensitivity import swings, what_is_seen
from trialsim.questions.what_if.variants import Variant
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.programme import differences, value_at
from trialsim.scenario.validation.sources import source_of


@pytest.fixture(scope="module")
def cars1_swings() -> list[Variant]:
    """Return the variants beside a built-in study."""
    return list(swings(load("cars1")))


def test_each_world_moves_one_number_that_is_not_published(
    cars1_swings: list[Variant],
) -> None:
    cars1 = load("cars1")
    for variant in cars1_swings:
        ((path, value),) = variant.changes.items()
        assert source_of(path, cars1.sources).status != "published"
        assert value_at(variant.scenario, path) == value != value_at(cars1, path)
        assert list(differences(cars1, variant.scenario)) == [path]


def test_an_effect_moves_about_no_effect(cars1_swings: list[Variant]) -> None:
    """A fifth of the way from 0.5 to 0.722, which is 0.0444."""
    moved = [variant.changes.get("outcomes.arat.effect.value") for variant in cars1_swings]
    assert [value for value in moved if value] == [0.6776, 0.7664]


def test_every_single_number_of_the_operations_is_moved_both_ways(
    cars1_swings: list[Variant],
) -> None:
    moved = [path for variant in cars1_swings for path in variant.changes]
    for path in (
        "operations.candidates_per_site_per_month",
        "operations.refusal_probability.median",
        "operations.withdrawal.probability",
        "operations.death.probability",
        "operations.visit_missed_probability",
    ):
        assert moved.count(path) == 2, path
    assert not [path for path in moved if path.startswith(("design.", "analysis."))]


def test_what_too_few_trials_do_not_show_is_said() -> None:
    rows = [{"power": 0.8}, *({"difference_mcse": error} for error in (0.01, 0.02, 0.04))]
    assert "Monte Carlo errors are 0.020 to 0.080" in what_is_seen(rows)
    assert "to begin with" in what_is_seen([{"power": 1.0}, {"difference_mcse": 0.01}])


def test_the_question_is_a_what_if_of_all_swings(
    cars1_swings: list[Variant], capsys: pytest.CaptureFixture[str]
) -> None:
    found = ts.sensitivity(load("cars1"), replicates=2, seed=7, n_jobs=1)
    assert [row.alternative.name for row in found.rows[1:]] == [one.name for one in cars1_swings]
    asked = ["sensitivity", "cars1", "--replicates", "2", "--seed", "7", "--jobs", "1", "--json"]
    assert run(asked) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["power"] for row in told["rows"]] == [
        float(row.power.estimate) for row in found.rows
    ]
