"""The type I error of a report is that of the same design, with a drug that does nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from trialsim.errors import InputError
from trialsim.questions.power import power
from trialsim.questions.type_one_error import without_effect
from trialsim.reporting.evidence.evidence import Evidence
from trialsim.reporting.evidence.type_one_error import KEPT, load_null_run, run_null
from trialsim.runs.directory import RunDirectory
from trialsim.runs.runner import Runner
from trialsim.scenario.programme import single_trial
from trialsim.scenario.scenario import Scenario


def test_a_run_made_for_the_report_is_read_again(
    modest_run: RunDirectory, evidence: Evidence, keep: Path
) -> None:
    again = run_null(modest_run, 128, Runner(modest_run.manifest.seed, 1), keep)
    assert evidence.without_effect is not None
    assert again.result.power == evidence.without_effect.result.power
    assert again.result.replicates == 128
    assert again.result.seed != modest_run.manifest.seed
    by_hand = load_null_run(modest_run, keep / KEPT)
    assert by_hand.result.power == again.result.power


def test_the_built_in_study_without_effect_may_be_given(
    modest_run: RunDirectory, modest: Scenario, run_of: Callable[[Scenario, str], RunDirectory]
) -> None:
    null = modest.replace(
        {"outcomes.arat.effect.anchor": "latent_shift", "outcomes.arat.effect.value": 0.0}
    )
    found = load_null_run(modest_run, run_of(null, "null").folder)
    assert set(found.changes) == {"outcomes.arat.effect.anchor", "outcomes.arat.effect.value"}
    same = power(without_effect(modest), 160, n_jobs=1)
    assert found.result.power == same.power


def test_a_run_whose_drug_does_something_is_refused(modest_run: RunDirectory) -> None:
    with pytest.raises(InputError, match="whose drug does nothing"):
        load_null_run(modest_run, modest_run.folder)


def test_a_run_of_another_design_is_refused(
    modest_run: RunDirectory, modest: Scenario, run_of: Callable[[Scenario, str], RunDirectory]
) -> None:
    sites = {f"operations.sites.{site}.activation_day": 7.0 for site in modest.operations.sites}
    other = single_trial(without_effect(modest)).replace({"design.patients": 44} | sites)
    told = rf"--null: .*activation_day and {len(sites) + 1 - 5} more"
    with pytest.raises(InputError, match=told):
        load_null_run(modest_run, run_of(other, "other").folder)


def test_no_run_is_refused(modest_run: RunDirectory, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be the directory of a run"):
        load_null_run(modest_run, tmp_path)
