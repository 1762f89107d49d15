"""What the figures draw, against the results and the tables that it comes from."""

from typing import Any

import numpy as np
import pytest
import scipy.stats
from matplotlib.colors import to_rgb
from matplotlib.contour import ContourSet
from matplotlib.patches import Rectangle

import trialsim as ts
from trialsim.questions.size.power_curve import PowerCurve
from trialsim.questions.size.sample_size import closed_form_patients
from trialsim.reporting.figures.canvas.style import SHADES, shades
from trialsim.reporting.figures.canvas.trials import Trials, trials_of
from trialsim.reporting.figures.catalogue import data, plot
from trialsim.reporting.figures.of_designs.assurance import assurance_data
from trialsim.reporting.figures.of_designs.closed_form import closed_form_power
from trialsim.reporting.figures.of_designs.estimate import estimate_data
from trialsim.reporting.figures.of_designs.forest import differences_data
from trialsim.reporting.figures.of_designs.heat_map import heat_map_data, heat_map_figure
from trialsim.reporting.figures.of_designs.power_curve import curve_data
from trialsim.reporting.figures.of_designs.tornado import tornado_data
from trialsim.reporting.figures.of_trials.adherence import COLOURS, adherence_data
from trialsim.reporting.figures.of_trials.chairs import chairs_data
from trialsim.reporting.figures.of_trials.distribution import distribution_data
from trialsim.reporting.figures.of_trials.mean_scores import mean_scores_data
from trialsim.reporting.figures.of_trials.population import population_data
from trialsim.reporting.figures.of_trials.recruitment import recruitment_data
from trialsim.reporting.figures.of_trials.swim_lanes import lanes_data


def test_bins_of_estimates_hold_every_trial_once_and_those_that_reject(
    power: ts.PowerResult,
) -> None:
    bins = estimate_data(power)
    assert bins["trials"].sum() == power.replicates
    assert bins["rejecting"].sum() == round(power.power * power.replicates)
    assert (bins["high"][:-1].to_numpy() == bins["low"][1:].to_numpy()).all()


def test_bins_of_a_ratio_are_equally_wide_on_the_log_scale(study: ts.Scenario) -> None:
    odds = study.replace({"analysis.effect": "win_odds"})
    bins = estimate_data(ts.power(odds, 100, 2016, n_jobs=1))
    assert np.allclose(np.diff(np.log(bins["high"] / bins["low"])), 0.0, atol=1e-9)
    assert bins["trials"].sum() == 100


def test_a_curve_is_the_power_of_each_study_alone(
    study: ts.Scenario, by_patients: ts.WhatIf
) -> None:
    curve = curve_data(by_patients).set_index("value")
    assert list(curve.index) == [40, 60, 90, 140]
    for patients in (40, 140):
        alone = ts.power(study.replace({"design.patients": patients}), 120, 2016, n_jobs=1)
        assert curve.loc[patients, "power"] == alone.power
        low, high = curve[["low", "high"]].loc[[patients]].to_numpy()[0]
        assert (low, high) == pytest.approx(alone.ci)


def test_a_curve_of_a_size_has_every_candidate(size: ts.SampleSize, curve: PowerCurve) -> None:
    assert curve_data(size)["power"].tolist() == [one.power for one in size.candidates]
    assert curve_data(curve)["power"].tolist() == [one.power for one in curve.candidates()]


def test_the_closed_form_gives_back_the_power_that_its_patients_were_for(
    study: ts.Scenario,
) -> None:
    """Whole patients are a little more than are needed: less than one patient's worth of power."""
    needed = closed_form_patients(study, 0.9)
    enough = closed_form_power(study.replace({"design.patients": int(np.ceil(needed))}))
    too_few = closed_form_power(study.replace({"design.patients": int(np.floor(needed))}))
    assert too_few < 0.9 <= enough


def test_a_closed_form_is_not_given_for_another_test(study: ts.Scenario) -> None:
    assert np.isnan(
        closed_form_power(study.replace({"analysis.test": {"method": "brunner_munzel"}}))
    )


@pytest.mark.parametrize("quantity", ["power", "estimate", "duration_days", "screened"])
def test_differences_are_those_of_the_rows(one_at_a_time: ts.WhatIf, quantity: str) -> None:
    table = differences_data(one_at_a_time, quantity)
    base, *others = (row.to_dict() for row in one_at_a_time.rows)
    assert table["name"].tolist() == [row["name"] for row in others]
    assert np.allclose(table["difference"], [row[quantity] - base[quantity] for row in others])
    assert (table["low"] <= table["difference"]).all()
    assert (table["difference"] <= table["high"]).all()


def test_a_tornado_puts_the_widest_path_first_and_knows_higher_from_lower(
    one_at_a_time: ts.WhatIf,
) -> None:
    table = tornado_data(one_at_a_time)
    assert table["path"].iloc[0] == "design.patients"
    assert table["swing"].is_monotonic_decreasing
    sides = dict(zip(table["setting"], table["side"], strict=True))
    assert sides == {
        "40": "lower value than the base",
        "80": "higher value than the base",
        "100": "higher value than the base",
        "120": "higher value than the base",
        "0.3": "higher value than the base",
        "locf": "another value",
    }


def test_a_heat_map_has_the_power_of_every_combination(grid: ts.WhatIf) -> None:
    table = heat_map_data(grid)
    assert table["power"].tolist() == [float(row.power.estimate) for row in grid.rows[1:]]
    assert len(table) == 6


def test_a_heat_map_frames_the_base_and_draws_the_targets_between_which_the_power_lies() -> None:
    grid = ts.what_if(
        ts.load("cars1").replace({"design.patients": 120, "outcomes.arat.effect.value": 0.6}),
        {"design.patients": [60, 120, 300], "outcomes.arat.effect.value": [0.55, 0.6, 0.7]},
        "grid",
        replicates=32,
        seed=1,
        n_jobs=1,
    )
    axes = heat_map_figure(grid).axes[0]
    (frame,) = (one for one in axes.patches if isinstance(one, Rectangle) and not one.get_fill())
    assert frame.get_xy() == (1, 1)
    (contours,) = (one for one in axes.collections if isinstance(one, ContourSet))
    assert list(contours.levels) == [0.8, 0.9]
    assert not any(
        isinstance(one, ContourSet) for one in heat_map_figure(grid, "estimate").axes[0].collections
    )


def test_the_mean_of_the_successes_drawn_is_the_assurance(assured: ts.Assurance) -> None:
    table = assurance_data(assured)
    success = table[table["part"] == "success"]
    assert success["value"].mean() == pytest.approx(assured.probability)
    assert table.loc[table["part"] == "prior", "value"].sum() == pytest.approx(1.0)


def test_means_are_those_of_the_analysis(trial: ts.SimulatedTrial) -> None:
    table = mean_scores_data(trials_of(trial.batch)).set_index(["visit", "arm"])
    measured = [one for one in ts.analyse(trial).by_visit if one.outcome == "arat"]
    assert len(table) == len(measured)
    for one in measured:
        patients, mean, low, high = (
            table[["patients", "mean", "low", "high"]].loc[[(one.visit, one.arm)]].to_numpy()[0]
        )
        assert (patients, mean) == (one.n, pytest.approx(one.mean))
        half = scipy.stats.t.ppf(0.975, one.n - 1) * one.sd / one.n**0.5
        assert (low, high) == pytest.approx((one.mean - half, one.mean + half))


def test_every_point_is_nearest_to_the_mean_day_of_its_own_visit() -> None:
    """The rats' maze is on five days running, and there are three arms."""
    rats = ts.simulate(ts.load("rat_mtbi"), 2016)
    days = mean_scores_data(trials_of(rats.batch)).groupby("visit", observed=True)
    visits = np.sort(days["days_since_onset"].mean().to_numpy())
    (axes,) = rats.plot("scores").get_axes()
    arms = [one for one in axes.get_lines() if one.get_linestyle() != "None"]
    assert len(arms) == 3
    for drawn in (np.asarray(one.get_xdata()) for one in arms):
        assert np.abs(drawn[:, None] - visits).argmin(axis=1).tolist() == list(range(len(visits)))


def test_shares_of_scores_add_up_and_the_ends_stand_alone(trial: ts.SimulatedTrial) -> None:
    table = distribution_data(trials_of(trial.batch))
    sums = table.groupby(["visit", "arm"], observed=True)["share"].sum()
    assert np.allclose(sums, 1.0)
    visits = trial.tables()["visits"]
    last = visits[(visits["visit"] == "day_90") & (visits["arm"] == "placebo")]
    drawn = table[(table["visit"] == "day_90") & (table["arm"] == "placebo")].dropna()
    assert drawn["patients"].iloc[[0, -1]].tolist() == [
        (last["arat"] == 0).sum(),
        (last["arat"] == 57).sum(),
    ]


def test_recruitment_ends_with_all_patients_and_its_fan_is_in_order(many: Trials) -> None:
    table = recruitment_data(many)
    ranges = table[["low_95", "low_50", "median", "high_50", "high_95"]].to_numpy()
    assert (ranges[-1] == 60).all()
    assert (np.diff(ranges, axis=1) >= 0).all()
    assert (np.diff(ranges, axis=0) >= 0).all()
    half = table["day"].iloc[len(table) // 2]
    subjects = many.tables["subjects"]
    by_hand = (subjects["randomised_day"] <= half).groupby(subjects["replicate"]).sum().median()
    assert table["median"].iloc[len(table) // 2] == by_hand


def test_the_map_of_infusions_has_each_once_those_with_most_first(
    trial: ts.SimulatedTrial,
) -> None:
    table = adherence_data(trials_of(trial.batch))
    assert len(table) == 60 * 21
    assert table["status"].value_counts().to_dict() == (
        trial.tables()["infusions"]["status"].value_counts().to_dict()
    )
    given = (table["status"] == "given").to_numpy().reshape(-1, 21).sum(axis=1)
    arms = table["arm"].astype(str).to_numpy()[::21]
    for arm in np.unique(arms):
        assert (np.diff(given[arms == arm]) <= 0).all()


def test_lanes_hold_every_infusion_given_and_every_visit_attended(
    trial: ts.SimulatedTrial,
) -> None:
    table = lanes_data(trials_of(trial.batch), patients=60)
    events = table["event"].value_counts()
    tables = trial.tables()
    spans = table[table["event"] == "infusions given"]
    assert (spans["end"] - spans["start"] + 0.2).sum() == pytest.approx(
        (tables["infusions"]["status"] == "given").sum()
    )
    assert events["visit attended"] == (tables["visits"]["status"] == "attended").sum()
    assert events["in the trial"] == 60
    for status in ("withdrawn", "died"):
        assert events.get(status, 0) == (tables["disposition"]["status"] == status).sum()


def test_chairs_in_use_add_up_to_the_infusions_and_never_exceed_the_chairs(
    crowded: ts.SimulatedTrial,
) -> None:
    trials = trials_of(crowded.batch)
    table = chairs_data(trials)
    site = table["site"].iloc[0]
    tables = crowded.tables()
    here = tables["subjects"].loc[tables["subjects"]["site"] == site, "subject"]
    infusions = tables["infusions"]
    given = infusions["subject"].isin(here) & (infusions["status"] == "given")
    minutes = crowded.scenario.operations.infusion_minutes
    in_use = 60 * table["mean"].sum() * table["days"].iloc[0]
    assert in_use == pytest.approx(given.sum() * minutes)
    assert table["peak_most"].max() == 1


def test_colours_differ_in_lightness_so_that_grey_keeps_them_apart() -> None:
    """Relative luminance as in the sRGB standard (IEC 61966-2-1)."""

    def luminance(colour: str) -> float:
        shares = np.array(to_rgb(colour))
        linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
        return float((linear @ [0.2126, 0.7152, 0.0722]) ** (1 / 2.4))

    assert (np.diff([luminance(one) for one in SHADES]) > 0.08).all()
    assert (np.diff([luminance(one) for one in COLOURS.values()]) < -0.08).all()
    dark, light = map(luminance, shades(2))
    assert light - dark > 0.3


@pytest.mark.parametrize(
    ("figure", "options", "path"),
    [
        ("what-if", {"quantity": "powr"}, "quantity"),
        ("heat-map", {}, "changes"),
        ("curve", {}, "changes"),
        ("nothing", {}, "kind"),
    ],
)
def test_what_cannot_be_drawn_is_told(
    one_at_a_time: ts.WhatIf, figure: str, options: dict[str, Any], path: str
) -> None:
    for ask in (plot, data):
        with pytest.raises(ts.InputError) as told:
            ask(one_at_a_time, figure, **options)
        assert [problem.path for problem in told.value.problems] == [path]


def test_a_site_or_an_outcome_that_is_not_there_is_told(trial: ts.SimulatedTrial) -> None:
    with pytest.raises(ts.InputError, match=r"site: must be a site .* did you mean site_\d"):
        trial.plot("chairs", site="site_0l")
    with pytest.raises(ts.InputError, match=r"outcome: must be an outcome .* did you mean arat\?"):
        trial.plot("scores", outcome="arta")


@pytest.mark.parametrize("missed", [0.0, 1.0])
def test_the_smallest_trial_is_drawn_though_nothing_is_known_of_its_spread(missed: float) -> None:
    smallest = {"design.patients": 2, "operations.visit_missed_probability": missed}
    study = ts.load("cars1").replace(smallest)
    trial = ts.simulate(study, 2016)
    for figure in ("scores", "distribution", "recruitment", "adherence", "lanes", "chairs"):
        assert trial.plot(figure).get_axes()
    assert ts.analyse(trial).plot().get_axes()


def test_a_power_without_any_estimate_is_refused() -> None:
    unseen = {"design.patients": 2, "operations.visit_missed_probability": 1.0}
    power = ts.power(ts.load("cars1").replace(unseen), 8, 2016, n_jobs=1)
    with pytest.raises(ts.RunError, match="no trial has an estimate"):
        power.plot()


def test_candidates_stand_beside_the_rows_that_they_were_fitted_to(former: Trials) -> None:
    """Oracle: a row is 1 of 40, and a fitted margin is that of the rows."""
    data = population_data(former)
    sexes = data[data["covariate"] == "sex"].set_index("level")
    assert sexes["rows"].to_dict() == {"female": 0.5, "male": 0.5}
    ages = data[data["covariate"] == "age_years"]
    assert ages["level"].isna().all()
    assert ages["low"].iloc[0] == 44.5
    for name, one in data.groupby("covariate"):
        assert one[["rows", "candidates"]].sum().tolist() == pytest.approx([1.0, 1.0]), name
    apart = np.abs(data["candidates"] - data["rows"]) / data["mcse"]
    assert (apart < 4.5).all()
    assert data["mcse"].max() < 0.03


def test_a_study_without_a_table_has_no_such_figure(trial: ts.SimulatedTrial) -> None:
    with pytest.raises(ts.InputError, match=r"population\.table: must be there: .* no candidates"):
        trial.plot("population")
