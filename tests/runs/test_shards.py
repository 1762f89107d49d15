"""Shards that know nothing of one another lie together as the bytes of one machine."""

from pathlib import Path
from shutil import copytree, rmtree
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


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what tests copy: four shards of a run, three of a what-if, the whole."""
    place = tmp_path_factory.mktemp("computed")
    for shard in FOUR:
        run_shard(place / "run" / f"shard{shard.number}", MANIFEST, shard)
    run_what_if_shards(place / "what-if")
    run_in(place / "whole")
    return place


@pytest.fixture
def shards(computed: Path, tmp_path: Path) -> list[Path]:
    """Return the folders of four shards of one run."""
    return sorted(copytree(computed / "run", tmp_path / "run").iterdir())


@pytest.fixture
def what_if_shards(computed: Path, tmp_path: Path) -> list[Path]:
    """Return the folders of three shards of a what-if of two studies."""
    return sorted(copytree(computed / "what-if", tmp_path / "what-if").iterdir())


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.integers(0, 200), st.integers(1, 30))
def test_every_block_is_the_share_of_one_shard(blocks: int, of: int) -> None:
    shares = [block for number in range(of) for block in Shard(number + 1, of).share(range(blocks))]
    assert sorted(shares) == list(range(blocks))


def test_four_shards_merge_into_the_bytes_of_one_machine(
    tmp_path: Path, shards: list[Path], computed: Path
) -> None:
    assert [sorted(find_run(folder).held) for folder in shards] == [
        [1, 5, 9],
        [2, 6],
        [3, 7],
        [0, 4, 8],
    ]
    merged = merge(tmp_path / "merged", shards[::-1])
    assert merged.replicates == COUNT
    assert bytes_of(tmp_path / "merged") == bytes_of(computed / "whole")


def test_a_missing_shard_is_named_and_may_come_later(
    tmp_path: Path, shards: list[Path], computed: Path
) -> None:
    with pytest.raises(RunError, match=r"^5 of 10 blocks are missing: start shard 2/4, 4/4 again"):
        merge(tmp_path / "merged", [shards[0], shards[2]])
    merge(tmp_path / "merged", [shards[1], shards[3]])
    assert bytes_of(tmp_path / "merged") == bytes_of(computed / "whole")


def test_a_damaged_part_of_a_shard_is_not_merged(tmp_path: Path, shards: list[Path]) -> None:
    next((shards[1] / "parts").glob("00000006-*")).write_bytes(b"")
    with pytest.raises(RunError, match=r"^1 of 10 blocks are missing: start shard 2/4 again"):
        merge(tmp_path / "merged", shards)


def test_a_directory_is_that_of_one_shard(shards: list[Path]) -> None:
    own = shards[1]
    before = bytes_of(own)
    runner = Runner(
        MANIFEST.seed, 1, directory=open_run(own, MANIFEST), shard=Shard(number=2, of=3)
    )
    with pytest.raises(InputError, match=r"^--shard: must be 2/4, which .* \(got 2/3\)$"):
        runner.run(MANIFEST.scenario, range(COUNT))
    assert bytes_of(own) == before
    run_shard(own, MANIFEST, FOUR[1])
    assert bytes_of(own) == before


def run_what_if_shards(place: Path) -> None:
    """Run three shards of a what-if of two studies, with two blocks of each."""
    study = load("stroke_nihss").replace({"design.patients": 20})
    found = alternatives(study, {"operations.visit_missed_probability": [0.3]})
    for number in (1, 2, 3):
        runner = Runner(2016, 1, shard=Shard(number, 3))
        with pytest.raises(ShardFinished):
            compared(found, (), 300, runner, place / f"shard{number}")


def test_the_shards_that_a_merge_of_several_studies_lacks_are_named(
    tmp_path: Path, what_if_shards: list[Path]
) -> None:
    with pytest.raises(RunError, match=r"^2 of 4 blocks are missing: start shard 3/3 again"):
        merge_study_sets(tmp_path / "merged", what_if_shards[:2])
    assert merge_study_sets(tmp_path / "merged", what_if_shards[2:]) == 4


def test_a_link_among_the_studies_of_a_shard_is_not_followed(
    tmp_path: Path, what_if_shards: list[Path]
) -> None:
    study = next((what_if_shards[0] / "studies").iterdir())
    study.rename(tmp_path / "elsewhere")
    study.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="run: must be no link"):
        merge_study_sets(tmp_path / "merged", what_if_shards)
    assert not list((tmp_path / "merged").rglob("*.parquet"))


def test_shards_of_different_runs_are_not_mixed(tmp_path: Path, shards: list[Path]) -> None:
    rmtree(shards[3])
    run_shard(shards[3], MANIFEST._replace(seed=3), FOUR[3])
    with pytest.raises(InputError, match=r"^seed: must be 2016, as in .* \(got 3\)$"):
        merge(tmp_path / "merged", shards)
    assert not (tmp_path / "merged").exists()


def test_what_is_no_shard_is_not_merged(tmp_path: Path, computed: Path) -> None:
    with pytest.raises(InputError, match="must be the directory of a run with --shard"):
        merge(tmp_path / "merged", [computed / "whole"])


@pytest.mark.parametrize("text", ["", "1", "0/4", "5/4", "1/0", "a/b", "1/4/2", "-1/4"])
def test_a_shard_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^--shard: must be i/n"):
        parsed_shard(text)
