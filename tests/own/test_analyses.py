"""An own analysis runs wherever one of trialsim's does, and its mistakes have an address."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trialsim.analysis.analyse import analyse
from trialsim.analysis.primary import analyse_primary
from trialsim.arrays import Booleans, Floats
from trialsim.cli import INPUT_WRONG, run
from trialsim.errors import InputError
from trialsim.own.analyses import AnalysisData, Estimates, own_analysis
from trialsim.questions.assurance.assurance import assurance
from trialsim.questions.power import power
from trialsim.questions.size.sample_size import sample_size
from trialsim.questions.what_if.what_if import what_if
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.simulated import simulate
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch

CARS1 = load("cars1")


def moments(value: Floats, who: Booleans) -> tuple[Any, Any, Any]:
    known = who & ~np.isnan(value)
    count, kept = known.sum(axis=1), np.where(known, value, 0.0)
    mean = kept.sum(axis=1) / count
    spread = np.where(known, value - mean[:, None], 0.0) ** 2
    return count, mean, spread.sum(axis=1) / (count - 1)


def welch_by_hand(data: AnalysisData) -> Estimates:
    """Welch's t test, to be compared with trialsim's own."""
    from scipy.special import stdtr

    (n1, mean1, var1), (n0, mean0, var0) = (
        moments(data.value, who) for who in (data.treated, data.control)
    )
    part1, part0 = var1 / n1, var0 / n0
    error = np.sqrt(part1 + part0)
    t = (mean1 - mean0) / error
    freedom = (part1 + part0) ** 2 / (part1**2 / (n1 - 1) + part0**2 / (n0 - 1))
    return Estimates(mean1 - mean0, 2 * stdtr(freedom, -np.abs(t)), error, statistic=t)


own_analysis("welch_by_hand", estimates="mean difference", null=0.0)(welch_by_hand)


def planned(analysis: str = "welch_by_hand", **parameters: float) -> Scenario:
    test = {"method": "own", "analysis": analysis, "parameters": parameters}
    return CARS1.replace({"analysis.test": test, "analysis.death": "as_missing"})


def wrong(name: str, function: Callable[[AnalysisData], Any]) -> Scenario:
    """Return a study whose analysis goes wrong."""
    own_analysis(name, estimates="mean difference", null=0.0)(function)
    return planned(name)


def test_an_own_welch_test_finds_what_welchs_test_finds() -> None:
    study = planned()
    trial = simulate_batch(study, Streams(2016, range(20)))
    found = analyse_primary(trial, study.analysis)
    welch = study.replace({"analysis.test": "welch"})
    known = analyse_primary(trial, welch.analysis)
    for name in ("estimate", "z", "p_value"):
        assert np.allclose(getattr(found, name), getattr(known, name), rtol=1e-9, atol=0)
    assert (found.treated == known.treated).all()
    assert (found.control == known.control).all()


def test_every_question_has_the_same_bits_for_any_workers() -> None:
    study = planned().replace({"design.patients": 60, "analysis.secondary": {}})
    one, two = (power(study, replicates=64, seed=7, n_jobs=jobs) for jobs in (1, 2))
    assert one.to_dict() | {"seconds": 0} == two.to_dict() | {"seconds": 0}
    changes = {"design.patients": [40, 60]}
    frames = [what_if(study, changes, replicates=32, seed=7, n_jobs=jobs).frame for jobs in (1, 2)]
    assert frames[0].equals(frames[1])
    sizes = [sample_size(study, power=0.5, seed=7, n_jobs=jobs, replicates=100) for jobs in (1, 2)]
    assert (sizes[0].low, sizes[0].high) == (sizes[1].low, sizes[1].high)
    sure = [assurance(study, "cars_pooled", 64, 7, strata=4, n_jobs=jobs) for jobs in (1, 2)]
    assert sure[0].to_dict() | {"seconds": 0} == sure[1].to_dict() | {"seconds": 0}
    welch = study.replace({"analysis.test": "welch"})
    known = assurance(welch, "cars_pooled", 64, 7, strata=4, n_jobs=1)
    assert sure[0].to_dict()["probability"] == known.to_dict()["probability"]


def test_an_analysis_that_ends_a_worker_is_told_with_name_and_address() -> None:
    def leaves(data: AnalysisData) -> Estimates:
        if 20 in data.replicates:
            sys.exit(3)
        return welch_by_hand(data)

    told = r"own analysis leaves: raised SystemExit: 3 \(.*seed 7, replicate 20$"
    with pytest.raises(InputError, match=told):
        power(wrong("leaves", leaves), replicates=32, seed=7, n_jobs=2)


def test_the_parameters_of_the_study_file_reach_the_analysis() -> None:
    given: list[dict[str, float]] = []

    def noting(data: AnalysisData) -> Estimates:
        given.append(dict(data.parameters))
        return welch_by_hand(data)

    own_analysis("noting", estimates="mean difference", null=0.0)(noting)
    analyse(simulate(planned("noting", threshold=40.0), seed=1))
    assert given[0] == {"threshold": 40.0}


def test_what_an_analysis_is_given_has_its_shapes_and_cannot_be_written_to() -> None:
    seen: list[AnalysisData] = []

    def looking(data: AnalysisData) -> Estimates:
        seen.append(data)
        return welch_by_hand(data)

    own_analysis("looking", estimates="mean difference", null=0.0)(looking)
    study = planned("looking")
    trial = simulate_batch(study, Streams(2016, range(3)))
    analyse_primary(trial, study.analysis)
    data, alone = seen[0], seen[1]
    assert data.scores.shape == data.died.shape == (3, 208, len(study.design.visits))
    assert alone.covariates["arat"].shape == alone.value.shape == (1, 208)
    assert (data.covariates["arat"][:1] == alone.covariates["arat"]).all()
    assert np.array_equal(data.scores, trial.scores["arat"], equal_nan=True)
    covariate = data.covariates["arat"]
    for array in (data.scores, data.value, alone.value, covariate, alone.covariates["arat"]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0.0
        with pytest.raises(ValueError, match="cannot set WRITEABLE flag"):
            array.setflags(write=True)


@pytest.mark.parametrize(
    ("name", "changed", "told"),
    [
        ("wrong_shape", {"p_value": np.zeros(1)}, "must return p_value in the shape (64,)"),
        ("wrong_type", {"estimate": np.array(["a"] * 64)}, "must return numbers in estimate"),
        ("no_estimate", {"estimate": None, "p_value": np.ones(64)}, "must return estimate; seed 7"),
        ("ragged", {"p_value": [[0.5], [0.5, 0.5]]}, "must return p_value in the shape (64,)"),
        ("no_interval", {"standard_error": None}, "must return standard_error, or low and high"),
        ("above_one", {"p_value": np.full(64, 1.5)}, "must return a p-value from 0 to 1"),
        ("not_a_number", {"estimate": np.full(64, np.nan)}, "must return no NaN in estimate"),
        (
            "crossed",
            {"low": np.ones(64), "high": np.zeros(64)},
            "must return an interval with low at most high",
        ),
    ],
)
def test_what_is_no_estimate_is_refused_with_name_and_address(
    name: str, changed: dict[str, Any], told: str
) -> None:
    study = wrong(name, lambda data: welch_by_hand(data)._replace(**changed))
    with pytest.raises(InputError) as refused:
        power(study, replicates=64, seed=7, n_jobs=1)
    assert told in str(refused.value)
    assert f"analysis.test: own analysis {name}: " in str(refused.value)
    assert "seed 7, replicate" in str(refused.value)


def test_a_p_value_of_one_may_stand_beside_nothing_estimated() -> None:
    def silent(data: AnalysisData) -> Estimates:
        nothing = np.full(len(data.replicates), np.nan)
        return Estimates(nothing, np.ones(len(data.replicates)), nothing)

    result = analyse(simulate(wrong("silent", silent), seed=1))
    assert np.isnan(result.estimate)
    assert not result.primary.rejected


def test_an_analysis_that_raises_is_told_at_the_replicate_where_it_does() -> None:
    def raises(data: AnalysisData) -> Estimates:
        if 20 in data.replicates:
            raise ZeroDivisionError("nobody\nis left")
        return welch_by_hand(data)

    with pytest.raises(InputError) as refused:
        power(wrong("raises", raises), replicates=32, seed=7, n_jobs=1)
    told = str(refused.value)
    assert told.startswith("analysis.test: own analysis raises: raised ZeroDivisionError: nobody")
    assert "(test_analyses.py, line " in told
    assert told.endswith("seed 7, replicate 20")


def test_an_analysis_that_mixes_replicates_is_refused() -> None:
    def mixes(data: AnalysisData) -> Estimates:
        found = welch_by_hand(data)
        return found._replace(estimate=found.estimate - found.estimate.mean())

    with pytest.raises(InputError, match="the same estimate alone as in a batch"):
        power(wrong("mixes", mixes), replicates=64, seed=7, n_jobs=1)


@pytest.mark.parametrize("spared", ["first", "last"])
def test_an_analysis_that_mixes_all_replicates_but_one_is_refused(spared: str) -> None:
    def spares(data: AnalysisData) -> Estimates:
        found = welch_by_hand(data)
        estimate = found.estimate.copy()
        if spared == "first":
            estimate[1:] += estimate[0]
        else:
            estimate[:-1] += estimate[-1]
        return found._replace(estimate=estimate)

    place = 63 if spared == "first" else 0
    told = rf"the same estimate alone as in a batch, to the bit; seed 7, replicate {place} \("
    with pytest.raises(InputError, match=told):
        power(wrong("spares", spares), replicates=64, seed=7, n_jobs=1)


@pytest.mark.parametrize("far", [1, 2, 31])
def test_an_analysis_that_mixes_replicates_between_the_first_and_the_last_is_refused(
    far: int,
) -> None:
    def blends(data: AnalysisData) -> Estimates:
        found = welch_by_hand(data)
        estimate = found.estimate.copy()
        estimate[1:-1] += np.roll(estimate, -far)[1:-1]
        return found._replace(estimate=estimate)

    told = r"the same estimate among fewer as in a batch, to the bit; seed 7, replicate 2 \("
    with pytest.raises(InputError, match=told):
        power(wrong("blends", blends), replicates=64, seed=7, n_jobs=1)


def test_what_is_no_estimates_is_refused() -> None:
    with pytest.raises(InputError, match=r"must return trialsim.Estimates; .* \(got tuple\)"):
        analyse(simulate(wrong("a_tuple", lambda data: tuple(welch_by_hand(data))), seed=1))


def test_another_code_of_the_same_name_is_another_study() -> None:
    before = wrong("changing", lambda data: welch_by_hand(data))
    after = wrong("changing", lambda data: welch_by_hand(data)._replace(statistic=None))
    assert before.digest != after.digest
    own_analysis("versioned", estimates="mean difference", null=0.0, version="2")(welch_by_hand)
    again = planned("versioned").digest
    own_analysis("versioned", estimates="mean difference", null=0.0, version="3")(welch_by_hand)
    assert again != planned("versioned").digest
    with pytest.raises(InputError, match="it was another when the study was kept"):
        before.replace({"analysis.alpha": 0.01})


def test_a_study_runs_the_code_of_its_digest_whatever_is_registered_later() -> None:
    study = wrong("kept", lambda data: welch_by_hand(data))
    wrong("kept", lambda data: 1 / 0)
    smaller = study.replace({"design.patients": 60})
    assert analyse(simulate(smaller, seed=1)).primary.p_value < 1


@pytest.mark.parametrize(
    "name",
    ["evil.py", "../evil", "os.system", "evil:run", "__import__('evil')", "evil", ""],
)
def test_a_study_file_runs_nothing_that_is_not_registered(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A module that lies beside the file, and on the path, is not imported."""
    ran = tmp_path / "ran"
    (tmp_path / "evil.py").write_text(f"open({str(ran)!r}, 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "study.yaml").write_text(
        f'extends: cars1\nanalysis: {{test: {{method: own, analysis: "{name}"}}}}\n'
    )
    assert run(["check", "study.yaml"]) == INPUT_WRONG
    assert "study.yaml:2:" in capsys.readouterr().err
    assert not ran.exists()


def test_a_tag_in_a_study_file_makes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran, file = tmp_path / "ran", tmp_path / "study.yaml"
    tag = f"!!python/object/apply:os.mkdir ['{ran}']"
    file.write_text(f"extends: cars1\nanalysis: {{test: {{method: own, analysis: {tag}}}}}\n")
    assert run(["check", str(file)]) == INPUT_WRONG
    assert "must not bear a tag" in capsys.readouterr().err
    assert not ran.exists()
