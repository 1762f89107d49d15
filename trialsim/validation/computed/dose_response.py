"""Curves over doses: contrasts of MCP-Mod, and fitted shapes."""

from collections.abc import Callable
from typing import Any

import numpy as np

from trialsim.stats.dose_response.contrasts import (
    chance_of_larger,
    contrast_directions,
    contrast_statistics,
    optimal_contrasts,
    whitening,
)
from trialsim.stats.dose_response.curves import fit
from trialsim.stats.dose_response.effects import mean_effects
from trialsim.stats.dose_response.shapes import rise

Given = dict[str, Any]


def contrasts(given: Given) -> Given:
    """Test an Emax, a linear and a quadratic shape over four doses and placebo."""
    dose, response = np.array(given["dose"], float), np.array(given["resp"])
    doses, values = np.unique(dose), np.unique(response)
    counts = np.array([[np.sum((dose == d) & (response == v)) for v in values] for d in doses])
    effects = mean_effects(counts[1:], counts[0], values)
    shapes = np.stack(
        [
            rise("emax", doses[1:], [given["models"]["emax_ED50"]]),
            rise("linear", doses[1:], []),
            rise("quadratic", doses[1:], [given["models"]["quadratic_delta"]]),
        ]
    )
    whiten = whitening(effects.null_covariance)
    directions = contrast_directions(shapes, whiten)
    found = contrast_statistics(effects.estimate, whiten, directions)
    return {
        "contrast_matrix": optimal_contrasts(shapes, effects.null_covariance),
        "t_statistics": found,
        "p_adjusted": chance_of_larger(found, directions, effects.freedom),
    }


def emax_of_biom(given: Given) -> Given:
    """Fit an Emax curve to the means; the effect of the control follows from it."""
    doses, means = np.array(given["doses"][1:]), np.array(given["means"])
    variance = given["pooled_sd"] ** 2
    whiten = whitening(variance / given["n"] * (np.ones((4, 4)) + np.eye(4)))
    curve = fit("emax", doses, means[1:] - means[0], whiten)
    control = (means - np.insert(curve.at(doses), 0, 0.0)).mean()
    patients = given["n"] * len(means)
    squares = variance * (patients - len(means)) + curve.misfit * variance
    likelihood = patients * (np.log(2 * np.pi * squares / patients) + 1)
    return {
        "emax_fit": np.array([control, curve.height, curve.parameters[0]]),
        "AIC": likelihood + 2 * 4,
    }


FOUND: dict[str, Callable[[Given], Given]] = {
    "ot.mcpmod.sim": contrasts,
    "mcpmod.biom": emax_of_biom,
}
