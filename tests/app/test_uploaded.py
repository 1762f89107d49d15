"""A study out of a browser is read as every other, and reaches no file and no code."""

from pathlib import Path

import pytest

import trialsim as ts
from trialsim.app.limits import MOST_BYTES
from trialsim.app.uploaded import uploaded_file, uploaded_study
from trialsim.errors import InputError
from trialsim.scenario.files.builtin import builtin_scenarios

NOWHERE = "no other file can be reached"
NO_CODE = "no code is run for a file"


def refused(text: str, name: str = "mine.yaml") -> list[str]:
    """Return what is told of a file."""
    with pytest.raises(InputError) as raised:
        uploaded_study(name, text.encode())
    return [str(problem) for problem in raised.value.problems]


def test_a_study_is_the_same_as_from_a_file() -> None:
    content = builtin_scenarios()["cars1"].read_bytes()
    assert uploaded_study("cars1.yaml", content).digest == ts.load("cars1").digest
    variant = uploaded_study("Half the size.yml", b"extends: cars1\ndesign: {patients: 104}\n")
    assert (variant.name, variant.digest) == (
        "half_the_size",
        ts.load("cars1").replace({"design.patients": 104}).digest,
    )


def test_every_problem_is_told_with_its_line_and_without_a_folder() -> None:
    text = "extends: cars1\ndesign:\n  patients: 1\noperations:\n  withdrawal: {probability: 2}\n"
    assert refused(text, "../../tmp/my study.yaml") == [
        "my_study.yaml:3:3: design.patients: must be greater than or equal to 2 (got 1)",
        "my_study.yaml:5:16: operations.withdrawal.probability: must be less than or equal to 1 "
        "(got 2)",
    ]
    assert refused("a: [", "x.yaml")[0].startswith("x.yaml:")


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        ("extends: FILE\n", "1:1: extends", NOWHERE),
        ("extends: [cars1]\n", "1:1: extends", NOWHERE),
        ("name: two\ntrials:\n  a: {extends: FILE}\n", "3:7: trials.a.extends", NOWHERE),
        ("extends: cars1\npopulation: {table: {file: FILE}}\n", "2:22: population.table", NOWHERE),
        (
            "extends: cars1\ndesign: {randomisation: {procedure: listed, file: FILE}}\n",
            "2:45: design.randomisation.file",
            NOWHERE,
        ),
        (
            "extends: cars1\noutcomes: {arat: {course: {model: tabulated, arm: a, file: FILE}}}\n",
            "outcomes.arat.course.file",
            NOWHERE,
        ),
        (
            "trials: {a: &a {population: {table: {file: FILE}}}, b: *a}\n",
            "trials.b.population.table.file",
            NOWHERE,
        ),
        (
            "extends: cars1\nanalysis: {test: {method: own, analysis: mine}}\n",
            "2:19: analysis.test.method",
            NO_CODE,
        ),
        (
            "extends: cars1\noutcomes: {arat: {course: {model: own, function: mine}}}\n",
            "outcomes.arat.course.model",
            NO_CODE,
        ),
    ],
)
def test_a_file_or_code_that_is_named_is_refused_by_its_name(
    text: str, place: str, told: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whether it is there or not: the answer does not tell which files this machine has."""
    there = tmp_path_factory.mktemp("host") / "secret.csv"
    there.write_text("age_years\n63\n")
    answers = [
        [one for one in refused(text.replace("FILE", str(file))) if place in one]
        for file in (there, there.with_name("absent.csv"))
    ]
    for found, file in zip(answers, ("secret.csv", "absent.csv"), strict=True):
        assert found, place
        assert all(told in one for one in found)
        assert file in "".join(found) or told == NO_CODE or "a list" in "".join(found)
    assert str(answers[0]).replace("secret", "absent") == str(answers[1])


def test_a_source_may_be_called_as_a_file() -> None:
    study = uploaded_study("a.yaml", b"extends: cars1\nreferences: {file: A file of ours}\n")
    assert study.references["file"] == "A file of ours"


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    (told,) = refused("#" * (MOST_BYTES + 1))
    assert told == "mine.yaml: must be a file of at most 300,000 bytes (got 300,001)"


def test_only_what_was_uploaded_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser can say that its file lies anywhere."""
    monkeypatch.setattr("trialsim.app.uploaded.gettempdir", lambda: str(tmp_path))
    sent = tmp_path / "fileupload-abc" / "def" / "0.yaml"
    assert uploaded_file(str(sent)) == sent.resolve()
    for other in (
        tmp_path / "secret.yaml",
        tmp_path / "other" / "def" / "0.yaml",
        tmp_path / "other" / "fileupload-abc" / "def" / "0.yaml",
        sent.parent / ".." / ".." / "secret.yaml",
        tmp_path / "fileupload-abc" / "def" / ".." / ".." / ".." / "secret.yaml",
    ):
        with pytest.raises(InputError, match="file: must be one that was uploaded"):
            uploaded_file(str(other))
    sent.parent.mkdir(parents=True)
    sent.symlink_to(tmp_path / "secret.yaml")
    with pytest.raises(InputError, match="must be one that was uploaded"):
        uploaded_file(str(sent))
