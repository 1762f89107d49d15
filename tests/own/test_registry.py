"""A name leads to what is registered or installed, and to nothing else."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from joblib.externals.loky import get_reusable_executor

from trialsim.cli import DONE, run
from trialsim.errors import InputError
from trialsim.own.analyses import KNOWN_ANALYSES, AnalysisData, Estimates, own_analysis
from trialsim.own.registry import fingerprint

Install = Callable[[str, str, dict[str, str]], None]
GROUP = "trialsim.analyses"


def test_an_entry_point_that_cannot_be_loaded_is_told_with_its_place(install: Install) -> None:
    install("broken", "1 / 0\n", {GROUP: "breaks = broken:breaks"})
    with pytest.raises(InputError) as refused:
        KNOWN_ANALYSES.find("breaks")
    told = f"{GROUP}: the entry point breaks cannot be loaded: ZeroDivisionError"
    assert str(refused.value).startswith(told)
    assert "(broken.py, line 1)" in str(refused.value)


def test_an_entry_point_must_register_what_it_offers(install: Install) -> None:
    install("silent", "def unregistered(data): ...\n", {GROUP: "quiet = silent:unregistered"})
    with pytest.raises(InputError, match="must lead to a function registered by that name"):
        KNOWN_ANALYSES.find("quiet")


def test_two_packages_that_offer_one_name_are_refused(install: Install) -> None:
    for module in ("first", "second"):
        install(f"{module}_offer", "one = 1\n", {GROUP: f"twice = {module}_offer:one"})
    with pytest.raises(InputError, match="is an entry point of first_offer, second_offer"):
        KNOWN_ANALYSES.find("twice")


def test_looking_for_names_loads_nothing(install: Install) -> None:
    install("unloaded", "1 / 0\n", {GROUP: "known_unloaded = unloaded:one"})
    assert "known_unloaded" in KNOWN_ANALYSES.names()
    assert KNOWN_ANALYSES.find("something_else") is None


def test_a_name_belongs_to_one_function_whose_code_may_change() -> None:
    register = own_analysis("of_one", estimates="effect", null=0.0)

    def one(data: AnalysisData) -> Estimates:
        return Estimates(0.0, 1.0, 1.0)

    def other(data: AnalysisData) -> Estimates:
        return Estimates(1.0, 1.0, 1.0)

    register(one)
    own_analysis("of_one", estimates="effect", null=0.0, version="2")(one)
    told = r"^trialsim.analyses: must be that of one function: of_one is registered by .*\.one, not"
    with pytest.raises(InputError, match=told):
        register(other)
    found = KNOWN_ANALYSES.find("of_one")
    assert found is not None
    assert found.function is one


def test_an_entry_point_that_ends_the_process_is_told(install: Install) -> None:
    install("leaving", "raise SystemExit(3)\n", {GROUP: "leaves_it = leaving:one"})
    with pytest.raises(InputError, match=r"leaves_it cannot be loaded: SystemExit: 3 \(leaving.py"):
        KNOWN_ANALYSES.find("leaves_it")


@pytest.mark.parametrize("name", ["Upper", "a.b", "", "a-b", "a" * 101, "x/../y"])
def test_a_name_that_no_study_file_can_give_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="must be a name of lower case letters"):
        own_analysis(name, estimates="effect", null=0.0)


def test_the_fingerprint_follows_the_text_and_the_version() -> None:
    def one() -> int:
        return 1

    def two() -> int:
        return 2

    typed: dict[str, Callable[[], int]] = {}
    exec("def typed(): return 1", typed)
    marks = [fingerprint(one, ""), fingerprint(two, ""), fingerprint(one, "2")]
    assert len({*marks, fingerprint(typed["typed"], "")}) == 4
    assert fingerprint(one, "") == marks[0]
    with pytest.raises(InputError, match="must be a Python function"):
        fingerprint(partial(one), "")


PACKAGE = """
import numpy as np
import trialsim as ts

@ts.own_analysis("share_above", estimates="difference of proportions", null=0.0)
def share_above(data):
    known = ~np.isnan(data.value)
    def share(who):
        count = (who & known).sum(axis=1)
        return (who & (data.value > data.parameters["steps"])).sum(axis=1) / count, count
    (p1, n1), (p0, n0) = share(data.treated), share(data.control)
    error = np.sqrt(p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0 + 1e-6)
    from scipy.special import ndtr
    return ts.Estimates(p1 - p0, 2 * ndtr(-np.abs(p1 - p0) / error), error)

@ts.own_course("straight")
def straight(data):
    mean = 10 + data.parameters["slope"] * data.days - 0.1 * (data.covariates["age_years"] - 65)
    return data.on_the_scale(mean + 20 * data.latent + data.added)
"""
STUDY = """
extends: cars1
design: {patients: 60}
analysis: {test: {method: own, analysis: share_above, parameters: {steps: 30}}, secondary: {}}
outcomes:
  arat:
    effect: {anchor: latent_shift, value: 6}
    course:
      model: own
      course: straight
      end_day: 90
      baseline_correlation: 0.6
      covariates: {age_years: 65}
      parameters: {slope: 0.2}
"""


def test_installed_entry_points_are_run_by_the_command_line_its_workers_and_the_report(
    install: Install, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An analysis and a course of one package, in one study."""
    offers = {GROUP: "share_above = stranger:share_above"}
    install("stranger", PACKAGE, {**offers, "trialsim.courses": "straight = stranger:straight"})
    get_reusable_executor().shutdown()  # those workers that there are would not find the folder
    file, kept, page = (tmp_path / name for name in ("study.yaml", "run", "page.html"))
    file.write_text(STUDY)
    told = []
    for options in (["--jobs", "1", "--out", str(kept)], ["--jobs", "2"]):
        assert run(["power", str(file), "--replicates", "64", *options, "--json"]) == DONE
        told.append(capsys.readouterr().out.split('"seconds"')[0])
    assert told[0] == told[1]
    assert run(["show", str(file)]) == DONE
    shown = " ".join(capsys.readouterr().out.split())
    assert "what the own course straight (slope 0.2), written outside" in shown
    none = [f"--{what}-replicates=0" for what in ("null", "published")]
    few = ["--sensitivity-replicates=8", "--jobs", "1"]
    assert run(["report", str(kept), "-o", str(page), *none, *few]) == DONE
    for words in ("own analysis share_above (steps 30)", "own course straight (slope 0.2)"):
        assert words in page.read_text(encoding="utf-8")
