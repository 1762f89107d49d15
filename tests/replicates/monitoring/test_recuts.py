"""Plans of looks over trials already run: the same numbers as runs of their own, paired."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trialsim as ts
from trialsim.replicates.monitoring import recuts
from trialsim.replicates.monitoring.recuts import Recuts, trials_alike
from trialsim.reporting.text.comparison import what_if_text
from trialsim.runs.runner import Runner
from trialsim.runs.study_set import runs_in
from trialsim.scenario.programme import single_trial
from trialsim.scenario.scenario import Scenario

LOOK = {"when": {"known": 0.7}, "decided_after_days": 28.0}
PLAN: dict[str, Any] = {"looks": {"first": LOOK}, "efficacy": "obrien_fleming"}
OF_PATIENTS: dict[str, Any] = {
    "analysis.test": {"method": "ancova"},
    "analysis.death": "as_missing",
}


def study(**changes: Any) -> Scenario:
    """Return a small CARS-1 with a look."""
    told = {name.replace("__", "."): value for name, value in changes.items()}
    return single_trial(
        ts.load("cars1").replace({"design.patients": 60, "monitoring": PLAN, **told})
    )


def plans() -> list[Scenario]:
    """Return studies that differ in their looks alone, one of them with more patients."""
    base = study()
    sizes = {"at": "first", "by": "blinded", "power": 0.9, "effect": 0.66}
    return [
        base,
        study(monitoring={**PLAN, "efficacy": "pocock"}),
        study(monitoring={**PLAN, "waiting_patients": "left_out"}),
        study(monitoring={**PLAN, "looks": {"late": {"when": {"known": 0.9}}}}),
        study(monitoring={**PLAN, "looks": {"early": {"when": {"known": 0.4}}, "first": LOOK}}),
        study(monitoring={**PLAN, "estimate": "median_unbiased"}),
        study(monitoring={**PLAN, "re_estimation": {**sizes, "at_least": 60, "at_most": 90}}),
    ]


@pytest.mark.parametrize(
    ("changes", "together"),
    [({}, 2), ({}, 64), ({"analysis.strata": "site"}, 2), (OF_PATIENTS, 64)],
)
def test_a_cut_of_trials_already_run_is_a_run_of_its_own(
    changes: dict[str, Any], together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many plans are worked out together, from counts or from each patient."""
    monkeypatch.setattr(recuts, "_TOGETHER", together)
    studies = [single_trial(one.replace(changes)) for one in plans()] if changes else plans()
    cuts = Runner(11, n_jobs=1).run_all(studies, range(40))
    for one, done in zip(studies, cuts, strict=True):
        alone = Runner(11, n_jobs=1).run(one, range(40))
        for name, values in done.columns.items():
            assert values.tobytes() == alone.columns[name].tobytes(), name


def test_a_trial_that_cannot_recruit_the_most_patients_fails_under_no_other_plan() -> None:
    """Of 60 patients few trials fail in 150 days, of 90 most do."""
    few = {"operations__recruitment_limit_days": 150, "operations__at_limit": "fail"}
    sizes = {"at": "first", "by": "blinded", "power": 0.9, "effect": 0.66}
    larger = {**PLAN, "re_estimation": {**sizes, "at_least": 60, "at_most": 90}}
    studies = [study(**few), study(**few, monitoring=larger)]
    done = Runner(11, n_jobs=1).run_all(studies, range(64))
    alone = [Runner(11, n_jobs=1).run(one, range(64)) for one in studies]
    assert [len(one.failures) for one in done] == [len(one.failures) for one in alone]
    assert len(done[0].failures) < len(done[1].failures)


def test_a_directory_keeps_each_plan_as_a_run_alone_does_and_simulates_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is missing of one plan alone, after a stop or a loss, is computed of that one."""
    simulated = []

    class Counting(Recuts):
        def summarise(self) -> Any:
            simulated.append(len(self.studies))
            return super().summarise()

    monkeypatch.setattr("trialsim.runs.runner.Recuts", Counting)
    values: dict[str, list[Any]] = {"monitoring.looks.first.when.known": [0.4, 0.8]}
    how: dict[str, Any] = {"replicates": 40, "seed": 11, "n_jobs": 1}
    found = ts.what_if(study(), values, out=tmp_path / "kept", **how)
    assert simulated == [3]
    without = ts.what_if(study(), values, **how)
    assert found.frame.equals(without.frame)
    kept = runs_in(tmp_path / "kept")
    for run in kept:
        alone = ts.power(run.manifest.scenario, 40, 11, n_jobs=1)
        for name, column in run.results(range(40)).columns.items():
            assert column.tobytes() == alone.columns[name].tobytes(), name
    (lost,) = (kept[1].folder / "parts").iterdir()
    before = lost.read_bytes()
    lost.unlink()
    simulated.clear()
    again = ts.what_if(study(), values, out=tmp_path / "kept", **how)
    assert simulated == [1]
    assert lost.read_bytes() == before
    assert again.frame.equals(without.frame)


def test_trials_are_simulated_once_for_all_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = []

    class Counting(Recuts):
        def summarise(self) -> Any:
            batches.append(len(self.studies))
            return super().summarise()

    monkeypatch.setattr("trialsim.runs.runner.Recuts", Counting)
    times = [0.4, 0.5, 0.6, 0.8]
    found = ts.what_if(
        study(), {"monitoring.looks.first.when.known": times}, replicates=64, n_jobs=1
    )
    assert batches == [5]
    assert len(found.rows) == 5
    assert recuts.AT_ONCE >= 64


def test_studies_with_other_trials_are_not_cut_together() -> None:
    assert trials_alike(study()) == trials_alike(study(monitoring={**PLAN, "efficacy": "pocock"}))
    assert trials_alike(study()) != trials_alike(study(design__patients=80))
    assert trials_alike(study(monitoring=None)) is None


def test_differences_between_plans_are_paired() -> None:
    rules = {"monitoring.efficacy": ["pocock", "none"]}
    slow = study(operations__candidates_per_site_per_month=0.8)
    found = ts.what_if(slow, rules, replicates=256, n_jobs=1)
    base, pocock, none = found.rows
    assert pocock.means["randomised"].estimate < base.means["randomised"].estimate
    assert none.means["randomised"].estimate == 60
    unpaired = np.hypot(base.power.mcse, pocock.power.mcse)
    assert pocock.difference.mcse < 0.6 * unpaired
    assert "randomised_difference" in found.frame


def test_a_plan_without_looks_can_be_set_beside_one_with_them() -> None:
    """All who are planned are randomised without looks, in every trial."""
    slow = study(operations__candidates_per_site_per_month=0.8)
    changes: dict[str, list[Any]] = {"monitoring": [None], "design.patients": [40]}
    found = ts.what_if(slow, changes, replicates=64, n_jobs=1)
    base, fixed, smaller = found.rows
    assert fixed.difference.estimate == pytest.approx(0, abs=0.1)
    assert fixed.means["randomised"].estimate == 60
    assert fixed.means["randomised"].mcse == 0
    assert fixed.differences["randomised"].estimate == pytest.approx(
        60 - base.means["randomised"].estimate
    )
    assert base.means["randomised"].estimate < 60
    assert smaller.means["randomised"].estimate < 40
    assert "randomised" in what_if_text("title", found)
    turned = ts.what_if(fixed.scenario, {"monitoring": [PLAN]}, replicates=64, n_jobs=1)
    assert turned.rows[0].means["randomised"].estimate == 60
    assert turned.rows[1].means["randomised"] == base.means["randomised"]
