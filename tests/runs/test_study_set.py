"""A command that runs several scenarios and is killed ends with the bytes of an undisturbed one."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from shutil import copytree
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import pytest

import trialsim as ts
from tests.runs.nursery import Nursery
from tests.runs.test_directory import SMALL, bytes_of, posix
from trialsim.runs.directory import find_run
from trialsim.runs.replay import replay
from trialsim.runs.study_set import STUDY_BLOCK, runs_in

MISSED: Final = {"operations.visit_missed_probability": [0.1, 0.3]}
COUNT: Final = 300

Result = ts.WhatIf | ts.SampleSize | ts.Assurance
Command = Callable[..., Result]


def what_if(out: Path | None, replicates: int = COUNT, **asked: Any) -> Result:
    return ts.what_if(
        **{"scenario": SMALL, "changes": MISSED, "n_jobs": 1, **asked},
        replicates=replicates,
        out=out,
    )


def size(out: Path | None, replicates: int = COUNT, **asked: Any) -> Result:
    return ts.sample_size(
        **{"scenario": SMALL, "power": 0.5, "n_jobs": 1, **asked}, replicates=replicates, out=out
    )


def assurance(out: Path | None, replicates: int = COUNT, **asked: Any) -> Result:
    return ts.assurance(
        **{"scenario": SMALL, "prior": "cars1", "strata": 3, "n_jobs": 1, **asked},
        replicates=replicates,
        out=out,
    )


COMMANDS: Final[dict[str, Command]] = {"what_if": what_if, "size": size, "assurance": assurance}


class Undisturbed(NamedTuple):
    """What each command said and wrote that nothing disturbed."""

    folder: Path
    results: dict[str, Result]
    bytes: dict[str, dict[str, bytes]]

    def copy(self, name: str, to: Path) -> Path:
        """Return a copy of a command's directory, with which anything may be done."""
        return copytree(self.folder / name, to, dirs_exist_ok=True)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    results = {name: command(folder / name) for name, command in COMMANDS.items()}
    return Undisturbed(folder, results, {name: bytes_of(folder / name) for name in COMMANDS})


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_kept_is_what_is_told_without_a_directory(
    name: str, undisturbed: Undisturbed
) -> None:
    """As JSON, and as a table."""
    result = undisturbed.results[name]
    kept, plain = result.to_dict(), COMMANDS[name](None).to_dict()
    told = json.loads((undisturbed.folder / name / f"{name}.json").read_text())
    assert told.pop("checksum")
    assert told.items() <= as_told(kept).items()
    assert as_told(kept) == as_told(plain)
    frame = result.frame.drop(columns="seconds", errors="ignore")
    table = pd.read_csv(undisturbed.folder / name / f"{name}.csv", keep_default_na=False)
    assert list(table) == list(frame)
    for column in frame.select_dtypes("number"):
        np.testing.assert_array_equal(pd.to_numeric(table[column]), frame[column])


def as_told(content: Any) -> Any:
    """Return plain values as JSON gives them back, without seconds."""
    if isinstance(content, dict):
        return {name: as_told(part) for name, part in content.items() if name != "seconds"}
    if isinstance(content, list | tuple):
        return [as_told(part) for part in content]
    return None if isinstance(content, float) and not np.isfinite(content) else content


def all_commands(folder: str) -> None:
    """Run every command, each in a directory of its own."""
    for name, command in COMMANDS.items():
        command(Path(folder) / name)


def finished_in(folder: Path) -> int:
    return len(list(folder.glob("*/studies/*/parts/*.parquet")))


@posix
def test_kills_at_random_moments_leave_the_bytes_of_an_undisturbed_command(
    tmp_path: Path, undisturbed: Undisturbed, nursery: Nursery
) -> None:
    """Each process does all commands until it is killed; then each is left to finish."""
    moments, reached, killed = Random(2016), [0], tmp_path / "killed"
    for _ in range(3):
        child = nursery.start("tests.runs.test_study_set:all_commands", tmp_path, None, str(killed))
        wanted, deadline = reached[-1] + moments.randint(1, 4), time.monotonic() + 60
        while finished_in(killed) < wanted and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(moments.uniform(0, 0.05))
        os.kill(child, signal.SIGKILL)
        assert nursery.wait(60) == -signal.SIGKILL
        reached.append(finished_in(killed))
    assert reached == sorted(reached)  # nothing that was finished is ever lost
    assert len(set(reached)) > 2  # the kills came in the middle
    for name, command in COMMANDS.items():
        command(killed / name)
        assert bytes_of(killed / name) == undisturbed.bytes[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_workers_and_batches_change_no_byte(
    name: str, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    COMMANDS[name](tmp_path, n_jobs=2, batch=37)
    assert bytes_of(tmp_path) == undisturbed.bytes[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_more_replicates_only_add_parts_and_end_as_if_asked_for_at_once(
    name: str, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    more = 3 * STUDY_BLOCK
    COMMANDS[name](undisturbed.copy(name, tmp_path / "extended"), more)
    COMMANDS[name](tmp_path / "at once", more)
    extended, at_once = bytes_of(tmp_path / "extended"), bytes_of(tmp_path / "at once")
    assert at_once.items() <= extended.items()
    parts = {path: content for path, content in undisturbed.bytes[name].items() if "parts" in path}
    assert parts.items() <= extended.items()
    if name != "size":  # which tries other candidates when it sees more
        assert extended == at_once


def test_a_damaged_part_of_a_world_is_set_aside_and_computed_again(
    tmp_path: Path, undisturbed: Undisturbed
) -> None:
    undisturbed.copy("what_if", tmp_path)
    part = sorted(tmp_path.glob("studies/*/parts/*.parquet"))[2]
    part.write_bytes(part.read_bytes()[:-1])
    assert [run.damaged for run in runs_in(tmp_path) if run.damaged] == [(part.name,)]
    what_if(tmp_path)
    assert bytes_of(tmp_path) == undisturbed.bytes["what_if"]


@pytest.mark.parametrize(
    ("name", "asked", "told"),
    [
        ("what_if", {"changes": {"design.patients": [24]}}, {"variants.1", "variants.2", "paths"}),
        ("what_if", {"scenario": SMALL.replace({"design.patients": 24})}, {"design.patients"}),
        ("what_if", {"seed": 3}, {"seed"}),
        ("size", {"power": 0.6, "high": 90}, {"power", "high"}),
        ("assurance", {"strata": 4}, {"strata"}),
        (
            "assurance",
            {"prior": ts.load_prior("cars1").model_copy(update={"no_effect": 0.5})},
            {"prior.no_effect"},
        ),
    ],
)
def test_another_command_is_told_what_differs_and_changes_nothing(
    tmp_path: Path, name: str, asked: dict[str, Any], told: set[str], undisturbed: Undisturbed
) -> None:
    undisturbed.copy(name, tmp_path)
    before = bytes_of(tmp_path)
    with pytest.raises(ts.InputError, match=f"as in {tmp_path} ") as refused:
        COMMANDS[name](tmp_path, **asked)
    assert {problem.path for problem in refused.value.problems} == told
    assert bytes_of(tmp_path) == before


def test_commands_and_folders_of_other_things_are_not_mixed(tmp_path: Path) -> None:
    what_if(tmp_path / "what_if", 8)
    ts.power(SMALL, 8, n_jobs=1, out=tmp_path / "power")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("years of work")
    before = bytes_of(tmp_path)
    with pytest.raises(ts.InputError, match=r"^command: must be what-if, .* \(got assurance\)"):
        assurance(tmp_path / "what_if", 8)
    with pytest.raises(ts.InputError, match=r"^command: must be power, .* \(got what-if\)"):
        what_if(tmp_path / "power", 8)
    with pytest.raises(ts.InputError, match=r"^command: must be what-if, .* \(got power\)"):
        ts.power(SMALL, 8, n_jobs=1, out=tmp_path / "what_if")
    with pytest.raises(ts.InputError, match="it holds other files"):
        what_if(tmp_path / "thesis", 8)
    with pytest.raises(ts.InputError, match=r"^run: must be .* one study's run"):
        find_run(tmp_path / "what_if")
    assert bytes_of(tmp_path) == before


def test_a_world_is_a_run_that_can_be_replayed(tmp_path: Path) -> None:
    result = what_if(tmp_path, 8)
    assert isinstance(result, ts.WhatIf)
    changed = result.rows[1].scenario
    run = find_run(tmp_path / "studies" / f"{changed.digest}-2016")
    assert run.manifest.scenario.digest == changed.digest
    alone = ts.power(changed, 8, n_jobs=1)
    assert replay(run, 7).numbers["estimate"] == alone.columns["estimate"][7]


def test_what_runs_in_vain_leaves_no_directory(tmp_path: Path) -> None:
    """A request that is wrong is told before anything is written."""
    with pytest.raises(ts.InputError):
        what_if(tmp_path / "new", changes={"design.patients": [1]})
    with pytest.raises(ts.RecruitmentError):
        what_if(tmp_path / "new", changes={"operations.recruitment_limit_days": [1e-9]})
    assert not (tmp_path / "new").exists()
