"""What tests of whole trials share: the primary analysis set, made by hand with pandas."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pytest
from pandas import DataFrame

ByHand: TypeAlias = Callable[[DataFrame], dict[str, DataFrame]]


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
