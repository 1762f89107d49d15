"""Shards that know nothing of one another lie together as the bytes of one machine."""

from pathlib import Path
from shutil import rmtree
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.runs.test_directory import COUNT, MANIFEST, bytes_of, run_in
from trialsim.errors import InputError, RunError
from trialsim.questions.what_if.variants import alternatives
from trialsim.questions.what_if.what_if import compared
from trialsim.runs.directory import find_run, open_run
from trialsim.runs.manifest import RunManifest
from trialsim.runs.runner import Runner
from trialsim.runs.shards import Shard, ShardFinished, merge, merge_study_sets, parsed_shard
from trialsim.scenario.files.yaml_file import load

FOUR: Final = tuple(Shard(number, 4) for number in (1, 2, 3, 4))


def run_shard(folder: Path, manifest: RunManifest, shard: Shard) -> None:
    runner = Runner(manifest.seed, 1, directory=open_run(folder, manifest), shard=shard)
    with pytest.raises(ShardFinished, match=f"^shard {shard} is finished$"):
        runner.run(manifest.scenario, range(COUNT))


def run_shards(place: Path, manifest: RunManifest = MANIFEST) -> list[Path]:
    folders = [place / f"shard{shard.number}" for shard in FOUR]
    for shard, folder in zip(FOUR, folders, strict=True):
        run_shard(folder, manifest, shard)
    return folders


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.integers(0, 200), st.integers(1, 30))
def test_every_block_is_the_share_of_one_shard(blocks: int, of: int) -> None:
    shares = [block for number in range(of) for block in Shard(number + 1, of).share(range(blocks))]
    assert sorted(shares) == list(range(blocks))


def test_four_shards_merge_into_the_bytes_of_one_machine(tmp_path: Path) -> None:
    folders = run_shards(tmp_path)
    assert [sorted(find_run(folder).held) for folder in folders] == [
        [1, 5, 9],
        [2, 6],
        [3, 7],
        [0, 4, 8],
    ]
    merged = merge(tmp_path / "merged", folders[::-1])
    run_in(tmp_path / "whole")
    assert merged.replicates == COUNT
    assert bytes_of(tmp_path / "merged") == bytes_of(tmp_path / "whole")


def test_a_missing_shard_is_named_and_may_come_later(tmp_path: Path) -> None:
    folders = run_shards(tmp_path)
    with pytest.raises(RunError, match=r"^5 of 10 blocks are missing: start shard 2/4, 4/4 again"):
        merge(tmp_path / "merged", [folders[0], folders[2]])
    merge(tmp_path / "merged", [folders[1], folders[3]])
    run_in(tmp_path / "whole")
    assert bytes_of(tmp_path / "merged") == bytes_of(tmp_path / "whole")


def test_a_damaged_part_of_a_shard_is_not_merged(tmp_path: Path) -> None:
    folders = run_shards(tmp_path)
    next((folders[1] / "parts").glob("00000006-*")).write_bytes(b"")
    with pytest.raises(RunError, match=r"^1 of 10 blocks are missing: start shard 2/4 again"):
        merge(tmp_path / "merged", folders)


def test_a_directory_is_that_of_one_shard(tmp_path: Path) -> None:
    run_shard(tmp_path, MANIFEST, FOUR[1])
    before = bytes_of(tmp_path)
    runner = Runner(
        MANIFEST.seed, 1, directory=open_run(tmp_path, MANIFEST), shard=Shard(number=2, of=3)
    )
    with pytest.raises(InputError, match=r"^--shard: must be 2/4, which .* \(got 2/3\)$"):
        runner.run(MANIFEST.scenario, range(COUNT))
    assert bytes_of(tmp_path) == before
    run_shard(tmp_path, MANIFEST, FOUR[1])
    assert bytes_of(tmp_path) == before


def what_if_shards(place: Path) -> list[Path]:
    """Return three shards of a what-if of two studies, with two blocks of each."""
    folders = [place / f"shard{number}" for number in (1, 2, 3)]
    study = load("stroke_nihss").replace({"design.patients": 20})
    found = alternatives(study, {"operations.visit_missed_probability": [0.3]})
    for number, folder in enumerate(folders, 1):
        runner = Runner(2016, 1, shard=Shard(number, 3))
        with pytest.raises(ShardFinished):
            compared(found, (), 300, runner, folder)
    return folders


def test_the_shards_that_a_merge_of_several_studies_lacks_are_named(tmp_path: Path) -> None:
    folders = what_if_shards(tmp_path)
    with pytest.raises(RunError, match=r"^2 of 4 blocks are missing: start shard 3/3 again"):
        merge_study_sets(tmp_path / "merged", folders[:2])
    assert merge_study_sets(tmp_path / "merged", folders[2:]) == 4


def test_a_link_among_the_studies_of_a_shard_is_not_followed(tmp_path: Path) -> None:
    folders = what_if_shards(tmp_path)
    study = next((folders[0] / "studies").iterdir())
    study.rename(tmp_path / "elsewhere")
    study.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="run: must be no link"):
        merge_study_sets(tmp_path / "merged", folders)
    assert not list((tmp_path / "merged").rglob("*.parquet"))


def test_shards_of_different_runs_are_not_mixed(tmp_path: Path) -> None:
    folders = run_shards(tmp_path)
    rmtree(folders[3])
    run_shard(folders[3], MANIFEST._replace(seed=3), FOUR[3])
    with pytest.raises(InputError, match=r"^seed: must be 2016, as in .* \(got 3\)$"):
        merge(tmp_path / "merged", folders)
    assert not (tmp_path / "merged").exists()


def test_what_is_no_shard_is_not_merged(tmp_path: Path) -> None:
    run_in(tmp_path / "whole")
    with pytest.raises(InputError, match="must be the directory of a run with --shard"):
        merge(tmp_path / "merged", [tmp_path / "whole"])


@pytest.mark.parametrize("text", ["", "1", "0/4", "5/4", "1/0", "a/b", "1/4/2", "-1/4"])
def test_a_shard_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^--shard: must be i/n"):
        parsed_shard(text)
