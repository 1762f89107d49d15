"""What a validation found, as places, rules and values in the user's own terms."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from trialsim.distributions import FrozenModel
from trialsim.errors import Problem, nearest
from trialsim.scenario.validation.expected import alternatives, expected, known_keys, mapping_of
from trialsim.scenario.validation.paths import KIND_TAGS, below
from trialsim.scenario.validation.refusal import (
    CheckedModel,
    Violation,
    ViolationsError,
    broken_rules,
)
from trialsim.scenario.validation.renamed import CHOICES, KEYS

_LONGEST_VALUE = 60
_WRONG = object()
_MAPPING_TYPES = ("dict_type", "model_type", "model_attributes_type", "mapping_type")


def problems_of(error: ValidationError, content: Any, model: type[BaseModel]) -> list[Problem]:
    """Return every problem that a validation of plain content against a model found."""
    schema = schema_of(model)
    found = [one for details in error.errors() for one in _told(details, content, schema)]
    merged = []
    for path, group in groupby(found, key=lambda problem: problem.path):
        rules, values = [], []
        for problem in group:
            rules += [problem.rule] if problem.rule not in rules else []
            values.append(problem.value)
        alternatives = len(rules) > 1 and all(rule.startswith("must be a") for rule in rules)
        if alternatives:
            rules = [" or ".join([rules[0], *(rule[len("must be ") :] for rule in rules[1:])])]
        merged += [Problem(path, rule, values[0]) for rule in rules]
    return merged


@cache
def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a model, which takes a while to make."""
    return model.model_json_schema()


def problems_between(model: type[FrozenModel], content: Mapping[str, Any]) -> list[Problem]:
    """Return what a model's rules refuse of all that is right in itself where other things are not.

    A validation stops before the rules between fields when any field is wrong; this continues.
    """
    found: list[Problem] = []
    _known_part(model, content, "", found)
    return found


def _known_part(
    model: type[FrozenModel], content: Mapping[str, Any], above: str, found: list[Problem]
) -> FrozenModel:
    """Return the fields of a part that are right in themselves; add what its rules refuse."""
    fields = {}
    for name, kind in _kinds(model).items():
        default = model.model_fields[name].get_default(call_default_factory=True)
        known = _known(kind, content.get(name, default), below(above, name), found)
        if known is not _WRONG:
            fields[name] = known
    if issubclass(model, CheckedModel):
        found += (problem_of(refusal, above) for refusal in broken_rules(model.rules, fields))
    return model.incomplete(fields)


def _known(kind: Any, value: Any, path: str, found: list[Problem]) -> Any:
    """Return as much of a value as is right in itself, down to the entries of mappings."""
    try:
        return _validator(kind).validate_python(value)
    except ValidationError:
        kind = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    if isinstance(kind, type) and issubclass(kind, FrozenModel):
        return _known_part(kind, value if isinstance(value, Mapping) else {}, path, found)
    if get_origin(kind) is not dict or not isinstance(value, Mapping) or not value:
        return _WRONG  # also a mapping that must not be empty
    parts = {
        key: _known(get_args(kind)[1], part, below(path, key), found)
        for key, part in value.items()
        if isinstance(key, str)  # any other is refused, and no rule can read it
    }
    return {key: None if part is _WRONG else part for key, part in parts.items()}


@cache
def _kinds(model: type[FrozenModel]) -> dict[str, Any]:
    """Return what each field of a model takes."""
    return {name: Annotated[field.annotation, field] for name, field in model.model_fields.items()}


_VALIDATORS: dict[int, tuple[Any, TypeAdapter[Any]]] = {}
"""By the identity of the kind, which is kept and so stays its own."""


def _validator(kind: Any) -> TypeAdapter[Any]:
    """Return the validator of a kind, made once, for making it takes longer than its use."""
    if id(kind) not in _VALIDATORS:
        _VALIDATORS[id(kind)] = kind, TypeAdapter(kind)
    return _VALIDATORS[id(kind)][1]


def problem_of(refusal: Violation, above: str = "") -> Problem:
    """Return a refusal as a problem at its path below another."""
    path = ".".join(part for part in (above, refusal.path) if part)
    return Problem(path, refusal.rule, None if refusal.value is None else as_written(refusal.value))


def as_written(value: Any) -> str:
    """Return a value in the way the user would have written it, shortened if it is long.

    A text that would be read as something else stands in quotes.

    >>> as_written(True), as_written(None), as_written(2.50), as_written("2.50")
    ('true', 'null', '2.5', '"2.50"')
    """
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "a list"
    if value is None or isinstance(value, bool):
        text = {True: "true", False: "false", None: "null"}[value]
    elif isinstance(value, float):
        text = f"{value:.12g}"
    else:
        text = f'"{value}"' if _misleads(value) else str(value)
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "..."


def _misleads(value: object) -> bool:
    """Return whether a text would be read as something else, or as nothing, without quotes."""
    if not isinstance(value, str):
        return False
    try:
        float(value)
    except ValueError:
        return value.strip().lower() in ("", "true", "false", "null", "~")
    return True


def _told(details: ErrorDetails, content: Any, schema: Mapping[str, Any]) -> Iterator[Problem]:
    path = _path(details["loc"], content)
    cause = details.get("ctx", {}).get("error")
    if isinstance(cause, ViolationsError):
        yield from (problem_of(refusal, path) for refusal in cause.refusals)
        return
    kind, value = details["type"], details["input"]
    if kind == "missing":
        takes = expected(details["loc"], schema)
        yield Problem(path, f"must be given: {takes}" if takes else "must be given")
    elif kind == "extra_forbidden":
        known = known_keys(details["loc"][:-1], schema)
        key = str(details["loc"][-1])
        now = KEYS.get(key)
        offered = nearest(key, known) or f"; known here: {', '.join(known)}"
        yield Problem(path, f"is now called {now}" if now in known else f"is not known{offered}")
    elif kind == "union_tag_not_found":
        tag = str(details.get("ctx", {}).get("discriminator", "")).strip("'")
        takes = ", ".join(alternatives(details["loc"], schema))
        yield Problem(f"{path}.{tag}", f"must be given: {takes}" if takes else "must be given")
    elif kind in _MAPPING_TYPES:
        yield Problem(path, f"must be {mapping_of(details['loc'], schema)}", as_written(value))
    elif kind == "union_tag_invalid":
        tag = str(details["ctx"]["discriminator"]).strip("'")
        choices = str(details["ctx"]["expected_tags"]).replace("'", "")
        got = as_written(value[tag])
        hint = nearest(got, choices.split(", "))
        yield Problem(f"{path}.{tag}", f"must be one of {choices}{hint}", got)
    elif kind == "int_type" and isinstance(value, float):
        yield Problem(path, "must be a whole number, without a decimal point", str(value))
    else:
        yield Problem(path, _rule(details, cause) + _new_name(details), as_written(value))


def _new_name(details: ErrorDetails) -> str:
    """Return what a choice is called now, where a file has its older name."""
    if details["type"] != "literal_error":
        return ""
    old = "null" if details["input"] is None else details["input"]
    known = re.findall(r"'([^']*)'", details["ctx"]["expected"])
    now = [name for name in CHOICES.get(old, ()) if name in known] if isinstance(old, str) else []
    return f"; {old} is now called {now[0]}" if now else ""


def _rule(details: ErrorDetails, cause: object) -> str:
    """Return pydantic's message as a rule that begins with must."""
    if isinstance(cause, ValueError):
        return str(cause)
    if details["type"] == "string_pattern_mismatch":
        return "must be a name of lower case letters, digits and underscores"
    if details["type"] in ("too_short", "too_long"):
        least = details["type"] == "too_short"
        bound = details["ctx"]["min_length" if least else "max_length"]
        entries = "entry" if bound == 1 else "entries"
        return f"must have at {'least' if least else 'most'} {bound:,} {entries}"
    message = details["msg"]
    message = re.sub(r"^Input should be ", "must be ", message)
    message = re.sub(r"^(Dictionary|Tuple|List|String) should have", r"must have", message)
    message = re.sub(r", unable to parse.*|, got a number with.*", "", message)
    message = message.replace("a valid boolean", "true or false")
    message = message.replace("a valid ", "a ").replace("a tuple", "a list")
    message = message.replace("a string", "a text").replace("a integer", "a whole number")
    message = message.replace("'", "")
    return message[0].lower() + message[1:]


def _path(location: tuple[int | str, ...], content: Any) -> str:
    """Return the dotted path of a location, without the tags that pydantic puts between."""
    parts: list[str] = []
    chosen: Any = None  # the mapping whose alternative was told by the key before
    for key in location:
        if isinstance(content, Mapping) and content is not chosen and key in _tags(content):
            chosen = content
            continue
        if isinstance(content, Mapping) and key in content:
            content = content[key]
        elif isinstance(content, str) and key == content:  # a mapping written by its tag alone
            content = {}
            continue
        elif isinstance(content, Sequence) and isinstance(key, int) and key < len(content):
            content = content[key]
        elif isinstance(content, Mapping) and key != "[key]":
            content = None
        else:
            continue
        parts.append(str(key))
    return ".".join(parts)


def _tags(content: Mapping[str, Any]) -> list[Any]:
    return [content[name] for name in (*KIND_TAGS, "kind") if name in content]
