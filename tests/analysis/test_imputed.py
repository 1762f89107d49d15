"""Multiple imputation by address: observed scores stay, missing ones are drawn within the scale."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pandas import DataFrame
from scipy.special import expit, logit
from scipy.stats import norm, t

from trialsim.analysis.analyse import analyse
from trialsim.analysis.data import Data
from trialsim.analysis.endpoint import complete_endpoint, endpoint
from trialsim.analysis.imputed import completed
from trialsim.analysis.methods.registry import compare
from trialsim.analysis.primary import analyse_data, analyse_primary
from trialsim.arrays import Booleans, Floats
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.simulated import SimulatedTrial
from trialsim.stats.ranks.mann_whitney import mann_whitney
from trialsim.streams import Streams
from trialsim.trial.trial import Trial, simulate_batch

Planned: TypeAlias = Callable[..., SimulatedTrial]
IMPUTED: dict[str, Any] = {"missing": "multiple_imputation", "imputations": 4}
OVER_VISITS = {"method": "wei_lachin", "visits": ["day_42", "day_90"]}


def test_observed_scores_stay_and_missing_ones_vary_within_the_scale(planned: Planned) -> None:
    trial = planned(**IMPUTED, death="as_missing")
    batch, plan = trial.batch, trial.scenario.analysis
    known = endpoint(batch, plan)
    drawn = [one.values for one in completed(Data(batch, plan))]
    missing = drawn[0].analysed & ~known.analysed
    assert missing.any()
    for one in drawn:
        assert_array_equal(one.cell[known.analysed], known.cell[known.analysed])
        assert (one.cell[missing] >= 1).all()
        assert (one.cell[missing] <= 58).all()
    assert any((one.cell[missing] != drawn[0].cell[missing]).any() for one in drawn[1:])


def test_every_imputation_analyses_the_same_patients_as_carrying_forward(planned: Planned) -> None:
    imputed, carried = planned(**IMPUTED), planned(missing="locf")
    found, last = analyse(imputed).primary, analyse(carried).primary
    assert (found.treated, found.control) == (last.treated, last.control)


def test_imputed_scores_of_missing_at_random_are_near_the_true_ones(
    two_outcomes: Scenario,
) -> None:
    """Their mean over trials is within 3.5 standard errors of what would have been measured."""
    losing = two_outcomes.replace({"operations.visit_missed_probability": 0.2})
    plan = losing.replace({f"analysis.{name}": value for name, value in IMPUTED.items()}).analysis
    trial = simulate_batch(losing, Streams(5, range(256)))
    known, truth = endpoint(trial, plan), complete_endpoint(trial, plan)
    first = next(iter(completed(Data(trial, plan)))).values
    missing = first.analysed & ~known.analysed
    gap = (first.cell - truth.cell)[missing]
    assert abs(gap.mean()) < 3.5 * gap.std() / np.sqrt(len(gap)) + 0.5  # the normal at two ends
    assert len(gap) > 2000


@pytest.mark.parametrize(
    "changes",
    [
        IMPUTED,
        {**IMPUTED, "test": "ancova", "death": "as_missing"},
        {**IMPUTED, "test": {**OVER_VISITS, "outcomes": ["arat"]}},
        {"test": {"method": "permutation", "statistic": "brunner_munzel", "permutations": 39}},
        {"test": {"method": "re_randomisation", "statistic": "mann_whitney", "draws": 39}},
        {"test": {"method": "adjusted_rank", "covariates": {"arat": "rank"}}, "strata": "site"},
        {"test": "ancova", "death": "as_missing"},
    ],
)
def test_what_is_drawn_or_summed_does_not_depend_on_the_batch(
    changes: dict[str, Any], two_outcomes: Scenario
) -> None:
    from trialsim.replicates.run import Simulation

    plan = two_outcomes.replace({f"analysis.{name}": value for name, value in changes.items()})
    whole, parts = (Simulation(plan, 11, "vector", size).run(range(3, 16)) for size in (64, 5))
    for name, column in whole.columns.items():
        assert_array_equal(column, parts.columns[name], err_msg=name)


def test_carrying_forward_is_that_of_pandas(two_outcomes: Scenario) -> None:
    """Also where earlier visits are made only for those who need them."""
    trials = [simulate_batch(two_outcomes, Streams(7, range(8))) for _ in range(2)]
    last = len(two_outcomes.design.visits) - 1
    scores = trials[0].scores["arat"]
    carried = DataFrame(scores.reshape(-1, last + 1)).ffill(axis=1)[last]
    assert_array_equal(trials[1].scores.carried_forward("arat", last).ravel(), carried)


LEAVING = {"probability": 0.3, "days": {"distribution": "constant", "value": 30}}
BY_MODEL = ["jump_to_reference", "copy_reference", "copy_increments"]


def imputed_by(scenario: Scenario, **assumed: Any) -> Scenario:
    plan = {**IMPUTED, "death": "as_missing", "imputation": assumed}
    return scenario.replace({f"analysis.{name}": value for name, value in plan.items()})


def first_of(trial: Trial, **assumed: Any) -> Data:
    plan = imputed_by(trial.scenario, **assumed).analysis
    return next(iter(completed(Data(trial, plan))))


def test_what_is_missing_before_the_event_or_in_the_reference_stays_at_random(
    two_outcomes: Scenario,
) -> None:
    trial = simulate_batch(
        two_outcomes.replace({"operations.withdrawal": LEAVING}), Streams(8, range(16))
    )
    plain = first_of(trial)
    treated, control = plain.arms
    left = trial.conduct.exited <= trial.conduct.visit_minute[..., -1]
    for model in BY_MODEL:
        found = first_of(trial, model=model, after="withdrawal")
        changed = found.values.cell != plain.values.cell
        assert changed[treated & left].mean() > 0.3
        assert not changed[control].any() or (left & control).any()
        assert_array_equal(found.values.analysed, plain.values.analysed)


def test_a_delta_moves_what_is_imputed_after_the_event_alone_and_keeps_to_the_scale(
    two_outcomes: Scenario,
) -> None:
    trial = simulate_batch(
        two_outcomes.replace({"operations.withdrawal": LEAVING}), Streams(9, range(16))
    )
    plain = first_of(trial)
    treated, control = plain.arms
    left = trial.conduct.exited <= trial.conduct.visit_minute[..., -1]
    analysed = plain.values.analysed
    for arms, whom in (("treated", treated), ("both", treated | control)):
        worse = first_of(trial, delta=-5, delta_arms=arms, after="withdrawal")
        moved = np.maximum(plain.values.cell + np.where(left & whom, -5, 0), 1)
        assert (moved != plain.values.cell)[analysed].sum() > 20
        assert_array_equal(worse.values.cell[analysed], moved[analysed])
    for outcome in ("arat", "disability"):  # more is better, and less
        plan = imputed_by(trial.scenario, delta=-200).analysis
        found = next(iter(completed(Data(trial, plan.model_copy(update={"endpoint": outcome})))))
        assert (found.values.cell[left & treated & found.values.analysed] == 1).all()


@pytest.mark.parametrize("outcome", ["arat", "disability"])
def test_a_delta_on_the_latent_scale_moves_nobody_who_stays_beyond_an_end(
    two_outcomes: Scenario, outcome: str
) -> None:
    """Inside the scale it does what it does in points; of scores at an end it moves a part.

    Whether more is better, as of the one, or less, as of the other.
    """
    trial = simulate_batch(
        two_outcomes.replace({"operations.withdrawal": LEAVING}), Streams(9, range(16))
    )

    def cells(**assumed: Any) -> Any:
        plan = imputed_by(trial.scenario, **assumed).analysis
        data = Data(trial, plan.model_copy(update={"endpoint": outcome}))
        return next(iter(completed(data))).values

    plain = cells()
    best = plain.cells - 1
    treated, _ = Data(trial, trial.scenario.analysis).arms
    left = trial.conduct.exited <= trial.conduct.visit_minute[..., -1]
    whom = plain.analysed & treated & left
    worse: dict[str, Any] = {"delta": -2, "after": "withdrawal"}
    in_points, latent = (cells(**worse, delta_scale=one).cell for one in ("points", "latent"))
    inside, at_best = (whom & at for at in (plain.cell < best, plain.cell == best))
    assert inside.sum() > 50
    assert at_best.sum() > 10
    assert_array_equal(latent[inside & (plain.cell > 3)], in_points[inside & (plain.cell > 3)])
    assert_array_equal(latent[~whom], plain.cell[~whom])
    assert (in_points[at_best] < best).all()
    assert 0 < np.mean(latent[at_best] == best) < 1
    assert (cells(delta=-200, delta_scale="latent").cell[whom] == 1).all()


def test_the_jump_brings_the_treated_who_left_nearer_to_the_controls(
    two_outcomes: Scenario,
) -> None:
    """Effects over 100 trials fall in the order of what each model lets them keep.

    The drug does nothing more after day 30, on which they leave: its gain kept is that at random.
    """
    effects = []
    study = two_outcomes.replace({"operations.withdrawal": LEAVING})
    trial = simulate_batch(study, Streams(10, range(100)))
    for assumed in ({}, *({"model": model} for model in reversed(BY_MODEL))):
        plan = imputed_by(study, **assumed).analysis
        effects.append(analyse_primary(trial, plan).estimate.mean())
    at_random, increments, copied, jumped = effects
    assert at_random > copied > jumped
    assert increments > jumped
    assert abs(at_random - increments) < 0.006


def test_one_earlier_visit_can_impute(two_outcomes: Scenario) -> None:
    """Those who miss it too are drawn around the arm's mean."""
    trial = simulate_batch(two_outcomes, Streams(11, range(8)))
    for predictors in (["day_42"], ["baseline"], ["baseline", "day_42"]):
        found = first_of(trial, predictors=predictors)
        known = ~np.isnan(trial.scores["arat"][..., -1])
        assert_array_equal(found.values.cell[known], first_of(trial).values.cell[known])
        assert (found.values.cell[found.values.analysed] >= 1).all()


STAYS = {"probability": 0, "days": {"distribution": "constant", "value": 1}}


def with_nothing_missing(study: Scenario, **changes: Any) -> tuple[Data, Data]:
    """Return trials from which nobody is missing, to be analysed as they are and imputed."""
    whole = study.replace(
        {
            "operations.withdrawal": STAYS,
            "operations.death": STAYS,
            "operations.visit_missed_probability": 0,
            **{f"analysis.{name}": value for name, value in changes.items()},
        }
    )
    trial = simulate_batch(whole, Streams(3, range(4)))
    return Data(trial, whole.analysis), Data(trial, imputed_by(whole).analysis)


def test_without_missing_scores_imputation_changes_nothing(two_outcomes: Scenario) -> None:
    """Rubin's rules over equal estimates: the logit interval, with Student's t for the normal."""
    data = with_nothing_missing(two_outcomes, interval="logit")
    plain, found = map(analyse_data, data)
    assert_allclose(found.estimate, plain.estimate, rtol=1e-12)
    (low, high), (lower, higher) = ((logit(one.low), logit(one.high)) for one in (plain, found))
    assert_allclose(expit((low + high) / 2), plain.estimate, rtol=1e-9)
    patients = data[0].trial.arms.shape[1]
    freedom = (patients - 1) / (patients + 1) * (patients - 2)  # Barnard and Rubin, none missing
    wider = t.ppf(0.975, freedom) / norm.ppf(0.975)
    assert_allclose((higher - lower) / (high - low), wider, rtol=1e-9)


@pytest.mark.parametrize(
    "test",
    [
        "brunner_munzel",
        {"method": "adjusted_rank", "covariates": {"arat": "rank"}},
        {"method": "responders", "threshold": 30},
        "proportional_odds",
        {"method": "proportional_odds", "covariates": ["arat"]},
        {"method": "obrien", "outcomes": ["arat", "disability"]},
    ],
)
def test_with_nothing_missing_every_pooled_estimate_is_that_of_the_trial(
    test: Any, two_outcomes: Scenario
) -> None:
    plain, pooled = map(analyse_data, with_nothing_missing(two_outcomes, test=test))
    assert_allclose(pooled.estimate, plain.estimate, rtol=1e-9)
    assert ((pooled.low < pooled.estimate) & (pooled.estimate < pooled.high)).all()
    assert_allclose(np.log(pooled.p_value), np.log(plain.p_value), atol=1.2)


def test_with_nothing_missing_a_standardised_effect_is_tested_by_its_logit(
    two_outcomes: Scenario,
) -> None:
    """Law: the plain statistic is (effect - 1/2) / error; by the delta method the error follows."""
    test = {"method": "standardised_mann_whitney", "covariates": ["arat"]}
    plain, pooled = map(compare, with_nothing_missing(two_outcomes, test=test))
    effect = plain.estimate
    assert_allclose(pooled.estimate, effect, rtol=1e-9)
    error = (effect - 0.5) / plain.statistic
    assert_allclose(pooled.statistic, logit(effect) * effect * (1 - effect) / error, rtol=1e-7)


def test_batches_and_engines_impute_by_reference_alike(two_outcomes: Scenario) -> None:
    from trialsim.replicates.run import Simulation

    study = imputed_by(two_outcomes, model="jump_to_reference", after="discontinuation", delta=-2)
    whole, parts = (Simulation(study, 11, "vector", size).run(range(3, 12)) for size in (64, 5))
    events = Simulation(study, 11, "events").run(range(3, 12))
    for name, column in whole.columns.items():
        assert_array_equal(column, parts.columns[name], err_msg=name)
        assert_array_equal(column, events.columns[name], err_msg=name)


INSIDE = {
    "population.covariates.arat.margin": {
        "distribution": "normal",
        "mean": 28,
        "sd": 7,
        "low": 0,
        "high": 57,
    },
    "outcomes.arat.course.start_mean": 28,
    "outcomes.arat.course.start_sd": 7,
    "outcomes.arat.course.end_mean": 32,
    "outcomes.arat.course.end_sd": 7,
}
"""A scale whose ends nearly nobody reaches, as the normal regressions assume."""


def missing_by_baseline(trial: Trial) -> Booleans:
    """Return which visits patients miss: those from day 42 on, by baseline and arm.

    The better at baseline leave in the control arm, and the worse in the treated.
    """
    base, treated = trial.underlying.at("arat", 0), trial.arms == 0
    generator = np.random.default_rng([5, int(trial.replicates[0])])
    odds = -1.1 + np.where(treated, -1, 1) * (base - base.mean()) / base.std()
    gone = generator.random(base.shape) < expit(odds)
    return np.asarray(gone[..., np.newaxis] & (np.arange(6) >= 4))


def missing_by_last_score(trial: Trial) -> Booleans:
    """Return which visits patients miss: all from one on, by the score at the one before and arm.

    The better leave in the control arm, and the worse in the treated.
    """
    treated, gone = trial.arms == 0, np.zeros((*trial.arms.shape, 6), np.bool_)
    generator = np.random.default_rng([6, int(trial.replicates[0])])
    for visit in range(2, 6):
        last = trial.underlying.at("arat", visit - 1)
        odds = -2.7 + np.where(treated, -0.8, 0.8) * (last - last.mean()) / last.std()
        left = generator.random(last.shape) < expit(odds)
        gone[..., visit] = gone[..., visit - 1] | left
    return gone


def without(trial: Trial, missing: Booleans) -> Trial:
    """Return a batch of which patients miss some visits."""
    attended = trial.conduct.visit_attended & ~missing
    conduct = dataclasses.replace(trial.conduct, visit_attended=attended)
    return dataclasses.replace(trial, conduct=conduct, scores=trial.underlying.seen_at(attended))


RULES: dict[str, dict[str, Any]] = {
    "locf": {},
    "complete_case": {"missing": "complete_case"},
    "latent": {"missing": "multiple_imputation", "imputations": 5},
    "rounded": {
        "missing": "multiple_imputation",
        "imputations": 5,
        "imputation": {"scores": "rounded"},
    },
    "weighted": {
        "missing": "complete_case",
        "test": {"method": "weighted_mann_whitney", "covariates": ["arat"]},
    },
}


def biases(
    missing: Callable[[Trial], Booleans], trials: int, changes: dict[str, Any]
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the bias of each rule against the same trials with nobody gone, and its error."""
    whole = load("cars1").replace(
        {
            "analysis.secondary": {},
            "analysis.death": "as_missing",
            **{f"operations.{name}": STAYS for name in ("withdrawal", "death", "discontinuation")},
            "operations.visit_missed_probability": 0,
            **changes,
        }
    )
    gaps: dict[str, list[Floats]] = {name: [] for name in RULES}
    for start in range(0, trials, 64):
        trial = simulate_batch(whole, Streams(11, range(start, start + 64)))
        complete = analyse_primary(trial, whole.analysis).estimate
        seen = without(trial, missing(trial))
        for name, rule in RULES.items():
            paths = {f"analysis.{field}": value for field, value in rule.items()}
            found = analyse_primary(seen, whole.replace(paths).analysis).estimate
            gaps[name].append(found - complete)
    each = {name: np.concatenate(part) for name, part in gaps.items()}
    bias = {name: float(part.mean()) for name, part in each.items()}
    return bias, {name: float(part.std() / np.sqrt(trials)) for name, part in each.items()}


@pytest.mark.parametrize(
    ("missing", "changes", "rounded", "carried"),
    [
        (missing_by_baseline, INSIDE, 0.001, -0.007),
        (missing_by_last_score, {}, 0.012, -0.02),
    ],
)
def test_imputation_has_no_bias_where_scores_explain_who_left(
    missing: Callable[[Trial], Booleans], changes: dict[str, Any], rounded: float, carried: float
) -> None:
    """Paired with the same 192 trials of 208 patients, nobody gone; 28% are, within 3 errors.

    Two fifths of the patients of CARS-1 are at the floor at first, and with the drug as many at the
    ceiling in the end: scores drawn beyond these and cut are biased, latent scores are not.
    """
    bias, error = biases(missing, 192, changes)
    assert abs(bias["latent"]) < 0.001 + 3 * error["latent"]
    assert abs(bias["rounded"]) < rounded + 3 * error["rounded"]
    assert bias["locf"] < carried
    assert bias["complete_case"] > 0.04
    if missing is missing_by_baseline:
        assert abs(bias["weighted"]) < 0.1 * bias["complete_case"] + 3 * error["weighted"]
    if changes is not INSIDE:
        assert bias["rounded"] > abs(bias["latent"]) + 3 * error["rounded"]


SMALLER: dict[str, Any] = {"design.patients": 208, "outcomes.arat.effect.value": 0.5}


def test_the_jump_to_a_reference_that_is_alike_is_missing_at_random(
    two_outcomes: Scenario,
) -> None:
    """Law, within 3 standard errors of the paired mean of 160 trials without an effect.

    Those who leave at day 30 miss two of the visits used.
    """
    study = two_outcomes.replace({**SMALLER, "operations.withdrawal": LEAVING})
    trial = simulate_batch(study, Streams(12, range(160)))
    some = ["baseline", "day_21", "day_42"]
    models = ("at_random", *BY_MODEL)
    plans = [imputed_by(study, model=model, predictors=some).analysis for model in models]
    plain, *others = (analyse_primary(trial, plan).estimate for plan in plans)
    for one in others:
        error = (one - plain).std() / np.sqrt(160)
        assert abs((one - plain).mean()) < 3 * error
        assert error < 0.001


def test_everybody_gone_at_baseline_in_the_treated_arm_has_no_effect_by_the_reference(
    two_outcomes: Scenario,
) -> None:
    """Theta of 0.5 within 3 standard errors, though the drug would have had an effect."""
    changes = {"outcomes.arat.effect.value": 0.64, "analysis.analysis_set": "all_randomised"}
    study = two_outcomes.replace({"design.patients": 120, **changes})
    trial = simulate_batch(study, Streams(13, range(128)))
    treated = (trial.arms == 0)[..., np.newaxis]
    seen = without(trial, treated & (np.arange(6) >= 1))
    for model in ("jump_to_reference", "copy_reference"):
        found = analyse_primary(seen, imputed_by(study, model=model).analysis).estimate
        assert abs(found.mean() - 0.5) < 3 * found.std() / np.sqrt(128)
    assert analyse_primary(trial, study.analysis).estimate.mean() > 0.58


def test_several_outcomes_are_imputed_each_by_its_own_scores(two_outcomes: Scenario) -> None:
    """Oracle: the logits of each imputation's mean effect, from the imputed outcomes one by one."""
    study = two_outcomes.replace({"operations.withdrawal": LEAVING})
    trial = simulate_batch(study, Streams(14, range(6)))
    plan = imputed_by(study).analysis
    each = []
    for outcome in ("arat", "disability"):
        one = plan.model_copy(update={"endpoint": outcome})
        samples = [found.samples for found in completed(Data(trial, one))]
        each.append([mann_whitney(*found).effect for found in samples])
    mean = expit(logit(np.mean(each, axis=0)).mean(axis=0))
    test = {"method": "wei_lachin", "outcomes": ["arat", "disability"]}
    several = imputed_by(study.replace({"analysis.test": test})).analysis
    found = analyse_primary(trial, several)
    assert_allclose(found.estimate, mean, rtol=1e-12)
    complete = imputed_by(study.replace({"analysis.test": test})).analysis.model_copy(
        update={"missing": "complete_case", "imputation": None}
    )
    assert (analyse_primary(trial, complete).estimate != found.estimate).all()
