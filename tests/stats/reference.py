"""Reference values computed by other software or published, one JSON file a topic."""

import json
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent / "oracles"


def reference(topic: str) -> Any:
    """Return the reference values of a topic."""
    return json.loads((FOLDER / f"{topic}.json").read_text(encoding="utf-8"))
