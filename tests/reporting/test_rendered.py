"""The report as a browser shows it: complete, in order, and without a word to anybody.

The path of Chromium is in the environment variable TRIALSIM_CHROMIUM; without it nothing here runs.
"""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import pytest

from trialsim.replicates.result import SIMULATED
from trialsim.reporting.evidence.evidence import Evidence
from trialsim.reporting.named_file import write_named
from trialsim.reporting.pages.report import data_of

CHROMIUM: Final = os.environ.get("TRIALSIM_CHROMIUM", "")
pytestmark = pytest.mark.skipif(
    not CHROMIUM, reason="TRIALSIM_CHROMIUM does not name a Chromium to look with"
)
TABLES: Final = {
    *("summary", "performance", "resources", "sensitivity", "examples", "analyses"),
    *("scores-arat", "failure-reasons", "failures", "versions"),
}
FIGURES: Final = {
    *("estimates", "recruitment", "average-flow", "tornado", "example-flow", "example-scores"),
    *("example-distribution", "example-effects", "example-adherence"),
}
ASKED: Final = re.compile(r'"initiator":"([^"]*)".*"url":"((?!file:|data:|chrome)[^"]*)"')
"""In the browser's log of its network: who asked, and where."""
BROWSER: Final = "not an origin"
"""Who asks for the browser's own sake, such as for its dictionaries."""
PROBE: Final = """
<script>
const widths = [...document.querySelectorAll("figure svg")].map((one) => {
  const box = one.getBoundingClientRect();
  return Math.min(box.width, box.height);
});
const table = document.querySelector("#sensitivity");
const heading = table.tHead.rows[0].cells[3];
const column = () => [...table.tBodies[0].rows].map((row) => Number(row.cells[3].dataset.value));
heading.querySelector("button").click();
const rising = [heading.ariaSort, column()];
heading.querySelector("button").click();
const falling = [heading.ariaSort, column()];
const probe = document.createElement("pre");
probe.id = "probe";
probe.textContent = JSON.stringify({
  widths, rising, falling,
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  background: getComputedStyle(document.body).backgroundColor,
});
document.body.append(probe);
</script>
"""


class Shown(HTMLParser):
    """What stands in a page after the browser has read it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: dict[str, int] = {}
        self.figures: dict[str, int] = {}
        self.named: dict[str, float] = {}
        self._table = self._figure = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Count the rows of tables and the drawn parts of figures."""
        found = dict(attributes)
        if tag == "table":
            self._table = str(found["id"])
        elif tag == "figure":
            self._figure = str(found["id"])
        elif tag == "tr":
            self.tables[self._table] = self.tables.get(self._table, 0) + 1
        elif tag in ("path", "rect", "use") and self._figure:
            self.figures[self._figure] = self.figures.get(self._figure, 0) + 1
        if found.get("data-name") and found.get("data-value"):
            self.named[str(found["data-name"])] = float(str(found["data-value"]))

    def handle_endtag(self, tag: str) -> None:
        """Leave a figure."""
        if tag == "figure":
            self._figure = ""


@dataclass(frozen=True)
class Look:
    """A page as Chromium shows it, and the hosts that it asked for."""

    dom: str
    probe: dict[str, Any]
    asked: list[str]


def look(page: Path, *options: str) -> Look:
    """Open a page in a browser that knows no host, and listen to what it asks."""
    log = page.with_suffix(".netlog.json")
    command = [
        CHROMIUM,
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
        *("--disable-background-networking", "--disable-component-update", "--no-first-run"),
        *("--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={page.parent / 'profile'}"),
        *(f"--log-net-log={log}", "--virtual-time-budget=5000", "--dump-dom", *options),
        page.as_uri(),
    ]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    probe = re.search(r'<pre id="probe">(.*?)</pre>', run.stdout, re.DOTALL)
    assert probe is not None, "the page's own script stopped"
    requests = ASKED.findall(log.read_text(errors="replace"))
    return Look(run.stdout, json.loads(probe[1]), [url for who, url in requests if who != BROWSER])


@pytest.fixture(scope="module")
def page(report_page: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the report in a file, with a probe at its end."""
    file = tmp_path_factory.mktemp("rendered") / "study.html"
    write_named(file, report_page.replace("</body>", f"{PROBE}</body>").encode())
    return file


@pytest.fixture(scope="module")
def wide(page: Path) -> Look:
    """Return the report in a wide window."""
    return look(page, "--window-size=1200,900")


def test_the_page_asks_nobody_for_anything(wide: Look) -> None:
    assert wide.asked == []


def test_a_page_that_asks_is_found_out(tmp_path: Path) -> None:
    """The listener hears a picture, a script and a frame from elsewhere."""
    asking = tmp_path / "asking.html"
    parts = [f'<{tag} src="http://{tag}.invalid/"></{tag}>' for tag in ("img", "script", "iframe")]
    asking.write_text(f'<body>{"".join(parts)}<pre id="probe">{{}}</pre></body>')
    heard = {"http://img.invalid/", "http://script.invalid/", "http://iframe.invalid/"}
    assert set(look(asking).asked) == heard


def test_every_table_and_figure_is_there(wide: Look) -> None:
    shown = Shown(wide.dom)
    assert shown.tables.keys() >= TABLES
    assert min(shown.tables.values()) > 1
    assert shown.figures.keys() == FIGURES
    assert min(shown.figures.values()) > 10
    assert len(wide.probe["widths"]) == len(FIGURES)
    assert min(wide.probe["widths"]) > 150


def test_the_numbers_shown_are_those_of_the_json(wide: Look, evidence: Evidence) -> None:
    shown, told = Shown(wide.dom).named, evidence.result.to_dict()
    assert evidence.without_effect is not None
    assert shown["run.power"] == told["power"]
    assert shown["run.bias.mean"] == told["bias"]["mean"]
    assert shown["run.coverage.mcse"] == told["coverage"]["mcse"]
    assert shown["run.infusions_given.sd"] == told["infusions_given"]["sd"]
    kept = evidence.without_effect.result.to_dict()
    assert shown["null.rejections.mean"] == kept["rejections"]["mean"]
    rows = data_of(evidence)["what_if"]["rows"]
    for place, row in enumerate(rows[1:], 1):
        assert shown[f"what_if.rows.{place}.difference"] == row["difference"]


def test_a_heading_sorts_its_table_one_way_and_the_other(wide: Look) -> None:
    (rising, up), (falling, down) = wide.probe["rising"], wide.probe["falling"]
    assert (rising, falling) == ("ascending", "descending")
    assert up == sorted(up)
    assert down == sorted(up, reverse=True)
    assert up[0] != up[-1]


def test_nothing_sticks_out_of_the_page_and_it_is_dark_for_who_wants_it_dark(
    page: Path, wide: Look
) -> None:
    """Wide tables scroll in their own frames; 500 pixels is the narrowest headless window."""
    narrow = look(page, "--window-size=500,900", "--blink-settings=preferredColorScheme=0")
    assert wide.probe["overflow"] == narrow.probe["overflow"] == 0
    assert wide.probe["background"] == "rgb(255, 255, 255)"
    assert narrow.probe["background"] == "rgb(21, 24, 28)"


def test_the_report_of_cars1_is_printed_on_twelve_pages_and_an_appendix(
    cars1_page: str, tmp_path: Path
) -> None:
    start = cars1_page.index('<section class="appendix"')
    end = cars1_page.index("</section>", start) + len("</section>")
    alone, appendix = cars1_page[:start] + cars1_page[end:], cars1_page[start:end]
    assert len(appendix) > 100_000
    assert 8 <= printed_pages(tmp_path / "alone.html", alone) <= 12
    assert printed_pages(tmp_path / "whole.html", cars1_page) > 20


def printed_pages(file: Path, page: str) -> int:
    """Return on how many sheets of paper a browser prints a page."""
    file.write_text(page, encoding="utf-8")
    paper = file.with_suffix(".pdf")
    command = [
        CHROMIUM,
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
        *(f"--user-data-dir={file.parent / 'profile'}", f"--print-to-pdf={paper}", file.as_uri()),
    ]
    subprocess.run(command, capture_output=True, timeout=120, check=True)
    return len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes()))


def test_it_says_first_and_last_that_it_is_simulated(wide: Look) -> None:
    body = wide.dom.partition("<body>")[2].partition("<script>")[0]
    said = re.sub(r"<[^>]*>|\s+", " ", body).split(SIMULATED)
    assert not said[0].strip()
    assert len(said) > 2
