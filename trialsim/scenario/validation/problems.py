"""What a validation found, told as places, rules and values in the user's own terms."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from trialsim.described import first_sentence
from trialsim.distributions import FrozenModel
from trialsim.errors import Problem, nearest
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


def problems_of(
    error: ValidationError, content: Any, model: type[BaseModel], above: str = ""
) -> list[Problem]:
    """Return every problem that a validation of plain content against a model found."""
    schema = _schema_of(model)
    found = [one for details in error.errors() for one in _told(details, content, schema, above)]
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
def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def problems_between(
    model: type[FrozenModel], content: Mapping[str, Any], above: str = ""
) -> list[Problem]:
    """Return what a model's rules refuse of all that is right in itself where other things are not.

    A validation stops before the rules between fields when any field is wrong; this goes on.
    """
    found: list[Problem] = []
    _known_part(model, content, above, found)
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
    if _is_word(value):
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


def _is_word(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _told(
    details: ErrorDetails, content: Any, schema: Mapping[str, Any], above: str
) -> Iterator[Problem]:
    path = ".".join(part for part in (above, _path(details["loc"], content)) if part)
    cause = details.get("ctx", {}).get("error")
    if isinstance(cause, ViolationsError):
        yield from (problem_of(refusal, path) for refusal in cause.refusals)
        return
    kind, value = details["type"], details["input"]
    if kind == "missing":
        yield Problem(path, _must_be_given(details["loc"], schema))
    elif kind == "extra_forbidden":
        known = _known_keys(details["loc"][:-1], schema)
        key = str(details["loc"][-1])
        now = KEYS.get(key)
        yield Problem(
            path, f"is now called {now}" if now in known else f"is not known{nearest(key, known)}"
        )
    elif kind == "union_tag_not_found":
        tag = str(details.get("ctx", {}).get("discriminator", "")).strip("'")
        tags = _node_at(details["loc"], schema).get("discriminator", {}).get("mapping", {})
        rule = f"must be given: {', '.join(tags)}" if tags else "must be given"
        yield Problem(f"{path}.{tag}", rule)
    elif kind == "union_tag_invalid":
        tag = str(details["ctx"]["discriminator"]).strip("'")
        expected = str(details["ctx"]["expected_tags"]).replace("'", "")
        got = as_written(value[tag])
        hint = nearest(got, expected.split(", "))
        yield Problem(f"{path}.{tag}", f"must be one of {expected}{hint}", got)
    elif kind == "int_type" and isinstance(value, float):
        yield Problem(path, "must be a whole number, without a decimal point", str(value))
    else:
        now = CHOICES.get(value) if kind == "literal_error" and isinstance(value, str) else None
        hint = f"; {value} is now called {now}" if now else ""
        yield Problem(path, f"{_rule(details, cause)}{hint}", as_written(value))


def _rule(details: ErrorDetails, cause: object) -> str:
    """Return pydantic's message as a rule that begins with must."""
    if isinstance(cause, ValueError):
        return str(cause)
    if details["type"] == "string_pattern_mismatch":
        return "must be a name of lower case letters, digits and underscores"
    message = details["msg"]
    message = re.sub(r"^Input should be ", "must be ", message)
    message = re.sub(r"^(Dictionary|Tuple|List|String) should have", r"must have", message)
    message = re.sub(r", unable to parse.*|, got a number with.*", "", message)
    message = re.sub(r"a valid dictionary or instance of \w+", "a mapping", message)
    message = message.replace("a valid boolean", "true or false")
    message = message.replace("a valid ", "a ").replace("a dictionary", "a mapping")
    message = message.replace("a integer", "a whole number").replace("'", "")
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


def _must_be_given(location: tuple[int | str, ...], schema: Mapping[str, Any]) -> str:
    """Say that a field is missing, and what it is."""
    fields = _resolved(_node_at(location[:-1], schema), schema).get("properties", {})
    described = fields.get(location[-1], {}).get("description")
    return f"must be given: {first_sentence(described)}" if described else "must be given"


def _known_keys(location: tuple[int | str, ...], schema: Mapping[str, Any]) -> list[str]:
    """Return the field names that a model has at a location, by its JSON Schema."""
    return list(_resolved(_node_at(location, schema), schema).get("properties", {}))


def _node_at(location: tuple[int | str, ...], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the part of a JSON Schema that a location leads to."""
    node: Mapping[str, Any] = schema
    for key in location:
        node = _resolved(node, schema)
        if key in node.get("properties", {}):
            node = node["properties"][key]
        elif key in node.get("discriminator", {}).get("mapping", {}):
            node = {"$ref": node["discriminator"]["mapping"][key]}
        elif isinstance(node.get("additionalProperties"), Mapping):
            node = node["additionalProperties"]
        elif "patternProperties" in node:
            node = next(iter(node["patternProperties"].values()))
        elif "items" in node:
            node = node["items"]
    return node


def _resolved(node: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "anyOf" in node:
        node = next((one for one in node["anyOf"] if "$ref" in one or "oneOf" in one), node)
    if "$ref" in node:
        return schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]  # type: ignore[no-any-return]
    return node
