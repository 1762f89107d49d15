"""Laws of every procedure that a study can name, in whole trials."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trialsim.analysis.whole.covered import not_covered
from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.description import describe
from trialsim.streams import Streams
from trialsim.trial.allocation.choice import allocation_of
from trialsim.trial.allocation.in_order import InOrder
from trialsim.trial.allocation.random_blocks import RandomBlocks
from trialsim.trial.allocation.strata import strata, stratum_of
from trialsim.trial.trial import Trial, simulate_batch

STRATA = {"severity": {"covariate": "nihss", "cuts": [8, 14]}, "sex": {"covariate": "sex"}}
PROCEDURES: dict[str, Any] = {
    "simple": "simple",
    "blocks of several sizes": {"method": "blocks", "sizes": [2, 4, 6]},
    "blocks of one size": {"method": "blocks", "sizes": [6]},
    "big stick": {"method": "big_stick", "tolerance": 2},
    "biased coin": {"method": "biased_coin", "probability": 0.75},
    "urn": {"method": "urn", "added": 3},
    "Chen": {"method": "chen", "tolerance": 2, "probability": 0.75},
    "minimisation": {"method": "minimisation", "weights": {"site": 2}},
    "minimisation of variance": {"method": "minimisation", "measure": "variance"},
}


@pytest.fixture(scope="module")
def study() -> Scenario:
    return load("cars1").replace(
        {
            "design.patients": 30,
            "design.strata": STRATA,
            "operations.sites": {"east": {"activation_day": 0}, "west": {"activation_day": 9.3}},
            "operations.candidates_per_site_per_month": 30,
        }
    )


def batch(study: Scenario, engine: Any = "vector") -> Trial:
    return simulate_batch(study, Streams(1, range(5)), engine)


@pytest.mark.parametrize("written", PROCEDURES.values(), ids=PROCEDURES)
def test_both_engines_give_the_same_arms_and_more_patients_change_none(
    written: Any, study: Scenario
) -> None:
    trial = batch(study.replace({"design.randomisation": written}))
    assert (trial.arms == batch(trial.scenario, "events").arms).all()
    more = batch(trial.scenario.replace({"design.patients": 45}))
    assert (more.arms[:, :30] == trial.arms).all()
    assert len(np.unique(trial.arms, axis=0)) == 5


@pytest.mark.parametrize("written", PROCEDURES.values(), ids=PROCEDURES)
def test_it_is_said_in_words_of_its_own_and_left_to_numpy(written: Any, study: Scenario) -> None:
    named = study.replace({"design.randomisation": written})
    (words, *_), (plain, *_) = (describe(one).sections[0].words for one in (named, study))
    assert words != plain
    assert words.startswith("30 patients are randomised 1:1 to cerebrolysin and placebo, ")
    assert set(not_covered(named)) == {"design.strata", "design.randomisation"}


def test_patients_who_wait_for_a_chair_are_allocated_in_order_of_randomisation(
    study: Scenario,
) -> None:
    crowded = study.replace(
        {
            "design.randomisation": PROCEDURES["minimisation"],
            "operations.infusion_chairs_per_site": 1,
            "operations.infusion_minutes": 300,
        }
    )
    trial = batch(crowded, "events")
    assert trial.conduct.waited is not None
    assert trial.conduct.waited.any()
    allocation = allocation_of(crowded, trial.cohort, Streams(1, range(5)))
    assert (allocation.arms(trial.candidate) == trial.arms).all()


def test_random_blocks_of_one_size_are_permuted_blocks_to_the_bit(study: Scenario) -> None:
    trial = batch(study.replace({"design.arms.placebo.ratio": 2, "design.block_size": 6}))
    streams = Streams(1, range(5))
    groups = strata(trial.scenario, trial.cohort)
    found = InOrder(RandomBlocks((1, 2), (6,)), 2, groups, streams).arms(trial.candidate)
    assert (found == trial.arms).all()


def test_blocks_are_complete_in_every_stratum_and_the_classes_are_the_covariates(
    study: Scenario,
) -> None:
    trial = batch(study.replace({"design.block_size": 2, "design.patients": 60}))
    stratum = stratum_of(trial.scenario, trial.cohort, trial.candidate)
    known = trial.cohort.covariates
    for replicate, row in enumerate(trial.candidate):
        nihss, sex = known["nihss"][replicate, row], known["sex"][replicate, row]
        severity = (nihss >= 8).astype(int) + (nihss >= 14)
        assert (stratum[replicate] == trial.site[replicate] * 6 + severity * 2 + sex).all()
        for one in np.unique(stratum[replicate]):
            arms = trial.arms[replicate, stratum[replicate] == one]
            assert abs(arms.sum() * 2 - len(arms)) <= 1


def test_minimisation_keeps_every_factor_balanced(study: Scenario) -> None:
    """With probability 1 no class of a factor is ever far from balance; a toss leaves many so."""
    sizes = {}
    for method in ("minimisation", "simple"):
        written = {"method": method} | ({"probability": 1} if method == "minimisation" else {})
        trial = batch(study.replace({"design.randomisation": written, "design.patients": 200}))
        ahead = [
            abs(((trial.site == site) * (1 - 2 * trial.arms)).sum(axis=1)).mean() for site in (0, 1)
        ]
        sizes[method] = max(ahead)
    assert sizes["minimisation"] < 2 < sizes["simple"]


LIST = """arm,site,severity
cerebrolysin,east,1
placebo,east,1
placebo,east,8 to below 14
placebo,east,14 and above
placebo,west,1
cerebrolysin,west,2
placebo,west,2
cerebrolysin,west,3
"""


def written_study(folder: Path, lists: str) -> Path:
    (folder / "lists.csv").write_text(lists)
    study = folder / "listed.yaml"
    others = "".join(f", {name}: null" for name in load("cars1").operations.sites)
    study.write_text(
        f"""
        extends: cars1
        design:
          patients: 30
          strata: {{severity: {{covariate: nihss, cuts: [8, 14]}}}}
          randomisation: {{method: list, file: lists.csv}}
        operations:
          sites: {{east: {{activation_day: 0}}, west: {{activation_day: 9}}{others}}}
        """
    )
    return study


def test_complete_lists_are_read_with_the_study_and_begin_again_when_used_up(
    tmp_path: Path,
) -> None:
    listed = load(written_study(tmp_path, LIST))
    trial = batch(listed)
    assert (trial.arms == batch(listed, "events").arms).all()
    stratum = stratum_of(listed, trial.cohort, trial.candidate)
    expected = {0: [0, 1], 1: [1], 2: [1], 3: [1], 4: [0, 1], 5: [0]}
    for replicate in range(5):
        for one, cells in expected.items():
            arms = trial.arms[replicate, stratum[replicate] == one].tolist()
            assert arms == (cells * 30)[: len(arms)]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"design.randomisation": "big_stick", "design.arms.placebo.ratio": 2}, "tolerance"),
        (
            {"design.randomisation": {"method": "urn"}, "design.arms.placebo.ratio": 2},
            "design.randomisation.method: cannot be urn, which is defined for arms of equal ratio",
        ),
        (
            {"design.randomisation": "truncated_binomial"},
            "cannot be truncated_binomial with strata",
        ),
        (
            {
                "design.randomisation": "minimisation",
                "design.strata": {},
                **{"design.stratify_by": "nothing"},
            },
            "cannot be minimisation without a factor",
        ),
        (
            {"design.randomisation": {"method": "blocks", "sizes": [2, 3]}},
            "design.randomisation.sizes.1: must be a multiple of the sum of the arms' ratios, 2",
        ),
        (
            {"design.strata": {"sex": {"covariate": "sex", "cuts": [1]}}},
            "design.strata.sex.cuts: must not be given: each level of sex is a class",
        ),
        (
            {"design.strata": {"age": {"covariate": "age_years"}}},
            "design.strata.age.cuts: must be given: age_years is a number",
        ),
        (
            {"design.strata": {"age": {"covariate": "age_years", "cuts": [60, 60]}}},
            "design.strata.age.cuts: must rise from one to the next",
        ),
        (
            {"design.randomisation": {"method": "list", "columns": {"arm": "placebo,saline"}}},
            "design.randomisation.columns: must have a column site",
        ),
    ],
)
def test_what_a_procedure_cannot_do_is_refused_by_name(
    changes: dict[str, Any], problem: str, study: Scenario
) -> None:
    with pytest.raises(InputError, match="design") as caught:
        study.replace(changes)
    assert problem in str(caught.value)


def test_a_list_that_names_no_arm_is_told_with_its_row(tmp_path: Path) -> None:
    path = written_study(tmp_path, LIST.replace("cerebrolysin,west,3", "saline,west,4"))
    with pytest.raises(InputError, match="row 8: must be an arm that exists") as caught:
        load(path)
    assert "row 8: must be a class that exists" in str(caught.value)
