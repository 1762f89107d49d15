"""A page holds all it needs, says twice that it is simulated, and is written whole or not."""

import re
import sys
from pathlib import Path

import pytest

from trialsim.errors import InputError
from trialsim.replicates.result import SIMULATED
from trialsim.reporting.tables import page
from trialsim.reporting.tables.page import inlined, rendered

pytest.importorskip("jinja2")


def empty_page() -> str:
    return rendered("base.html", {})


def test_the_first_line_and_the_footer_say_that_it_is_simulated() -> None:
    words = re.sub(r"<(style|script|title)>.*?</\1>|<[^>]*>", " ", empty_page(), flags=re.DOTALL)
    assert words.split()[: len(SIMULATED.split())] == SIMULATED.split()
    assert words.count(SIMULATED) == 2
    assert SIMULATED in empty_page().partition("<footer>")[2]


def test_a_page_names_no_place_to_fetch_from() -> None:
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", empty_page())
    assert "default-src 'none'" in empty_page()


def test_parts_of_two_drawings_never_share_a_name() -> None:
    drawing = '<svg><clipPath id="c"/><g clip-path="url(#c)"><use xlink:href="#c"/></g></svg>'
    both = inlined(drawing, "one") + inlined(drawing, "two")
    names = re.findall(r'id="([^"]+)"', both)
    assert sorted(names) == ["one-c", "two-c"]
    assert set(re.findall(r"#([\w-]+)", both)) == set(names)


def test_without_the_extra_one_line_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    page._environment.cache_clear()
    with pytest.raises(InputError, match=r"trialsim\[report\]") as refused:
        rendered("base.html", {})
    assert len(str(refused.value).splitlines()) == 1


STYLE = (Path(page.__file__).parents[1] / "templates" / "style.css").read_text(encoding="utf-8")
PALETTES = [dict(re.findall(r"--([\w-]+): (#\w{6})", one)) for one in STYLE.split(":root")[1:]]
WRITTEN = [("ink", "paper"), ("quiet", "paper"), ("link", "paper"), ("warn-ink", "warn")]


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_black_on_white_has_the_largest_contrast() -> None:
    assert (luminance("#ffffff") + 0.05) / (luminance("#000000") + 0.05) == pytest.approx(21)


@pytest.mark.parametrize("palette", PALETTES, ids=["light", "dark", "print"])
@pytest.mark.parametrize(("ink", "ground"), [*WRITTEN, ("ink", "shade"), ("quiet", "shade")])
def test_what_is_written_stands_out(palette: dict[str, str], ink: str, ground: str) -> None:
    """A contrast of at least 4.5 (WCAG 2.2, level AA)."""
    dark, light = sorted(luminance(palette[name]) for name in (ink, ground))
    assert (light + 0.05) / (dark + 0.05) >= 4.5
