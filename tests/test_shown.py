"""Results in Python: each has its line, text, table, HTML and figure, or says what it lacks."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import trialsim as ts
from trialsim.legible import MOST_LINES, Printed, PrintedStudy
from trialsim.questions.monitoring.bounds import BoundsResult
from trialsim.questions.size.power_curve import PowerCurve
from trialsim.replicates.result import SIMULATED
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.catalogue import KINDS
from trialsim.runs.runner import Runner
from trialsim.shown import Shown

SEED = 2016
WITHDRAWN = {"operations.withdrawal.probability": [0.2]}
IMPUTED = {"analysis.missing": "multiple_imputation", "analysis.secondary": {}}


@pytest.fixture(scope="module")
def results() -> list[Shown]:
    """Return one result of every kind."""
    study = ts.load("cars1").replace({"design.patients": 40})
    trial = ts.simulate(study, SEED)
    curve = PowerCurve(study, "design.patients", Runner(SEED, 1, "auto"))
    curve.favoured(40, 40)
    return [
        trial,
        ts.analyse(trial),
        curve,
        ts.power(study, 40, SEED, n_jobs=1),
        ts.what_if(study, {"design.patients": [60]}, replicates=40, seed=SEED, n_jobs=1),
        ts.sample_size(study, 0.8, replicates=100, seed=SEED, n_jobs=1),
        ts.assurance(study, "cars1", 40, SEED, strata=4, n_jobs=1),
        ts.tipping_point(study.replace(IMPUTED), replicates=4, seed=SEED, n_jobs=1),
        ts.bounds("cars_sequential"),
        ts.estimands(study, replicates=4, seed=SEED, n_jobs=1),
        ts.missingness(study, WITHDRAWN, replicates=4, seed=SEED, n_jobs=1),
    ]


FAMILY = {
    "analysis.secondary": {"early": {"visit": "day_42"}},
    "analysis.multiplicity": "holm",
}


@pytest.fixture(scope="module")
def others() -> list[Shown]:
    """Return one of every kind without figures."""
    study = ts.load("cars1").replace({"design.patients": 40})
    return [
        ts.type_one_error(study, replicates=40, seed=SEED, n_jobs=1),
        ts.family_wise_errors(study.replace(FAMILY), replicates=40, seed=SEED, n_jobs=1),
        ts.nuisance(study, replicates=20, seed=SEED, n_jobs=1),
        ts.board(ts.simulate("cars_sequential", SEED)),
        ts.compare(study, "cars1", SEED),
        ts.count_power_of(study, 100, SEED, cohort=64),
        ts.reproduce("cars1", 16, SEED, n_jobs=1),
        ts.disagreement("cars_pooled", 16, SEED, n_jobs=1),
        ts.calibrate(study, {"outcomes.arat.effect.value": "power=0.8"}, 60, SEED, n_jobs=1),
    ]


@pytest.fixture(scope="module")
def printed(results: list[Shown], others: list[Shown]) -> list[Printed]:
    """Return one of everything public that is printed."""
    studies = [ts.load(name) for name in ("cars1", "cars_pooled")]
    return [*results, *others, *studies]


def test_every_kind_of_result_that_has_figures_is_shown_here(results: list[Shown]) -> None:
    drawn = {kind for kind in KINDS if issubclass(kind, Shown)}
    assert {type(result) for result in results} == drawn


def test_everything_public_that_holds_arrays_is_printed_in_a_line_and_a_short_text(
    printed: list[Printed],
) -> None:
    """Every kind is looked at, as one that forgets `repr=False` would print all that it holds."""
    known = [*Shown.__subclasses__(), *PrintedStudy.__subclasses__()]
    kinds = {type(one).__name__ for one in printed}
    assert kinds == {kind.__name__ for kind in known}
    assert set(Printed.__subclasses__()) == {Shown, PrintedStudy}
    for one in printed:
        line, text = repr(one), str(one).splitlines()
        assert line.startswith(f"<{type(one).__name__} ")
        assert "\n" not in line
        assert len(line) < 200
        assert 3 < len(text) <= MOST_LINES
        assert max(map(len, text)) < 160


def test_a_line_has_the_answer_with_its_error(results: list[Shown]) -> None:
    (power,) = (one for one in results if isinstance(one, ts.PowerResult))
    low, high = power.ci
    told = f"Power {power.power:.4f} (95% Monte Carlo interval {low:.4f} to {high:.4f})"
    assert repr(power) == f"<PowerResult cars1: {told}>"


def test_results_without_figures_have_html_and_say_that_they_have_none(others: list[Shown]) -> None:
    for one in others:
        html = one._repr_html_()
        assert SIMULATED in html
        assert "seed" in html.lower()
        assert html.count("<div") == html.count("</div")
        with pytest.raises(ts.InputError, match="must be one that has a figure"):
            one.plot()


@pytest.mark.parametrize("name", ["cars1", "cars_pooled"])
def test_a_study_gives_its_file_its_description_and_what_sets_it_apart(
    name: str, tmp_path: Path
) -> None:
    study = ts.load(name)
    file = tmp_path / f"{name}.yaml"
    file.write_text(study.to_yaml(), encoding="utf-8")
    assert ts.load(file) == study
    assert study.describe().startswith(str(study).removesuffix("..."))
    assert len(study.describe().splitlines()) > MOST_LINES
    assert study.diff(file) == {}


def test_the_difference_of_two_studies_has_both_values() -> None:
    study = ts.load("cars1")
    fewer = study.replace({"design.patients": 40, "operations.infusion_chairs_per_site": 2})
    told = {"design.patients": (208, 40), "operations.infusion_chairs_per_site": (None, 2)}
    assert study.diff(fewer) == told
    assert study.diff("cars1") == {}
    assert fewer.diff("cars1") == {path: ends[::-1] for path, ends in told.items()}
    with pytest.raises(ts.InputError, match="did you mean cars2"):
        study.diff("cars22")


def test_studies_have_html_with_every_section() -> None:
    html = ts.load("cars1")._repr_html_()
    assert html.count("<details>") == html.count("</details>") > 10
    assert SIMULATED in html


def test_a_result_is_saved_as_the_end_of_the_name_says(
    tmp_path: Path, results: list[Shown], others: list[Shown]
) -> None:
    for number, one in enumerate([*results, *others]):
        table, text = tmp_path / f"{number}.csv", tmp_path / f"{number}.txt"
        one.save(table)
        assert len(pd.read_csv(table)) == len(one.to_frame())
        one.save(text)
        shown = str(one).removesuffix("...").rstrip()
        assert text.read_text(encoding="utf-8").startswith(shown)
        assert not one.summary().empty
        if hasattr(one, "to_dict"):
            one.save(tmp_path / f"{number}.json")
            told = json.loads((tmp_path / f"{number}.json").read_text(encoding="utf-8"))
            assert told.keys() == one.to_dict().keys()
        with pytest.raises(ts.InputError, match="must not be a table that exists"):
            one.save(table)
        with pytest.raises(ts.InputError, match=r"path: must end in .*\.csv, \.xlsx or \.txt"):
            one.save(tmp_path / "a.ods")


def test_the_table_of_a_result_is_saved_with_a_dictionary_of_its_columns(
    tmp_path: Path, results: list[Shown], others: list[Shown]
) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="the extra office is not installed")
    for number, one in enumerate([*results, *others]):
        table = one.to_frame().drop(columns="seconds", errors="ignore")
        one.save(tmp_path / f"{number}.csv")
        told = pd.read_csv(tmp_path / f"{number}.dictionary.csv", keep_default_na=False)
        assert told["column"].tolist() == table.columns.tolist()
        assert "" not in told[["label", "type"]].to_numpy()
        one.save(tmp_path / f"{number}.xlsx")
        book = openpyxl.load_workbook(tmp_path / f"{number}.xlsx")
        assert book.sheetnames == [str(number), "Dictionary", "About"]
        rows = list(book[str(number)].iter_rows(values_only=True))
        assert rows[0] == tuple(table.columns)
        assert len(rows) == 1 + len(table)
        assert [row[1] for row in book["Dictionary"].iter_rows(values_only=True)][1:] == list(table)
        about = dict(book["About"].iter_rows(values_only=True))
        assert about["result"] == type(one).__name__
        for name, sentence in getattr(one, "conventions", {}).items():
            assert about[f"convention: {name}"] == sentence


def test_a_workbook_holds_numbers_in_full_no_formula_and_no_clock(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="the extra office is not installed")
    study = ts.load("cars1").replace({"design.patients": 40})
    seed = 2**64 - 1
    found = ts.power(study.model_copy(update={"name": "=1+1"}), 40, seed, n_jobs=1)
    found.save(tmp_path / "a.xlsx")
    once = (tmp_path / "a.xlsx").read_bytes()
    found.save(tmp_path / "a.xlsx", overwrite=True)
    assert (tmp_path / "a.xlsx").read_bytes() == once
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    power = {row[0]: row[1] for row in book["a"].iter_rows(values_only=True)}["power"]
    assert power == found.power
    about = {row[0].value: row[1] for row in book["About"].iter_rows()}
    assert about["seed"].value == str(seed), "a cell has 53 bits"
    assert (about["scenario"].value, about["scenario"].data_type) == ("=1+1", "s")


def test_the_summary_of_a_trial_counts_all_its_patients() -> None:
    trial = ts.simulate("cars1", SEED)
    summary = trial.summary().set_index("arm")
    ends = summary.drop(columns=["randomised", "mean_infusions_given", "mean_arat"])
    assert (ends.sum(axis=1) == summary["randomised"]).all()
    assert summary["randomised"].sum() == 208
    scores = trial.batch.scores["arat"][0, :, -1]
    treated = pd.Series(scores[trial.batch.arms[0] == 0])
    assert summary["mean_arat"]["cerebrolysin"] == pytest.approx(treated.mean())


def test_every_result_has_a_figure_a_table_and_html(results: list[Shown]) -> None:
    for result in results:
        figure = result.plot()
        assert isinstance(figure, Drawing)
        assert figure._repr_svg_().startswith("<svg ")
        frame = result.to_frame()
        html = result._repr_html_()
        assert SIMULATED in html
        assert (str(SEED) in html) != isinstance(result, BoundsResult)  # which runs no trial
        assert html.count("<tr") == 1 + min(len(frame), 20)
        assert html.count("<div") == html.count("</div")


def test_html_gives_a_result_its_headline_and_escapes_what_a_user_named() -> None:
    study = ts.load("cars1").replace({"design.patients": 20}).model_copy(update={"name": "<b>"})
    result = ts.power(study, 16, SEED, n_jobs=1)
    html = result._repr_html_()
    assert f"Power {result.power:.4f}" in html
    assert "<b>" not in html
    assert "&lt;b&gt;" in html


def test_a_long_table_is_cut_and_says_so() -> None:
    html = ts.simulate(ts.load("cars1").replace({"design.patients": 40}), SEED)._repr_html_()
    assert "20 further rows" in html


def test_without_the_extra_one_line_names_it() -> None:
    """In another process, in which matplotlib cannot be found."""
    program = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import trialsim as ts\n"
        "from trialsim.cli import run\n"
        "trial = ts.simulate(ts.load('cars1').replace({'design.patients': 20}), 1)\n"
        "assert trial._repr_html_()\n"
        "try:\n    trial.plot()\n"
        "except ts.InputError as error:\n    print(error)\n"
        "sys.exit(run(['plot', 'scores', 'cars1', '-o', 'scores.svg']))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    line = "figures need matplotlib: pip install 'trialsim[report]'\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, line, line)


def test_a_figure_is_written_whole_or_refused(tmp_path: Path, results: list[Shown]) -> None:
    figure = results[0].plot()
    assert isinstance(figure, Drawing)
    for name in ("a.svg", "a.PNG", "a.pdf"):
        figure.write(tmp_path / name)
    assert (tmp_path / "a.svg").read_text(encoding="utf-8").endswith("</svg>\n")
    assert (tmp_path / "a.PNG").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    with pytest.raises(ts.InputError, match=r"must end in \.svg, \.png or \.pdf"):
        figure.write(tmp_path / "a.gif")
    with pytest.raises(ts.InputError, match="in a folder that exists"):
        figure.write(tmp_path / "nowhere" / "a.svg")
    assert {path.name for path in tmp_path.iterdir()} == {"a.svg", "a.PNG", "a.pdf"}
    assert (tmp_path / "a.pdf").read_bytes() == figure.pdf(), "no clock is in it"
