"""The dose that reaches an effect, against R's DoseFinding and closed forms."""

import numpy as np
from numpy.testing import assert_allclose
from scipy.stats import norm

from tests.stats.dose_response.test_curves import BIOM, DOSES, of_biom
from trialsim.stats.dose_response.contrasts import whitening
from trialsim.stats.dose_response.curves import fit
from trialsim.stats.dose_response.target_dose import target_dose, target_interval


def test_target_dose_and_ed90_are_those_of_r() -> None:
    _, effects, whiten = of_biom()
    curve = fit("emax", DOSES, effects, whiten)
    expected = BIOM["expected"]
    assert_allclose(target_dose(curve.at, 0.4, 1.0), expected["TD_.4"], atol=1e-6)
    most = 0.9 * float(curve.at(np.array([1.0]))[0])
    assert_allclose(target_dose(curve.at, most, 1.0), expected["ED90"], atol=1e-6)


def test_the_first_dose_that_reaches_counts_and_none_is_nan() -> None:
    """Of an umbrella, which comes down again."""
    bow = np.array([[1.0], [0.5]])
    found = target_dose(lambda doses: bow * doses * (60 - doses) / 900, 0.75, 60.0)
    assert_allclose(found, [30.0 - 15.0, np.nan])


def test_the_interval_of_a_line_is_that_of_its_slope() -> None:
    """By Fieller's way of inverting a test: the slope's two limits, as doses."""
    _, effects, whiten = of_biom()
    curve = fit("linear", DOSES, effects, whiten)
    along = whiten @ DOSES
    error = 1 / np.sqrt(along @ along)
    slopes = curve.height + norm.ppf(0.9) * error * np.array([1, -1])
    found = target_interval(curve, DOSES, effects, whiten, 0.3, 0.8)
    assert_allclose([found.low, found.high], 0.3 / slopes, atol=1e-3)


def test_the_interval_covers_the_dose_as_often_as_it_says() -> None:
    """An emax curve of 400 trials; within 3 binomial errors of 90%."""
    rng, truth = np.random.default_rng(7), 1.2 * DOSES / (0.15 + DOSES)
    covariance = 0.004 * (np.ones((4, 4)) + np.eye(4))
    effects = truth + rng.normal(size=(400, 4)) @ np.linalg.cholesky(covariance).T
    whiten = np.broadcast_to(whitening(covariance), (400, 4, 4))
    curve = fit("emax", DOSES, effects, whiten)
    low, high = target_interval(curve, DOSES, effects, whiten, 0.6, 0.9)
    dose = 0.15  # half of the height
    covered = ((low <= dose) & (dose <= high)).mean()
    assert abs(covered - 0.9) < 3 * np.sqrt(0.09 / 400)
    assert np.isfinite(high).mean() > 0.9


def test_an_effect_that_no_dose_reaches_bounds_the_dose_from_below_alone() -> None:
    _, effects, whiten = of_biom()
    curve = fit("emax", DOSES, effects, whiten)
    found = target_interval(curve, DOSES, effects, whiten, 0.75, 0.95)
    assert np.isinf(found.high)
    assert np.isnan(target_dose(curve.at, 0.75, 1.0))
