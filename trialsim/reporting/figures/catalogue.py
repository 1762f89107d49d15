"""Which figures each result has, by the names that `plot` and the command line take."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pandas import DataFrame

from trialsim.analysis.analyse import Analysis
from trialsim.errors import InputError, Problem, nearest
from trialsim.questions.assurance.assurance import Assurance
from trialsim.questions.estimands.missingness import Missingness
from trialsim.questions.estimands.result import Estimands
from trialsim.questions.monitoring.bounds import BoundsResult
from trialsim.questions.size.power_curve import PowerCurve
from trialsim.questions.size.sample_size import SampleSize
from trialsim.questions.tipping_point import TippingPoint
from trialsim.questions.what_if.what_if import WhatIf
from trialsim.replicates.result import PowerResult
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.trials import Trials, trials_of
from trialsim.reporting.figures.of_designs.assurance import assurance_data, assurance_figure
from trialsim.reporting.figures.of_designs.estimate import estimate_data, estimate_figure
from trialsim.reporting.figures.of_designs.forest import differences_data, differences_figure
from trialsim.reporting.figures.of_designs.graph import graph_data, graph_figure
from trialsim.reporting.figures.of_designs.heat_map import heat_map_data, heat_map_figure
from trialsim.reporting.figures.of_designs.missingness import missingness_data, missingness_figure
from trialsim.reporting.figures.of_designs.power_curve import curve_data, curve_figure
from trialsim.reporting.figures.of_designs.tipping_point import (
    tipping_point_data,
    tipping_point_figure,
)
from trialsim.reporting.figures.of_designs.tornado import tornado_data, tornado_figure
from trialsim.reporting.figures.of_designs.truths import truths_data, truths_figure
from trialsim.reporting.figures.of_looks.boundaries import boundaries_data, boundaries_figure
from trialsim.reporting.figures.of_looks.expected_size import (
    expected_size_data,
    expected_size_figure,
)
from trialsim.reporting.figures.of_looks.patients import patients_data, patients_figure
from trialsim.reporting.figures.of_looks.stopping import stopping_data, stopping_figure
from trialsim.reporting.figures.of_trials.adherence import adherence_data, adherence_figure
from trialsim.reporting.figures.of_trials.chairs import chairs_data, chairs_figure
from trialsim.reporting.figures.of_trials.distribution import distribution_data, distribution_figure
from trialsim.reporting.figures.of_trials.dose_response import (
    dose_response_data,
    dose_response_figure,
)
from trialsim.reporting.figures.of_trials.effects import effects_data, effects_figure
from trialsim.reporting.figures.of_trials.mean_scores import mean_scores_data, mean_scores_figure
from trialsim.reporting.figures.of_trials.population import population_data, population_figure
from trialsim.reporting.figures.of_trials.recruitment import recruitment_data, recruitment_figure
from trialsim.reporting.figures.of_trials.subgroups import subgroups_data, subgroups_figure
from trialsim.reporting.figures.of_trials.subgroups_over_trials import (
    subgroups_over_trials_data,
    subgroups_over_trials_figure,
)
from trialsim.reporting.figures.of_trials.swim_lanes import lanes_data, lanes_figure
from trialsim.reporting.figures.of_trials.times import times_data, times_figure
from trialsim.scenario.scenario import Scenario
from trialsim.simulated import SimulatedTrial


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of figure, and the table that it draws."""

    data: Callable[..., DataFrame]
    figure: Callable[..., Drawing]
    options: tuple[str, ...] = ()
    """What both take beside the result."""


_CURVE: Final = Kind(curve_data, curve_figure)
_OF_TRIALS: Final = {
    "scores": Kind(mean_scores_data, mean_scores_figure, ("outcome",)),
    "times": Kind(times_data, times_figure, ("analysis",)),
    "distribution": Kind(distribution_data, distribution_figure, ("outcome",)),
    "recruitment": Kind(recruitment_data, recruitment_figure),
    "adherence": Kind(adherence_data, adherence_figure),
    "lanes": Kind(lanes_data, lanes_figure, ("patients",)),
    "chairs": Kind(chairs_data, chairs_figure, ("site",)),
    "population": Kind(population_data, population_figure),
    "dose-response": Kind(dose_response_data, dose_response_figure),
}
KINDS: Final[Mapping[type, Mapping[str, Kind]]] = {
    PowerResult: {
        "estimate": Kind(estimate_data, estimate_figure),
        "stopping": Kind(stopping_data, stopping_figure),
        "patients": Kind(patients_data, patients_figure),
    },
    Scenario: {"graph": Kind(graph_data, graph_figure)},
    BoundsResult: {
        "boundaries": Kind(boundaries_data, boundaries_figure),
        "expected-size": Kind(expected_size_data, expected_size_figure),
    },
    WhatIf: {
        "what-if": Kind(differences_data, differences_figure, ("quantity",)),
        "tornado": Kind(tornado_data, tornado_figure, ("quantity",)),
        "heat-map": Kind(heat_map_data, heat_map_figure, ("quantity",)),
        "curve": _CURVE,
    },
    SampleSize: {"curve": _CURVE},
    PowerCurve: {"curve": _CURVE},
    Assurance: {"assurance": Kind(assurance_data, assurance_figure)},
    Estimands: {"estimands": Kind(truths_data, truths_figure)},
    Missingness: {"missingness": Kind(missingness_data, missingness_figure)},
    TippingPoint: {"tipping-point": Kind(tipping_point_data, tipping_point_figure)},
    Analysis: {
        "effects": Kind(effects_data, effects_figure),
        "subgroups": Kind(subgroups_data, subgroups_figure),
    },
    SimulatedTrial: _OF_TRIALS,
    Trials: {
        **_OF_TRIALS,
        "subgroups": Kind(subgroups_over_trials_data, subgroups_over_trials_figure),
    },
}
"""The figures of each kind of result; the first is drawn by default."""


def plot(result: Any, kind: str | None = None, **options: Any) -> Drawing:
    """Return a figure of a result, with the figure's own options.

    Raises
    ------
    InputError
        If the result has no such figure, or an option is wrong.
    """
    return _kind_of(result, kind).figure(_drawn_from(result), **options)


def data(result: Any, kind: str | None = None, **options: Any) -> DataFrame:
    """Return the table that a figure of a result is drawn from.

    Raises
    ------
    InputError
        If the result has no such figure, or an option is wrong.
    """
    found = _kind_of(result, kind)
    kept = {name: value for name, value in options.items() if name in found.options}
    return found.data(_drawn_from(result), **kept)


def _kind_of(result: Any, kind: str | None) -> Kind:
    kinds = KINDS.get(type(result), {})
    if not kinds:
        told = type(result).__name__
        raise InputError([Problem("result", "must be one that has a figure", told)])
    name = next(iter(kinds)) if kind is None else kind
    if name not in kinds:
        rule = f"must be one of {', '.join(kinds)}{nearest(name, kinds)}"
        raise InputError([Problem("kind", rule, name)])
    return kinds[name]


def _drawn_from(result: Any) -> Any:
    return trials_of(result.batch) if isinstance(result, SimulatedTrial) else result
