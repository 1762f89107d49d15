"""Short studies with comments, from which a new one is written."""

from typing import Final

from pydantic import TypeAdapter, ValidationError

from trialsim.errors import InputError, Problem
from trialsim.scenario.files.builtin import builtin_folder, builtin_studies
from trialsim.scenario.validation.refusal import Name

KINDS: Final = ("two_arm_ordinal", "infusions", "several_arms", "time_course")
"""Of which there are templates; the first is the simplest."""
_NAME_LINE: Final = "name: my_trial\n"


def new_study(name: str, kind: str) -> str:
    """Return the file of a new study, with comments, to be changed by its owner.

    >>> new_study("mine", "two_arm_ordinal").splitlines()[2]
    'name: mine'

    Raises
    ------
    InputError
        If the name is none, or that of a built-in study.
    """
    return template(kind).replace(_NAME_LINE, f"name: {checked_name(name)}\n")


def template(kind: str) -> str:
    """Return the file of a kind of study, with comments."""
    return (builtin_folder() / "templates" / f"{kind}.yaml").read_text(encoding="utf-8")


def checked_name(name: str) -> str:
    """Return a name that a new study may have.

    Raises
    ------
    InputError
        If the name is none, or that of a built-in study.
    """
    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError:
        rule = "must be a name of lower case letters, digits and underscores"
        raise InputError([Problem("name", rule, name)]) from None
    if name in builtin_studies():
        raise InputError([Problem("name", "must not be that of a built-in study", name)])
    return name
