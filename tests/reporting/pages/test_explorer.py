"""The page of a grid: its table is the what-if, and its sliders choose a row of it."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

import trialsim as ts
from tests.reporting.test_rendered import CHROMIUM, look
from trialsim.errors import InputError
from trialsim.questions.what_if.variants import alternatives
from trialsim.questions.what_if.what_if import WhatIf
from trialsim.replicates.result import SIMULATED
from trialsim.reporting.pages.explorer import explorer_page

pytest.importorskip("jinja2")

GRID: Final[dict[str, list[float]]] = {
    "design.patients": [300, 40],
    "outcomes.arat.effect.value": [0.6, 0.722, 0.9],
}
PROBE: Final = """
<script>
const tiles = [...document.querySelectorAll("#tiles [data-column]")];
const shown = () => tiles.map((one) => one.textContent);
const first = shown();
const [patients, effect] = document.querySelectorAll("#sliders input");
effect.stepDown();
effect.dispatchEvent(new Event("input"));
const probe = document.createElement("pre");
probe.id = "probe";
probe.textContent = JSON.stringify({
  first, second: shown(), hash: location.hash, said: effect.getAttribute("aria-valuetext"),
  options: document.querySelector("#options").textContent,
  bold: [...document.querySelector("tr.chosen").cells].map((cell) => cell.textContent.trim()),
  points: document.querySelectorAll("#curve circle").length,
  label: document.querySelector("#curve").getAttribute("aria-label"),
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
});
document.body.append(probe);
</script>
"""


@pytest.fixture(scope="module")
def grid() -> WhatIf:
    """Return a grid of six designs, of which none is the base."""
    study = ts.load("cars1").replace({"design.patients": 60, "analysis.secondary": {}})
    return ts.what_if(study, GRID, "grid", replicates=32, seed=2016, n_jobs=1)


def cells_of(page: str) -> list[list[str]]:
    """Return the rows of the table of designs, the base first."""
    rows = re.findall(r"<tr[^>]*>(<td>.*)", page)
    return [re.sub(r"</.*", "", row).removeprefix("<td>").split("<td>") for row in rows]


def test_the_table_has_every_design_in_the_order_of_the_sliders(grid: WhatIf) -> None:
    page = explorer_page(grid, "trialsim explore")
    base, *designs = cells_of(page)
    assert base[:2] == ["60", "0.722"]
    assert [(one[0], one[1]) for one in designs] == [
        (patients, effect) for patients in ("40", "300") for effect in ("0.6", "0.722", "0.9")
    ]
    of = {tuple(str(value) for value in row.alternative.changes.values()): row for row in grid.rows}
    for one in designs:
        row = of[one[0], one[1]]
        assert one[2] == f"{row.power.estimate:.4f}"
        assert one[4] == f"{row.power.low:.4f} to {row.power.high:.4f}"
        assert one[5] == f"{row.difference.estimate:+.4f}"
        assert one[8] == one[0], "without looks all are randomised"
        assert one[9] == f"{row.means['duration_days'].estimate:,.1f}"
        assert one[11:] == [
            f"{row.means['screened'].estimate:,.1f}",
            f"{row.means['screened'].mcse:.1f}",
        ]
    assert page.count(SIMULATED) == 2


def test_a_page_of_75_designs_is_small(grid: WhatIf) -> None:
    paths: dict[str, list[float]] = {
        "outcomes.arat.effect.value": [0.58, 0.6, 0.62, 0.64, 0.66],
        "design.patients": [150, 208, 250, 300, 350],
        "operations.withdrawal.probability": [0.02, 0.05, 0.1],
    }
    variants = alternatives(grid.rows[0].scenario, paths, "grid")
    rows = tuple(replace(grid.rows[1], alternative=one) for one in variants)
    page = explorer_page(replace(grid, paths=tuple(paths), rows=rows), "trialsim explore")
    assert len(cells_of(page)) == 76
    assert len(page.encode()) < 30_000


def test_what_is_no_grid_is_refused(grid: WhatIf) -> None:
    with pytest.raises(InputError, match="every combination of the values of its paths"):
        explorer_page(replace(grid, rows=grid.rows[:-1]), "")
    with pytest.raises(InputError, match="every combination"):
        explorer_page(replace(grid, rows=grid.rows[:1], paths=()), "")


@pytest.mark.skipif(not CHROMIUM, reason="TRIALSIM_CHROMIUM does not name a Chromium to look with")
@pytest.mark.parametrize("width", [500, 800])
def test_the_sliders_choose_a_row_of_the_table(grid: WhatIf, tmp_path: Path, width: int) -> None:
    """The page opens between the values that the base has not, and is moved by one step.

    Narrower than 544 pixels it is laid out otherwise; a wider window only has more room.
    """
    page = explorer_page(grid, "trialsim explore")
    file = tmp_path / "page.html"
    file.write_text(page.replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
    shown = look(file, f"--window-size={width},900")
    _, *designs = cells_of(page)
    assert shown.asked == []
    assert shown.probe["first"] == designs[4][2:]
    assert shown.probe["second"] == designs[3][2:]
    assert shown.probe["bold"] == designs[3]
    assert (shown.probe["hash"], shown.probe["said"]) == ("#1,0", "0.6")
    assert (
        shown.probe["options"] == "--set design.patients=300 --set outcomes.arat.effect.value=0.6"
    )
    assert shown.probe["points"] == 2
    told = ", ".join(f"{one[2]} at {one[0]}" for one in (designs[0], designs[3]))
    assert shown.probe["label"] == f"Power along Patients: {told}"
    assert shown.probe["overflow"] == 0
