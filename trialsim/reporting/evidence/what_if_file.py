"""A what-if read back from its JSON, so that what draws a result can draw it again."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from trialsim.errors import InputError
from trialsim.questions.what_if.variants import Variant
from trialsim.questions.what_if.what_if import COMPARED, OF_LOOKS, Row, WhatIf
from trialsim.scenario.scenario import Scenario
from trialsim.stats.monte_carlo import Mean, PairedDifference, Proportion


def what_if_of(told: Mapping[str, Any], base: Scenario) -> WhatIf | None:
    """Return the what-if in its JSON, None where a study of it is not the base changed.

    Standard deviations, which the JSON does not hold, are those that the errors of the means imply.
    """
    rows = [_row(row, base) for row in told["rows"]]
    known = tuple(row for row in rows if row is not None)
    if len(known) < len(rows):
        return None
    return WhatIf(
        scenario=told["scenario"],
        digest=told["digest"],
        seed=told["seed"],
        replicates=told["replicates"],
        paths=tuple(dict.fromkeys(path for row in known for path in row.alternative.changes)),
        rows=known,
        conventions=told["conventions"],
        seconds=0.0,
    )


def _row(told: Mapping[str, Any], base: Scenario) -> Row | None:
    try:
        scenario = base.replace(told["changes"]) if told["changes"] else base
    except InputError:
        return None
    if scenario.digest != told["digest"]:
        return None
    known = {name: _known(value) for name, value in told.items()}
    low, high = told["ci"]
    difference_low, difference_high = told["difference_ci"]
    finished = told["replicates"] - told["failed"]
    compared = (*COMPARED, *(name for name in OF_LOOKS if name in known))
    return Row(
        alternative=Variant(told["name"], told["changes"], scenario),
        engine=told["engine"],
        replicates=told["replicates"],
        failed=told["failed"],
        power=Proportion(known["power"], known["mcse"], _known(low), _known(high)),
        wrong_direction=Proportion(
            known["wrong_direction"],
            known["wrong_direction_mcse"],
            *map(_known, told["wrong_direction_ci"]),
        ),
        difference=PairedDifference(
            known["difference"],
            known["difference_mcse"],
            _known(difference_low),
            _known(difference_high),
            known["independent_replicates"],
        ),
        means={name: _mean(known, name, finished) for name in compared},
        differences={name: _mean(known, f"{name}_difference", finished) for name in compared},
        without_logarithm=told["without_logarithm"],
        patients_saved=_mean(known, "patients_saved", finished),
    )


def _mean(known: Mapping[str, Any], name: str, finished: int) -> Mean:
    error = known[f"{name}_mcse"]
    return Mean(known[name], error, error * np.sqrt(finished))


def _known(value: Any) -> Any:
    """Return a number as a result holds it; null stands for what is not known."""
    return np.float64(np.nan if value is None else value) if _is_number(value) else value


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
