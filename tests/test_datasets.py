"""A trial as tables: they say what the arrays say, add up, and know nothing of the future."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from pandas import DataFrame
from pandas.testing import assert_frame_equal
from scipy.stats import binom, mannwhitneyu

from trialsim.analysis.primary import analyse_primary
from trialsim.clock import DAY, NEVER
from trialsim.datasets import BEGUN, PATIENT, cut, tables
from trialsim.dictionary.trials import dictionary
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario, validated
from trialsim.simulated import simulate
from trialsim.streams import Streams
from trialsim.trial.conduct import Lack
from trialsim.trial.rehabilitation import binomial_quantile, sessions_attended, sessions_due
from trialsim.trial.trial import Trial, simulate_batch

SEED = 2016
CARS1 = load("cars1")
CROWDED: Mapping[str, Any] = {
    "operations.sites": {"site_01": {"activation_day": 0}, "site_02": {"activation_day": 20}},
    "operations.infusion_chairs_per_site": 1,
    "operations.candidates_per_site_per_month": 30,
    "operations.site_rate_coefficient_of_variation": 0.3,
    "operations.withdrawal.probability": 0.2,
    "operations.death.probability": 0.1,
    "operations.discontinuation.probability": 0.2,
    "operations.clinic_closes_hour": 16,
    "operations.visit_missed_probability": 0.1,
    "design.patients": 40,
}
"""Two sites with one chair each for which everybody queues, and much that goes wrong."""
STARVED: Mapping[str, Any] = {
    **CROWDED,
    "operations.candidates_per_site_per_month": 90,
    "operations.first_infusion_after_onset.latest_hours": 36,
    "operations.infusion_minutes": 90,
    "operations.withdrawal.probability": 0.6,
    "operations.withdrawal.days": {"distribution": "uniform", "low": 0, "high": 20},
}
"""So many candidates for so few chairs that windows close and patients leave while waiting."""
EVENTFUL: Mapping[str, Any] = {
    **CROWDED,
    "operations.drug_related_discontinuation.probability": 0.3,
    "operations.rescue.probability": 0.3,
    "operations.switching": {"probability": 0.3, "to": "placebo"},
    "operations.withdrawal.scores": {
        "arat": {"seen": "last_observed", "log_odds_per_unit": -0.05, "reference": 20}
    },
}
"""With every kind of event, and risks that depend on scores while patients wait."""
STUDIES = {
    "as it is": CARS1,
    "four chairs": CARS1.replace({"operations.infusion_chairs_per_site": 4}),
    "crowded": CARS1.replace(CROWDED),
    "starved": CARS1.replace(STARVED),
    "eventful": CARS1.replace(EVENTFUL),
}


def simulated(scenario: Scenario, replicates: range) -> Trial:
    return simulate_batch(scenario, Streams(SEED, replicates))


class Once(dict[str, Any]):
    """What belongs to each study, made when it is first looked at."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        self.make = make

    def __missing__(self, study: str) -> Any:
        """Make it and keep it."""
        self[study] = self.make(study)
        return self[study]


TRIALS = Once(lambda study: simulated(STUDIES[study], range(3)))
TABLES = Once(lambda study: tables(TRIALS[study]))
every_study = pytest.mark.parametrize("study", list(STUDIES))
MOMENTS = Once(
    lambda study: np.unique(
        np.concatenate(
            [
                table[column].dropna().to_numpy(np.int64)
                for table in TABLES[study].values()
                for column in table.columns[table.columns.str.endswith("_minute")]
            ]
        )
    ).tolist()
)
"""Every minute at which something happened."""
minutes = st.integers(0, 600 * DAY)


def assert_same_tables(found: Mapping[str, DataFrame], expected: Mapping[str, DataFrame]) -> None:
    assert list(found) == list(expected)
    for name, table in expected.items():
        assert_frame_equal(found[name], table)


def a_moment(study: str) -> st.SearchStrategy[tuple[str, int]]:
    """Draw a minute at which something happened in a study."""
    return st.tuples(st.just(study), st.sampled_from(MOMENTS[study]))


def as_text(table: DataFrame) -> DataFrame:
    """Names as plain text, so that tables with different unused names can be compared."""
    names = table.columns[table.dtypes == "category"]
    return table.astype(dict.fromkeys(names, object))


@every_study
def test_tables_are_five_and_name_their_replicates(study: str) -> None:
    assert list(TABLES[study]) == ["screening", "subjects", "infusions", "visits", "disposition"]
    for table in TABLES[study].values():
        assert_array_equal(table["replicate"].unique(), TRIALS[study].replicates)
        assert table.columns.is_unique


@every_study
def test_infusions_in_the_tables_are_those_of_the_arrays(study: str) -> None:
    trial, infusions = TRIALS[study], TABLES[study]["infusions"]
    given = (infusions["status"] == "given").to_numpy().reshape(trial.conduct.infusion_given.shape)
    assert_array_equal(given, trial.conduct.infusion_given)
    subjects = TABLES[study]["subjects"]
    per_patient = trial.conduct.infusion_given.sum(axis=2).ravel()
    assert_array_equal(subjects["infusions_given"], per_patient)
    dose = np.where(subjects["arm"] == "cerebrolysin", 30, 0)
    own = trial.conduct.infusion_given & ~trial.conduct.infusion_switched
    assert_array_equal(subjects["study_drug_received_ml"], own.sum(axis=2).ravel() * dose)
    assert infusions["volume_ml"].sum() == 100 * per_patient.sum()
    assert_array_equal(infusions["start_minute"].notna(), given.ravel())


@every_study
def test_an_infusion_that_was_not_given_says_why(study: str) -> None:
    """Oracle: the minutes of the disposition, joined to each infusion."""
    infusions = TABLES[study]["infusions"].merge(
        TABLES[study]["disposition"], on=PATIENT, suffixes=("", "_of_patient")
    )
    due, status = infusions["due_minute"], infusions["status"]
    left = (due >= infusions["ended_minute"]) & (infusions["status_of_patient"] != "completed")
    assert_array_equal(status.isin(["withdrawn", "died"]), left)
    assert_array_equal(status[left].to_numpy(str), infusions["status_of_patient"][left])
    stopped = (due >= infusions["discontinued_minute"]).fillna(False) & ~left
    assert_array_equal(status == "discontinued", stopped)
    lacked = TRIALS[study].conduct.lacked
    without_chair = np.zeros(len(due), np.bool_) if lacked is None else lacked.ravel() == Lack.CHAIR
    assert_array_equal(status == "no chair", without_chair & ~left & ~stopped)


@pytest.mark.parametrize("study", ["crowded", "starved"])
def test_a_chair_is_free_when_an_infusion_starts(study: str) -> None:
    """Oracle: with one chair a site, infusions at a site lie an infusion's length apart."""
    trial, infusions = TRIALS[study], TABLES[study]["infusions"]
    site = trial.site.ravel().repeat(trial.conduct.schedule.count)
    given = infusions.assign(site=site)[infusions["status"] == "given"]
    assert (given["waited_minutes"] > 0).sum() > 20
    assert_array_equal(given["due_minute"] + given["waited_minutes"], given["start_minute"])
    starts = given.sort_values(["replicate", "site", "start_minute"])
    between = starts.groupby(["replicate", "site"])["start_minute"].diff().dropna()
    assert (between >= trial.scenario.operations.infusion_minutes).all()


@pytest.mark.parametrize("study", ["crowded", "starved"])
def test_a_wait_in_vain_ends_when_the_clinic_closes_or_the_patient_stops(study: str) -> None:
    whole = TABLES[study]
    infusions = whole["infusions"].merge(whole["disposition"], on=PATIENT)
    in_vain = infusions[infusions["status_x"] == "no chair"]
    end = in_vain["due_minute"] + in_vain["waited_minutes"]
    closes = in_vain["due_minute"] // DAY * DAY + 16 * 60
    stops = np.fmin(in_vain["ended_minute"], in_vain["discontinued_minute"].fillna(10**9))
    assert len(in_vain) > 20
    assert_array_equal(end, np.fmin(closes, stops))
    if study == "starved":
        assert (stops < closes).any()


@every_study
def test_screening_counts_reconcile(study: str) -> None:
    screening, trial = TABLES[study]["screening"], TRIALS[study]
    for place, (_, one) in enumerate(screening.groupby("replicate")):
        assert len(one) == trial.conduct.screened[place]
        reasons = one["reason"].value_counts()
        assert len(one) == trial.scenario.design.patients + reasons.sum()
        assert_array_equal(one["reason"].isna(), one["outcome"] == "randomised")
        assert one["arrival_minute"].is_monotonic_increasing
        assert (one["decided_minute"] >= one["screened_minute"]).all()
        assert one["arrival_minute"].max() <= trial.conduct.closed[place]


@every_study
def test_failed_rules_are_those_that_the_tables_covariates_break(study: str) -> None:
    """Oracle: the nine rules of CARS-1 written again over the table's columns."""
    table = TABLES[study]["screening"]
    broken = {
        "age": ~table["age_years"].between(45, 85),
        "mechanism": table["mechanism"] == "other",
        "territory": table["territory"] != "internal_carotid",
        "haemorrhage": table["stroke_type"] == "haemorrhagic",
        "rapid_improvement": table["rapidly_improving"],
        "severe_hypertension_systolic": table["systolic_mmhg"] > 220,
        "severe_hypertension_diastolic": table["diastolic_mmhg"] > 120,
        "coma": table["glasgow_coma_scale"] <= 6,
        "recent_myocardial_infarction": table["recent_myocardial_infarction"],
    }
    joined = [";".join(name for name in broken if broken[name][row]) for row in range(len(table))]
    assert_array_equal(table["failed_rules"].astype(object).fillna(""), joined)
    failure = table["outcome"] == "screen failure"
    assert_array_equal(failure, np.array(joined) != "")
    first = table.loc[failure, "failed_rules"].str.split(";").str[0]
    assert_array_equal(table.loc[failure, "reason"].astype(object), first)


@every_study
def test_recruitment_closed_only_on_those_whose_window_was_still_open(study: str) -> None:
    """Oracle: the last minute of clinic hours before the deadline, found minute by minute."""
    trial, table = TRIALS[study], TABLES[study]["screening"]
    lost = table[table["outcome"].isin(["window missed", "recruitment closed"])]
    assert {"window missed"} <= set(lost["outcome"])
    operations = trial.scenario.operations
    earliest = lost["onset_minute"] + 24 * 60
    lost = lost.assign(fit_minute=np.fmax(lost["screened_minute"], earliest))
    window = trial.scenario.operations.first_infusion_after_onset
    rows = lost[["replicate", "onset_minute", "fit_minute", "outcome"]]
    for replicate, onset, fit, outcome in rows.itertuples(index=False):
        last = int(onset + 60 * window.latest_hours)
        while not operations.opens <= last % DAY < operations.closes:
            last -= 1
        closed = trial.conduct.closed[replicate]
        missed = fit > last or last < closed
        assert outcome == ("window missed" if missed else "recruitment closed")


def test_subjects_are_the_randomised_candidates() -> None:
    subjects, screening = TABLES["crowded"]["subjects"], TABLES["crowded"]["screening"]
    both = subjects.merge(screening, on=["replicate", "screening_number"], suffixes=("", "_seen"))
    assert len(both) == len(subjects)
    assert (both["outcome"] == "randomised").all()
    assert (both["site"] == both["site_seen"]).all()
    assert_array_equal(both["decided_minute"], both["randomised_minute"])
    hours = (both["randomised_minute"] - both["onset_minute"]) / 60
    assert hours.between(24, 72).all()
    for _, one in subjects.groupby("replicate"):
        assert_array_equal(one["subject"], np.arange(1, 41))
        assert one["randomised_minute"].is_monotonic_increasing


@every_study
def test_a_visit_has_a_score_if_and_only_if_it_was_attended(study: str) -> None:
    trial, visits = TRIALS[study], TABLES[study]["visits"]
    shape = trial.conduct.visit_minute.shape
    assert_array_equal(visits["arat"].astype(float).to_numpy().reshape(shape), trial.scores["arat"])
    for column in ("arat", "actual_minute", "actual_day"):
        assert_array_equal(visits[column].notna(), visits["attended"])
    assert_array_equal(visits["status"] == "attended", visits["attended"])
    came = visits[visits["attended"]]
    assert_array_equal(came["actual_minute"], came["due_minute"])
    assert_array_equal(visits["due_minute"] // DAY, visits["due_day"])
    day_90 = visits[visits["visit"] == "day_90"]
    assert_allclose(day_90["days_since_onset"], 90, atol=6)  # the window, and part of a day


@every_study
def test_the_printed_p_value_follows_from_the_tables(study: str) -> None:
    """Oracle: SciPy on the table's scores; LOCF, efficacy set, the dead below all survivors."""
    trial, visits = TRIALS[study], TABLES[study]["visits"]
    found = analyse_primary(trial, trial.scenario.analysis)
    carried = visits.assign(carried=visits.groupby(PATIENT)["arat"].ffill())
    last = carried[carried["visit"] == "day_90"].set_index(PATIENT)
    dead = last["status"] == "died"
    after = visits[visits["visit"] != "baseline"].groupby(PATIENT)["attended"].any()
    value = last["carried"].astype(float).where(~dead, -1.0)[after | dead]
    arm = last["arm"][after | dead]
    for place, replicate in enumerate(trial.replicates):
        one, of_one = value.loc[replicate], arm.loc[replicate]
        treated, control = one[of_one == "cerebrolysin"], one[of_one == "placebo"]
        test = mannwhitneyu(treated, control, use_continuity=False, method="asymptotic")
        assert_allclose(found.p_value[place], test.pvalue, rtol=1e-10)
        effect = test.statistic / (len(treated) * len(control))
        assert_allclose(found.estimate[place], effect, rtol=1e-12)


@every_study
def test_a_patient_is_completed_who_stayed_to_the_last_visit(study: str) -> None:
    trial, disposition = TRIALS[study], TABLES[study]["disposition"]
    last = trial.conduct.visit_minute.max(axis=2).ravel()
    exited = trial.conduct.exited.ravel()
    assert_array_equal(disposition["status"] == "completed", exited > last)
    assert_array_equal(disposition["ended_minute"], np.minimum(exited, last))
    assert not (disposition["status"] == "ongoing").any()
    stopped = disposition["discontinued_minute"]
    assert_array_equal(stopped.notna(), disposition["treatment_discontinued"])
    assert (stopped.dropna() < disposition["ended_minute"][stopped.notna()]).all()


def test_infusions_are_not_discontinued_by_who_has_had_all() -> None:
    """Oracle: the last of 21 daily infusions is due 20 days after the first."""
    late = {"probability": 1.0, "days": {"distribution": "uniform", "low": 19, "high": 21}}
    trial = simulated(CARS1.replace({"operations.discontinuation": late}), range(1))
    disposition = tables(trial)["disposition"]
    day_20 = trial.conduct.randomised + 20 * DAY
    stopped = trial.conduct.discontinued <= np.minimum(day_20, trial.conduct.exited - 1)
    assert 0 < stopped.sum() < stopped.size
    assert_array_equal(disposition["treatment_discontinued"], stopped.ravel())


def test_disposition_tells_each_kind_of_event_of_the_study_and_no_other() -> None:
    """Oracle: the minutes of conduct; a study without such events has no columns for them."""
    conduct, disposition = TRIALS["eventful"].conduct, TABLES["eventful"]["disposition"]
    for kind, name in BEGUN.items():
        minute = conduct.minute_of(kind).ravel()
        found = disposition[f"{name}_minute"]
        assert 0 < found.notna().sum() < len(found)
        assert_array_equal(found.notna(), minute < NEVER)
        assert (found.dropna() == minute[minute < NEVER]).all()
    for_drug = disposition["discontinued_for_drug"]
    assert (for_drug <= disposition["treatment_discontinued"]).all()
    stopped = conduct.stopped_for_drug.ravel()
    assert 0 < for_drug.sum() == ((stopped < NEVER) & disposition["treatment_discontinued"]).sum()
    columns = TABLES["crowded"]["disposition"].columns
    assert not any(name in column for column in columns for name in ("drug", *BEGUN.values()))


@pytest.mark.parametrize("study", ["as it is", "crowded"])
def test_a_batch_is_its_replicates_one_after_the_other(study: str) -> None:
    singles = [tables(simulated(STUDIES[study], range(one, one + 1))) for one in range(3)]
    for name, table in TABLES[study].items():
        joined = pd.concat([as_text(single[name]) for single in singles], ignore_index=True)
        assert_frame_equal(as_text(table), joined)


def test_replicates_that_fail_leave_the_tables_of_the_others_alone() -> None:
    hurried = CARS1.replace(
        {"operations.recruitment_limit_days": 260, "operations.at_limit": "fail"}
    )
    batch = simulated(hurried, range(12))
    kept = [int(one) for one in batch.replicates]
    assert 0 < len(batch.failures) < 12
    assert kept != list(range(kept[0], kept[-1] + 1))  # one of those between has failed
    subjects = tables(batch)["subjects"]
    alone = tables(simulated(hurried, range(kept[-1], kept[-1] + 1)))["subjects"]
    last = subjects[subjects["replicate"] == kept[-1]].reset_index(drop=True)
    assert_frame_equal(as_text(last), as_text(alone))


def test_columns_of_the_user_give_way_to_those_of_the_table() -> None:
    content = CARS1.model_dump()
    covariates, outcomes = content["population"]["covariates"], content["outcomes"]
    covariates["site"] = covariates["rapidly_improving"]
    outcomes["status"] = outcomes["arat"]
    found = tables(simulated(validated(content), range(1)))
    assert list(found["screening"]["site"].cat.categories) == list(CARS1.operations.sites)
    assert found["screening"]["covariate_site"].dtype == np.bool_
    assert found["visits"]["outcome_status"].max() <= 57


def test_a_covariate_has_the_kind_of_its_margin() -> None:
    screening = TABLES["as it is"]["screening"]
    kinds = {name: screening[name].dtype.name for name in CARS1.population.covariates}
    assert kinds["sex"] == kinds["mechanism"] == "category"
    assert kinds["rapidly_improving"] == kinds["supratentorial"] == "bool"
    assert kinds["age_years"] == kinds["glasgow_coma_scale"] == kinds["arat"] == "int64"
    assert kinds["lesion_volume_cm3"] == kinds["systolic_mmhg"] == "float64"


@every_study
def test_a_cut_after_the_end_is_the_whole(study: str) -> None:
    assert_same_tables(cut(TABLES[study], 10_000 * DAY), TABLES[study])


@every_study
def test_a_cut_at_the_beginning_is_empty(study: str) -> None:
    for name, table in cut(TABLES[study], 0).items():
        assert table.empty
        assert_array_equal(table.dtypes, TABLES[study][name].dtypes)


@settings(max_examples=20, derandomize=True, deadline=None)
@given(moment=st.sampled_from(sorted(STUDIES)).flatmap(a_moment))
def test_a_cut_shows_nothing_later(moment: tuple[str, int]) -> None:
    study, minute = moment
    for table in cut(TABLES[study], minute).values():
        for column in table.columns[table.columns.str.endswith("_minute")]:
            assert (table[column].dropna() < minute).all()


@settings(max_examples=10, derandomize=True, deadline=None)
@given(study=st.sampled_from(sorted(STUDIES)), first=minutes, later=minutes)
def test_a_cut_of_a_later_cut_is_the_cut(study: str, first: int, later: int) -> None:
    first, later = min(first, later), max(first, later)
    assert_same_tables(cut(cut(TABLES[study], later), first), cut(TABLES[study], first))


@pytest.mark.parametrize(
    ("changed", "happened"),
    [("withdrawal", "withdrawn"), ("death", "died"), ("discontinuation", "discontinued")],
)
def test_a_cut_cannot_tell_what_happens_later(changed: str, happened: str) -> None:
    """Oracle: two futures that part at a minute are one trial before it, and two after it."""
    other = CARS1.replace({**CROWDED, f"operations.{changed}.probability": 0.0})
    futures = [TABLES["crowded"], tables(simulated(other, range(3)))]
    parting = int(getattr(TRIALS["crowded"].conduct, happened).min())
    before = [cut(future, parting) for future in futures]
    for name in before[0]:
        assert_frame_equal(as_text(before[0][name]), as_text(before[1][name]))
    after = [cut(future, parting + 1)["disposition"] for future in futures]
    assert not as_text(after[0]).equals(as_text(after[1]))


def test_a_cut_while_somebody_waits_for_a_chair_does_not_know_the_end_of_the_wait() -> None:
    infusions = TABLES["crowded"]["infusions"]
    for _, waiting in infusions[infusions["waited_minutes"] > 1].groupby("status"):
        one = waiting.iloc[:1]
        ended = int(one["due_minute"].item() + one["waited_minutes"].item())
        for minute, known in ((ended, False), (ended + 1, True)):
            seen = cut(TABLES["crowded"], minute)["infusions"]
            found = seen.merge(one, on=[*PATIENT, "infusion"])
            assert len(found) == known


def test_a_cut_knows_who_is_still_being_screened_and_who_is_still_in_the_trial() -> None:
    """Oracle: the whole tables, asked of each record whether its time had come."""
    whole, minute = TABLES["as it is"], 150 * DAY
    seen = cut(whole, minute)
    arrived = whole["screening"][whole["screening"]["arrival_minute"] < minute]
    undecided = (arrived["decided_minute"] >= minute).to_numpy()
    assert undecided.sum() > 0
    assert_array_equal(seen["screening"]["outcome"] == "in screening", undecided)
    assert seen["screening"].loc[undecided, ["reason", "failed_rules"]].isna().all(axis=None)
    inside = whole["disposition"][(whole["subjects"]["randomised_minute"] < minute).to_numpy()]
    assert_array_equal(seen["disposition"]["status"] == "ongoing", inside["ended_minute"] >= minute)
    given = seen["infusions"][seen["infusions"]["status"] == "given"].groupby(PATIENT).size()
    assert_array_equal(seen["subjects"]["infusions_given"], given)


@pytest.mark.parametrize("probability", [0.0, 0.3, 0.95, 1.0])
def test_binomial_quantile_is_that_of_scipy(probability: float) -> None:
    u, attempts = np.meshgrid(np.linspace(0.001, 0.999, 101), np.arange(16))
    expected = binom.ppf(u, attempts, probability)
    assert_array_equal(binomial_quantile(u, attempts, probability), expected)


def test_nobody_attends_more_sessions_than_were_due_before_exit() -> None:
    trial = TRIALS["crowded"]
    due = (sessions_due(trial) < trial.conduct.exited[:, :, None]).sum(axis=2)
    attended = sessions_attended(trial)
    assert due.min() < due.max() == 15
    assert (attended <= due).all()
    certain = simulated(
        CARS1.replace({**CROWDED, "treatment.rehabilitation.attendance_probability": 1.0}),
        range(3),
    )
    assert_array_equal(sessions_attended(certain), due)


def test_what_is_due_in_the_minute_of_exit_does_not_take_place() -> None:
    """Oracle: all daily sessions attended, and everybody leaves exactly 7 days after the first."""
    leaves = {"probability": 1.0, "days": {"distribution": "constant", "value": 7}}
    changes = {
        "operations.withdrawal": leaves,
        "operations.death.probability": 0.0,
        "treatment.rehabilitation.schedule.days": "every_day",
        "treatment.rehabilitation.attendance_probability": 1.0,
        "operations.discontinuation.probability": 0.0,
        "operations.refusal_probability": {"distribution": "constant", "value": 0},
        "design.patients": 12,
    }
    found = tables(simulated(CARS1.replace(changes), range(1)))
    assert (found["subjects"]["rehabilitation_sessions_attended"] == 7).all()
    statuses = found["infusions"]["status"].to_numpy().reshape(12, 21)
    assert (statuses[:, :7] == "given").all()
    assert (statuses[:, 7:] == "withdrawn").all()
    visits = found["visits"].merge(found["disposition"], on=PATIENT)
    at_exit = visits["due_minute"] == visits["ended_minute"]
    assert at_exit.any()
    assert (visits.loc[at_exit, "status_x"] == "withdrawn").all()


def test_sessions_are_held_on_mondays_to_fridays_and_attended_as_often_as_the_scenario_says() -> (
    None
):
    trial = simulated(CARS1, range(20))
    assert (sessions_due(trial) // DAY % 7 <= 4).all()
    due = (sessions_due(trial) < trial.conduct.exited[:, :, None]).sum()
    share = sessions_attended(trial).sum() / due
    assert_allclose(share, 0.95, atol=4 * np.sqrt(0.95 * 0.05 / due))


def test_more_patients_change_no_earlier_patients_attendance() -> None:
    more = simulated(CARS1.replace({"design.patients": 260}), range(3))
    assert_array_equal(sessions_attended(more)[:, :208], sessions_attended(TRIALS["as it is"]))


def test_a_study_that_names_its_procedure_has_its_list() -> None:
    """Places count up in each stratum, and the arms are those of the patients."""
    changes = {
        "design.patients": 40,
        "design.randomisation": "minimisation",
        "design.strata": {"site_class": {"covariate": "nihss", "cuts": [10]}},
    }
    trial = simulate(load("cars1").replace(changes), seed=3)
    found = trial.tables()
    listed = found["randomisation"]
    assert listed.columns.tolist() == ["replicate", "subject", "site", "site_class", "place", "arm"]
    assert (listed["arm"] == found["subjects"]["arm"]).all()
    for _, stratum in listed.groupby(["site", "site_class"], observed=True):
        assert stratum["place"].tolist() == list(range(1, len(stratum) + 1))
    seen = cut(found, int(found["subjects"]["randomised_minute"][20]))
    assert len(seen["randomisation"]) == 20
    told = dictionary(trial.scenario, found).set_index(["table", "column"])
    assert told.loc[("randomisation", "site_class"), "codes"] == "below 10, 10 and above"
    assert "randomisation" not in simulate("stroke_nihss", seed=3).tables()
