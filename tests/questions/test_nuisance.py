"""The type I error is tried over what the null leaves open, and its largest has a bound."""

import json
from dataclasses import replace

import pytest
from scipy.stats import binomtest

import trialsim as ts
from trialsim.cli.app import run
from trialsim.questions.nuisance import AS_ASSUMED, Nuisance, nuisance_by, nuisance_variants
from trialsim.questions.type_one_error import without_effect
from trialsim.reporting.text.robustness import nuisance_text
from trialsim.runs.runner import Runner
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.programme import differences, value_at

FEW = 200


@pytest.fixture(scope="module")
def found() -> Nuisance:
    return ts.nuisance("cars1", replicates=FEW, n_jobs=1)


def test_each_row_changes_what_it_says_and_gives_no_arm_an_effect() -> None:
    cars1 = load("cars1")
    variants = nuisance_variants(cars1)
    null = variants.pop(AS_ASSUMED)
    assert null == without_effect(cars1)
    changed = {name: list(differences(null, one)) for name, one in variants.items()}
    course = "outcomes.arat.course.end_mean"
    assert changed["scores half an SD lower"] == [course]
    down, up = (
        value_at(variants[f"scores half an SD {way}"], course) for way in ("lower", "higher")
    )
    sd = value_at(null, "outcomes.arat.course.end_sd")
    assert (up - down) == pytest.approx(sd)
    assert changed["twice the candidates a month"] == ["operations.candidates_per_site_per_month"]
    assert len(variants["24 sites"].operations.sites) == 2 * len(null.operations.sites)
    for name, paths in changed.items():
        assert not [path for path in paths if path.endswith(("effect", "course_by_arm"))], name
    for one in variants.values():
        assert all(arm.doses == (0.0,) for arm in one.design.arms.values())


def test_who_leaves_may_differ_between_arms_whose_scores_do_not() -> None:
    study = load("cars1").replace({"operations.withdrawal.probability": 0.2})
    variant = nuisance_variants(study)["odds of leaving doubled on cerebrolysin"]
    result = ts.power(variant, replicates=400, seed=3, n_jobs=1)
    treated, control = (
        result.mean_of(f"{arm}_analysed").estimate for arm in ("treated", "control")
    )
    assert variant.operations.withdrawal.arms["cerebrolysin"].odds_ratio == 2.0
    assert variant.operations.death.arms == {}
    assert abs(treated - control) < 10  # last observations are carried forward
    assert abs(float(result.truth.estimate) - 0.5) < 4 * float(result.truth.mcse)


def test_shares_of_a_scale_keep_their_sum_as_their_odds_are_moved() -> None:
    """The oracle is the odds of a score above each cut, by hand."""
    rankin = load("cars1").replace({"analysis.endpoint": "mrs"})
    course = "outcomes.mrs.course.end"
    variants = nuisance_variants(rankin)
    before, after = (
        value_at(variants[name], course) for name in (AS_ASSUMED, "scores half an SD higher")
    )
    assert sum(after) == pytest.approx(1.0)
    for cut in range(1, len(before)):
        above, less = sum(before[cut:]), sum(after[cut:])
        if 0 < above < 1:
            assert less / (1 - less) == pytest.approx(2 * above / (1 - above))


def test_the_bound_is_the_largest_exact_limit_that_holds_for_all_rows(found: Nuisance) -> None:
    """The oracle is SciPy's interval of Clopper and Pearson, one-sided at 5% over all rows."""
    limits = []
    for row in found.rows.values():
        rejected = round(float(row.error.estimate) * FEW)
        level = 1 - 0.05 / len(found.rows)
        exact = binomtest(rejected, FEW, alternative="less").proportion_ci(level, method="exact")
        limits.append(exact.high)
    assert found.bound == pytest.approx(max(limits))
    assert found.bound > float(found.rows[found.worst].error.high)


def test_every_row_has_a_seed_of_its_own_and_the_first_that_of_the_type_one_error(
    found: Nuisance,
) -> None:
    seeds = [row.result.seed for row in found.rows.values()]
    assert len(set(seeds)) == len(seeds) == 11
    alone = ts.type_one_error("cars1", replicates=FEW, n_jobs=1)
    assert found.first.error == alone.error
    assert found.first.result.seed == alone.result.seed


def test_rows_above_the_level_are_named(found: Nuisance) -> None:
    strict = {name: replace(row, alpha=0.001) for name, row in found.rows.items()}
    low = [name for name, row in found.rows.items() if float(row.error.low) > 0.001]
    assert low
    assert Nuisance(strict).verdict.startswith(f"above 0.001 where {'; '.join(low)}: largest")
    assert found.verdict.startswith("not seen above 0.05: largest")


def test_the_text_has_every_row_and_so_has_the_json_of_the_command(
    capsys: pytest.CaptureFixture[str], found: Nuisance
) -> None:
    text = nuisance_text("CARS-1", found)
    assert all(name in text for name in found.rows)
    assert "with 95%" in text
    assert run(["nuisance", "cars1", "--replicates", str(FEW), "--jobs", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["simultaneous_bound"] == found.bound
    assert [row["type_one_error"] for row in told["rows"]] == [
        float(row.error.estimate) for row in found.rows.values()
    ]


def test_a_margin_is_where_the_type_one_error_of_a_claim_is_counted() -> None:
    claim = {"claim": "non_inferiority", "margin": 0.4, "interval": "delong"}
    claim |= {"alternative": "greater", "alpha": 0.025}
    study = load("cars1").replace({f"analysis.{name}": value for name, value in claim.items()})
    variants = nuisance_variants(study)
    assert variants[AS_ASSUMED] == study
    assert "odds of leaving doubled on placebo" in variants
    runner = Runner(7, 1)
    truth = nuisance_by(runner, {AS_ASSUMED: study}, FEW).first.result.truth
    assert abs(float(truth.estimate) - 0.4) < 5 * float(truth.mcse)
