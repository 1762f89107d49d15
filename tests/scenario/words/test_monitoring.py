"""The looks of a study are put as its protocol would, and its conventions agree with them."""

import re
from typing import Any

import pytest

import trialsim as ts
from trialsim.replicates.result import conventions_of
from trialsim.reporting.text.words import conventions_text
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.words.monitoring import monitoring_in_words

SEQUENTIAL = load("cars_sequential")
FIXED = load("cars1")


def test_with_looks_the_level_and_the_interval_are_those_of_monitoring() -> None:
    told = conventions_of(SEQUENTIAL)
    assert told["alpha"].startswith("The overall level is 0.05, two-sided.")
    assert told["interval"] == "95% interval: by stage-wise ordering, as given under Monitoring."
    assert told["small_samples"].startswith("Of the fixed design, without looks: ")


def test_without_looks_the_p_value_decides() -> None:
    told = conventions_of(FIXED)
    assert told["alpha"].endswith("the p-value is at most 0.05.")
    assert told["interval"].startswith("95% interval: normal")


def test_a_naive_interval_stays_that_of_the_analysis() -> None:
    naive = SEQUENTIAL.replace({"monitoring.interval": "naive"})
    assert conventions_of(naive)["interval"] == conventions_of(FIXED)["interval"]


def test_the_futility_rule_says_its_condition_its_bound_and_that_it_is_non_binding() -> None:
    """Oracle: the bound on z by Lan and Wittes' formula, pinned in the tests of the boundaries."""
    assert conventions_of(SEQUENTIAL)["monitoring_futility"].startswith(
        "Stop for futility if conditional power under the current trend is below 0.1 (at the "
        "planned information: z < 0.783 at the first look). Non-binding: "
    )


def test_beta_spending_says_at_which_effect_the_looks_have_its_power() -> None:
    """Oracle: the probability to cross the bounds at that effect; the planned one is not needed."""
    study = SEQUENTIAL.replace(
        {
            "analysis.alternative": "greater",
            "analysis.alpha": 0.025,
            "monitoring.planned_effect": None,
            "monitoring.futility": {"scale": "beta_spending", "power": 0.85, "binding": True},
        }
    )
    said = conventions_of(study)["monitoring_futility"]
    found = re.search(r"a power of 0\.85, which these looks have at an effect of (0\.\d+)", said)
    assert found is not None
    (row,) = ts.bounds(study, [float(found[1])]).effects[-1:]
    assert row.power == pytest.approx(0.85, abs=0.003)  # of three decimals of the effect


def test_the_conventions_of_looks_stand_in_their_column_under_one_heading() -> None:
    lines = conventions_text(conventions_of(SEQUENTIAL))
    under = lines[lines.index("Monitoring") + 1 :]
    assert lines.count("Monitoring") == 1
    assert all(line[20] == " " and line[21] != " " for line in under)
    assert "Monitoring" not in conventions_text(conventions_of(FIXED))


def test_futility_that_the_ordering_leaves_out_is_said_with_the_estimate() -> None:
    """Only where the rule is not binding, and the estimate or the interval is by the ordering."""
    one_sided = {"analysis.alternative": "greater", "analysis.alpha": 0.025}
    naive = {"monitoring.estimate": "naive", "monitoring.interval": "naive"}
    cases: list[tuple[dict[str, Any], bool]] = [
        ({}, True),
        ({"monitoring.estimate": "naive"}, True),
        (naive, False),
        ({"monitoring.futility": None}, False),
        ({**one_sided, "monitoring.futility.binding": True}, False),
        ({"monitoring.futility_in_order": "always"}, False),
    ]
    for changes, said in cases:
        told = monitoring_in_words(SEQUENTIAL.replace(changes))["inference"]
        assert ("not quite median unbiased" in told) == said, changes
    always = SEQUENTIAL.replace({"monitoring.futility_in_order": "always"})
    told = monitoring_in_words(always)["inference"]
    assert "counts the non-binding stop for futility: estimate and" in told
