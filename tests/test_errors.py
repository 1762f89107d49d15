"""What is wrong is told in one line: place, path, rule, value."""

import pickle

import pytest

from trialsim.errors import InputError, Problem, RecruitmentError, RunError, TrialsimError, nearest


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (
            Problem("design.patients", "must be at least 2", "1", "a.yaml", 16, 3),
            "a.yaml:16:3: design.patients: must be at least 2 (got 1)",
        ),
        (Problem("design.patients", "must be given"), "design.patients: must be given"),
        (Problem("", "must not be empty", None, "a.yaml", 1, 1), "a.yaml:1:1: must not be empty"),
        (Problem("", "cannot be read", None, "a.yaml"), "a.yaml: cannot be read"),
        (Problem("--set", "must be PATH=VALUE", ""), "--set: must be PATH=VALUE (got )"),
    ],
)
def test_a_problem_is_one_line_of_what_is_known(problem: Problem, line: str) -> None:
    assert str(problem) == line


def test_an_input_error_tells_every_problem_in_its_own_line() -> None:
    error = InputError([Problem("a", "must be given"), Problem("b", "is not known")])
    assert str(error) == "a: must be given\nb: is not known"
    assert [problem.path for problem in error.problems] == ["a", "b"]


def test_problems_may_come_from_a_generator_and_are_kept() -> None:
    error = InputError(Problem(name, "must be given") for name in "ab")
    assert len(error.problems) == 2
    assert len(error.problems) == 2


def test_an_input_error_travels_between_processes_whole() -> None:
    error = InputError([Problem("a", "must be given", None, "a.yaml", 1, 2)])
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert again.problems == error.problems


def test_a_failed_recruitment_travels_between_processes_whole() -> None:
    error = RecruitmentError("recruitment was not complete after 9 days", 64)
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == f"{error.reason} in any of 64 replicates"
    assert again.reason == error.reason


def test_every_refusal_is_a_trialsim_error_and_of_a_builtin_kind() -> None:
    assert issubclass(InputError, TrialsimError)
    assert issubclass(InputError, ValueError)
    assert issubclass(RunError, TrialsimError)
    assert issubclass(RunError, RuntimeError)
    assert issubclass(RecruitmentError, RunError)


def test_a_hint_is_given_where_a_known_name_is_near_and_nothing_elsewhere() -> None:
    assert nearest("patient", ["patients", "arms"]) == "; did you mean patients?"
    assert nearest("zzz", ["patients", "arms"]) == ""
    assert nearest("patients", []) == ""
