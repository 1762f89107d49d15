"""The studies that come with the package do what is known of them."""

import numpy as np
import pytest

from trialsim.scenario.files.yaml_file import load
from trialsim.streams import Streams
from trialsim.trial.trial import Trial, simulate_batch


@pytest.fixture(scope="module", params=["cars1", "cars1_registry"])
def study(request: pytest.FixtureRequest) -> Trial:
    return simulate_batch(load(request.param), Streams(90, range(192)))


@pytest.mark.parametrize("name", ["cars1", "cars1_chairs", "cars1_null", "cars1_registry"])
def test_without_the_drug_patients_recover_from_visit_to_visit(name: str) -> None:
    trial = simulate_batch(load(name), Streams(7, range(32)))
    placebo = trial.arms == list(trial.scenario.design.arms).index("placebo")
    means = [trial.underlying["arat"][placebo][:, visit].mean() for visit in range(6)]
    assert (np.diff(means) > 0).all()


def test_randomised_patients_have_the_published_age(study: Trial) -> None:
    """63.95 (10.25), both arms pooled; 39,936 patients, so the mean's error is 0.05."""
    age = np.take_along_axis(study.cohort.covariates["age_years"], study.candidate, axis=1)
    assert abs(age.mean() - 63.95) < 0.3
    assert abs(age.std() - 10.25) < 0.2


def test_placebo_at_day_90_has_the_recalled_mean_and_sd(study: Trial) -> None:
    """26.5 (21.0); 192 trials with a SD of 2.1 leave an error of 0.15."""
    score = study.scores["arat"][study.arms == 1][:, 5]
    assert abs(np.nanmean(score) - 26.5) < 0.6
    assert abs(np.nanstd(score) - 21.0) < 0.4


def test_baseline_and_day_90_correlate_about_as_the_recalled_changes_say(study: Trial) -> None:
    scores = study.scores["arat"][study.arms == 1]
    known = ~np.isnan(scores[:, 5])
    correlation = np.corrcoef(scores[known, 0], scores[known, 5])[0, 1]
    assert correlation == pytest.approx(0.6, abs=0.04)
