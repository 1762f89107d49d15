"""Whatever is done to a run's files is told or healed, and nothing outside it is touched.

Each harm is done to a copy of one small run inside the test's own folder. Then the run is read, as
`report` and `plot` do, a trial of it is replayed, and `power` goes on with it.
"""

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import trialsim as ts
from tests.runs.test_directory import kept_power
from trialsim.replicates.run import Simulation
from trialsim.reporting.evidence.finished_run import commands_of, finished
from trialsim.runs.directory import RunDirectory, find_run, open_run
from trialsim.runs.manifest import RunManifest, manifest_here
from trialsim.runs.part_file import PartName, parsed_name
from trialsim.runs.replay import replay
from trialsim.runs.sealed import checksum, sealed

pytestmark = pytest.mark.skipif(os.name != "posix", reason="makes pipes and links")

BLOCK: Final = 8
COUNT: Final = 20
SMALL: Final = ts.load("stroke_nihss").replace({"design.patients": 8})
MANIFEST: Final = manifest_here(SMALL, 2016, block=BLOCK)
OTHERS: Final[dict[str, RunManifest]] = {
    "seed": MANIFEST._replace(seed=3),
    "study": manifest_here(SMALL.replace({"design.patients": 12}), 2016, block=BLOCK),
    "engine": MANIFEST._replace(engine="events"),
    "block size": MANIFEST._replace(block=2 * BLOCK),
    "version": MANIFEST._replace(versions={**MANIFEST.versions, "numpy": "1.0"}),
}
"""Runs whose parts are not this one's."""
Harm = Callable[[Path, Path], object]
"""Does something to a run; what it brings in comes from the second folder, which is outside."""


def part(folder: Path, block: int = 1) -> Path:
    """Return the file of a block."""
    return next((folder / "parts").glob(f"{block:08}-*"))


def put(folder: Path, content: bytes, block: int = 1) -> None:
    """Put a part under the name that is right for its bytes, in place of what is there."""
    part(folder, block).unlink()
    (folder / "parts" / str(PartName(block, checksum(content)))).write_bytes(content)


def bytes_changed(change: Callable[[bytes], bytes]) -> Harm:
    """Return a harm to the bytes of a part, which keeps its name."""
    return lambda run, _: part(run).write_bytes(change(part(run).read_bytes()))


def flipped(place: float) -> Callable[[bytes], bytes]:
    """Return what flips a bit at a share of the length."""

    def flip(content: bytes) -> bytes:
        at = min(int(place * len(content)), len(content) - 1)
        return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]

    return flip


def table_changed(change: Callable[[Any], Any]) -> Harm:
    """Return a harm to the table in a part, whose name is then made right."""

    def harm(run: Path, _: Path) -> None:
        sink = pa.BufferOutputStream()
        pq.write_table(change(pq.read_table(part(run))), sink)
        put(run, sink.getvalue().to_pybytes())

    return harm


def of_block(block: int, other: int) -> Harm:
    """Return a harm that gives a block the part of another one."""
    return lambda run, _: put(run, part(run, other).read_bytes(), block)


def swapped(run: Path, _: Path) -> None:
    first, second = (part(run, block).read_bytes() for block in (0, 1))
    put(run, second, 0)
    put(run, first, 1)


def beside(run: Path, _: Path) -> None:
    content = part(run, 0).read_bytes()
    (run / "parts" / str(PartName(1, checksum(content)))).write_bytes(content)


def foreign(name: str, blocks: tuple[int, ...] = (1,)) -> Harm:
    """Return a harm that gives blocks the parts of another run."""

    def harm(run: Path, outside: Path) -> None:
        for block in blocks:
            put(run, part(outside / name, block).read_bytes(), block)

    return harm


def all_foreign(name: str) -> Harm:
    def harm(run: Path, outside: Path) -> None:
        rmtree(run / "parts")
        copytree(outside / name / "parts", run / "parts")

    return harm


def instead(name: str, make: Callable[[Path, Path], object]) -> Harm:
    """Return a harm that puts something else at a name of the run."""

    def harm(run: Path, outside: Path) -> None:
        path = part(run) if name == "part" else run / name
        rmtree(path) if path.is_dir() else path.unlink()
        make(path, outside)

    return harm


def pipe(path: Path, _: Path) -> None:
    os.mkfifo(path)


def folder(path: Path, _: Path) -> None:
    path.mkdir()


def nothing(path: Path, _: Path) -> None:
    return


def link_to(name: str) -> Callable[[Path, Path], None]:
    return lambda path, outside: path.symlink_to(outside / name)


def content(text: bytes) -> Callable[[Path, Path], object]:
    return lambda path, _: path.write_bytes(text)


def json_changed(name: str, **changes: Any) -> Harm:
    """Return a harm to values of a JSON file; the seal stays as it was."""

    def harm(run: Path, _: Path) -> None:
        told = json.loads((run / name).read_text())
        (run / name).write_text(json.dumps({**told, **changes}))

    return harm


def forged(name: str, **changes: Any) -> Harm:
    """Return a harm to values of a JSON file, which is sealed again."""

    def harm(run: Path, _: Path) -> None:
        told = json.loads((run / name).read_text())
        del told["checksum"]
        (run / name).write_bytes(sealed({**told, **changes}))

    return harm


def without(name: str, key: str) -> Harm:
    def harm(run: Path, _: Path) -> None:
        told = json.loads((run / name).read_text())
        del told[key]
        (run / name).write_text(json.dumps(told))

    return harm


def edited(run: Path, _: Path) -> None:
    path = run / "scenario.yaml"
    path.write_text(path.read_text().replace("patients: 8", "patients: 12"))


def added(name: str, text: bytes = b"half of") -> Harm:
    return lambda run, _: (run / name).write_bytes(text)


DEEP: Final = b"[" * 100_000 + b"]" * 100_000
HARMS: Final[dict[str, Harm]] = {
    "a bit at the beginning of a part": bytes_changed(flipped(0.0)),
    "a bit in the middle of a part": bytes_changed(flipped(0.5)),
    "a bit at the end of a part": bytes_changed(flipped(1.0)),
    "a part without its last byte": bytes_changed(lambda content: content[:-1]),
    "half a part": bytes_changed(lambda content: content[: len(content) // 2]),
    "an empty part": bytes_changed(lambda content: b""),
    "a part of zeros": bytes_changed(lambda content: bytes(len(content))),
    "a byte more in a part": bytes_changed(lambda content: content + b"\0"),
    "a part twice over": bytes_changed(lambda content: content * 2),
    "a part that is gone": instead("part", nothing),
    "a part that is a pipe": instead("part", pipe),
    "a part that is a folder": instead("part", folder),
    "a part that is a link to what it was": instead("part", link_to("whole")),
    "a part that is a link to nothing": instead("part", link_to("nowhere")),
    "a part under another checksum": lambda run, _: part(run).rename(
        run / "parts" / f"00000001-{'0' * 16}.parquet"
    ),
    "a part under another block": lambda run, _: part(run).rename(
        run / "parts" / part(run).name.replace("00000001", "00000007")
    ),
    "a copy of a part with a zero more": lambda run, _: (
        run / "parts" / f"0{part(run).name}"
    ).write_bytes(part(run).read_bytes()),
    "a part under a block without end": lambda run, _: part(run).rename(
        run / "parts" / part(run).name.replace("00000001", "9" * 20)
    ),
    "block 0 as block 1": of_block(1, 0),
    "block 1 as block 0": of_block(0, 1),
    "block 2 as block 1": of_block(1, 2),
    "block 0 beside block 1": beside,
    "two blocks swapped": swapped,
    **{f"a part of another {name}": foreign(name) for name in OTHERS},
    **{f"two parts of another {name}": foreign(name, (0, 1)) for name in OTHERS},
    **{f"all parts of another {name}": all_foreign(name) for name in OTHERS},
    "a part with a row less": table_changed(lambda table: table.slice(0, BLOCK - 1)),
    "a part with a row twice": table_changed(
        lambda table: pa.concat_tables([table, table.slice(0, 1)])
    ),
    "a part with its rows turned round": table_changed(
        lambda table: table.take(list(range(BLOCK))[::-1])
    ),
    "a part without a column": table_changed(lambda table: table.drop_columns(["p_value"])),
    "a part without its replicates": table_changed(lambda table: table.drop_columns(["replicate"])),
    "a part with a column more": table_changed(
        lambda table: table.append_column("luck", table.column("estimate"))
    ),
    "a part with whole numbers": table_changed(
        lambda table: table.set_column(
            table.column_names.index("screened"), "screened", table.column("screened").cast("int64")
        )
    ),
    "a part with texts": table_changed(
        lambda table: table.set_column(
            table.column_names.index("estimate"),
            "estimate",
            pa.array(["0.5"] * BLOCK),
        )
    ),
    "a part that does not say whose it is": table_changed(
        lambda table: table.replace_schema_metadata(None)
    ),
    "a part that says it in no UTF-8": table_changed(
        lambda table: table.replace_schema_metadata({b"digest": b"\xff\xfe"})
    ),
    "a part that is no Parquet": lambda run, _: put(run, b"no Parquet at all"),
    "a part that is half a Parquet": lambda run, _: put(run, part(run).read_bytes()[:-200]),
    "a file beside the parts": added("parts/notes.txt"),
    "a half-written part": added("parts/.00000001-0.parquet.ab.part"),
    "no parts": instead("parts", nothing),
    "parts that are all gone": instead("parts", folder),
    "parts in a file": instead("parts", content(b"parts")),
    "parts in a pipe": instead("parts", pipe),
    "parts elsewhere": instead("parts", link_to("seed/parts")),
    "parts nowhere": instead("parts", link_to("nowhere")),
    **{
        f"{name} {what}": instead(name, make)
        for name in ("manifest.json", "scenario.yaml", "summary.json", "log.jsonl")
        for what, make in {
            "that is gone": nothing,
            "that is empty": content(b""),
            "of no UTF-8": content(b"\xff\xfe\x00"),
            "nested without end": content(DEEP),
            "that is a list": content(b"[1, 2]\n"),
            "that is a pipe": pipe,
            "that is a folder": folder,
            "that is a link": link_to("victim"),
            "that is a link to nothing": link_to("nowhere"),
        }.items()
    },
    **{
        f"manifest.json{how} with {key} {value}": harm("manifest.json", **{key: value})
        for how, harm in {"": json_changed, ", sealed,": forged}.items()
        for key, value in {
            "seed": 3,
            "engine": "events",
            "block": 2 * BLOCK,
            "versions": {"numpy": "1.0"},
            "digest": "0" * 12,
        }.items()
    },
    **{
        f"manifest.json, sealed, with {key} {value!r}": forged("manifest.json", **{key: value})
        for key, value in (
            ("block", 0),
            ("block", -1),
            ("block", "8"),
            ("block", 10**30),
            ("seed", -1),
            ("seed", 2.5),
            ("engine", "warp"),
            ("command", ["power"]),
            ("command", "what-if"),
            ("versions", 3),
            ("inputs", None),
            ("scenario_file", "0" * 16),
        )
    },
    "manifest.json with a block without end": lambda run, _: (run / "manifest.json").write_text(
        re.sub(r'"block": \d+', '"block": Infinity', (run / "manifest.json").read_text())
    ),
    "manifest.json without its seed": without("manifest.json", "seed"),
    "manifest.json without its seal": without("manifest.json", "checksum"),
    "manifest.json of another run": lambda run, outside: (run / "manifest.json").write_bytes(
        (outside / "study" / "manifest.json").read_bytes()
    ),
    "manifest and scenario of another run": lambda run, outside: [
        (run / name).write_bytes((outside / "study" / name).read_bytes())
        for name in ("manifest.json", "scenario.yaml")
    ],
    "scenario.yaml that was edited": edited,
    "scenario.yaml of another run": lambda run, outside: (run / "scenario.yaml").write_bytes(
        (outside / "study" / "scenario.yaml").read_bytes()
    ),
    "summary.json with other replicates": json_changed("summary.json", replicates=8),
    "summary.json with another power": json_changed("summary.json", power=0.99),
    **{
        f"summary.json, sealed, with replicates {value!r}": forged("summary.json", replicates=value)
        for value in (0, -1, 10**12, 10**30, "20", True, None)
    },
    **{
        f"summary.json of a shorter run of another {name}": forged(
            "summary.json", replicates=8, **{name: value}
        )
        for name, value in {"seed": 3, "digest": "0" * 12, "engine": "events"}.items()
    },
    "log.jsonl with a list for a command": added("log.jsonl", b'{"command": ["x"]}\n'),
    "log.jsonl with a number": added("log.jsonl", b"3\n"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the run that is harmed, and outside it the others and a victim."""
    place = tmp_path_factory.mktemp("whole")
    kept_power(open_run(place / "run", MANIFEST), COUNT)
    for name, manifest in OTHERS.items():
        other = open_run(place / "outside" / name, manifest)
        simulation = Simulation(manifest.scenario, manifest.seed, manifest.engine)
        for block in range(3):
            other.add(block, simulation.run(other.replicates_of(block)))
    (place / "outside" / "victim").write_text("years of work\n")
    (place / "outside" / "whole").write_bytes(part(place / "run").read_bytes())
    return place


def snapshot(folder: Path) -> dict[str, Any]:
    """Return every entry of a folder: its bytes, where a link leads, or that it is no file."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = ("link", str(path.readlink()))
        else:
            found[name] = path.read_bytes() if path.is_file() else "no file"
    return found


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """End what waits without end."""

    def end(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def answer_of(ask: Callable[[], dict[str, Any]]) -> str | None:
    """Return what a command says, None where it refuses in words."""
    with at_most(60), suppress(ts.TrialsimError):
        return str({name: value for name, value in ask().items() if name != "seconds"})
    return None


def summarised(run: RunDirectory) -> dict[str, Any]:
    assert all(isinstance(command, str) for command in commands_of(run))
    return finished(run).to_dict()


def read(folder: Path) -> list[str | None]:
    """Return what is said of a run, and of a trial of its block 1; None where it is refused."""
    with at_most(60), suppress(ts.TrialsimError):
        run = find_run(folder)
        asked = (lambda: summarised(run), lambda: replay(run, 11).to_dict())
        return [answer_of(ask) for ask in asked]
    return [None, None]


def gone_on(folder: Path) -> dict[str, Any]:
    return kept_power(open_run(folder, MANIFEST), COUNT).to_dict()


def is_a_part(name: str) -> bool:
    return name.startswith("parts/") and parsed_name(name.removeprefix("parts/")) is not None


@pytest.fixture(scope="module")
def truth(whole: Path) -> list[str | None]:
    """Return what is read in a run that nothing harmed."""
    told = read(whole / "run")
    assert None not in told
    return told


@pytest.fixture
def run(whole: Path) -> Iterator[Path]:
    """Return a copy of the run, always at one place: its study is then parsed but once."""
    yield copytree(whole / "run", whole / "harmed")
    rmtree(whole / "harmed")


@pytest.mark.parametrize("harm", HARMS)
def test_a_harm_is_told_or_healed(
    harm: str, whole: Path, run: Path, truth: list[str | None]
) -> None:
    outside = whole / "outside"
    undisturbed, others = snapshot(run), snapshot(outside)
    HARMS[harm](run, outside)
    harmed = snapshot(run)

    for told, true in zip(read(run), truth, strict=True):
        assert told in (true, None)
    assert snapshot(run) == harmed  # what is only read is left as it is

    said = answer_of(lambda: gone_on(run))
    assert said in (truth[0], None)
    if said is not None:
        after = snapshot(run)
        for name in filter(is_a_part, {**undisturbed, **after}):
            assert after.get(name) == undisturbed.get(name), name
        for name in ("manifest.json", "scenario.yaml", "summary.json"):  # all that is read
            assert after[name] == undisturbed[name], name
    assert snapshot(outside) == others  # nothing outside is touched


def test_a_copy_of_a_part_with_a_zero_more_is_set_aside_in_a_line(run: Path) -> None:
    copy = run / "parts" / f"0{part(run).name}"
    copy.write_bytes(part(run).read_bytes())
    assert find_run(run).damaged == (copy.name,)
    told: list[str] = []
    assert open_run(run, MANIFEST, told.append).held == {0, 1, 2}
    assert told == [f"{copy.name} was damaged, misnamed or of another block: set aside in {run}"]
    assert [path.name for path in run.glob("*.damaged")] == [f"{copy.name}.damaged"]


def test_a_summary_of_another_run_is_told_with_what_differs(run: Path) -> None:
    forged("summary.json", seed=3, engine="events")(run, run)
    with pytest.raises(
        ts.InputError, match=r"seed: must be 2016, as in the manifest\.json"
    ) as told:
        finished(find_run(run))
    assert [problem.path for problem in told.value.problems] == ["seed", "engine"]


def test_a_replay_of_a_part_that_is_gone_names_its_block(run: Path) -> None:
    part(run).unlink()
    with pytest.raises(ts.InputError, match=r"it holds 16 and not block 1 \(got 11\)"):
        replay(find_run(run), 11)


def test_the_log_of_a_run_is_no_program(whole: Path) -> None:
    assert not (whole / "run" / "log.jsonl").stat().st_mode & 0o111


def test_there_are_at_least_as_many_harms_as_were_found() -> None:
    assert len(HARMS) >= 69
