"""What tests of reports share: a small run that rejects in some trials, and fails in a few."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from tests.runs.test_directory import kept_power
from trialsim.reporting.evidence.evidence import Evidence, ReportOptions, collect_evidence
from trialsim.reporting.pages import report as report_module
from trialsim.reporting.pages.report import report
from trialsim.runs.directory import RunDirectory, find_run, open_run
from trialsim.runs.manifest import manifest_here
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario

RunOf: TypeAlias = Callable[..., RunDirectory]
"""Of a study, the name of a folder, and how many trials."""

SEED: Final = 2016
COUNT: Final = 160
BLOCK: Final = 64
QUESTION: Final = "Is it <large> enough?"


@pytest.fixture(scope="session")
def modest() -> Scenario:
    """Return a study whose recruitment is not complete in time in some of the replicates.

    Its operations and treatment count as published, so that few numbers are left to vary.
    """
    cars1 = load("cars1")
    published = {"status": "published", "reference": "guide"}
    return cars1.replace(
        {
            "design.patients": 40,
            "outcomes.arat.effect.value": 0.65,
            "operations.recruitment_limit_days": 160,
            "operations.at_limit": "fail",
            "sources": {
                "operations": published,
                "treatment": published,
                "outcomes.arat": cars1.sources["outcomes.arat"],
                "outcomes.arat.course": cars1.sources["outcomes.arat.course"],
                "outcomes.arat.effect": cars1.sources["outcomes.arat.effect"],
            },
        }
    )


@pytest.fixture(scope="session")
def run_of(tmp_path_factory: pytest.TempPathFactory) -> RunOf:
    """Return a function that gives a finished run of a study, in a folder of some name."""

    def made(scenario: Scenario, name: str, count: int = COUNT) -> RunDirectory:
        folder: Path = tmp_path_factory.mktemp(name) / "run"
        run = open_run(folder, manifest_here(scenario, SEED, block=BLOCK))
        kept_power(run, count)
        return find_run(folder)

    return made


@pytest.fixture(scope="session")
def modest_run(run_of: RunOf, modest: Scenario) -> RunDirectory:
    """Return a finished run."""
    return run_of(modest, "modest")


@pytest.fixture(scope="session")
def waiting_run(run_of: RunOf, modest: Scenario) -> RunDirectory:
    """Return a finished run of three arms, in which a site has one chair and the drug harms."""
    arms = modest.model_dump(mode="json")["design"]["arms"]
    three = modest.replace(
        {
            "design.arms": {**arms, "low": {**arms["cerebrolysin"], "dose_ml": 10}},
            "design.block_size": 3,
            "design.patients": 24,
            "outcomes.arat.effect.value": 0.2,
            "operations.infusion_chairs_per_site": 1,
            "operations.recruitment_limit_days": 3650,
            "operations.at_limit": "fail",
        }
    )
    return run_of(three, "three", 32)


@pytest.fixture(scope="session")
def sequential_run(run_of: RunOf) -> RunDirectory:
    """Return a finished run of a small study with looks."""
    return run_of(load("cars_sequential").replace({"design.patients": 80}), "sequential", 96)


@pytest.fixture(scope="session")
def keep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that keeps what is computed for a report of the run."""
    return tmp_path_factory.mktemp("evidence") / "kept"


@pytest.fixture(scope="session")
def evidence(modest_run: RunDirectory, keep: Path) -> Evidence:
    """Return all that a report of the run tells."""
    wanted = ReportOptions(null_replicates=128, sensitivity_replicates=16, n_jobs=1, keep=keep)
    return collect_evidence(modest_run, wanted)


@pytest.fixture(scope="session")
def report_page(evidence: Evidence) -> str:
    """Return the report of the run as a page."""
    return report(evidence, QUESTION, command="trialsim report run -o a.html")


@pytest.fixture(scope="session")
def cars1_run(run_of: RunOf) -> RunDirectory:
    """Return a run of a study of which much was published."""
    return run_of(load("cars1"), "cars1", 40)


@pytest.fixture(scope="session")
def cars1_page(cars1_run: RunDirectory) -> str:
    """Return its report."""
    wanted = ReportOptions(
        null_replicates=32, sensitivity_replicates=4, published_replicates=32, n_jobs=1
    )
    return report(collect_evidence(cars1_run, wanted))


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the figures out of a report, where its words are the subject."""
    monkeypatch.setattr(report_module, "figures_of", lambda _: defaultdict(list))
