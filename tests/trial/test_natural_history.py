"""`cars1_natural` recovers as the published mixture of recovery classes says.

The oracles are written anew from the published equations, with the published parameters.
"""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import expit, ndtri
from scipy.stats import kstest

from trialsim.arrays import Floats, Integers
from trialsim.clock import DAY
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.trial import Trial, simulate_batch

WEIGHTS = np.array([0.2674, 0.1395, 0.1118, 0.1783, 0.3030])
SHARES = np.array([0.0884, 0.4591, 0.8634, 0.8883, 0.9309])
WEEKS = np.array([5.3114, 10.1417, 9.8122, 2.6722, 1.1822])
LOGITS = np.array([-3.1602, -2.0922, -2.7862, -1.3081, 0.0201])
PRECISIONS = np.array([3.8376, 0.2340, 0.1394, 0.1326, 0.1774])
FUGL_MEYER = [0, 22, 23, 31, 32, 47, 48, 52, 53, 66]
ARAT = [0, 10, 11, 21, 22, 42, 43, 54, 55, 57]


def arat(place: Integers, start: Floats, days: Floats, residual: Floats) -> Floats:
    """Return the ARAT score of patients of some classes after some days."""
    done = 1 - np.exp(-days / 7 / WEEKS[place])
    latent = start + SHARES[place] * (66 - start) * done + residual / math.sqrt(0.0673)
    score: Floats = np.rint(np.interp(latent.clip(0, 66), FUGL_MEYER, ARAT))
    return score


@pytest.fixture(scope="module")
def natural() -> Scenario:
    return load("cars1_natural")


@pytest.fixture(scope="module")
def trial(natural: Scenario) -> Trial:
    return simulate_batch(natural, Streams(2016, range(128)))


def patients_of(trial: Trial, name: str) -> Floats:
    """Return a covariate of the randomised, shape (replicate, patient)."""
    return np.take_along_axis(trial.cohort.covariates[name], trial.candidate, axis=1)


def test_scores_follow_the_equation_from_their_addresses(natural: Scenario) -> None:
    """All that chance decides is drawn anew; parameters are published to four digits."""
    trial = simulate_batch(natural, Streams(5, range(4)))
    streams, count = Streams(5, range(4)), trial.cohort.arrival.shape[1]
    onset = np.take_along_axis(trial.cohort.onset, trial.candidate, axis=1)
    place = patients_of(trial, "recovery_class").astype(np.intp)
    start = patients_of(trial, "fugl_meyer_onset")
    treated = trial.arms == 0
    exact = []
    for visit in range(1, 6):
        u = np.take_along_axis(streams.uniform("noise arat", count, visit), trial.candidate, axis=1)
        days = (trial.conduct.visit_minute[:, :, visit] - onset) / DAY
        due = trial.conduct.infusion_due // DAY
        before = due < trial.conduct.visit_minute[:, :, visit, None] // DAY
        given = (trial.conduct.infusion_given & before).sum(axis=2)
        added = treated * 4.25 * np.minimum(given / 21, 1)
        expected = arat(place, start, days, ndtri(u) + added * math.sqrt(0.0673))
        exact.append(trial.underlying["arat"][:, :, visit] == expected)
    assert np.mean(exact) > 0.999  # rounded parameters move a few over the edge of a cell


def test_the_score_at_hour_48_is_the_course_of_class_and_start(natural: Scenario) -> None:
    streams, trial = Streams(6, range(4)), simulate_batch(natural, Streams(6, range(4)))
    covariates = trial.cohort.covariates
    place = covariates["recovery_class"].astype(np.intp)
    residual = ndtri(streams.uniform("covariate arat", place.shape[1]))
    expected = arat(place, covariates["fugl_meyer_onset"], np.full(1, 2.0), residual)
    assert (covariates["arat"] == expected).mean() > 0.999
    assert (trial.scores["arat"][:, :, 0] == patients_of(trial, "arat")).all()
    assert patients_of(trial, "arat").max() == 49


def test_starts_have_the_distribution_of_their_class(trial: Trial) -> None:
    """Kolmogorov-Smirnov on the logits of the candidates of each class."""
    place = trial.cohort.covariates["recovery_class"]
    start = trial.cohort.covariates["fugl_meyer_onset"]
    for number in range(5):
        share = start[place == number] / 66
        inside = share[(share > 1e-12) & (share < 1 - 1e-12)]
        scores = (np.log(inside / (1 - inside)) - LOGITS[number]) * PRECISIONS[number] ** 0.5
        assert kstest(scores, "norm").pvalue > 1e-3
    counts = np.array([(place == number).mean() for number in range(5)])
    np.testing.assert_allclose(counts, WEIGHTS, atol=4 * (0.25 / place.size) ** 0.5)


PUBLISHED = [
    # days after onset, mean, SD, median, share of 10 or less, share of 55 or more
    (2.0, 9.3, 12.0, 4, None, None),
    (9.0, 17.3, 18.7, 7, 0.57, 0.07),
    (16.0, 22.1, 21.9, 9, 0.53, 0.20),
    (23.0, 24.5, 22.8, 10, 0.51, 0.26),
    (42.0, 28.1, 23.8, 19, 0.42, 0.36),
    (90.0, 31.8, 23.4, 36, 0.35, 0.41),
]


def test_the_equations_alone_give_the_known_table() -> None:
    """200,000 patients of plain NumPy: the errors of a mean are below 0.06, the table's unknown."""
    generator = np.random.default_rng(90)
    place = generator.choice(5, 200_000, p=WEIGHTS)
    logits = LOGITS[place] + generator.normal(size=place.size) / np.sqrt(PRECISIONS[place])
    start = 66 * expit(logits)
    scores = {
        days: arat(place, start, np.full(1, days), generator.normal(size=place.size))
        for days, *_ in PUBLISHED
    }
    kept = scores[2.0] < 50
    assert kept.mean() == pytest.approx(0.84, abs=0.01)
    for days, mean, sd, median, low, high in PUBLISHED:
        score = scores[days][kept]
        assert score.mean() == pytest.approx(mean, abs=0.25)
        assert score.std() == pytest.approx(sd, abs=0.25)
        assert abs(np.median(score) - median) <= 1
        if low is not None:
            assert (score <= 10).mean() == pytest.approx(low, abs=0.01)
            assert (score >= 55).mean() == pytest.approx(high, abs=0.01)
    change = (scores[90.0] - scores[2.0])[kept]
    assert (change.mean(), change.std()) == pytest.approx((22.5, 19.0), abs=0.25)


def test_the_placebo_arm_has_the_known_table(trial: Trial) -> None:
    """13,312 patients; the three visits that count from randomisation come earlier, so not they."""
    placebo = trial.arms == 1
    for visit, row in ((0, PUBLISHED[0]), (4, PUBLISHED[4]), (5, PUBLISHED[5])):
        score, (_, mean, sd, _, low, high) = trial.underlying["arat"][:, :, visit][placebo], row
        assert score.mean() == pytest.approx(mean, abs=4 * sd / len(score) ** 0.5)
        assert score.std() == pytest.approx(sd, abs=4 * sd / len(score) ** 0.5)
        if low is not None:
            error = 4 * (0.25 / len(score)) ** 0.5
            assert (score <= 10).mean() == pytest.approx(low, abs=error)
            assert (score >= 55).mean() == pytest.approx(high, abs=error)


def test_the_drug_adds_points_to_those_who_are_not_at_an_end(natural: Scenario) -> None:
    """A larger shift makes nobody worse, and the untreated do not move."""
    trials = [
        simulate_batch(natural.replace({"outcomes.arat.effect.value": value}), Streams(8, range(8)))
        for value in (0, 4.25, 20)
    ]
    treated = trials[0].arms == 0
    for smaller, larger in pairwise(trials):
        gained = larger.underlying["arat"] - smaller.underlying["arat"]
        assert gained.min() == 0
        assert gained[treated][:, 1:].mean() > 1
        assert not gained[~treated].any()


def test_a_distribution_in_each_level_changes_no_other_covariate(natural: Scenario) -> None:
    flat = {"distribution": "uniform", "low": 0, "high": 66}
    path = "population.covariates.fugl_meyer_onset.margin.levels.poor"
    base, changed = (
        simulate_batch(study, Streams(9, range(2))).cohort.covariates
        for study in (natural, natural.replace({path: flat}))
    )
    candidates = min(base["age_years"].shape[1], changed["age_years"].shape[1])
    for name in base:
        same = base[name][:, :candidates] == changed[name][:, :candidates]
        poor = base["recovery_class"][:, :candidates] == 0
        assert same[~poor].all()
        assert same[poor].all() == (name not in ("fugl_meyer_onset", "arat"))


def test_any_replicates_keep_what_follows_from_others(trial: Trial) -> None:
    kept = np.arange(128) % 3 == 0
    some = trial.cohort.covariates.of_replicates(kept)
    for name in ("recovery_class", "fugl_meyer_onset", "arat"):
        assert (some[name] == trial.cohort.covariates[name][kept]).all()
