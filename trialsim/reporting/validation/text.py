"""The validation of an installation as text; reference cases are counted by topic."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from textwrap import fill
from typing import Final

from trialsim.validation.checks import Check, Part
from trialsim.validation.validate import Validation

_WIDTH: Final = 100
HEADINGS: Final[Mapping[Part, str]] = {
    "installation": "Installation: what is here, and is it as it was delivered?",
    "operation": "Operation: does it compute the same in every way, and as everywhere else?",
    "reference": "Reference values: does it meet other software and publications?",
}
SCOPE: Final = (
    "This shows that the package computes here what it computes where it was tested. Whether a "
    "study describes a trial, and a design suits its purpose, no such check can show."
)


def validation_text(found: Validation) -> str:
    """Return what was found, failures in full."""
    return "\n".join(_lines(found))


def verdict(found: Validation) -> str:
    """Return what came of all checks in a line."""
    count = sum(check.outcome != "not checked" for check in found.checks)
    if found.passed:
        return f"trialsim {found.version}: passed, {count} checks"
    return f"trialsim {found.version}: FAILED, {len(found.failed)} of {count} checks"


def _lines(found: Validation) -> Iterator[str]:
    yield verdict(found)
    for part, heading in HEADINGS.items():
        yield f"\n{heading}"
        checks = found.of(part)
        if part != "reference":
            yield from map(_line, checks)
            continue
        for topic, group in groupby(checks, key=lambda check: check.topic):
            told = list(group)
            yield from _of_topic(topic, told) if topic else map(_line, told)
    yield f"\n{fill(SCOPE, _WIDTH)}"


def _line(check: Check) -> str:
    beside = "" if check.expected in ("", check.found) else f" (expected {check.expected})"
    mark = {"pass": "pass", "fail": "FAIL", "not checked": "-"}[check.outcome]
    return f"  {mark:5} {check.what}: {check.found}{beside}"


def _of_topic(topic: str, checks: Sequence[Check]) -> Iterator[str]:
    failed = [check for check in checks if check.outcome == "fail"]
    computed = [check for check in checks if check.outcome != "not checked"]
    mark = "FAIL" if failed else "pass" if computed else "-"
    met = f"{len(computed) - len(failed)} of {len(computed)} cases"
    others = [f"{check.found} not computed here" for check in checks if check not in computed]
    told = ", ".join([met, *others] if computed else others)
    yield f"  {mark:5} {topic.replace('_', ' ')}: {told}"
    yield from (f"  {_line(check)}  [{check.name}; {check.source}]" for check in failed)
