"""A programme is its trials, each as if alone under its own seed, and what they say together."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import trialsim as ts
from trialsim.errors import InputError, RecruitmentError, RunError
from trialsim.questions.programmes.one_programme import simulate_programme
from trialsim.replicates.programmes import OF_ALL, of_trial, programme_quantities, trial_seed
from trialsim.replicates.quantities import QUANTITIES
from trialsim.replicates.run import Replicates, Simulation
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.programme import Programme, effect_paths, programme_of
from trialsim.stats.ranks.mann_whitney import summarise

SEED = 2016
PATH = "outcomes.arat.effect.value"


def small(**changes: object) -> Programme:
    found = load_study("cars_pooled")
    assert isinstance(found, Programme)
    sizes = {f"trials.{name}.design.patients": 40 for name in ("cars1", "cars2")}
    return found.replace({**sizes, **changes})


SMALL = small()
HURRIED = small(
    **{f"trials.{name}.operations.recruitment_limit_days": 120 for name in ("cars1", "cars2")},
    **{f"trials.{name}.operations.at_limit": "fail" for name in ("cars1", "cars2")},
)
"""A programme of which some replicates fail, by the one trial or the other."""


def twins() -> Programme:
    """Return the same trial twice, of moderate power."""
    one = load("cars1").replace({"design.patients": 40, PATH: 0.68})
    content = {name: getattr(SMALL, name) for name in Programme.model_fields}
    return programme_of({**content, "trials": {"a": one, "b": one}})


def assert_same(one: Replicates, other: Replicates) -> None:
    assert one.failures == other.failures
    assert one.columns.keys() == other.columns.keys()
    for name, values in one.columns.items():
        assert_array_equal(values, other.columns[name], err_msg=name)


@pytest.mark.parametrize("programme", [SMALL, HURRIED], ids=["as it is", "hurried"])
def test_the_size_of_a_batch_changes_nothing(programme: Programme) -> None:
    whole = Simulation(programme, SEED, "vector", batch=64).run(range(70))
    for batch in (9, 1000):
        assert_same(Simulation(programme, SEED, "vector", batch).run(range(70)), whole)


def test_the_engines_agree() -> None:
    vector, events = (
        Simulation(SMALL, SEED, engine).run(range(12)) for engine in ("vector", "events")
    )
    assert_same(vector, events)


def test_workers_change_nothing() -> None:
    one, two = (ts.power(SMALL, 128, SEED, n_jobs=jobs, batch=32) for jobs in (1, 2))
    for name, values in one.columns.items():
        assert_array_equal(values, two.columns[name], err_msg=name)


def test_what_is_kept_has_the_promised_names() -> None:
    """The parts of a truth are those of each trial, from which that of all is pooled."""
    columns = Simulation(SMALL, SEED, "vector").run(range(2)).columns
    assert tuple(columns) == programme_quantities(SMALL)
    parts = {"truth_over", "truth_under"}
    assert set(QUANTITIES) - parts | set(OF_ALL) < columns.keys()
    assert not parts & columns.keys()


def test_a_trial_is_what_it_is_alone_under_its_own_seed() -> None:
    columns = Simulation(SMALL, SEED, "vector").run(range(20)).columns
    alone = {
        name: Simulation(trial, trial_seed(SEED, name), "vector").run(range(20)).columns
        for name, trial in SMALL.trials.items()
    }
    for name, own in alone.items():
        for what in ("estimate", "favoured"):
            assert_array_equal(columns[of_trial(name, what)], own[what])
    for name in ("screened", "infusions_given", "withdrawn", "died", "treated_analysed"):
        assert_array_equal(columns[name], sum(own[name] for own in alone.values()), err_msg=name)
    for name in ("recruitment_days", "duration_days"):
        longest = np.max([own[name] for own in alone.values()], axis=0)
        assert_array_equal(columns[name], longest, err_msg=name)
    # equal weights, and the estimate of each is the effect that is pooled
    means = np.mean([own["estimate"] for own in alone.values()], axis=0)
    np.testing.assert_allclose(columns["estimate"], means)


def test_trials_of_one_replicate_are_independent() -> None:
    """The correlation of 1,000 independent pairs has a standard error of 0.032."""
    columns = Simulation(twins(), SEED, "vector").run(range(1_000)).columns
    one, other = columns["a.estimate"], columns["b.estimate"]
    correlation = np.mean((one - one.mean()) * (other - other.mean())) / (one.std() * other.std())
    assert abs(correlation) < 4 * 0.032


def test_a_trial_that_is_taken_away_or_changed_changes_no_other() -> None:
    before = Simulation(SMALL, SEED, "vector").run(range(10)).columns
    larger = SMALL.replace({"trials.cars2.design.patients": 60})
    after = Simulation(larger, SEED, "vector").run(range(10)).columns
    assert_array_equal(after["cars1.estimate"], before["cars1.estimate"])
    assert (after["cars2.estimate"] != before["cars2.estimate"]).any()


def test_a_replicate_fails_in_which_a_trial_does() -> None:
    found = Simulation(HURRIED, SEED, "vector").run(range(40))
    failed = {one.replicate: one.reason for one in found.failures}
    assert 0 < len(failed) < 40
    assert {reason.split(":")[0] for reason in failed.values()} <= {"cars1", "cars2"}
    for name, values in found.columns.items():
        assert set(np.flatnonzero(np.isnan(values))) >= set(failed), name
    assert np.isfinite(found.columns["estimate"]).sum() == 40 - len(failed)


def test_where_one_trial_never_recruits_in_time_each_replicate_fails_as_alone() -> None:
    """The trial that is named is the first to fail in the replicate, whatever the others do."""
    hopeless = HURRIED.replace({"trials.cars2.operations.recruitment_limit_days": 20})
    whole = Simulation(hopeless, SEED, "vector").run(range(12))
    assert len(whole.failures) == 12
    assert {one.reason.split(":")[0] for one in whole.failures} == {"cars1", "cars2"}
    assert_same(whole, Simulation(hopeless, SEED, "vector", batch=1).run(range(12)))


def test_a_trial_that_can_never_recruit_is_named() -> None:
    never = {"trials.cars2.eligibility.inclusion.age.at_least": 101}
    nobody = {**never, "trials.cars2.eligibility.inclusion.age.at_most": 102}
    with pytest.raises(RecruitmentError, match=r"^cars2: recruitment can never finish"):
        ts.power(SMALL.replace(nobody), 8, n_jobs=1)


def test_an_engine_that_cannot_run_a_trial_is_refused_with_its_name() -> None:
    chairs = SMALL.replace({"trials.cars1.operations.infusion_chairs_per_site": 1})
    with pytest.raises(InputError, match="in cars1"):
        ts.power(chairs, 8, n_jobs=1, engine="vector")
    assert ts.power(chairs, 8, n_jobs=1).engine == "events"


def test_the_pooled_estimate_is_the_mean_effect_of_the_tables() -> None:
    """By hand from the tables of one replicate, with the analysed scores of each trial."""
    programme = SMALL.replace(
        {f"trials.{name}.operations.death.probability": 0 for name in SMALL.trials}
    )
    found = simulate_programme(programme, SEED, replicate=3)
    tables, effects = found.tables(), []
    for name in programme.trials:
        visits = tables["visits"][tables["visits"]["trial"] == name]
        seen = visits[visits["visit"] != "baseline"].groupby("subject")["arat"].count()
        last = visits.groupby("subject")["arat"].last()[seen > 0]  # the last that is known
        arms = visits.groupby("subject")["arm"].first()[seen > 0]
        treated, control = (
            last[arms == arm].to_numpy(float) for arm in ("cerebrolysin", "placebo")
        )
        effects.append(summarise(treated, control).effect.item())
    row = found.to_frame().set_index("trial")
    assert row.loc["pooled", "estimate"] == pytest.approx(np.mean(effects))
    assert row.loc["cars1", "estimate"] == pytest.approx(effects[0])
    many = Simulation(programme, SEED, "vector").run(range(3, 4)).columns
    assert many["estimate"].item() == pytest.approx(np.mean(effects))


def test_size_percent_scales_every_trial() -> None:
    half = SMALL.replace({"size_percent": 50})
    assert [trial.design.patients for trial in half.scaled_trials.values()] == [20, 20]
    columns = Simulation(half, SEED, "vector").run(range(4)).columns
    assert (columns["analysed"] <= 40).all()
    least = SMALL.replace({"size_percent": 1})
    assert [trial.design.patients for trial in least.scaled_trials.values()] == [2, 2]


def test_a_what_if_is_paired_with_the_base() -> None:
    changed = {"trials.cars2.outcomes.arat.effect.value": [0.6]}
    base, other = ts.what_if(SMALL, changed, replicates=64, seed=SEED, n_jobs=1).rows
    assert other.differences["screened"].estimate == 0
    assert other.differences["estimate"].estimate > 0
    # half of the change in one trial, whose luck is the same
    assert other.differences["estimate"].sd < base.means["estimate"].sd / 2


def test_size_finds_the_percentage_unless_another_path_is_named() -> None:
    found = ts.sample_size(SMALL, 0.8, replicates=100, seed=SEED, n_jobs=1)
    assert found.path == "size_percent"
    assert found.low <= found.value
    assert found.closed_form is None
    with pytest.raises(InputError, match="low and high"):
        ts.sample_size(SMALL, 0.8, "trials.cars2.design.patients", n_jobs=1)


def test_an_assurance_gives_all_trials_the_effect_that_is_drawn() -> None:
    assert effect_paths(SMALL) == [f"trials.{name}.outcomes.arat.effect" for name in SMALL.trials]
    found = ts.assurance(SMALL, "cars_pooled", 64, SEED, strata=8, n_jobs=1)
    assert 0.4 < found.probability < 1


def test_a_run_is_kept_goes_on_and_is_replayed(tmp_path: Path) -> None:
    from trialsim.runs.directory import find_run
    from trialsim.runs.replay import replay

    kept = ts.power(SMALL, 64, SEED, n_jobs=1, out=tmp_path / "run")
    held = find_run(tmp_path / "run")
    assert held.manifest.scenario == SMALL
    assert held.manifest.scenario.digest == SMALL.digest
    again = replay(held, 17)
    assert again.numbers["cars1.estimate"] == kept.columns["cars1.estimate"][17]
    assert again.trial is None
    other = SMALL.replace({"trials.cars1.design.patients": 44})
    with pytest.raises(InputError, match=r"trials\.cars1\.design\.patients"):
        ts.power(other, 64, SEED, n_jobs=1, out=tmp_path / "run")


@pytest.mark.parametrize("ask", [ts.simulate, ts.compare, ts.count_power_of, ts.endpoint_cells])
def test_what_is_asked_of_patients_is_refused(ask: object) -> None:
    arguments = {ts.simulate: (SMALL, 1), ts.compare: (SMALL, SMALL)}.get(ask, (SMALL,))  # type: ignore[call-overload]
    with pytest.raises(InputError, match="one trial; this is a programme of cars1, cars2"):
        ask(*arguments)  # type: ignore[operator]


def test_the_sets_of_trials_in_favour_add_up() -> None:
    found = ts.disagreement(SMALL, 200, SEED, n_jobs=1)
    sets = found.patterns()
    assert sum(float(one.estimate) for one in sets.values()) == pytest.approx(1)
    apart = float(sets["cars1",].estimate + sets["cars2",].estimate)
    assert float(found.disagree.estimate) == pytest.approx(apart)
    counts = found.counts()
    assert float(counts[1].estimate) == pytest.approx(apart)
    done = ts.power(SMALL, 200, SEED, n_jobs=1)
    ahead = done.columns["cars1.favoured"] == 1
    assert (done.columns["cars1.estimate"][ahead] > 0.5).all()
    assert float(found.each()["cars1"].estimate) == pytest.approx(ahead.mean())


def test_how_a_disagreement_is_run_changes_nothing() -> None:
    found = ts.disagreement("cars_pooled", 24, SEED, n_jobs=1, batch=7)
    assert found.to_dict() == ts.disagreement(ts.load("cars_pooled"), 24, SEED, n_jobs=1).to_dict()


def test_one_trial_has_nothing_to_disagree_with() -> None:
    with pytest.raises(InputError, match="programme: must be a programme of several trials"):
        ts.disagreement("cars1", 2, n_jobs=1)


def test_trials_of_one_truth_disagree_as_independent_ones_do() -> None:
    """Twice power times the rest; 1,000 programmes leave an error of 0.016."""
    found = ts.disagreement(twins(), 1_000, SEED, n_jobs=1)
    power = np.mean([float(share.estimate) for share in found.each().values()])
    assert float(found.disagree.estimate) == pytest.approx(2 * power * (1 - power), abs=4 * 0.016)


def test_all_replicates_failing_is_told() -> None:
    limit = {"recruitment_limit_days": 8.0, "at_limit": "fail"}
    hopeless = small(**{f"trials.cars1.operations.{name}": one for name, one in limit.items()})
    with pytest.raises(RunError):
        ts.power(hopeless, 4, n_jobs=1)
