"""An own course runs wherever one of trialsim's does, and its mistakes have an address."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trialsim as ts
from trialsim.analysis.whole.covered import not_covered
from trialsim.arrays import Floats
from trialsim.cli import INPUT_WRONG, run
from trialsim.errors import InputError
from trialsim.own.courses import CourseData, own_course
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.outcomes.effects import control_cells, effect_sizes
from trialsim.scenario.outcomes.own_course import OwnCourse
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch

SMALL = load("cars1").replace({"design.patients": 60, "analysis.secondary": {}})
MOMENTS = {"start_mean": 5.0, "start_sd": 20.0, "end_mean": 25.0, "end_sd": 30.0}
TAU = {"tau": 20.0}


def as_exponential(data: CourseData) -> Floats:
    """Follow the course of model exponential, to be compared with trialsim's own."""
    given, days = data.parameters, data.days
    done = np.expm1(-days / given["tau"]) / np.expm1(-90 / given["tau"])
    mean = given["start_mean"] + done * (given["end_mean"] - given["start_mean"])
    sd = given["start_sd"] + done * (given["end_sd"] - given["start_sd"])
    return data.on_the_scale(mean + sd * data.latent + data.added)


def simple(data: CourseData) -> Floats:
    return data.on_the_scale(25 + 30 * data.latent + data.added)


own_course("as_exponential")(as_exponential)


def course_of(name: str, **fields: Any) -> dict[str, Any]:
    return {"model": "own", "course": name, "end_day": 90, "baseline_correlation": 0.6, **fields}


def with_course(name: str = "as_exponential", **fields: Any) -> Scenario:
    given = {"parameters": {**MOMENTS, **TAU}} | fields
    return SMALL.replace({"outcomes.arat.course": course_of(name, **given)})


def wrong(name: str, function: Callable[[CourseData], Any]) -> Scenario:
    """Return a study whose course goes wrong in trials."""
    own_course(name)(function)
    return with_course(name)


def in_trial(data: CourseData) -> bool:
    """Return whether these are not the reference patients of the end day."""
    return bool((data.days != 90).any())


def told(action: Callable[[], Any]) -> str:
    with pytest.raises(InputError) as refused:
        action()
    return str(refused.value)


def test_an_own_exponential_course_gives_the_scores_of_trialsims() -> None:
    correlations = {f"{end}_baseline_correlation": 0.6 for end in ("start", "end")}
    known = SMALL.replace(
        {
            "outcomes.arat.course": {
                "model": "exponential",
                "end_day": 90,
                "time_constant_days": 20,
                **MOMENTS,
                **correlations,
            }
        }
    )
    own = with_course()
    one, other = effect_sizes(own.outcomes["arat"]), effect_sizes(known.outcomes["arat"])
    assert one == pytest.approx(other, rel=1e-11)
    cells = control_cells(own.outcomes["arat"]), control_cells(known.outcomes["arat"])
    assert np.abs(cells[0] - cells[1]).max() < 1e-14
    trials = [simulate_batch(study, Streams(2016, range(40))) for study in (own, known)]
    found, expected = (trial.underlying["arat"] for trial in trials)
    assert np.array_equal(found, expected, equal_nan=True)


@pytest.mark.parametrize(("anchor", "value"), [("theta", 0.5), ("odds_ratio", 1.0)])
def test_no_effect_on_any_scale_moves_nobody(anchor: str, value: float) -> None:
    effect = {"outcomes.arat.effect.anchor": anchor, "outcomes.arat.effect.value": value}
    assert effect_sizes(with_course().replace(effect).outcomes["arat"]).latent_shift == 0


def test_every_question_has_the_same_bits_for_any_workers_batch_and_engine() -> None:
    study = with_course()
    runs = [
        ts.power(study, replicates=32, seed=7, n_jobs=1, engine="vector"),
        ts.power(study, replicates=32, seed=7, n_jobs=2, engine="events"),
        ts.power(study, replicates=32, seed=7, n_jobs=1, engine="vector", batch=5),
    ]
    first, *others = ({**one.to_dict(), "seconds": 0, "engine": ""} for one in runs)
    assert others == [first, first]
    changes = {"outcomes.arat.course.parameters.end_mean": [20.0, 30.0]}
    frames = [
        ts.what_if(study, changes, replicates=32, seed=7, n_jobs=jobs).frame for jobs in (1, 2)
    ]
    assert frames[0].equals(frames[1])
    sizes = [
        ts.sample_size(study, power=0.5, seed=7, n_jobs=jobs, replicates=100) for jobs in (1, 2)
    ]
    assert (sizes[0].low, sizes[0].high) == (sizes[1].low, sizes[1].high)
    answers = [ts.assurance(study, "cars_pooled", 16, 7, strata=2, n_jobs=jobs) for jobs in (1, 2)]
    assert answers[0].to_dict() | {"seconds": 0} == answers[1].to_dict() | {"seconds": 0}


def test_what_a_course_is_given_has_its_shapes_and_cannot_be_written_to() -> None:
    seen: list[CourseData] = []

    def looking(data: CourseData) -> Floats:
        seen.append(data)
        return simple(data) + 0 * data.covariates["age_years"]

    own_course("looking")(looking)
    study = with_course("looking", covariates={"age_years": 65}, parameters=TAU)
    seen.clear()
    trial = simulate_batch(study, Streams(2016, range(30)))
    trial.scores.at("arat", 1)
    batch, again = (data for data in seen if in_trial(data))
    assert dict(batch.parameters) == TAU
    assert batch.days.shape == batch.covariates["age_years"].shape == (30 * 60,)
    assert abs(batch.latent.std() - 1) < 0.1  # those who are eligible differ a little
    assert (again.days == batch.days[59::-1]).all()
    assert batch.scale.tolist() == list(range(58))
    for data in (batch, again):
        for array in (data.days, data.latent, data.added, data.scale, data.covariates["age_years"]):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0.0


@pytest.mark.parametrize(
    ("name", "change", "rule"),
    [
        ("short", lambda score: score[1:], "must return scores in the shape ("),
        ("letters", lambda score: score.astype("U9"), "must return numbers; "),
        ("flags", lambda score: score > 30, "must return numbers; "),
        ("ragged", lambda score: [[1.0], [1.0, 2.0]], "raised ValueError: "),
        ("holes", lambda score: np.where(score > 40, np.nan, score), "must return no NaN; "),
        (
            "above",
            lambda score: score + 1,
            "must return values of the scale, 0 to 57 in steps of 1",
        ),
        ("between", lambda score: score - 0.25, "must return values of the scale, 0 to 57 in st"),
        ("endless", lambda score: score + np.inf, "must return values of the scale, 0 to 57 in st"),
    ],
)
def test_what_are_no_scores_is_refused_with_name_and_address(
    name: str, change: Callable[[Any], Any], rule: str
) -> None:
    study = wrong(name, lambda data: change(simple(data)) if in_trial(data) else simple(data))
    said = told(lambda: ts.power(study, replicates=8, seed=7, n_jobs=1))
    assert said.startswith(f"outcomes.arat.course: own course {name}: {rule}")
    assert "; seed 7, replicate" in said
    assert ", visit " in said


def test_a_course_that_raises_is_told_at_the_replicate_where_it_does() -> None:
    study = with_course()
    trial = simulate_batch(study, Streams(7, range(20, 21)))
    onset = trial.cohort.onset[0, trial.candidate[0, 3]]
    visits = list(study.design.visits)
    day = ((trial.conduct.visit_minute[0, 3, len(visits) - 1] - onset) / 1440).item()

    def raises(data: CourseData) -> Floats:
        if (data.days == day).any():
            raise ZeroDivisionError("nobody\nis left")
        return simple(data)

    said = told(lambda: ts.power(wrong("raises", raises), replicates=32, seed=7, n_jobs=1))
    assert said.startswith("outcomes.arat.course: own course raises: raised ZeroDivisionError: nob")
    assert "(test_courses.py, line " in said
    assert said.endswith(f"; seed 7, replicate 20, visit {visits[-1]}")


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("mixes", lambda data: data.on_the_scale(30 * data.latent + data.latent.mean() * 1e4)),
        ("counts", lambda data: data.on_the_scale(simple(data) + np.arange(len(data.days)) % 9)),
    ],
)
def test_a_score_that_depends_on_other_patients_is_refused(
    name: str, function: Callable[[CourseData], Any]
) -> None:
    study = wrong(name, lambda data: function(data) if in_trial(data) else simple(data))
    rule = "must give a patient the same score by any company and order of patients; seed 7"
    assert rule in told(lambda: ts.power(study, replicates=8, seed=7, n_jobs=1))


def test_the_course_of_an_arm_is_told_by_that_arm() -> None:
    def holed(data: CourseData) -> Floats:
        return simple(data) * (np.nan if in_trial(data) else 1)

    own_course("holed")(holed)
    study = SMALL.replace({"outcomes.arat.course_by_arm": {"placebo": course_of("holed")}})
    said = told(lambda: simulate_batch(study, Streams(7, range(2))).scores["arat"])
    assert said.startswith("outcomes.arat.course_by_arm.placebo: own course holed: must return no ")


@pytest.mark.parametrize(
    ("name", "function", "rule"),
    [
        (
            "falls",
            lambda data: data.on_the_scale(25 - 30 * data.latent + data.added),
            "course.course: own course falls: must give no lower score where latent is higher",
        ),
        (
            "harms",
            lambda data: data.on_the_scale(25 + 30 * data.latent - data.added),
            "course.course: own course harms: must give no lower score where added is higher",
        ),
        (
            "lacks",
            lambda data: data.latent + data.parameters["sd"],
            "course.course: own course lacks: raised KeyError: 'sd' (test_courses.py, line ",
        ),
    ],
)
def test_what_reference_patients_show_is_told_as_the_study_is_loaded(
    name: str, function: Callable[[CourseData], Any], rule: str
) -> None:
    said = told(lambda: wrong(name, function))
    assert f"outcomes.arat.{rule}" in said
    assert "reference patients, end day" in said


def test_a_covariate_that_the_study_has_not_is_refused() -> None:
    said = told(lambda: with_course(covariates={"age": 65, "age_years": 65}))
    assert "outcomes.arat.course.covariates.age: must be a covariate that exists" in said
    assert "covariates.age_years" not in said


def test_a_correlation_with_a_baseline_that_is_not_there_is_refused() -> None:
    assert "course.baseline_correlation: must be 0 where neither baseline nor" in told(
        lambda: with_course().replace({"outcomes.arat.baseline": None})
    )


def test_another_code_of_the_same_name_is_another_study() -> None:
    before = wrong("changing", simple)
    assert isinstance(before.outcomes["arat"].course, OwnCourse)
    own_course("changing", version="2")(simple)
    after = with_course("changing")
    own_course("changing", version="3")(simple)
    assert len({before.digest, after.digest, with_course("changing").digest}) == 3
    with pytest.raises(InputError, match="it was another when the study was kept"):
        before.replace({"outcomes.arat.course.end_day": 80})


def test_a_study_runs_the_code_of_its_digest_whatever_is_registered_later() -> None:
    own_course("kept")(lambda data: simple(data))
    study = with_course("kept")
    own_course("kept")(lambda data: 1 / 0)
    smaller = study.replace({"design.patients": 40})
    assert ts.power(smaller, replicates=8, seed=1, n_jobs=1).power > 0


def test_whole_trials_in_c_leave_own_courses_alone() -> None:
    assert list(not_covered(SMALL)) == []
    assert list(not_covered(with_course())) == ["outcomes.arat.course"]
    course = course_of("as_exponential", parameters={**MOMENTS, **TAU})
    of_arm = SMALL.replace({"outcomes.arat.course_by_arm": {"placebo": course}})
    assert list(not_covered(of_arm)) == ["outcomes.arat.course_by_arm"]


@pytest.mark.parametrize(
    "name", ["evil_course.py", "../evil_course", "evil_course:run", "evil_course"]
)
def test_a_study_file_runs_nothing_that_is_not_registered(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A module that lies beside the file, and on the path, is not imported."""
    ran = tmp_path / "ran"
    (tmp_path / "evil_course.py").write_text(f"open({str(ran)!r}, 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "study.yaml").write_text(
        f'extends: cars1\noutcomes: {{arat: {{course: {{model: own, course: "{name}"}}}}}}\n'
    )
    assert run(["check", "study.yaml"]) == INPUT_WRONG
    assert "study.yaml:2:" in capsys.readouterr().err
    assert not ran.exists()
