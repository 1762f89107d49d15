"""Plain values as JSON, numbers that are not known as null."""

import json
import math
from collections.abc import Mapping
from typing import Any


def as_json(content: Any) -> str:
    """Return plain values as JSON, numbers that are not known as null.

    >>> print(as_json({"sd": float("nan"), "ci": (0.5, 1)}))
    {
      "sd": null,
      "ci": [
        0.5,
        1
      ]
    }
    """
    return json.dumps(_known(content), indent=2, allow_nan=False)


def _known(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {str(key): _known(part) for key, part in content.items()}
    if isinstance(content, list | tuple):
        return [_known(part) for part in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
