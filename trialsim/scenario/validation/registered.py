"""Code that a user registered, as a study file names it: by its name and the mark of its text.

A part that names code has a field of the name and a field `fingerprint`, filled in as the study is
loaded, so that a study that was kept notices another code.
"""

from collections.abc import Iterator
from typing import Any

from trialsim.own.registry import Named, Registry
from trialsim.scenario.validation.refusal import Rules, Violation, unknown


def rules_of_code(known: Registry[Any], field: str) -> Rules:
    """Return the rules that code of a name is there, and is what it was.

    Parameters
    ----------
    field
        What the code is, and the field of its name: analysis or course.
    """

    def is_registered(name: str) -> Iterator[Violation]:
        if known.find(name) is None:
            rule = unknown(f"registered {field}", name, known.names())
            yield Violation(
                field,
                f"{rule}; register it in Python with trialsim.own_{field}, or install the package "
                "that offers it",
                name,
            )

    def is_what_it_was(name: str, fingerprint: str | None) -> Iterator[Violation]:
        found = known.find(name)
        if found is not None and fingerprint not in (None, found.fingerprint):
            rule = (
                f"must be that of the code of {name}, {found.fingerprint}: it was another when the "
                "study was kept"
            )
            yield Violation("fingerprint", rule, fingerprint)

    return (((field,), is_registered), ((field, "fingerprint"), is_what_it_was))


def with_fingerprint(written: Any, known: Registry[Any], field: str) -> Any:
    """Return what a study file says of code, with the mark of the code if it has none."""
    if not isinstance(written, dict) or written.get("fingerprint") is not None:
        return written
    name = written.get(field)
    found: Named | None = known.find(name) if isinstance(name, str) else None
    return written if found is None else {**written, "fingerprint": found.fingerprint}
