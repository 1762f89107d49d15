"""Options that several commands take together: a frozen dataclass, whose fields are options.

A command with such a group among its parameters takes the group's options, and has them as one
object. So the options of a question are written once, whether it is answered in words or drawn.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from inspect import Parameter, Signature, signature
from typing import Any


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that takes the options of the groups among its parameters."""
    options = list(_options_of(command))

    def flat(**values: Any) -> None:
        _called(command, values)

    flat.__name__, flat.__doc__ = command.__name__, command.__doc__
    flat.__annotations__ = {one.name: one.annotation for one in options}
    flat.__signature__ = Signature(options)  # type: ignore[attr-defined]
    return flat


def _options_of(owner: Callable[..., Any]) -> Iterator[Parameter]:
    """Yield the options of a command or a group, those of a group where it stands."""
    for one in signature(owner).parameters.values():
        if _is_group(one.annotation):
            yield from _options_of(one.annotation)
        else:
            yield one.replace(kind=Parameter.KEYWORD_ONLY)


def _called(owner: Callable[..., Any], values: Mapping[str, Any]) -> Any:
    """Call a command, or make a group, with the values of its options."""
    own = {
        name: _called(one.annotation, values) if _is_group(one.annotation) else values[name]
        for name, one in signature(owner).parameters.items()
    }
    return owner(**own)


def _is_group(annotation: Any) -> bool:
    """Return whether a parameter stands for a group of options."""
    return isinstance(annotation, type) and is_dataclass(annotation)
