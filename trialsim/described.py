"""What each field of a model is: the sentences that stand under it in the source.

They are read when somebody wants them, for a schema, a page or a message, and cost an import
nothing.
"""

import ast
import inspect
import itertools
import sys
from functools import cache
from types import ModuleType
from typing import Any, Literal, get_args, get_origin


def field_descriptions(model: type[Any]) -> dict[str, str]:
    """Return the description of each field of a pydantic model that has one, by name.

    A field that only says which alternative its model is, is described by the model itself.
    """
    written: dict[str, str] = {}
    for one in reversed(model.__mro__):
        written |= _written_in(one)
    described = {}
    for name, field in model.model_fields.items():
        if get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1:
            said = (inspect.getdoc(model) or "").partition("\n")[0]
            described[name] = f"Always {get_args(field.annotation)[0]}. {said}"
        elif name in written:
            described[name] = written[name]
    return described


def first_sentence(description: str) -> str:
    """Return the first sentence of a description as it continues after a colon.

    >>> first_sentence("Hours after onset, such as 24. Later ones are lost.")
    'hours after onset, such as 24'
    """
    sentence = description.partition(". ")[0].removesuffix(".")
    abbreviation = sentence[1:2].isupper()
    return sentence if abbreviation else sentence[:1].lower() + sentence[1:]


def _written_in(model: type[Any]) -> dict[str, str]:
    """Return what stands under the fields of a class in its source."""
    module = sys.modules.get(model.__module__)
    return _classes_of(module).get(model.__qualname__, {}) if module else {}


@cache
def _classes_of(module: ModuleType) -> dict[str, dict[str, str]]:
    try:
        source = inspect.getsource(module)
    except (OSError, TypeError):  # no source was installed, or there is none
        return {}
    parts = (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    return {part.name: _under_fields(part.body) for part in parts}


def _under_fields(body: list[ast.stmt]) -> dict[str, str]:
    told = {}
    for field, below in itertools.pairwise(body):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                told[name] = " ".join(text.split())
    return told
