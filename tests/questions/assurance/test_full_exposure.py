"""A prior of published estimates gives trials that estimate what was published."""

import math

import numpy as np
import pytest

import trialsim as ts
from trialsim.cli.app import run
from trialsim.questions.assurance.full_exposure import at_full_exposure
from trialsim.questions.assurance.prior import Evidence, normal_prior
from trialsim.reporting.text.comparison import assurance_text

SEED = 2016


def test_the_published_estimate_is_what_trials_are_predicted_to_give() -> None:
    """0.71 of CARS-1, for which its study needs an effect of 0.722 at full exposure."""
    found = ts.assurance("cars1", "cars1", 2_000, SEED, n_jobs=1)
    error = float(found.predicted.mcse)
    assert found.predicted.estimate == pytest.approx(0.71, abs=4 * error + 0.003)
    assert found.attenuation is not None
    assert found.attenuation.factor == pytest.approx(0.21 / 0.222, abs=0.02)
    assert "divided by 0.9" in assurance_text("x", found).splitlines()[2]


def test_a_prior_of_effects_at_full_exposure_is_left_as_it_is() -> None:
    prior = normal_prior(0.62, 0.03)
    found = ts.assurance("cars1", prior, 64, SEED, strata=4, n_jobs=1)
    assert found.attenuation is None
    assert found.prior == prior
    assert found.about_estimates is None


def test_estimates_that_the_analysis_does_not_give_are_said_not_to_be_translated() -> None:
    means = ts.load("cars1").replace(
        {"analysis.test": {"method": "t_test"}, "analysis.death": "as_missing"}
    )
    found = ts.assurance(means, "cars1", 64, SEED, strata=4, n_jobs=1)
    assert found.attenuation is None
    assert assurance_text("x", found).splitlines()[2].startswith("WARNING: published estimates")


def test_the_distance_from_no_effect_is_what_is_divided() -> None:
    prior = ts.load_prior("cars1")
    whole = at_full_exposure(prior, 0.5).parts["cars1"].effect
    found = prior.parts["cars1"].effect
    assert isinstance(found, Evidence)
    assert not isinstance(whole, Evidence)
    half = np.array([0.5])
    assert whole.at(half).item() == pytest.approx(0.5 + 2 * (found.at(half).item() - 0.5))


def test_an_observed_estimate_must_be_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    found = ts.assurance("cars1", normal_prior(0.62, 0.03), 16, SEED, strata=4, n_jobs=1)
    with pytest.raises(ts.InputError, match="observed: must be a number"):
        found.share_at_most(math.nan)
    assert run(["assure", "cars1", "--prior", "cars1", "--observed", "nan"]) == 2
    assert "--observed" in capsys.readouterr().err
