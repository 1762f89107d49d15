"""What tests share: the primary analysis set, made by hand with pandas, and drug received."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import settings
from pandas import DataFrame

from trialsim.arrays import Booleans, Floats
from trialsim.compiled.build import HERE, build, compiler, kinds_here, library_of

settings.register_profile("suite", deadline=None)  # a busy machine is no failure
settings.load_profile("suite")

ByHand: TypeAlias = Callable[[DataFrame], dict[str, DataFrame]]


def pytest_configure(config: pytest.Config) -> None:
    """Compile libraries that are older than C, where there is a compiler.

    This is before tests are collected, many of which there are for each build that can compute here
    or are skipped where there is none. A library that has been loaded stays loaded, so that then it
    is too late to ask it for its edition.
    """
    changed = max(file.stat().st_mtime for file in HERE.glob("*.c"))
    libraries = [library_of(kind) for kind in kinds_here()]
    current = all(one.exists() and one.stat().st_mtime > changed for one in libraries)
    if not hasattr(config, "workerinput") and not current and compiler():
        build()


@pytest.fixture(scope="session")
def analysed_by_hand() -> ByHand:
    """Return a function that takes the analysed values of each arm from the table of visits."""
    return _analysed


def _analysed(visits: DataFrame) -> dict[str, DataFrame]:
    """Return the analysed rows of each arm: efficacy set, LOCF, and worst rank for the dead."""
    last = visits[visits["visit"] == "day_90"].set_index("subject")
    seen = set(visits.loc[(visits["visit"] != "baseline") & visits["attended"], "subject"])
    dead = set(last.index[last["status"] == "died"])
    last["value"] = visits.groupby("subject")["arat"].agg(
        lambda scores: scores.dropna().iloc[-1] if scores.notna().any() else np.nan
    )
    last.loc[last.index.isin(dead), "value"] = -1
    kept = last[last.index.isin(seen | dead)]
    return {arm: kept[kept["arm"] == arm] for arm in ("cerebrolysin", "placebo")}


@dataclass
class Given:
    """Study drug received, said outright: what an exposure model is asked about."""

    amounts: Floats
    treated: Booleans = field(default_factory=lambda: np.array(True))
    start_hours: Floats = field(default_factory=lambda: np.array(24.0))

    def assigned(self, visit: int) -> Booleans:
        """Return who is treated, whatever the visit."""
        return self.treated

    def total(self, visit: int) -> Floats:
        """Return the amounts, whatever the visit."""
        return self.amounts

    def daily(self) -> Floats:
        """Return the amounts as those of the last axis' days."""
        return self.amounts

    def days_to(self, visit: int) -> Floats:
        """Return the visit's number as its day."""
        return np.full(self.amounts.shape[:2], float(visit))

    @property
    def last_day(self) -> int:
        """Return a day that is late enough."""
        return 90

    def kept(self, what: Hashable, make: Callable[[], Floats]) -> Floats:
        """Make it and keep nothing."""
        return make()


@pytest.fixture(scope="session")
def received() -> type[Given]:
    """Return the class of study drug received."""
    return Given
