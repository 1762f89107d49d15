"""What is solved for gives what was asked, as surely as its error says."""

import numpy as np
import pytest

from trialsim.errors import InputError, RunError
from trialsim.questions.calibration.calibrate import CalibrationResult, calibrate, target_of
from trialsim.questions.power import power
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.programme import value_at
from trialsim.scenario.validation.sources import source_of

CARS1 = load("cars1")
SMALL = CARS1.replace({"design.patients": 40})
EFFECT, LEAVE = "outcomes.arat.effect.value", "operations.withdrawal.probability"
DEATH = "operations.death.probability"


def solved(seed: int = 3, replicates: int = 400, **asked: str) -> CalibrationResult:
    paths = {"effect": EFFECT, "leave": LEAVE}
    targets = {paths[name]: target_of(SMALL, target) for name, target in asked.items()}
    return calibrate(SMALL, targets, replicates, seed, n_jobs=1)


def test_a_figure_that_was_simulated_is_solved_back_to_the_number_that_gave_it() -> None:
    """On the same replicates: within a tenth of the Monte Carlo error, and the rounding."""
    truth = SMALL.replace({EFFECT: 0.63, LEAVE: 0.2})
    columns = power(truth, 400, seed=3, n_jobs=1).columns
    estimate, left = columns["estimate"].mean(), columns["withdrawn"].mean()
    result = solved(effect=f"estimate={estimate}", leave=f"withdrawn={left}")
    for row, number in zip(result.rows, (0.63, 0.2), strict=True):
        assert abs(row.value - number) < 0.5 * row.error
    assert result.rows[0].figure == pytest.approx(estimate, abs=1e-3)
    assert value_at(result.study, EFFECT) == result.rows[0].value
    assert result.simulated <= 20 * 400


def test_the_error_is_the_spread_of_what_other_seeds_solve() -> None:
    """Of 10 seeds; the ratio of variances lies in the 0.001 and 0.999 quantiles of chi-square."""
    rows = [solved(seed, 64, leave="withdrawn=4").rows[0] for seed in range(10)]
    values, errors = np.array([(row.value, row.error) for row in rows]).T
    ratio = values.var(ddof=1) / (errors**2).mean()
    assert 1.15 / 9 < ratio < 27.9 / 9


def test_other_replicates_confirm_the_figure() -> None:
    row = solved(effect="estimate=0.6").rows[0]
    both = np.hypot(row.confirmed_mcse, row.error * row.slope)
    assert abs(row.confirmed - 0.6) < 4 * both
    again = power(SMALL.replace({EFFECT: row.value}), 400, seed=_confirming(3), n_jobs=1)
    assert row.confirmed == pytest.approx(float(again.estimate.estimate))


def _confirming(seed: int) -> int:
    from trialsim.streams import confirmation_seed

    return confirmation_seed(seed)


def test_power_can_be_the_target() -> None:
    row = solved(effect="power=0.5").rows[0]
    assert row.figure == pytest.approx(0.5, abs=0.02)
    assert 0.6 < row.value < 0.722


def test_the_study_says_what_was_solved_for_and_keeps_its_findings() -> None:
    target = target_of(CARS1, "theta_arat")
    result = calibrate(CARS1, {EFFECT: target}, 60, seed=1, n_jobs=1)
    record = result.study.calibrated[EFFECT]
    assert record.finding == "theta_arat"
    assert record.error == pytest.approx(result.rows[0].error, rel=0.05)
    assert result.study.findings == CARS1.findings
    source = source_of(EFFECT, result.study.sources)
    assert (source.status, source.reference) == ("derived", "muresanu2016")


def test_the_search_may_begin_elsewhere() -> None:
    targets = {LEAVE: "withdrawn=4"}
    near, far = (
        calibrate(SMALL, targets, 200, 2, n_jobs=1, start=start).rows[0]
        for start in (None, {LEAVE: 0.5})
    )
    assert abs(near.value - far.value) < 0.5 * near.error
    assert far.before == near.before == 0.038


def test_what_cannot_be_solved_is_told() -> None:
    with pytest.raises(RunError, match="does not move screened where the search begins"):
        solved(effect="screened=500", replicates=16)
    with pytest.raises(RunError, match=r"cannot have what would be needed: operations\.withdrawal"):
        solved(leave="withdrawn=60", replicates=16)
    alike = {path: target_of(SMALL, "withdrawn=12") for path in (LEAVE, DEATH)}
    with pytest.raises(RunError, match="move the figures alike"):
        calibrate(SMALL, alike, 64, 1, n_jobs=1, start={LEAVE: 0.5, DEATH: 0.4})


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("theta", "must name a finding of the study or a quantity"),
        ("powr=0.9", "did you mean power"),
        ("power", "with a number"),
        ("power=much", "with a number"),
    ],
)
def test_a_target_that_is_none_is_refused(target: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        target_of(CARS1, target)


@pytest.mark.parametrize("path", ["design.patients", "analysis.test", "design.patient"])
def test_only_numbers_that_need_not_be_whole_are_solved_for(path: str) -> None:
    with pytest.raises(InputError, match=f"{path}: must be the path of a number"):
        calibrate(CARS1, {path: target_of(CARS1, "power=0.9")}, 10, n_jobs=1)


def test_a_power_of_one_in_all_replicates_is_not_taken_for_the_target() -> None:
    """No replicate differs, so there is no error, and nothing is met."""
    study = CARS1.replace({EFFECT: 0.7})
    found = calibrate(study, {EFFECT: "power=0.9"}, replicates=64, seed=2016, n_jobs=1)
    (row,) = found.rows
    assert row.value < 0.69
    assert abs(row.figure - 0.9) < 0.05


@pytest.mark.parametrize("target", ["power=1.2", "power=1", "power=nan", "estimate=inf"])
def test_a_target_that_no_figure_can_have_is_refused(target: str) -> None:
    with pytest.raises(InputError, match="must"):
        calibrate(CARS1, {EFFECT: target}, replicates=16, n_jobs=1)
