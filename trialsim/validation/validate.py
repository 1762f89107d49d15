"""Everything that is looked at to validate an installation, in order."""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from trialsim import __version__
from trialsim.validation.checks import Check, Part
from trialsim.validation.installation import installation_checks
from trialsim.validation.operation import operation_checks
from trialsim.validation.reference import reference_checks


@dataclass(frozen=True, slots=True)
class Validation:
    """What was looked at, and what came of it."""

    version: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not self.failed

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.outcome == "fail")

    def of(self, part: Part) -> tuple[Check, ...]:
        """Return the checks of a part."""
        return tuple(check for check in self.checks if check.part == part)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "trialsim": self.version,
            "passed": self.passed,
            "failed": len(self.failed),
            "checks": [dataclasses.asdict(check) for check in self.checks],
        }


def all_checks() -> Iterator[Check]:
    """Yield every check, the installation first."""
    return chain(
        _as_far_as_it_goes("installation", installation_checks()),
        _as_far_as_it_goes("operation", operation_checks()),
        _as_far_as_it_goes("reference", reference_checks()),
    )


def _as_far_as_it_goes(part: Part, checks: Iterable[Check]) -> Iterator[Check]:
    """Yield the checks of a part; what ends them, such as a file that is damaged, fails."""
    try:
        yield from checks
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
        yield Check(part, "end", "Every check is done", "the end", found, "fail")


def validate() -> Validation:
    """Look at the installation, at how it runs, and at the reference values that it meets."""
    return Validation(__version__, tuple(all_checks()))
