"""What a look counts is what the tables cut at its date give when they are analysed again."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy
from statsmodels.stats.contingency_tables import StratifiedTable

from tests.trial.as_of import as_of
from trialsim.analysis.endpoint import endpoint
from trialsim.analysis.monitoring.finished import FinishedTrial
from trialsim.analysis.monitoring.monitored import Monitored, monitor
from trialsim.arrays import Floats
from trialsim.clock import DAY
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.monitoring import boundary_of
from trialsim.stats.sequential.crossing import crossing_probabilities
from trialsim.streams import Streams
from trialsim.trial.trial import Trial, simulate_batch

PLAN: Mapping[str, Any] = {
    "looks": {
        "first": {"when": {"known": 0.5}, "decided_after_days": 28.0},
        "second": {"when": {"known": 0.75}, "decided_after_days": 28.0},
    },
    "efficacy": "obrien_fleming",
}
SMALL: Mapping[str, Any] = {
    "design.patients": 60,
    "operations.withdrawal.probability": 0.15,
    "operations.death.probability": 0.08,
    "operations.visit_missed_probability": 0.1,
}


def study(monitoring: Mapping[str, Any] = PLAN, **changes: Any) -> Scenario:
    """Return a small CARS-1 with looks, in which much goes wrong."""
    told = {name.replace("__", "."): value for name, value in changes.items()}
    return load("cars1").replace({**SMALL, "monitoring": dict(monitoring), **told})


def looked(scenario: Scenario, replicates: int = 64, seed: int = 5) -> Monitored:
    """Return the looks of a batch."""
    trial = simulate_batch(scenario, Streams(seed, range(replicates)))
    return monitor(FinishedTrial(trial), boundary_of(scenario))


def cells_as_of(trial: Trial, replicate: int, minute: int) -> tuple[Floats, Floats]:
    """Return the analysed cells of both arms of a replicate as it stood, by another way."""
    values = endpoint(as_of(trial, minute), trial.scenario.analysis)
    treated, control = (
        np.asarray(
            values.cell[replicate][values.analysed[replicate] & (trial.arms[replicate] == arm)]
        )
        for arm in (0, 1)
    )
    return treated, control


def test_two_hundred_random_looks_count_what_the_trial_as_it_stood_does() -> None:
    """50 trials, 4 random days each: patients, and z by SciPy's Mann-Whitney test."""
    generator = np.random.default_rng(11)
    compared = 0
    for _ in range(4):
        days = np.sort(generator.choice(np.arange(100, 260), 4, replace=False)).tolist()
        looks = {
            f"at_{day}": {"when": {"day": int(day)}, "planned_share": 0.1 + 0.2 * place}
            for place, day in enumerate(days)
        }
        found = looked(study({"looks": looks, "efficacy": "pocock"}), 13, seed=int(days[0]))
        trial = found.finished.trial
        for replicate in range(13):
            for place, day in enumerate(days):
                if not found.held[replicate, place]:
                    continue
                treated, control = cells_as_of(trial, replicate, int(day) * DAY)
                assert found.found.patients[replicate, place] == len(treated) + len(control)
                again = scipy.stats.mannwhitneyu(
                    treated, control, use_continuity=False, method="asymptotic"
                )
                side = np.sign(again.statistic / len(treated) / len(control) - 0.5)
                z = side * -scipy.special.ndtri(again.pvalue / 2)
                assert found.z[replicate, place] == pytest.approx(z, abs=1e-9)
                compared += 1
    assert compared > 150


def test_known_randomised_and_waiting_are_read_from_the_conduct() -> None:
    found = looked(study())
    when, trial = found.moments, found.finished.trial
    for replicate in range(8):
        for place in range(2):
            minute = int(when.minute[replicate, place])
            then = as_of(trial, minute).conduct
            settled = then.visit_settled[replicate, :, -1].sum()
            randomised = (then.randomised[replicate] < minute).sum()
            assert when.known[replicate, place] == settled
            assert when.waiting[replicate, place] == randomised - settled
    assert (when.known[:, 0] >= 30).all()
    assert (when.known[:, 0] <= 31).all()


def test_a_stop_keeps_those_who_were_randomised_when_it_was_decided() -> None:
    found = looked(study(outcomes__arat__effect__value=0.9))
    early, trial = found.early, found.finished.trial
    assert early.mean() > 0.5
    closes = found.closes[early]
    randomised = trial.conduct.randomised[early]
    assert (found.enrolled[early] == (randomised < closes[:, None])).all()
    assert found.enrolled[~early].all()
    assert (found.analysed_at_stop.sum(axis=1) <= found.enrolled.sum(axis=1)).all()


def test_those_who_wait_are_followed_or_left_out() -> None:
    followed = looked(study(outcomes__arat__effect__value=0.9))
    plan = {**PLAN, "waiting_patients": "left_out"}
    left_out = looked(study(plan, outcomes__arat__effect__value=0.9))
    early = followed.early
    assert (followed.at_last[early] == followed.enrolled[early]).all()
    assert (left_out.at_last.sum(axis=1)[early] < followed.at_last.sum(axis=1)[early]).any()
    assert left_out.followed_z[early] == pytest.approx(left_out.at_stop(left_out.z)[early])


def test_more_patients_than_planned_change_no_look() -> None:
    """The planned trial is the first patients of the largest that a look may ask for."""
    small = study()
    trial = simulate_batch(
        load("cars1").replace({**SMALL, "design.patients": 90}), Streams(5, range(64))
    )
    again = monitor(FinishedTrial(trial), boundary_of(small))
    found = looked(small)
    assert found.z.tobytes() == again.z.tobytes()
    assert found.stop.tolist() == again.stop.tolist()
    assert (found.enrolled == again.enrolled[:, :60]).all()
    assert not again.enrolled[:, 60:].any()


METHODS: list[Any] = [
    "mann_whitney",
    "brunner_munzel",
    {"method": "adjusted_rank", "covariates": {"arat": "rank"}},
    {"method": "wei_lachin", "outcomes": ["arat", "mrs", "barthel"]},
    "t_test",
    "welch",
    "ancova",
    {"method": "responders", "threshold": 30.0},
]


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_every_method_is_at_the_end_what_it_is_without_looks(method: Any) -> None:
    """Z of the last analysis has the p-value of the plan's own test of all patients."""
    from trialsim.analysis.primary import analyse_primary

    scenario = study(analysis__test=method, analysis__death="as_missing", analysis__missing="locf")
    found = looked(scenario, 16)
    alone = analyse_primary(found.finished.trial, scenario.analysis)
    two_sided = 2 * scipy.special.ndtr(-np.abs(found.z[:, -1]))
    if isinstance(method, dict) and method["method"] == "responders":
        assert np.corrcoef(two_sided, alone.p_value)[0, 1] > 0.99  # Fisher's test is discrete
    else:
        assert two_sided == pytest.approx(alone.p_value, abs=1e-9)
    assert found.found.effect[:, -1] == pytest.approx(alone.estimate)
    assert (np.diff(found.found.information, axis=1) > 0).mean() > 0.9
    assert found.held.all()


def test_strata_are_those_of_the_sites() -> None:
    from trialsim.analysis.primary import analyse_primary

    scenario = study(analysis__strata="site")
    found = looked(scenario, 16)
    alone = analyse_primary(found.finished.trial, scenario.analysis)
    assert found.z[:, -1] == pytest.approx(alone.z)


def test_shares_in_strata_are_monitored_by_the_test_of_cochran_mantel_and_haenszel() -> None:
    """Oracle: statsmodels, of the tables of each site counted by hand in the trial as it stood."""
    test = {"method": "responders", "threshold": 30.0}
    within: Any = {"analysis__strata": "site", "analysis__stratum_weighting": "mantel-haenszel"}
    found = looked(study(analysis__test=test, **within), 6)
    trial = found.finished.trial
    for row in range(6):
        stood = endpoint(as_of(trial, int(found.moments.minute[row, 0])), trial.scenario.analysis)
        known = stood.analysed[row]
        better = stood.cell[row] >= 31  # the first cell is below the scale
        site = trial.site[row]
        tables = [
            [
                [(better & there & of).sum(), (~better & there & of).sum()]
                for of in (trial.arms[row] == 0, trial.arms[row] == 1)
            ]
            for place in np.unique(site)
            if (there := known & (site == place)).any()
        ]
        both = [np.array(one) for one in tables if np.array(one).sum(axis=1).all()]
        wanted = StratifiedTable(both).test_null_odds(correction=False).statistic
        assert found.z[row, 0] ** 2 == pytest.approx(wanted)
        sizes = [one.sum(axis=1) for one in both]
        weights = np.array([m * n / (m + n) for m, n in sizes])
        gaps = [one[0, 0] / m - one[1, 0] / n for one, (m, n) in zip(both, sizes, strict=True)]
        assert found.found.effect[row, 0] == pytest.approx(np.average(gaps, weights=weights))
    error = found.found.information**-0.5
    assert found.z == pytest.approx(found.found.effect / error)


def test_proportional_odds_are_monitored_on_the_logarithm() -> None:
    scenario = study(analysis__test="proportional_odds")
    found = looked(scenario, 2)
    assert found.held.all()
    error = found.found.information**-0.5
    assert found.z == pytest.approx(found.found.effect / error)


def test_looks_see_correlated_statistics_as_the_canonical_law_says() -> None:
    """Corr(Z1, Z2) at half of the patients is the root of a half, within 3 errors of 4,096 trials.

    Nobody dies: deaths are known at once and rank last, so that an early look has more than its
    share of the extreme ranks, and of the information; 2,048 trials with 8% deaths show it.
    """

    def correlation(deaths: float, batches: int) -> tuple[float, float]:
        """Return the correlation of the first with the last z, and its error if it is that."""
        plan = {"looks": {"first": {"when": {"known": 0.5}}}, "efficacy": "none"}
        one = study(plan, operations__death__probability=deaths)
        z = np.concatenate([looked(one, 1024, seed).z for seed in range(1, batches + 1)])
        return float(np.corrcoef(z.T)[0, 1]), 0.5 / np.sqrt(len(z))

    alive, error = correlation(0.0, 4)
    assert abs(alive - np.sqrt(0.5)) < 3 * error
    dying, error = correlation(0.08, 2)
    assert dying - np.sqrt(0.5) > 3 * error


def test_nobody_known_is_no_look() -> None:
    looks = {"early": {"when": {"day": 1}, "planned_share": 0.01}, **PLAN["looks"]}
    found = looked(study({**PLAN, "looks": looks}))
    assert not found.held[:, 0].any()
    assert np.isnan(found.bounds.efficacy[:, 0]).all()
    assert found.held[:, 1:].all()


def test_two_looks_in_one_minute_are_one() -> None:
    looks = {
        "by_share": {"when": {"known": 0.491}},  # of 60, with the 30th patient
        "by_patients": {"when": {"known_patients": 30}},
    }
    found = looked(study({"looks": looks, "efficacy": "pocock"}))
    assert found.held[:, 0].all()
    assert not found.moments.reached[:, 1].any()


def test_a_look_planned_after_the_end_is_skipped() -> None:
    looks = {**PLAN["looks"], "late": {"when": {"day": 3000}, "planned_share": 0.9}}
    found = looked(study({**PLAN, "looks": looks}))
    assert not found.held[:, 2].any()
    assert (found.stop != 2).all()


def test_all_tied_data_have_no_information_and_reject_nothing() -> None:
    scenario = study(analysis__test={"method": "responders", "threshold": 57.0})
    nobody = {"outcomes.arat.course.end_mean": -60.0, "outcomes.arat.effect.value": 0.5}
    found = looked(scenario.replace(nobody), 64)
    tie = found.found.information == 0
    assert tie.any()
    assert (found.z[tie] == 0).all()
    assert not found.held[tie].any()
    assert not found.rejected[tie[:, -1]].any()


def test_an_empty_arm_at_a_look_is_no_look() -> None:
    looks = {"early": {"when": {"known_patients": 2}}, **PLAN["looks"]}
    found = looked(study({**PLAN, "looks": looks}, design__block_size=64), 256)
    empty = np.isnan(found.found.effect[:, 0])
    assert empty.any()
    assert not found.held[empty, 0].any()
    assert found.held[~empty, 0].any()


RULES: Mapping[str, Any] = {
    "spending": {"efficacy": "obrien_fleming"},
    "classical": {"efficacy": "classical_pocock"},
    "haybittle_peto": {"efficacy": "haybittle_peto"},
    "given": {"efficacy": {"rule": "given_bounds", "z": [3.0, 2.6]}},
    "none": {"efficacy": "none"},
}


def over(rule: Mapping[str, Any], error: float = 0.0865, **changes: Any) -> Scenario:
    """Return trials under no effect whose second look has about the information of the end."""
    planned = {"information": "variance", "planned_standard_error": error}
    none = {"outcomes__arat__effect__value": 0.5, "operations__withdrawal__probability": 0.0}
    return study({**PLAN, **planned, **rule}, **{**none, **changes})


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_a_look_with_all_of_the_information_is_the_last_analysis(rule: Mapping[str, Any]) -> None:
    """It takes what its earlier looks have left of alpha, with the correlations as they came."""
    found = looked(over(rule, error=0.2), 16)
    assert (found.fractions[:, 0] > 1).all()
    assert found.bounds.efficacy[:, 0] == pytest.approx(1.959964, abs=1e-5)
    assert np.isnan(found.fractions[:, 1:]).all()
    assert (found.stop == 0).all()
    assert (found.enrolled.sum(axis=1) == found.moments.randomised_by_decision[:, 0]).all()
    mixed = looked(over(rule), 128)
    full = mixed.full[:, 1]
    assert 0.1 < full.mean() < 0.9
    assert np.isnan(mixed.fractions[full, 2]).all()
    spent = crossing_probabilities(mixed.fractions, mixed.bounds.efficacy).efficacy
    assert np.nansum(spent, axis=1) == pytest.approx(0.025, abs=1e-6)
    assert (mixed.stop[full] < 2).all()
    assert np.isneginf(mixed.bounds.futility[full, 1]).all()


def test_the_last_of_given_bounds_is_that_of_the_look_that_is_the_last_analysis() -> None:
    given = {"rule": "given_bounds", "z": [3.0, 2.6, 1.99]}
    found = looked(over({"efficacy": given}), 128)
    full = found.full[:, 1]
    assert full.any()
    assert (found.bounds.efficacy[full, 1] == 1.99).all()
    assert (found.bounds.efficacy[~full, 1] == 2.6).all()


def test_trials_that_end_at_full_information_keep_the_level() -> None:
    """The same 4,096 trials under each rule: 3 binomial errors of .0024."""
    trial = simulate_batch(over({}), Streams(11, range(4096)))
    for name in ("spending", "haybittle_peto", "none"):
        planned = over(RULES[name])
        found = monitor(FinishedTrial(replace(trial, scenario=planned)), boundary_of(planned))
        assert 0.1 < found.ended_full.mean() < 0.9, name
        assert abs(found.favoured.mean() - 0.025) < 3 * np.sqrt(0.025 * 0.975 / 4096), name


def test_those_who_wait_may_undo_a_last_analysis_at_full_information() -> None:
    """Their data take the place of the look's, at the bound of what its earlier looks left."""
    found = looked(over(RULES["spending"], outcomes__arat__effect__value=0.62), 512)
    full = found.ended_full
    z, bound = found.followed_z[full], found.final_bound[full]
    assert np.isfinite(bound).all()
    assert np.abs(bound - found.at_stop(found.bounds.efficacy)[full]).max() < 0.05
    assert (found.reversed[full] == ((z >= bound) != found.rejected[full])).all()
    assert 0 < found.reversed[full].sum() < full.sum() / 4


def test_combined_stages_end_no_trial_at_full_information() -> None:
    found = looked(over({**RULES["spending"], "final": {"test": "inverse_normal"}}, error=0.2), 16)
    assert (found.fractions[:, 0] > 1).all()
    assert not found.full.any()
    assert (found.stop == 2).any()
