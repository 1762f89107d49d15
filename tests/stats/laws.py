"""Laws that hold for whatever small samples Hypothesis draws."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings

Test = Callable[..., None]


def law(*drawn: Any, **named: Any) -> Callable[[Test], Test]:
    """Draw thirty examples: a wrong sign, divisor or tie is seen in the first few of them."""

    def of_examples(test: Test) -> Test:
        decorate: list[Callable[[Test], Test]] = [given(*drawn, **named), settings(max_examples=30)]
        for one in decorate:
            test = one(test)
        return test

    return of_examples
