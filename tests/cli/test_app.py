"""The command line as a newcomer uses it, and as somebody who wants to break it does."""

import itertools
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd
import pytest
from pandas import DataFrame
from scipy.stats import mannwhitneyu

from trialsim.cli import DONE, INPUT_WRONG, INTERRUPTED, RUN_FAILED, run
from trialsim.cli.app import program
from trialsim.compiled.library import NUMPY, builds_here
from trialsim.replicates.result import SIMULATED
from trialsim.replicates.run import BATCH, Simulation
from trialsim.scenario.files.builtin import builtin_studies, title_of
from trialsim.scenario.files.studies import load_study

ByHand: TypeAlias = Callable[[DataFrame], dict[str, DataFrame]]
Answer: TypeAlias = tuple[int, str, str]
Ask: TypeAlias = Callable[..., Answer]

PROGRAM = [sys.executable, "-m", "trialsim"]
POWER = ["power", "cars1", "--replicates", "64", "--jobs", "1"]
SMALL = ["--set", "design.patients=40"]
FAILS = ["--set", "operations.at_limit=fail"]
HURRIED = [*SMALL, "--set", "operations.recruitment_limit_days=100", *FAILS]
FOR_EVER = ["power", "cars1", *SMALL, "--replicates", "100000000", "--jobs", "1"]
COMMANDS = sorted(program().commands.items())
TABLES = {"screening", "subjects", "infusions", "visits", "disposition"}
NEVER_SHOWN = b"\0"
BROKEN = """\
extends: cars1
name: broken
design:
  patients: 1
  blocksize: 4
outcomes:
  arat:
    better: sideways
"""


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Return a function that runs a command: exit status, standard output, standard error."""

    def asked(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["trialsim", *arguments])
        status = run(list(arguments))
        return status, *capsys.readouterr()

    return asked


def in_a_process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments], capture_output=True, text=True, timeout=60, **options
    )


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# What is asked well


def test_list_names_every_scenario_file_with_its_title(ask: Ask) -> None:
    status, out, err = ask("list")
    assert (status, err) == (DONE, "")
    assert [line.split()[0] for line in out.splitlines()] == list(builtin_studies())
    titles = {name: title_of(file) for name, file in builtin_studies().items()}
    told = json.loads(ask("list", "--json")[1])["scenarios"]
    assert told == [{"name": name, "title": title} for name, title in titles.items()]
    assert all(title in line for title, line in zip(titles.values(), out.splitlines(), strict=True))


@pytest.mark.parametrize("name", ["cars_pooled", "cars_sequential", "vad_cognition"])
def test_show_prints_the_study_with_the_status_of_its_numbers(ask: Ask, name: str) -> None:
    """Of a programme, of a trial with looks, and of one without published numbers."""
    status, out, err = ask("show", name)
    assert (status, err) == (DONE, "")
    assert load_study(name).title in out
    assert load_study(name).digest in out
    told = json.loads(ask("show", name, "--json")[1])
    statuses = {row["status"] for section in told["sections"] for row in section["rows"]}
    assert "assumed" in statuses
    for status_of_a_number in statuses:
        assert f"\n[{status_of_a_number}]" in out


def test_show_tells_of_what_was_set(ask: Ask) -> None:
    changed = load_study("dose_finding").replace({"design.patients": 4321})
    out = ask("show", "dose_finding", "--set", "design.patients=4321")[1]
    assert "4321" in out.replace(",", "")
    assert changed.digest in out


def test_check_finds_no_problem_in_the_scenarios_of_the_package(ask: Ask) -> None:
    status, out, err = ask("check", "--no-obtained", *builtin_studies())
    assert (status, err) == (DONE, "")
    assert out.count("no problem found") == len(builtin_studies())


def test_schema_is_one_json_object(ask: Ask) -> None:
    status, out, err = ask("schema")
    assert (status, err) == (DONE, "")
    assert "patients" in json.loads(out)["$defs"]["Design"]["properties"]


@pytest.mark.parametrize(
    "arguments",
    [["simulate", "cars1", *SMALL], [*POWER, *SMALL], ["simulate", "cars1_chairs", *SMALL]],
)
def test_what_is_simulated_is_said_to_be_simulated(ask: Ask, arguments: list[str]) -> None:
    status, out, err = ask(*arguments)
    assert (status, err) == (DONE, "")
    assert SIMULATED in out
    assert json.loads(ask(*arguments, "--json")[1])["note"] == SIMULATED


def test_the_text_of_a_trial_tells_the_numbers_of_its_json(ask: Ask) -> None:
    text = ask("simulate", "cars1", "--seed", "5", "--replicate", "3")[1]
    told = json.loads(ask("simulate", "cars1", "--seed", "5", "--replicate", "3", "--json")[1])
    assert (told["seed"], told["replicate"]) == (5, 3)
    numbers = [f"{number:.4f}" for number in (told["estimate"], *told["ci"])]
    assert all(number in text for number in [*numbers, f"p {told['p_value']:.4f}"])
    assert "seed 5, replicate 3" in text
    assert f"{told['treated']} v {told['control']}" in text


def test_the_text_of_a_power_run_tells_the_numbers_of_its_json(ask: Ask) -> None:
    text, told = ask(*POWER, *SMALL)[1], json.loads(ask(*POWER, *SMALL, "--json")[1])
    numbers = [told["power"], told["mcse"], *told["ci"], told["estimate"]["mean"]]
    numbers += [told[name]["mean"] for name in ("bias", "coverage", "screened", "duration_days")]
    assert all(f"{number:.4f}" in text for number in numbers)
    words = " ".join(text.split())  # the sentences are wrapped
    sentences = [line for one in told["conventions"].values() for line in one.splitlines()]
    assert all(" ".join(sentence.split()) in words for sentence in sentences)


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_the_tables_of_a_trial_give_the_printed_p_value(
    ask: Ask, analysed_by_hand: ByHand, tmp_path: Path, format: str
) -> None:
    """Oracle: pandas and SciPy, on what was written."""
    folder = tmp_path / "trial"
    status, out, err = ask("simulate", "cars1", "--out", str(folder), "--format", format, "--json")
    assert (status, err) == (DONE, "")
    beside = {"consort.json", "analysis.json", "scenario.yaml", "manifest.json"}
    assert names_in(folder) == {f"{name}.{format}" for name in (*TABLES, "dictionary")} | beside
    read = pd.read_csv if format == "csv" else pd.read_parquet
    arms = analysed_by_hand(read(folder / f"visits.{format}"))
    treated, control = (arms[arm]["value"].to_numpy(float) for arm in ("cerebrolysin", "placebo"))
    oracle = mannwhitneyu(treated, control, method="asymptotic", use_continuity=False)
    told = json.loads(out)
    assert told["p_value"] == pytest.approx(oracle.pvalue, rel=1e-9)
    assert (told["treated"], told["control"]) == (len(treated), len(control))


def test_cdisc_datasets_are_written_of_a_trial_and_of_each_trial_of_a_programme(
    ask: Ask, tmp_path: Path
) -> None:
    for needed in ("pyreadstat", "odmlib"):
        pytest.importorskip(needed, reason="the extra cdisc is not installed")
    few, start = ("--set", "design.patients=12"), ("--format", "cdisc", "--study-start")
    folder = tmp_path / "trial"
    command = ("simulate", "stroke_nihss", *few, "--out", str(folder), *start, "2030-06-03")
    assert ask(*command)[0] == DONE
    people = pd.read_sas(folder / "sdtm" / "dm.xpt", format="xport", encoding="ascii")
    assert people["DMDTC"].min() >= "2030-06-03"
    assert (folder / "reviewers_guide.md").is_file()
    small = ("--set=trials.cars1.design.patients=24", "--set=trials.cars2.design.patients=24")
    both = ("simulate", "cars_pooled", *small, "--out", str(tmp_path / "all"), *start, "2030-06-03")
    assert ask(*both)[0] == DONE
    assert len(list((tmp_path / "all").glob("*/adam/define.xml"))) > 1


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--study-start", "2026-01-05"), "goes with --format cdisc"),
        (("--format", "cdisc", "--study-start", "2026-01-06"), "must be a Monday"),
        (("--format", "cdisc", "--study-start", "soon"), "must be a date such as"),
    ],
)
def test_a_first_day_that_no_file_would_have_is_refused_before_anything_is_made(
    ask: Ask, tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    pytest.importorskip("pyreadstat", reason="the extra cdisc is not installed")
    status, _, err = ask("simulate", "cars1", "--out", str(tmp_path / "trial"), *options)
    assert (status, told in err) == (INPUT_WRONG, True)
    assert not list((tmp_path / "trial").rglob("*.*"))


def test_a_written_trial_can_be_made_again_from_its_folder(ask: Ask, tmp_path: Path) -> None:
    changes = ["--set", "design.patients=40", "--set", "outcomes.arat.effect.value=0.6"]
    first, second = tmp_path / "one", tmp_path / "two"
    assert ask("simulate", "cars1", *changes, "--seed", "9", "--out", str(first))[0] == DONE
    scenario = str(first / "scenario.yaml")
    assert ask("simulate", scenario, "--seed", "9", "--out", str(second))[0] == DONE
    for name in (*(f"{table}.csv" for table in TABLES), "scenario.yaml", "analysis.json"):
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_the_manifest_holds_the_command_as_a_shell_would_read_it(ask: Ask, tmp_path: Path) -> None:
    change = "operations.withdrawal={probability: 0, days: {distribution: constant, value: 1}}"
    arguments = ["simulate", "cars1", "--set", change, "--out", str(tmp_path / "a trial")]
    assert ask(*arguments)[0] == DONE
    told = json.loads((tmp_path / "a trial" / "manifest.json").read_text())
    line = f"set -- {told['command']}; printf '%s\\n' \"$@\""
    shell = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert shell.stdout.splitlines() == ["trialsim", *arguments]


def test_power_leaves_a_run_that_tells_where_it_comes_from(ask: Ask, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    status, out, _ = ask(*POWER, *HURRIED, "--out", str(folder), "--json")
    assert status == DONE
    told, kept = json.loads(out), json.loads((folder / "summary.json").read_text())
    assert kept.pop("checksum")
    assert told.pop("obtained")  # of the study, not of the run
    assert {**kept, "seconds": told["seconds"]} == told  # times are not among a run's bytes
    (part,) = (folder / "parts").iterdir()
    favoured = pd.read_parquet(part)["favoured"][:64]
    assert favoured.mean() == told["power"]
    assert 0 < favoured.isna().sum() == told["failed"] < 64
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["seed"], manifest["digest"]) == (2016, told["digest"])
    assert load_study(folder / "scenario.yaml").digest == told["digest"]
    status, _, err = ask(*POWER, "--out", str(folder))
    assert (status, "design.patients" in err) == (INPUT_WRONG, True)  # another study


def test_power_is_the_same_for_any_jobs_batch_and_engine(ask: Ask) -> None:
    told = [
        json.loads(ask("power", "cars1", "--replicates", "200", *SMALL, "--json", *options)[1])
        for options in (
            ["--jobs", "1"],
            ["--jobs", "2", "--batch", "16"],
            ["--jobs", "1", "--engine", "events", "--batch", "50"],
            [],
        )
    ]
    for one in told:
        del one["seconds"], one["engine"]
    assert all(one == told[0] for one in told)


def test_failed_replicates_are_told_with_their_address_and_do_not_end_a_run(ask: Ask) -> None:
    status, out, err = ask(*POWER, *HURRIED)
    assert (status, err) == (DONE, "")
    told = json.loads(ask(*POWER, *HURRIED, "--json")[1])
    assert 0 < told["failed"] < 64
    assert f"{told['failed']} failed" in out
    first = told["failures"][0]
    assert f"replicate {first['replicate']}: {first['reason']}" in out


# Help


def test_every_argument_and_option_says_what_it_is() -> None:
    for name, command in COMMANDS:
        for parameter in command.params:
            words = getattr(parameter, "help", None)
            assert words, f"{name}: {parameter.name}"
            assert words.endswith("."), f"{name}: {parameter.name}: {words}"


def test_the_list_of_commands_tells_each_in_a_whole_sentence(ask: Ask) -> None:
    status, out, _ = ask("--help")
    assert status == DONE
    listed = out.partition("Commands:")[2].splitlines()
    lines = {line.split()[0]: line.strip() for line in listed if line.strip()}
    assert sorted(lines) == [name for name, command in COMMANDS if not command.hidden]
    for name, line in lines.items():
        assert line.endswith("."), name
        assert not line.endswith("..."), name


def test_without_a_command_the_help_is_shown(ask: Ask) -> None:
    status, out, err = ask()
    assert status == INPUT_WRONG
    assert "Commands:" in out + err


# What is asked wrongly: status 2, told on standard error, without a traceback


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["power", "cars1x"], "did you mean cars1"),
        (["show", "cars_1"], "did you mean cars1"),
        (["simulate", "nothing.yaml"], "must be a scenario file that exists (got nothing.yaml)"),
        (["check", "."], "must be a scenario file, not a folder (got .)"),
        ([*POWER, "--set", "design.patient=3"], "design.patient: must be a path that exists"),
        ([*POWER, "--set", "design.patient=3"], "did you mean design.patients?"),
        ([*POWER, "--set", "design.patients=1"], "design.patients: must be"),
        ([*POWER, "--set", "design.patients=1"], "(got 1)"),
        ([*POWER, "--set", "design.patients=many"], "(got many)"),
        ([*POWER, "--set", "design.patients"], "--set: must be PATH=VALUE (got design.patients)"),
        ([*POWER, "--set", "=3"], "--set: must be PATH=VALUE (got =3)"),
        ([*POWER, "--set", "design.patients=["], "design.patients: must be YAML"),
        ([*POWER, "--set", "operations.withdrawal.probability=1.5"], "(got 1.5)"),
        (["power", "cars1", "--replicates", "0"], "--replicates"),
        (["power", "cars1", "--replicates", "ten"], "--replicates"),
        (["power", "cars1", "--jobs", "0"], "--jobs"),
        (["power", "cars1", "--batch", "0"], "--batch"),
        (["power", "cars1", "--seed", "-1"], "--seed"),
        (["power", "cars1", "--seed", str(2**64)], "--seed"),
        (["power", "cars1", "--engine", "warp"], "warp"),
        (["power", "cars1", "--engine", "warp"], "vector"),
        (["power", "cars1_chairs", "--engine", "vector"], "operations.infusion_chairs_per_site"),
        (["simulate", "cars1_chairs", "--engine", "vector"], "(got vector)"),
        (["simulate", "cars1", "--replicate", "-1"], "--replicate"),
        (["simulate", "cars1", "--replicate", str(10**20)], "--replicate"),
        (["simulate", "cars1", "--format", "xlsx"], "parquet"),
        (["power", "cars1", "--no-such-option"], "--no-such-option"),
        (["simulate"], "SCENARIO"),
        (["check"], "SCENARIO"),
        (["pover", "cars1"], "pover"),
    ],
)
def test_a_wrong_request_is_refused(ask: Ask, arguments: list[str], told: str) -> None:
    status, out, err = ask(*arguments)
    assert (status, out) == (INPUT_WRONG, "")
    assert told in err
    assert "Traceback" not in err


def test_every_wrong_change_is_told_at_once(ask: Ask) -> None:
    wrong = ["design.patients", "design.block_size=[", "=1"]
    status, _, err = ask(*POWER, *itertools.chain(*(("--set", change) for change in wrong)))
    assert status == INPUT_WRONG
    assert len(err.splitlines()) == 3
    several = ["design.patients=1", "design.patient=3", "operations.infusion_minutes=-1"]
    status, _, err = ask(*POWER, *itertools.chain(*(("--set", change) for change in several)))
    assert status == INPUT_WRONG
    assert "design.patient:" in err


@pytest.mark.parametrize("command", ["check", "show", "simulate", "power"])
def test_a_broken_file_is_told_with_every_place(ask: Ask, tmp_path: Path, command: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(BROKEN)
    status, out, err = ask(command, str(path))
    assert (status, out) == (INPUT_WRONG, "")
    places = [line.split(": ")[:2] for line in err.splitlines()]
    assert places == [
        [f"{path}:4:3", "design.patients"],
        [f"{path}:5:3", "design.blocksize"],
        [f"{path}:8:5", "outcomes.arat.better"],
    ]
    assert "did you mean block_size?" in err


def test_check_tells_of_sound_and_broken_files_together(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(BROKEN)
    status, out, err = ask("check", "cars1", str(path), "cars1x")
    assert status == INPUT_WRONG
    assert out.startswith("cars1: no problem found")
    assert len(err.splitlines()) == 4
    status, out, err = ask("check", "cars1", str(path), "cars1x", "--json")
    told = json.loads(out)
    assert (status, err) == (INPUT_WRONG, "")
    assert told["sound"] == ["cars1"]
    assert [problem["line"] for problem in told["problems"]] == [4, 5, 8, None]


def test_check_warns_of_a_harmful_effect(ask: Ask, tmp_path: Path) -> None:
    """An anchor that a variant changes without its value may turn a benefit into a harm."""
    path = tmp_path / "harm.yaml"
    path.write_text("name: harm\nextends: cars1\noutcomes: {arat: {effect: {value: 0.35}}}\n")
    status, out, _ = ask("check", "cars1", str(path))
    assert status == DONE
    assert out.count("WARNING") == 1
    assert "WARNING: harm: outcomes.arat.effect: theta 0.35 favours the control" in out
    _, out, _ = ask("check", str(path), "--json")
    assert len(json.loads(out)["warnings"]) == 1


def test_a_folder_with_other_files_is_refused_before_anything_is_simulated(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def simulated(*_: object) -> None:
        pytest.fail("a trial was simulated")

    monkeypatch.setattr(Simulation, "run", simulated)
    (tmp_path / "thesis.txt").write_text("mine")
    status, out, err = ask(*FOR_EVER, "--out", str(tmp_path))
    assert (status, out) == (INPUT_WRONG, "")
    assert err.startswith("--out: must be new, empty, or the directory of this run")
    assert names_in(tmp_path) == {"thesis.txt"}


@pytest.mark.parametrize("arguments", [["simulate", "cars1", *SMALL], [*POWER, *SMALL]])
def test_a_folder_that_cannot_take_results_is_told_in_one_line(
    ask: Ask, tmp_path: Path, arguments: list[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    status, out, err = ask(*arguments, "--out", str(file))
    assert (status, out) == (INPUT_WRONG, "")
    assert err == f"--out: must be a folder, not a file (got {file})\n"
    status, out, err = ask(*arguments, "--out", str(file / "inside"))
    assert (status, out) == (RUN_FAILED, "")
    assert err == f"trialsim: cannot write to {file / 'inside'}: Not a directory\n"


# What cannot be finished: status 1


@pytest.mark.parametrize("command", ["simulate", "power"])
def test_a_run_that_cannot_be_finished_says_why(ask: Ask, command: str) -> None:
    limit = ["--set", "operations.recruitment_limit_days=30", *FAILS]
    more = ["--replicates", "20", "--jobs", "1"] if command == "power" else []
    status, out, err = ask(command, "cars1", *limit, *more)
    assert (status, out) == (RUN_FAILED, "")
    assert err.startswith("trialsim: ")
    assert err.endswith("recruitment was not complete after 30 days\n")
    assert len(err.splitlines()) == 1


# The terminal, pipes and signals


def test_off_a_terminal_nothing_is_written_but_the_result(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    status, out, err = ask(*POWER, *SMALL, "--json")
    assert (status, err) == (DONE, "")
    assert json.loads(out)["replicates"] == 64


@pytest.mark.parametrize(
    ("jobs", "build"),
    dict.fromkeys([("1", builds_here()[0]), ("2", builds_here()[0]), ("2", NUMPY)]),
)
def test_an_interruption_ends_a_run_soon_quietly_and_leaves_no_worker(
    jobs: str, build: str
) -> None:
    """From the keyboard, while a terminal shows the progress: threads, or processes by NumPy.

    It reaches the whole group, but processes that compute do not hear of it.
    """
    terminal, program = started_on_a_terminal(*FOR_EVER[:-1], jobs, build=build)
    assert b"simulating" in shown_until(terminal, b"power")  # so trials are being simulated
    assert len(living_in(program.pid)) > (2 if (jobs, build) == ("2", NUMPY) else 0)
    os.killpg(program.pid, signal.SIGINT)
    told, out = ended(terminal, program, seconds=5)
    assert (program.returncode, out) == (INTERRUPTED, "")
    assert b"interrupted" in told
    assert b"Traceback" not in told
    assert none_lives_in(program.pid, seconds=5)


@pytest.mark.parametrize("arguments", [["list"], ["schema"]])
def test_a_reader_who_leaves_early_is_left_in_peace(arguments: list[str]) -> None:
    """As `head -1` does; it is noticed as Python ends, or by what is more than a pipe holds."""
    reading, writing = os.pipe()
    os.close(reading)
    program = subprocess.Popen(
        [*PROGRAM, *arguments], stdout=writing, stderr=subprocess.PIPE, text=True
    )
    os.close(writing)
    _, err = program.communicate(timeout=60)
    assert err == ""
    assert program.returncode in (DONE, RUN_FAILED)


def started_on_a_terminal(
    *arguments: str, build: str = builds_here()[0]
) -> tuple[int, subprocess.Popen[str]]:
    """Return a terminal that shows a program's standard error, and the program, a group alone."""
    pty = pytest.importorskip("pty")
    terminal, theirs = pty.openpty()
    program = subprocess.Popen(
        [*PROGRAM, *arguments],
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120", "TRIALSIM_BUILD": build},
    )
    os.close(theirs)
    return terminal, program


def shown_until(terminal: int, word: bytes, seconds: float = 60) -> bytes:
    """Return what a terminal shows until a word appears, or its programs or the time have ended."""
    shown, deadline = b"", time.monotonic() + seconds
    while word not in shown and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                shown += os.read(terminal, 4096)
            except OSError:  # how a terminal that nobody holds any longer ends on Linux
                break
    return shown


def ended(terminal: int, program: subprocess.Popen[str], seconds: float) -> tuple[bytes, str]:
    """Return what a program that ends in time shows and writes."""
    try:
        told = shown_until(terminal, NEVER_SHOWN, seconds)
        return told, program.communicate(timeout=1)[0]
    finally:
        os.close(terminal)
        if program.poll() is None:
            os.killpg(program.pid, signal.SIGKILL)
            program.communicate()


def none_lives_in(group: int, seconds: float) -> bool:
    """Return whether all processes of a group have ended in time."""
    deadline = time.monotonic() + seconds
    while living_in(group) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not living_in(group)


def living_in(group: int) -> list[int]:
    """Return the processes of a group, all but those that have ended and wait to be reaped."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("needs /proc to look for workers")
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = path.read_text().rpartition(")")[2].split()[:3]
        except OSError:  # it ended meanwhile
            continue
        if int(its_group) == group and state != "Z":
            found.append(int(path.parent.name))
    return found


@pytest.mark.parametrize("arguments", [["--help"], ["power", "--help"], ["list"]])
def test_a_command_that_simulates_nothing_loads_little(arguments: list[str]) -> None:
    """Neither arrays nor the models of a study, which take most of the time of starting."""
    program = (
        "import sys; from trialsim.cli import run; status = run(sys.argv[1:]); "
        "heavy = {'numpy', 'scipy', 'pandas', 'trialsim.distributions'}; "
        "sys.exit(status or int(not heavy.isdisjoint(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", program, *arguments], stdout=subprocess.DEVNULL)
    assert ended.returncode == DONE


def test_help_says_how_many_trials_are_simulated_at_once(ask: Ask) -> None:
    _, told, _ = ask("power", "--help")
    assert f"[default: ({BATCH})" in " ".join(told.split())


def test_completion_offers_commands_studies_and_the_files_here(tmp_path: Path) -> None:
    (tmp_path / "cars1_mine.yaml").touch()
    environment = {**os.environ, "_TRIALSIM_COMPLETE": "complete_bash", "COMP_CWORD": "2"}
    done = in_a_process(env={**environment, "COMP_WORDS": "trialsim power cars1_m"}, cwd=tmp_path)
    assert done.stdout.split() == ["cars1_mechanism", "cars1_mine.yaml"]
    words = {"COMP_WORDS": "trialsim ex", "COMP_CWORD": "1"}
    assert in_a_process(env={**environment, **words}).stdout.split() == ["explore"]
