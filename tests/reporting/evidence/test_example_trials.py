"""Examples are trials of the run, of each verdict that there is."""

from dataclasses import replace

import numpy as np

from tests.reporting.conftest import RunOf
from trialsim.analysis.analyse import analyse
from trialsim.reporting.evidence.evidence import Evidence
from trialsim.reporting.evidence.example_trials import examples
from trialsim.reporting.evidence.finished_run import finished
from trialsim.runs.directory import RunDirectory
from trialsim.scenario.files.yaml_file import load


def test_examples_are_typical_low_and_high(evidence: Evidence) -> None:
    estimates = evidence.result.columns["estimate"]
    known = estimates[np.isfinite(estimates)]
    found = {one.why: one.numbers["estimate"] for one in evidence.examples}
    for why, share in (
        ("a typical trial", 0.5),
        ("a low estimate", 0.05),
        ("a high estimate", 0.95),
    ):
        below = float(np.mean(known < found[why]))
        assert abs(below - share) < 0.01, why


def test_both_verdicts_are_shown_where_both_occur(evidence: Evidence) -> None:
    assert {one.numbers["rejected"] for one in evidence.examples} == {0.0, 1.0}


def test_an_example_built_again_says_what_the_run_kept(evidence: Evidence) -> None:
    for one in evidence.examples:
        assert one.trial is not None
        assert analyse(one.trial).estimate == one.numbers["estimate"]


def test_the_one_trial_of_another_verdict_is_shown(
    modest_run: RunDirectory, evidence: Evidence
) -> None:
    columns = dict(evidence.result.columns)
    odd = int(np.flatnonzero(np.isfinite(columns["estimate"]))[7])
    columns["rejected"] = np.where(np.isfinite(columns["rejected"]), 1.0, np.nan)
    columns["rejected"][odd] = 0.0
    found = examples(modest_run, replace(evidence.result, columns=columns))
    assert {one.replicate: one.why for one in found}[odd] == "a trial that does not reject"


def test_a_run_without_an_estimate_has_no_example(
    modest_run: RunDirectory, evidence: Evidence
) -> None:
    nothing = {name: np.full_like(one, np.nan) for name, one in evidence.result.columns.items()}
    assert examples(modest_run, replace(evidence.result, columns=nothing)) == ()


def test_of_a_study_with_looks_each_way_to_stop_has_an_example(
    sequential_run: RunDirectory,
) -> None:
    result = finished(sequential_run)
    looks = result.looks
    assert looks is not None
    found = {one.why: one.replicate for one in examples(sequential_run, result)}
    for look in looks.names:
        for reason in ("efficacy", "futility"):
            stopped = result.columns[f"look.{look}.{reason}"] == 1
            why = f"a trial stopped for {reason} at {look.replace('_', ' ')}"
            assert (why in found) == stopped.any(), why
            assert why not in found or stopped[found[why]]
    assert sum("stopped for" in why for why in found) > 1


def test_a_size_that_a_look_enlarged_has_an_example_of_each_verdict(run_of: RunOf) -> None:
    planned = 104
    plan = {
        "looks": {"first": {"when": {"known": 0.5}}},
        "efficacy": "pocock",
        "planned_effect": 0.62,
        "re_estimation": {
            **{"at": "first", "by": "blinded", "power": 0.9},
            **{"at_least": planned, "at_most": 150},
        },
        "final": {"test": "conventional"},
    }
    study = load("cars1").replace(
        {"design.patients": planned, "outcomes.arat.effect.value": 0.66, "monitoring": plan}
    )
    run = run_of(study, "enlarged")
    result = finished(run)
    larger = result.columns["planned_patients"] > planned
    found = {one.why: one for one in examples(run, result)}
    for verdict, told in ((1, "rejects"), (0, "does not reject")):
        assert (larger & (result.columns["rejected"] == verdict)).any()
        one = found[f"a trial enlarged at first that {told}"]
        assert larger[one.replicate]
        assert one.numbers["rejected"] == verdict
        assert one.problem is None
