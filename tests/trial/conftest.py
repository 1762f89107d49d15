"""What the tests of simulated trials share: a study, and a walk over all arrays of a trial."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario

ArraysOf: TypeAlias = Callable[[Any], dict[str, NDArray[Any]]]
NOTHING = np.zeros(0)


@pytest.fixture(scope="session")
def cars1() -> Scenario:
    """Return the study as it stands in its file."""
    return load("cars1")


@pytest.fixture(scope="session")
def three_scales(cars1: Scenario) -> Scenario:
    """Return CARS-1 with three of its twelve scales, for tests that look at every array."""
    kept = ("arat", "barthel", "mrs")
    others = {f"outcomes.{name}": None for name in cars1.outcomes if name not in kept}
    return cars1.replace(
        {**others, "outcome_correlation": {"common": 0.5}, "analysis.secondary": {}}
    )


@pytest.fixture(scope="session")
def undisturbed(cars1: Scenario) -> Scenario:
    """Return CARS-1 with every chance of trouble at zero, and half as many patients."""
    never = {"probability": 0, "days": {"distribution": "constant", "value": 1}}
    return cars1.replace(
        {
            "design.patients": 100,
            "operations.refusal_probability": {"distribution": "constant", "value": 0},
            "operations.discontinuation": never,
            "operations.withdrawal": never,
            "operations.death": never,
            "operations.visit_missed_probability": 0,
        }
    )


@pytest.fixture(scope="session")
def crowded(three_scales: Scenario) -> Scenario:
    """Return 40 patients at two busy sites with one chair each and a clinic open ten hours."""
    return three_scales.replace(
        {
            "design.patients": 40,
            "operations.sites": {"east": {"activation_day": 0}, "west": {"activation_day": 9.3}},
            "operations.candidates_per_site_per_month": 30,
            "operations.clinic_opens_hour": 8,
            "operations.clinic_closes_hour": 18,
            "operations.infusion_minutes": 75,
            "operations.infusion_chairs_per_site": 1,
            "operations.withdrawal.probability": 0.2,
        }
    )


@pytest.fixture(scope="session")
def arrays_of() -> ArraysOf:
    """Return a function that gives every array of a trial by its path, also those not there."""
    return lambda part: dict(_arrays(part, ""))


def _arrays(part: Any, path: str) -> Iterator[tuple[str, NDArray[Any]]]:
    if isinstance(part, np.ndarray):
        yield path, part
    elif part is None:
        yield path, NOTHING
    elif isinstance(part, Mapping):
        for name, one in part.items():
            yield from _arrays(one, f"{path}.{name}")
    elif dataclasses.is_dataclass(part):
        for field in dataclasses.fields(part):
            yield from _arrays(getattr(part, field.name), f"{path}.{field.name}")
