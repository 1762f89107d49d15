"""The command that plots: files and tables on one hand, one clear line on the other."""

import csv
import json
from pathlib import Path

import pytest

import trialsim as ts
from trialsim.cli import DONE, INPUT_WRONG, run
from trialsim.cli.app import program
from trialsim.cli.figures import FIGURES, Figure, PowerOf
from trialsim.reporting.figures.catalogue import KINDS, data

SMALL = ["--set", "design.patients=40"]
WOMEN = "{women: {subgroup: {label: Women, covariate: sex, equals: female}}}"
FEW = ["--replicates", "40", "--jobs", "1"]
ESTIMATE = Figure(PowerOf, "", own=("published",))


@pytest.fixture(scope="module")
def run_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a run."""
    folder = tmp_path_factory.mktemp("plots") / "run"
    command = ["power", "cars1", *SMALL, *FEW, "--seed", "7", "--out", str(folder)]
    assert run(command) == DONE
    return folder


@pytest.mark.parametrize(
    "command",
    [
        ["estimate", "cars1", *SMALL, *FEW, "--published", "0.71"],
        ["recruitment", "cars1", *SMALL, "--replicates", "3"],
        ["scores", "cars1", *SMALL],
        ["distribution", "cars1", *SMALL, "--replicate", "2"],
        ["times", "cars1_recovery", *SMALL, "--analysis", "days_recovered"],
        ["effects", "cars1", *SMALL],
        ["subgroups", "cars1", *SMALL, "--set", f"analysis.secondary={WOMEN}"],
        ["adherence", "cars1", *SMALL],
        ["lanes", "cars1", *SMALL, "--patients", "5"],
        ["chairs", "cars1", *SMALL, "--site", "site_01"],
        ["boundaries", "cars_sequential"],
        ["expected-size", "cars_sequential"],
        ["graph", "cars1_graph"],
        ["dose-response", "alvarez2011_mcp_mod", "--replicates", "3"],
        ["stopping", "cars_sequential", *FEW],
        ["patients", "cars_sequential", *FEW],
        ["curve", "cars1", "--set", "design.patients=40,80", *FEW],
        ["what-if", "cars1", *SMALL, "--quantity", "estimate", *FEW],
        ["tornado", "cars1", *SMALL, *FEW],
        [
            *("tipping-point", "cars1", *SMALL, *FEW, "--deltas", "0,-9"),
            *("--set", "analysis.missing=multiple_imputation", "--set", "analysis.imputations=2"),
        ],
        ["estimands", "cars1", *SMALL, *FEW],
        ["missingness", "cars1", "--set", "operations.withdrawal.probability=0.1,0.2", *FEW],
        ["heat-map", "cars1", *SMALL, "--set", "outcomes.arat.effect.value=0.6,0.7", *FEW],
        ["size", "cars1", "--low", "40", "--high", "90", "--replicates", "100", "--jobs", "1"],
        ["assurance", "cars1", *SMALL, "--prior", "cars1", "--strata", "4", *FEW],
    ],
    ids=lambda command: command[0],
)
def test_every_kind_is_drawn_and_its_data_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    """The table of each, and the drawing of those with options of their own."""
    figure, table = tmp_path / "figure.svg", tmp_path / "drawn.csv"
    draws = command[0] == "recruitment" or FIGURES.get(command[0], ESTIMATE).own
    files = ["-o", str(table), *(["-o", str(figure)] if draws else [])]
    assert run(["plot", *command, *files, "--json"]) == DONE, capsys.readouterr().err
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert not draws or figure.read_text(encoding="utf-8").count("<svg ") == 1
    with table.open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    assert len(written) == len(rows) > 0
    assert list(written[0]) == list(rows[0])
    with table.with_name("drawn.dictionary.csv").open(encoding="utf-8", newline="") as file:
        told = list(csv.DictReader(file))
    assert [row["column"] for row in told] == list(rows[0])
    assert all(row["table"] == "drawn" and row["label"] and row["type"] for row in told)


@pytest.mark.parametrize(
    ("asked", "legend"),
    [(["cars1"], "published: 0.71"), (["cars1", "--published", "0.6"], "published: 0.6")],
)
def test_the_published_estimate_is_that_of_the_study_unless_another_is_asked(
    tmp_path: Path, asked: list[str], legend: str
) -> None:
    figure = tmp_path / "figure.svg"
    options = ["--replicates", "8", "--jobs", "1", "-o", str(figure)]
    assert run(["plot", "estimate", *asked, *options]) == DONE
    assert f"{legend}<" in figure.read_text(encoding="utf-8")


def test_a_run_is_drawn_from_what_it_holds(
    run_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plot", "estimate", str(run_directory), "--json"]) == DONE
    rows = json.loads(capsys.readouterr().out)["rows"]
    study = ts.load("cars1").replace({"design.patients": 40})
    assert rows == data(ts.power(study, 40, 7, n_jobs=1)).to_dict("records")


def test_a_trial_of_a_run_is_the_one_of_its_seed(
    run_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plot", "scores", str(run_directory), "--replicate", "3", "--json"]) == DONE
    rows = json.loads(capsys.readouterr().out)["rows"]
    trial = ts.simulate(ts.load("cars1").replace({"design.patients": 40}), 7, 3)
    assert [row["mean"] for row in rows] == data(trial, "scores")["mean"].tolist()


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        (["scores", "cars1"], ["--out: must name a file, unless --json is given"]),
        (
            ["tornado", "cars1", "-o", "a.gif", "-o", "nowhere/b.svg"],
            [
                "--out: must end in .svg, .png, .pdf, .csv or .xlsx (got a.gif)",
                "--out: must be in a folder that exists (got nowhere/b.svg)",
            ],
        ),
        (
            ["tornado", "cars1", *SMALL, "--quantity", "powr", "--json"],
            [
                "quantity: must be one of power, estimate, duration_days, screened, "
                "infusions_given; did you mean power? (got powr)"
            ],
        ),
        (
            ["heat-map", "cars1", *SMALL, "--json"],
            ["--set: must vary exactly 2 of the study's paths for this figure (got 1)"],
        ),
        (
            ["chairs", "cars1", "--site", "nowhere", "--json"],
            ["site: must be a site of the study (got nowhere)"],
        ),
    ],
)
def test_what_cannot_be_drawn_is_told_in_a_line_for_each(
    capsys: pytest.CaptureFixture[str], command: list[str], lines: list[str]
) -> None:
    assert run(["plot", *command]) == INPUT_WRONG
    assert capsys.readouterr().err.splitlines() == lines


def test_a_run_keeps_its_own_seed_and_values(
    run_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["plot", "scores", str(run_directory), "--seed", "1", *SMALL, "--json"]
    assert run(command) == INPUT_WRONG
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "--seed: must not be given with a run, which has its own",
        "--set: must not be given with a run, which has its own",
    ]


def test_a_folder_that_is_no_run_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plot", "estimate", str(tmp_path), "--json"]) == INPUT_WRONG
    assert "must be the directory of a run" in capsys.readouterr().err


def test_a_programme_is_sized_and_drawn_as_its_own_command_sizes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Along `size_percent`, which stands in for patients; drawn as a curve, it is called a size."""
    asked = ["cars_pooled", "--power", "0.6", "--low", "20", "--high", "150"]
    few = ["--replicates", "100", "--seed", "7", "--jobs", "1", "--json"]
    assert run(["size", *asked, *few]) == DONE
    found = json.loads(capsys.readouterr().out)
    assert found["path"] == "size_percent"
    assert run(["plot", "size", *asked, *few, "-o", str(tmp_path / "size.csv")]) == DONE
    drawn = json.loads(capsys.readouterr().out)
    tried = [one["value"] for one in found["candidates"]]
    assert [row["value"] for row in drawn["rows"]] == tried
    assert drawn["figure"] == "size"


@pytest.mark.parametrize("kind", ["boundaries", "expected-size", "stopping", "patients"])
def test_a_study_without_looks_has_no_figure_of_them(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plot", kind, "cars1", "--json"]) == INPUT_WRONG
    assert "monitoring: must be there: the study has no looks" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "figure", "aside"),
    [
        ("what-if", "what-if", {"out", "shard"}),
        ("size", "size", {"out"}),
        ("assurance", "assurance", {"out", "observed", "shard"}),
        ("sensitivity", "sensitivity", {"out", "shard"}),
        ("tipping-point", "tipping-point", {"out", "shard"}),
        ("estimands", "estimands", {"out", "shard"}),
        ("missingness", "missingness", {"out", "shard"}),
        ("what-if", "curve", {"out", "grid", "hypercube", "variant", "shard"}),
    ],
)
def test_a_figure_has_the_options_of_the_question_that_it_draws(
    command: str, figure: str, aside: set[str]
) -> None:
    commands = program().commands
    own = {option.name for option in commands[command].params}
    drawn = {option.name for option in commands["plot"].commands[figure].params}
    assert own - aside - {"table"} <= drawn
    assert {"overwrite", "width", "out"} <= drawn


def test_every_figure_of_the_catalogue_is_drawn_by_a_command_that_has_its_options() -> None:
    drawn = {one.kind or name: set(one.own) for name, one in FIGURES.items()}
    catalogued = {name: kind for kinds in KINDS.values() for name, kind in kinds.items()}
    assert catalogued.keys() - {"estimate"} == drawn.keys()
    for name, kind in catalogued.items():
        assert drawn.get(name, set()) == set(kind.options)


def test_a_dictionary_of_another_table_is_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = tmp_path / "bounds.dictionary.csv"
    theirs.write_text("years of work\n")
    asked = ["plot", "boundaries", "cars_sequential", "-o", str(tmp_path / "bounds.csv")]
    assert run(asked) == INPUT_WRONG
    assert "must not be a table that exists: --overwrite replaces it" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [theirs.name]
    assert theirs.read_text() == "years of work\n"
    assert run([*asked, "--overwrite"]) == DONE
    assert theirs.read_text().startswith("table,column,label,type,unit,codes\n")


@pytest.mark.parametrize("words", [["recruitment"], ["consort"]])
def test_no_more_trials_are_held_at_once_than_memory_has(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plot", *words, "cars1", "--replicates", "1000000000000"]) == INPUT_WRONG
    assert "--replicates" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (
            ["tipping-point", "cars1"],
            "as by --set analysis.missing=multiple_imputation (got locf)",
        ),
        (
            ["tipping-point", "cars1_estimands"],
            "as by --analysis imputed_at_random or --analysis jump_to_reference or --set",
        ),
        (["missingness", "cars1"], "--set: must give a path values, such as operations.withdrawal"),
    ],
)
def test_what_a_figure_lacks_is_told_with_the_options_that_give_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str], told: str
) -> None:
    assert run(["plot", *command, "-o", str(tmp_path / "a.svg")]) == 2
    assert told in capsys.readouterr().err
