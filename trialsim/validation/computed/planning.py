"""Sizes and powers in closed form, and one scale of an effect from another."""

from collections.abc import Callable
from typing import Any

import numpy as np

from trialsim.stats.planning.sample_size import happ, noether, zhao
from trialsim.stats.planning.scale_effects import (
    cells_of_censored_normal,
    proportional_odds_cells,
    shifted_cells,
    theta_of_cells,
)
from trialsim.stats.ranks.mann_whitney import cell_counts

Given = dict[str, Any]


def size_of_noether(given: Given) -> Given:
    share = given["fraction_treatment"]
    size = noether(given["mw"], share).patients(given["power"], given["alpha_two_sided"])
    return {"N_total_unrounded": size, "N_total_ceil": np.ceil(size)}


def power_of_noether(given: Given) -> Given:
    power = noether(given["mw"]).power(given["n1"] + given["n2"])
    return {"power": power, "power_formula": power}


def sizes_with_ties(given: Given) -> Given:
    scale = np.array(given["p_treatment"]), np.array(given["p_control"])
    alpha, power, share = given["alpha_two_sided"], given["power"], given["fraction_treatment"]
    planned = happ(*scale, share)
    return {
        "mw_high_better": theta_of_cells(*scale),
        "N_happ": planned.patients(power, alpha),
        "N_zhao": zhao(*scale, share).patients(power, alpha),
        "power_happ_at_N200": planned.power(200, alpha),
    }


def example_of_zhao(given: Given) -> Given:
    control, treated = (np.array(given[arm]) for arm in "pq")
    size = zhao(treated, control, given["t"]).patients(given["power"])
    return {"N_unrounded": size, "N": np.ceil(size)}


def example_of_happ(given: Given) -> Given:
    treated, control = cell_counts(*(np.array(given[arm], float) for arm in "yx"))
    scale = treated / treated.sum(), control / control.sum()
    return {
        "p_relative_effect": theta_of_cells(*scale),
        "N_unrounded": happ(*scale).patients(given["power"]),
    }


def theta_of_normal_shift(given: Given) -> Given:
    """Shift a scale of 4,001 cells, which is nearly continuous."""
    control = cells_of_censored_normal(0.0, 200.0, -2000, 2000)
    return {"mw": theta_of_cells(shifted_cells(control, given["cohens_d"]), control)}


def theta_of_odds(given: Given) -> Given:
    control = np.full(4000, 1 / 4000)
    moved = proportional_odds_cells(control, np.exp(given["log_odds_ratio"]))
    return {"mw": theta_of_cells(moved, control)}


FOUND: dict[str, Callable[[Given], Given]] = {
    "ssp.noether": size_of_noether,
    "ssp.statpsych": power_of_noether,
    "ssp.ordinal": sizes_with_ties,
    "ssp.zhao2008": example_of_zhao,
    "ssp.happ": example_of_happ,
    "ssp.theta_normal": theta_of_normal_shift,
    "ssp.theta_po": theta_of_odds,
}
