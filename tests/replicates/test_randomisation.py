"""How balanced and predictable the randomisation of a study is, with its Monte Carlo error."""

from math import comb
from typing import Any

import numpy as np
import pytest

from trialsim.dictionary.replicates import dictionary_of_parts
from trialsim.questions.power import power
from trialsim.replicates.result import PowerResult
from trialsim.reporting.tables.operating_characteristics import resources
from trialsim.reporting.text.power import power_text
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario

BLOCKS = {"method": "blocks", "sizes": [2]}


def study(**changes: Any) -> Scenario:
    """Return 60 patients of one list, in blocks of two unless something else is said."""
    plain = {
        "design.patients": 60,
        "design.stratify_by": "nothing",
        "design.randomisation": BLOCKS,
        "analysis.secondary": {},
    }
    return load("cars1").replace({**plain, **changes})


@pytest.fixture(scope="module")
def tossed() -> PowerResult:
    """Return trials in which nothing but a toss decides."""
    strata = {"sex": {"covariate": "sex"}}
    tosses = study(**{"design.randomisation": "simple", "design.strata": strata})
    return power(tosses, replicates=300, seed=3, n_jobs=1)


def test_blocks_of_two_are_balanced_and_guessed_in_three_of_four() -> None:
    found = power(study(), replicates=20, seed=3, n_jobs=1)
    assert found.mean_of("imbalance").estimate == 0
    assert found.mean_of("guessed_right").estimate == 0.75  # half of each pair, and all seconds
    # In each pair one patient of the treated is a place before or after one of the controls.
    assert found.mean_of("chronological_bias").estimate < 1 / 59


def test_a_toss_is_not_to_be_guessed_and_its_imbalance_is_the_binomials(
    tossed: PowerResult,
) -> None:
    """Of N tosses E|D| is N C(N, N/2) / 2^N; mean places differ by sqrt((N + 1) / 3) / (N - 1)."""
    for name, expected in (
        ("guessed_right", 0.5),
        ("imbalance", 60 * comb(60, 30) / 2**60),
        ("chronological_bias", np.sqrt(61 / 3 * 2 / np.pi) / 59),
    ):
        mean = tossed.mean_of(name)
        assert abs(mean.estimate - expected) < 3 * mean.mcse, name
    assert tossed.mean_of("imbalance_in_sex").estimate > 3


def test_they_are_told_wherever_the_power_is(tossed: PowerResult) -> None:
    names = ["imbalance", "imbalance_in_sex", "guessed_right", "chronological_bias"]
    told, text = tossed.to_dict(), power_text("", tossed)
    page = [row.cells[0].text for row in resources(tossed).rows]
    for name in names:
        words = name.replace("_", " ")
        assert told[name]["mcse"] > 0
        assert f"{words} " in text
        assert words.capitalize() in page
    labels = dictionary_of_parts(load("cars1"), names)["label"]
    assert labels.str.len().min() > 20


def test_a_study_that_names_no_procedure_keeps_none_of_them() -> None:
    plain = load("cars1").replace({"design.patients": 60, "analysis.secondary": {}})
    assert power(plain, replicates=4, seed=3, n_jobs=1).besides == ()
