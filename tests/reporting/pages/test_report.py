"""A report tells what its run tells, in full, and is made in one piece or not at all."""

import csv
import json
import re
import shutil
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from tests.reporting.conftest import QUESTION, RunOf
from trialsim.cli import run
from trialsim.errors import RunError
from trialsim.reporting.evidence import example_trials
from trialsim.reporting.evidence.evidence import Evidence, ReportOptions, collect_evidence
from trialsim.reporting.evidence.named_scenarios import run_scenarios
from trialsim.reporting.pages.report import data_of, report
from trialsim.reporting.tables.checklist import checklist
from trialsim.reporting.tables.first_page import assumptions_that_matter
from trialsim.reporting.tables.page import Cell
from trialsim.runs.directory import RunDirectory
from trialsim.runs.runner import Runner
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.report import NamedScenario
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.description import describe

ALONE: Final = ReportOptions(
    null_replicates=0,
    sensitivity_replicates=0,
    published_replicates=0,
    scenario_replicates=0,
    n_jobs=1,
)
"""A report of the run and nothing beside it."""
SECTIONS: Final = (
    QUESTION,
    "Performance measures",
    "Estimands",
    "Sensitivity to assumptions",
    "Example trials",
    "Failed replicates",
    "Aims and design",
    "Data-generating mechanisms",
    "Methods",
    "How to reproduce this",
    "Credibility of the simulation",
    "Checklist of guidances",
    "Appendix: every assumption",
)


class Reader(HTMLParser):
    """Reads the cells that bear a name, the identifiers, the links and the headings of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.named: list[tuple[str, float]] = []
        self.identifiers: list[str] = []
        self.links: list[str] = []
        self.headings: list[str] = []
        self.words: list[str] = []
        self._tag = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Take in what a tag says of itself."""
        found = dict(attributes)
        self._tag = tag
        if found.get("data-name") and found.get("data-value"):
            self.named.append((str(found["data-name"]), float(str(found["data-value"]))))
        if found.get("id"):
            self.identifiers.append(str(found["id"]))
        if tag == "a":
            self.links.append(str(found.get("href")))

    def handle_data(self, data: str) -> None:
        """Take in the words."""
        if self._tag == "h2" and data.strip():
            self.headings.append(data)
        if self._tag not in ("script", "style"):
            self.words.append(data)


def at(content: Any, path: str) -> Any:
    """Return what stands at a dotted path of plain values."""
    for name in path.split("."):
        content = content[int(name)] if isinstance(content, list | tuple) else content[name]
    return content


@pytest.fixture(scope="module")
def page(report_page: str) -> str:
    return report_page


@pytest.fixture(scope="module")
def reader(page: str) -> Reader:
    return Reader(page)


@pytest.fixture(scope="module")
def alone(modest_run: RunDirectory) -> Evidence:
    return collect_evidence(modest_run, ALONE)


def test_the_answer_comes_first_and_the_assumptions_last(reader: Reader) -> None:
    assert tuple(reader.headings) == SECTIONS


def test_every_number_is_that_of_the_json(reader: Reader, evidence: Evidence) -> None:
    told = data_of(evidence)
    assert len(reader.named) > 200
    for name, value in reader.named:
        assert at(told, name) == value, name


def test_the_data_of_the_page_are_the_summary_of_the_run(
    page: str, modest_run: RunDirectory, keep: Path
) -> None:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    told = json.loads(found[1])
    summary = json.loads((modest_run.folder / "summary.json").read_text(encoding="utf-8"))
    assert told["run"] == {name: summary[name] for name in told["run"]}
    kept = json.loads((keep / "sensitivity.json").read_text(encoding="utf-8"))
    assert told["what_if"] == {name: kept[name] for name in told["what_if"]}


def test_quantiles_are_those_of_the_trials(reader: Reader, evidence: Evidence) -> None:
    """The oracle is NumPy over the finished trials."""
    days = evidence.result.columns["duration_days"]
    found = dict(reader.named)["quantiles.duration_days.2"]
    assert found == np.median(days[np.isfinite(days)])


def test_the_first_section_answers_with_its_error_and_says_what_was_left_out(
    page: str, evidence: Evidence
) -> None:
    first = page[page.index('id="answer"') : page.index("<nav")]
    power, null = evidence.result.favoured, evidence.without_effect
    assert null is not None
    for share in (power, null.error):
        for number in (share.estimate, share.low, share.high):
            assert f"{100 * float(number):.1f}%" in first
    words = re.sub(r"<[^>]*>", "", first)
    assert "Under 10 other sets of scores, drop-out, sites and recruitment" in words
    assert "Interim looks: the study plans none." in words
    assert 'id="estimates"' in first


def what_if_of(power: float) -> dict[str, Any]:
    """Return a what-if whose numbers are made up: of each path two values, as (power, estimate)."""
    moved: dict[str, tuple[tuple[float, float], ...]] = {
        "outcomes.arat.effect.value": ((-0.20, -0.04), (0.10, 0.05)),
        "operations.death.probability": ((0.03, 0.001), (-0.02, -0.002)),
        "operations.withdrawal.probability": ((0.04, 0.0), (-0.05, 0.0001)),
        "design.patients": ((-0.10, 0.0), (0.06, 0.0)),
        "operations.infusion_minutes": ((0.019, 0.0), (0.0, 0.0)),
    }
    errors = {"difference_mcse": 0.01, "estimate_difference_mcse": 0.0001}
    base = {"changes": {}, "power": power, "difference": 0.0, "estimate_difference": 0.0, **errors}
    rows = [
        {**base, "changes": {path: value}, "difference": by, "estimate_difference": estimate}
        for path, changes in moved.items()
        for value, (by, estimate) in enumerate(changes)
    ]
    return {"rows": [base, *rows]}


@pytest.mark.parametrize(
    ("power", "told"),
    [
        (
            0.8,
            [
                ("Effect (Mann-Whitney)", -0.20),
                ("Patients", -0.10),
                ("Withdrawal, probability", -0.05),
            ],
        ),
        (0.995, [("Effect (Mann-Whitney)", 0.05), ("Death, probability", -0.002)]),
    ],
)
def test_the_assumptions_that_matter_are_those_whose_changes_are_largest_and_seen(
    power: float, told: list[tuple[str, float]]
) -> None:
    """By hand; a change within two Monte Carlo errors is not told, near 1 power gives way."""
    table = assumptions_that_matter(what_if_of(power), load("cars1"))
    assert table is not None
    assert [(row.cells[0].text, row.cells[3].value) for row in table.rows] == told


def test_where_no_change_is_seen_no_assumption_is_said_to_matter() -> None:
    still = what_if_of(0.8)
    for row in still["rows"]:
        row["difference"] = 0.0
    assert assumptions_that_matter(still, load("cars1")) is None


def test_every_assumption_can_be_taken_along_as_csv(page: str, modest: Scenario) -> None:
    link = re.search(r'href="data:text/csv;charset=utf-8;base64,([^"]+)" download="(\S+)"', page)
    assert link is not None
    rows = list(csv.DictReader(StringIO(b64decode(link[1]).decode("utf-8"))))
    wanted = [row.path or "" for section in describe(modest).sections for row in section.rows]
    assert [row["path"] for row in rows] == wanted
    assert {row["status"] for row in rows} == {"published", "derived", "assumed"}
    assert link[2] == "cars1_assumptions.csv"


def test_every_assumption_stands_there_with_its_source(
    reader: Reader, page: str, modest: Scenario
) -> None:
    words = "".join(reader.words)
    for section in describe(modest).sections:
        for row in section.rows:
            assert row.path is None or row.path in words
            assert row.note is None or row.note in words
    for reference in modest.references.values():
        assert reference in words
    assert '<td class="status">assumed</td>' in page


def test_every_link_leads_somewhere_and_every_name_is_one_thing(reader: Reader) -> None:
    assert len(reader.identifiers) == len(set(reader.identifiers))
    inside = {link for link in reader.links if not link.startswith("data:text/csv")}
    assert {link.removeprefix("#") for link in inside} <= set(reader.identifiers)


def test_each_demand_of_the_checklist_leads_to_its_place_or_says_why_not(
    evidence: Evidence, reader: Reader
) -> None:
    rows = checklist(evidence).rows
    assert len(rows) > 15
    for row in rows:
        place, told = row.cells[2].target, row.cells[2].text
        reasons = ("Does not apply", "Not requested", "Not part", "Left to", "Nothing published")
        assert place in reader.identifiers if place else told.startswith(reasons), told


def test_what_was_not_requested_is_said_in_the_checklist(alone: Evidence) -> None:
    told = {row.cells[0].text: row.cells[2] for row in checklist(alone).rows}
    assert told["Type I error"] == Cell("Not requested: --null-replicates")
    assert told["Sensitivity to what is assumed"].target == ""


def test_every_table_has_a_caption_and_every_heading_a_scope(page: str) -> None:
    assert page.count("<table") == page.count("<caption") > 15
    assert page.count("<th ") == page.count(' scope="')
    assert page.count("<figure") == page.count("<figcaption>") == 9


def test_failed_trials_are_told_with_their_addresses(
    reader: Reader, evidence: Evidence, page: str
) -> None:
    assert evidence.result.failed > 0
    listed = page.partition('id="failures"')[2].partition("</table>")[0]
    for failure in evidence.result.failures:
        assert f'data-value="{failure.replicate}"' in listed
        assert failure.reason in listed


def test_what_a_reader_wrote_is_said_and_not_obeyed(page: str) -> None:
    assert "Is it &lt;large&gt; enough?" in page
    assert "<large>" not in page


@pytest.mark.usefixtures("undrawn")
def test_a_report_of_the_run_alone_says_what_was_not_asked_for(alone: Evidence) -> None:
    page = Reader(report(alone))
    assert "Sensitivity to assumptions" not in page.headings
    assert "type I error was not requested" in "".join(page.words)
    assert not [name for name, _ in page.named if name.startswith(("null", "what_if"))]


def test_a_study_of_three_arms_whose_patients_wait_and_are_harmed_has_a_report(
    waiting_run: RunDirectory, page: str
) -> None:
    told = report(collect_evidence(waiting_run, ALONE))
    assert "24 patients are randomised 1:1:1" in told
    assert 'id="example-chairs"' in told
    assert "WARNING: the true effect favours the control" in told
    assert "WARNING" not in page


def test_a_study_with_looks_tells_their_bounds_their_stops_and_what_they_save(
    sequential_run: RunDirectory,
) -> None:
    evidence = collect_evidence(sequential_run, ALONE)
    page = Reader(report(evidence))
    assert page.headings[2] == "Looks at the data"
    figures = {"boundaries", "stopping", "patients-at-looks", "expected-size"}
    assert figures <= {name.removesuffix("-figure") for name in page.identifiers}
    told, named = data_of(evidence), dict(page.named)
    for name, value in named.items():
        assert at(told, name) == value, name
    assert "run.monitoring.estimation.1.coverage.mcse" in named
    assert named["bounds.looks.0.efficacy.z"] == pytest.approx(2.9626, abs=1e-4)
    words = "".join(page.words)
    assert " nan" not in words
    assert words.count("as if no look had stopped a trial") == 2  # the flows, of all planned


def test_a_run_in_which_nobody_is_seen_has_a_report_without_estimates(
    modest: Scenario, run_of: RunOf
) -> None:
    unseen = {"design.patients": 2, "operations.visit_missed_probability": 1.0}
    wanted = replace(ALONE, sensitivity_replicates=2)
    page = Reader(report(collect_evidence(run_of(modest.replace(unseen), "unseen", 40), wanted)))
    assert "No trial of the run has an estimate." in "".join(page.words)
    assert not {"estimates", "tornado"} & set(page.identifiers)
    assert "average-flow" in page.identifiers
    assert " nan" not in "".join(page.words)


@pytest.mark.usefixtures("undrawn")
def test_the_command_writes_the_page(
    modest_run: RunDirectory,
    keep: Path,
    reader: Reader,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With the numbers of the one above, which are read as they were kept."""
    out = tmp_path / "study.html"
    asked = ["report", str(modest_run.folder), "-o", str(out), "--jobs", "1", "--keep", str(keep)]
    assert run([*asked, "--null-replicates", "128", "--sensitivity-replicates", "16"]) == 0
    assert "160 simulated trials" in capsys.readouterr().out
    page = out.read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert Reader(page).named == reader.named
    assert [one.name for one in tmp_path.iterdir()] == ["study.html"]


@pytest.mark.parametrize(
    ("run_folder", "options", "said"),
    [
        ("nothing", [], "must be the directory of a run"),
        ("damaged", [], "block 0 is missing or damaged"),
        ("run", ["--null", "nothing"], "must be the directory of a run"),
        ("run", ["--what-if", "nothing"], "must be the folder of a what-if"),
        ("run", ["-o", "nothing/study.html"], "must be in a folder that exists"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    modest_run: RunDirectory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    run_folder: str,
    options: list[str],
    said: str,
) -> None:
    for name in ("run", "damaged"):
        shutil.copytree(modest_run.folder, tmp_path / name)
    next((tmp_path / "damaged" / "parts").glob("00000000*")).write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    where = [] if "-o" in options else ["-o", "study.html"]
    assert run(["report", run_folder, *where, *options]) == 2
    problem = capsys.readouterr().err.splitlines()[-1]
    assert said in problem
    assert not (tmp_path / "study.html").exists()


def test_a_trial_that_cannot_be_built_again_is_told(
    modest_run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is where other software computes other numbers."""

    def refused(*_: object) -> None:
        raise RunError("replicate 4 is not what the run holds: numpy 1, now 2")

    monkeypatch.setattr(example_trials, "replay", refused)
    page = Reader(report(collect_evidence(modest_run, ALONE)))
    assert "could not be rebuilt: replicate 4 is not what" in "".join(page.words)
    assert "example-flow" not in page.identifiers


def test_the_first_question_is_of_success_where_that_is_more_than_the_primary_analysis(
    run_of: RunOf,
) -> None:
    page = report(collect_evidence(run_of(load("alvarez2011"), "doses", 64), ALONE))
    asked = "How often does a trial of 133 patients succeed"
    assert f"{asked}, if the Mann-Whitney effect is" in page
    assert "At least one of primary, impression 30, impression 60" in page
    told = dict(Reader(page).named)
    assert "run.secondary.expected_rejections.mean" in told
    assert "run.secondary.analyses.primary.power" in told


@pytest.mark.usefixtures("undrawn")
def test_named_scenarios_and_the_authors_conclusion_stand_in_the_page_and_its_checklist(
    evidence: Evidence, modest: Scenario
) -> None:
    because = "More may <leave> elsewhere."
    one = NamedScenario(kind="no_effect", because=because, changes={"design.patients": 44})
    named = {"more_leave": (one, modest.replace(one.changes))}
    with_more = replace(evidence, scenarios=run_scenarios(named, 16, Runner(1, 1)))
    concluded = "Forty patients are <too few>."
    reader = Reader(report(with_more, QUESTION, conclusion=concluded))
    assert {because, concluded} <= set(reader.words)
    assert {"scenarios", "conclusion"} <= set(reader.identifiers)
    for row in checklist(with_more, concluded).rows:
        place, told = row.cells[2].target, row.cells[2].text
        if row.cells[0].text.startswith(("Conclusions", "Scenarios by name")):
            assert place in reader.identifiers, told
    content = data_of(with_more)
    for name, value in reader.named:
        assert at(content, name) == value, name


@pytest.mark.usefixtures("undrawn")
def test_what_m15_asks_stands_in_the_authors_words_and_the_checklist_leads_there(
    run_of: RunOf, modest: Scenario, modest_run: RunDirectory
) -> None:
    words = {"context_of_use": "Choosing <the size>.", "consequence": "A trial too small."}
    said = modest.replace({"report": {"credibility": words}})
    evidence = collect_evidence(run_of(said, "credible", 16), ALONE)
    reader = Reader(report(evidence, QUESTION))
    assert {QUESTION, *words.values()} <= set(reader.words)
    assert "Not said: report.credibility.influence of the study can" in reader.words
    row = next(row for row in checklist(evidence).rows if row.cells[0].text.startswith("Question"))
    assert row.cells[2].target == "credibility" in reader.identifiers
    silent = replace(evidence, run=modest_run)
    row = next(row for row in checklist(silent).rows if row.cells[0].text.startswith("Question"))
    assert not row.cells[2].target
