"""The page as somebody uses it, in a browser: load, change, run, stop, compare, download.

The path of Chromium is in the environment variable TRIALSIM_CHROMIUM; without it, or without the
extra `app` and Playwright, nothing here runs.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

import trialsim as ts
from trialsim.app.limits import MOST_BYTES
from trialsim.app.uploaded import uploaded_study
from trialsim.replicates.result import SIMULATED
from trialsim.scenario.scenario import Scenario

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM: Final = os.environ.get("TRIALSIM_CHROMIUM", "")
pytestmark = pytest.mark.skipif(
    not CHROMIUM, reason="TRIALSIM_CHROMIUM does not name a Chromium to look with"
)
pytest.importorskip("shiny", reason="the extra app is not installed")
pytest.importorskip("playwright", reason="Playwright, of the extra dev, is not installed")

SMALL: Final = "extends: stroke_nihss\nname: small\ndesign: {patients: 60}\n"
_PATIENCE: Final = 90_000
"""Milliseconds until something must have happened, on a busy machine."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the page with a small study open, and return where."""
    study = tmp_path_factory.mktemp("app") / "small.yaml"
    study.write_text(SMALL)
    command = [sys.executable, "-m", "trialsim", "app", str(study), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield re.findall(r"http://127\.0\.0\.1:\d+", server.stdout.readline())[0]
        server.terminate()


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Return a browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        found = started.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield found
        found.close()


@pytest.fixture
def page(address: str, browser: "Browser") -> Iterator["Page"]:
    """Open the page as a new visitor, and fail if its scripts do."""
    errors: list[str] = []
    with browser.new_context() as context:
        context.set_default_timeout(_PATIENCE)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        page.wait_for_selector(".field")
        yield page
    assert errors == []


def set_field(page: "Page", label: str, value: object) -> None:
    page.get_by_label(label, exact=True).fill(str(value))
    page.keyboard.press("Tab")


@contextmanager
def a_run_ends(page: "Page") -> Iterator[None]:
    """Wait, after what is done here, until one more run has ended, however short it was."""
    before = int(page.locator("#running").get_attribute("data-ended") or 0)
    yield
    page.wait_for_selector(f"#running[data-ended='{before + 1}']")


def run(page: "Page", button: str, replicates: int = 200) -> None:
    """Press a button and wait until its run is done."""
    set_field(page, "Simulated trials", replicates)
    with a_run_ends(page):
        page.get_by_role("button", name=button, exact=True).click()
    assert page.inner_text("#status") == "Done.", page.inner_text("#refused")


def open_tab(page: "Page", name: str) -> None:
    page.get_by_role("tab", name=name).click()


def saved(page: "Page", button: str) -> tuple[str, str]:
    """Return name and text of a file that is downloaded."""
    with page.expect_download() as download:
        page.get_by_role("link", name=button).click()
    return download.value.suggested_filename, Path(download.value.path()).read_text("utf-8")


def small(**changes: Any) -> Scenario:
    study = ts.load("stroke_nihss").replace({"design.patients": 60, **changes})
    assert isinstance(study, Scenario)
    return study


def test_a_design_is_changed_run_and_downloaded_with_the_numbers_of_python(page: "Page") -> None:
    assert page.inner_text("p.simulated") == SIMULATED
    assert "small, as given" in page.inner_text("#choice")
    set_field(page, "Patients", 80)
    page.wait_for_selector("#changed li")
    assert page.inner_text("#changed li") == "Patients = 80"
    run(page, "Run")
    study = small(**{"design.patients": 80})
    told = ts.power(study, 200, 2016, n_jobs=1)
    tile = page.inner_text("#power .headline li:first-child").split("\n")
    assert tile[:2] == ["Power", f"{told.power:.4f}"]
    assert f"MCSE {told.mcse:.4f}" in tile[2]
    open_tab(page, "Recruitment and flow")
    page.wait_for_selector("#conduct #recruitment svg")
    assert page.locator("#conduct #average-flow svg").count() == 1
    open_tab(page, "Download")
    name, text = saved(page, "Table of the power (CSV)")
    assert name == "small_power_simulated.csv"
    assert text == told.to_frame().to_csv(index=False, lineterminator="\n")
    name, text = saved(page, "Study file (YAML)")
    assert name == "small.yaml"
    again = uploaded_study(name, text.encode())
    assert again.digest == study.digest
    set_field(page, "Patients", 90)
    page.wait_for_selector("#stale .note")


def test_a_slider_moves_its_number_by_the_keyboard(page: "Page") -> None:
    page.get_by_label("Patients, slider").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#changed li")
    moved = float(page.get_by_label("Patients", exact=True).input_value())
    assert page.inner_text("#changed li") == f"Patients = {moved:g}"
    assert moved > 60
    page.get_by_role("button", name="As the study says").click()
    page.wait_for_selector("#changed li", state="detached")


def test_a_run_tells_how_far_it_is_and_is_stopped(page: "Page") -> None:
    page.select_option("#choice", "cars1_chairs")
    page.get_by_label("Ratio, Saline", exact=True).wait_for()
    set_field(page, "Simulated trials", 2_000)
    page.get_by_role("button", name="Run", exact=True).click()
    far = re.compile(r"[1-9][\d,]* of 2,000 trials, power so far")
    page.locator("#status", has_text=far).wait_for()
    assert page.locator("#progress").get_attribute("max") == "2000"
    page.get_by_role("button", name="Stop").click()
    page.locator("#status", has_text="Stopped.").wait_for()
    assert page.locator("#power .headline").count() == 0
    page.select_option("#choice", "given")
    run(page, "Run")
    assert page.locator("#power .headline").count() == 1


def test_the_problems_of_a_file_stand_beside_its_lines(page: "Page") -> None:
    wrong = "extends: cars1\ndesign:\n  patients: 1\n"
    drop(page, "mine.yaml", wrong)
    told = "mine.yaml:3:3: design.patients: must be greater than or equal to 2 (got 1)"
    page.locator("#problems", has_text=told).wait_for()
    assert "3:   patients: 1" in page.inner_text("#problems")
    drop(page, "mine.yaml", wrong.replace(": 1\n", ": 100\n"))
    page.wait_for_selector("#problems .problems", state="detached")
    page.locator("#choice option:checked", has_text="the file below").wait_for(state="attached")
    assert page.get_by_label("Patients", exact=True).input_value() == "100"


def drop(page: "Page", name: str, text: str) -> None:
    """Give the page a file, and wait until it was read."""
    file: Any = {"name": name, "mimeType": "text/yaml", "buffer": text.encode()}
    with a_run_ends(page):
        page.set_input_files("#file", [file])


def test_nothing_of_the_machine_is_reached(page: "Page", tmp_path: Path) -> None:
    """Neither by a file that names another, nor by a choice that the page does not offer."""
    there = tmp_path / "secret.yaml"
    there.write_text(SMALL.replace("name: small", "name: secret"))
    drop(page, "mine.yaml", f"extends: {there}\n")
    told = "extends: must be a built-in study here: no other file can be reached"
    page.locator("#problems", has_text=told).wait_for()
    lie = "path => Shiny.setInputValue('file', [{name: 'mine.yaml', datapath: path}])"
    page.evaluate(lie, str(there))
    page.locator("#refused", has_text="file: must be one that was uploaded").wait_for()
    page.evaluate("path => Shiny.setInputValue('choice', path)", str(there))
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_selector("#power .headline")
    assert "study small (" in page.inner_text("#power")
    assert "secret" not in page.inner_text("#results")


def test_what_is_too_much_is_refused(page: "Page", address: str) -> None:
    set_field(page, "Patients", 6000)
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_selector("#refused .problems")
    assert "small, patients: must be at most 5,000 on this page" in page.inner_text("#refused")
    set_field(page, "Patients", 1)
    page.wait_for_selector("#problems .problems")
    assert "must be greater than or equal to 2 (got 1)" in page.inner_text("#problems")
    large_file: Any = {"name": "a.yaml", "mimeType": "text/yaml", "buffer": b"#" * (MOST_BYTES + 1)}
    page.set_input_files("#file", [large_file])
    page.locator("#status", has_text="more than 300,000 bytes").wait_for()
    large = page.request.post(f"{address}/session/x/upload/y", data=b"x" * (MOST_BYTES + 1))
    assert large.status == 413
    assert page.request.get(address, headers={"Host": "elsewhere.invalid"}).status == 421


def test_designs_are_compared_on_the_same_trials(page: "Page") -> None:
    open_tab(page, "Compare")
    page.get_by_role("button", name="Keep this design").click()
    page.wait_for_selector("#kept li")
    set_field(page, "Effect (Mann-Whitney)", 0.75)
    page.wait_for_selector("#changed li")
    set_field(page, "Name of this design", "stronger")
    page.get_by_role("button", name="Keep this design").click()
    page.wait_for_selector("#kept li:nth-child(2)")
    page.select_option("#choice", "cars1")  # kept designs say what they changed in their own study
    page.get_by_label("Effect (Mann-Whitney)", exact=True).and_(
        page.locator("[value='0.722']")
    ).wait_for()
    kept = page.locator("#kept li").all_inner_texts()
    assert kept == ["design 1: small", "stronger: small; Effect (Mann-Whitney) = 0.75"]
    run(page, "Compare")
    stronger = small(**{"outcomes.nihss.effect.value": 0.75})
    base, row = ts.what_if(small(), variants=[stronger], replicates=200, n_jobs=1).rows
    cells = page.locator("#compare #designs tbody tr:nth-child(2) > *").all_inner_texts()
    apart = row.difference
    assert cells[:2] == ["stronger", f"{row.power.estimate:.4f}"]
    assert cells[4:7] == [
        f"{apart.estimate:+.4f}",
        f"{apart.mcse:.4f}",
        f"{apart.low:+.4f} to {apart.high:+.4f}",
    ]
    first = page.locator("#compare #designs tbody tr:first-child > *").all_inner_texts()
    assert first[:2] == ["design 1", f"{base.power.estimate:.4f}"]


def test_a_curve_a_trial_and_a_patient_are_shown(page: "Page") -> None:
    open_tab(page, "Power curve")
    page.select_option("#along", "outcomes.nihss.effect.value")
    page.locator("#lowest[value='0.4']").wait_for()
    page.select_option("#along", "design.patients")
    page.locator("#lowest[value='20']").wait_for()
    for end, value in (("From", "-1e308"), ("To", "1e308")):  # farther apart than any number
        set_field(page, end, value)
    page.get_by_role("button", name="Draw the curve").click()
    page.locator("#refused", has_text="along: must be two numbers, the lower one first").wait_for()
    for end, value in (("From", "20"), ("To", "180")):
        set_field(page, end, value)
    set_field(page, "Values", 3)
    run(page, "Draw the curve", 50)
    page.wait_for_selector("#curve figure svg")
    assert page.locator("#curve #curve-values tbody tr").count() == 4
    open_tab(page, "One trial")
    run(page, "Show the trial")
    inside = page.frame_locator("#trial iframe")
    assert "one simulated trial" in inside.locator("h1").inner_text()
    set_field(page, "Patient, from 1", 7)
    run(page, "Show the patient")
    inside.get_by_text("Patient 7 of replicate 0").first.wait_for()
    assert page.locator("#trial iframe").get_attribute("sandbox") == "allow-scripts"


def test_a_report_is_made_and_downloaded(page: "Page") -> None:
    open_tab(page, "Download")
    run(page, "Make the report", 64)
    name, text = saved(page, "Report (HTML)")
    assert name == "small_report_simulated.html"
    assert "64 simulated trials" in text
    assert text.count(SIMULATED) > 2


def test_visitors_do_not_mix(page: "Page", address: str, browser: "Browser") -> None:
    set_field(page, "Patients", 100)
    page.wait_for_selector("#changed li")
    with browser.new_context() as context:
        other = context.new_page()
        other.goto(address)
        other.wait_for_selector(".field", timeout=_PATIENCE)
        assert other.get_by_label("Patients", exact=True).input_value() == "60"
        run(page, "Run")
        assert other.locator("#power .headline").count() == 0
        assert other.inner_text("#status") == ""


def test_it_fits_and_every_input_is_labelled_and_seen_in_focus(page: "Page") -> None:
    """At three widths, in the light and in the dark."""
    unnamed = page.evaluate(
        "[...document.querySelectorAll('input, select, button, progress, iframe')]"
        ".filter((one) => one.checkVisibility() && !(one.labels?.length || one.ariaLabel"
        " || one.textContent.trim() || one.title)).map((one) => one.outerHTML)"
    )
    assert unnamed == []
    for width in (360, 900, 1400):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        colours: dict[Any, str] = {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 28)"}
        for scheme, colour in colours.items():
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate("getComputedStyle(document.body).backgroundColor") == colour
            page.locator("a.skip").focus()
            for _ in range(12):
                page.keyboard.press("Tab")
                seen = page.evaluate(
                    "[document.activeElement, ...document.activeElement.parentElement.children]"
                    ".some((one) => parseFloat(getComputedStyle(one).outlineWidth) >= 2"
                    " && getComputedStyle(one).outlineStyle !== 'none')"
                )
                assert seen, page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
