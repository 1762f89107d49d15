"""Curves fitted in many trials at once, against R's DoseFinding and SciPy's optimiser."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from tests.stats.reference import reference
from trialsim.arrays import Floats
from trialsim.stats.dose_response.contrasts import whitening
from trialsim.stats.dose_response.curves import akaike_weights, fit
from trialsim.stats.dose_response.shapes import FORMS, Shape, rise

_, BIOM, _ = reference("dose_response")["cases"]
DOSES = np.array(BIOM["inputs"]["doses"][1:])


def of_biom() -> tuple[Floats, Floats, Floats]:
    """Return the means, the effects and the whitening of the biom data."""
    given = BIOM["inputs"]
    means = np.array(given["means"])
    covariance = given["pooled_sd"] ** 2 / given["n"] * (np.ones((4, 4)) + np.eye(4))
    return means, means[1:] - means[0], whitening(covariance)


def test_an_emax_curve_is_that_of_r_with_its_criterion() -> None:
    """The effect of the control follows from the curve; Akaike's criterion from all patients."""
    given, expected = BIOM["inputs"], BIOM["expected"]
    means, effects, whiten = of_biom()
    curve = fit("emax", DOSES, effects, whiten)
    control = (means - np.insert(curve.at(DOSES), 0, 0.0)).mean()  # arms of one size
    (ed50,) = curve.parameters
    assert_allclose([control, curve.height, ed50], expected["emax_fit"], rtol=1e-5)
    variance = given["pooled_sd"] ** 2
    squares = variance * 95 + curve.misfit * variance
    criterion = 100 * np.log(2 * np.pi * squares / 100) + 100 + 2 * 4
    assert_allclose(criterion, expected["AIC"], rtol=1e-8)
    assert_allclose(curve.criterion, curve.misfit + 6)


@pytest.mark.parametrize("shape", ["emax", "sigmoid_emax", "beta"])
def test_no_curve_fits_better_than_the_one_found(shape: Shape) -> None:
    """Within what SciPy finds from many starts; two steep parameters leave a little."""
    _, effects, whiten = of_biom()
    rng = np.random.default_rng(3)
    many = effects + 0.2 * rng.normal(size=(2, 4))
    found = fit(shape, DOSES, many, np.broadcast_to(whiten, (2, 4, 4)))
    form = FORMS[shape]
    bounds = [(np.log(low), np.log(high)) for low, high in form.bounds]
    fixed = [1.2] if shape == "beta" else []
    for trial in range(2):
        white = whiten @ many[trial]

        def left(values: Floats, white: Floats = white) -> float:
            along = whiten @ rise(shape, DOSES, [*np.exp(values), *fixed])
            return float(white @ white - (along @ white) ** 2 / (along @ along))

        starts = [[rng.uniform(*ends) for ends in bounds] for _ in range(4)]
        best = min(minimize(left, one, bounds=bounds, method="L-BFGS-B").fun for one in starts)
        assert found.misfit[trial] < best + 0.1
        own = [one[trial] for one in found.parameters]
        curve = found.height[trial] * rise(shape, DOSES, own)
        away = whiten @ (many[trial] - curve)
        assert_allclose(away @ away, found.misfit[trial], atol=1e-8)


def test_curves_through_the_effects_are_found_again() -> None:
    """Of each shape, from effects without an error; a steep one ends at its bound."""
    cases: list[tuple[Shape, list[float]]] = [
        ("linear", []),
        ("emax", [0.3]),
        ("exponential", [0.5]),
        ("quadratic", [-0.6]),
        ("sigmoid_emax", [0.3, 2.0]),
        ("logistic", [0.4, 0.2]),
        ("beta", [0.8, 1.1, 1.2]),
    ]
    whiten = of_biom()[2][np.newaxis]
    for shape, parameters in cases:
        effects = 1.7 * rise(shape, DOSES, parameters)[np.newaxis]
        curve = fit(shape, DOSES, effects, whiten)
        assert_allclose(curve.at(DOSES), effects, atol=2e-3, err_msg=shape)
        assert not curve.at_bound.any()
    step = np.array([[1.0, 1.0, 1.0, 1.0]])
    assert fit("emax", DOSES, step, whiten).at_bound.all()


def test_a_trial_without_an_inverse_has_no_curve_and_no_weight() -> None:
    whiten = whitening(np.ones((1, 4, 4)))
    for shape in ("linear", "emax", "quadratic"):
        curve = fit(shape, DOSES, np.ones((1, 4)), whiten)
        assert np.isnan(curve.at(DOSES)).all()
    criteria = np.array([[3.0, np.nan, 3.0], [np.nan] * 3])
    assert akaike_weights(criteria).tolist() == [[0.5, 0.0, 0.5], [0.0] * 3]
