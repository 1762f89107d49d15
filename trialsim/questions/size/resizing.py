"""A study with another value of the number along which a size is searched for."""

from typing import Any, Final

from trialsim.scenario.programme import Study
from trialsim.scenario.scenario import Scenario

PATIENTS: Final = "design.patients"
_SIZES: Final = "monitoring.re_estimation"


def with_value(study: Study, path: str, value: Any) -> Study:
    """Return a study with a value at a path, and with what moves along with it.

    Raises
    ------
    InputError
        If the study may not have that value.
    """
    return study.replace({path: value, **moving_along(study, path, value)})


def moving_along(study: Study, path: str, value: float) -> dict[str, int]:
    """Return what a change of the patients changes too: the limits of a size that is set again.

    They keep their proportion to the planned patients, the least rounded down and the most up.

    >>> import trialsim as ts
    >>> rule = {"at": "second", "by": "blinded", "power": 0.9, "at_least": 120, "at_most": 360}
    >>> study = ts.load("cars_sequential").replace({"monitoring.re_estimation": rule})
    >>> list(moving_along(study, "design.patients", 200).values())
    [100, 300]
    """
    if path != PATIENTS or not isinstance(study, Scenario) or study.monitoring is None:
        return {}
    rule, planned = study.monitoring.re_estimation, study.design.patients
    if rule is None:
        return {}
    patients = int(value)
    least = max(rule.at_least * patients // planned, 2)
    return {
        f"{_SIZES}.at_least": least,
        f"{_SIZES}.at_most": -(-rule.at_most * patients // planned),
    }
