"""Code that a user registered, as a study file names it: by its name and the mark of its text.

A part that names code has a field of the name and a field `fingerprint`, filled in as the study is
loaded, so that a study that was kept notices another code.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar, Self

from pydantic import model_validator

from trialsim.own.registry import Registered, Registry
from trialsim.scenario.validation.refusal import CheckedModel, Rules, Violation, unknown


def rules_of_code(known: Registry[Any], field: str) -> Rules:
    """Return the rules that code of a name is there, and is what it was.

    Parameters
    ----------
    field
        What the code is, and the field of its name: analysis or course.
    """

    def is_registered(fields: Mapping[str, Any]) -> Iterator[Violation]:
        name = fields.get(field)
        if name is not None and known.find(name) is None:
            rule = unknown(f"registered {field}", name, known.names())
            yield Violation(
                field,
                f"{rule}; register it in Python with trialsim.own_{field}, or install the package "
                "that offers it",
                name,
            )

    def is_what_it_was(fields: Mapping[str, Any], fingerprint: str | None) -> Iterator[Violation]:
        name = fields.get(field)
        found = None if name is None else known.find(name)
        if found is not None and fingerprint not in (None, found.fingerprint):
            rule = (
                f"must be that of the code of {name}, {found.fingerprint}: it was another when the "
                "study was kept"
            )
            yield Violation("fingerprint", rule, fingerprint)

    return (is_registered, is_what_it_was)


class NamesCode(CheckedModel):
    """A part that names registered code; it holds the code and takes it to other processes.

    It has a field called what the code is, with its name, and the fields `parameters` and
    `fingerprint`.
    """

    known: ClassVar[Registry[Any]]
    """Where the code is registered."""
    code: ClassVar[str]
    """What the code is, and the field of its name: analysis or course."""

    @model_validator(mode="before")
    @classmethod
    def _of_its_code(cls, written: Any) -> Any:
        """Add the mark of the code if there is none."""
        if not isinstance(written, dict) or written.get("fingerprint") is not None:
            return written
        name = written.get(cls.code)
        found: Registered | None = cls.known.find(name) if isinstance(name, str) else None
        return written if found is None else {**written, "fingerprint": found.fingerprint}

    @model_validator(mode="after")
    def _keeps_its_code(self) -> Self:
        """Hold the function, so that a study runs the code of its digest whatever comes later."""
        _ = self.registered
        return self

    @cached_property
    def registered(self) -> Any:
        """The code itself."""
        found = self.known.find(getattr(self, self.code))
        assert found is not None, "a study that names no registered code is refused"
        return found

    def __getstate__(self) -> dict[Any, Any]:
        """Take the function along to another process."""
        _ = self.registered
        return super().__getstate__()

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Register the function where it arrives."""
        super().__setstate__(state)
        self.known.add(self.registered)

    @property
    def named(self) -> str:
        """The name of the code and its parameters."""
        fields = vars(self)
        name = fields[self.code]
        given = ", ".join(f"{one} {value:g}" for one, value in fields["parameters"].items())
        return f"{name} ({given})" if given else name
