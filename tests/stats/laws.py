"""Laws that hold for whatever small samples Hypothesis draws."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings

Test = Callable[..., None]


def law(*drawn: Any, **named: Any) -> Callable[[Test], Test]:
    """Draw thirty examples: a wrong sign, divisor or tie is seen in the first few of them."""

    def of_examples(test: Test) -> Test:
        return settings(max_examples=30)(given(*drawn, **named)(test))

    return of_examples
