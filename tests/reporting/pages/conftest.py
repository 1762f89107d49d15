"""A study of one outcome, of which parts are changed."""

from typing import Any, Final

from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario


def bare() -> dict[str, Any]:
    """Return CARS-1 with ARAT alone, without what speaks of parts that are changed here."""
    left_out = ("sources", "findings", "calibrated", "outcome_correlation", "report")
    whole = load("cars1").model_dump()
    content = {name: part for name, part in whole.items() if name not in left_out}
    content["outcomes"] = {"arat": whole["outcomes"]["arat"]}
    content["analysis"]["secondary"] = {}
    return content


CARS1: Final = Scenario.model_validate(bare())
