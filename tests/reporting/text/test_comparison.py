"""What is compared, sized and assured is said in lines that hold every number with its error."""

import trialsim as ts
from trialsim.questions.assurance.prior import normal_prior
from trialsim.reporting.text.comparison import assurance_text, size_text, what_if_text


def test_a_comparison_says_every_alternative_and_its_paired_error() -> None:
    base = ts.load("cars1").replace({"outcomes.arat.effect.value": 0.62})
    result = ts.what_if(base, {"design.patients": [60, 208]}, replicates=100, n_jobs=1)
    text = what_if_text("A title", result)
    assert text.startswith("A title\n2 alternatives to cars1")
    row = result.rows[1]
    assert f"{row.difference.estimate:+11.4f} {row.difference.low:+8.4f} - " in text
    assert f"{row.power.low:.4f}-{row.power.high:.4f} {row.wrong_direction.estimate:11.4f}" in text
    assert f"{row.differences['screened'].estimate:+10.2f}" in text
    assert "all agree" in text
    assert "\nPatients = 60 " in text
    assert "design.patients" not in text
    assert "simulated; nothing here is evidence" in text


def test_a_size_says_the_value_its_interval_and_what_confirms_it() -> None:
    strong = ts.load("cars1").replace({"outcomes.arat.effect.value": 0.8})
    result = ts.sample_size(strong, 0.8, replicates=100, n_jobs=1)
    text = size_text("A title", result)
    assert f"recommended            {result.value}\n" in text
    assert f"{result.low} to {result.high}" in text
    assert f"{result.power:.4f} (MCSE {result.mcse:.4f}" in text
    assert f"seed {result.confirmation_seed}" in text
    assert len([line for line in text.splitlines() if line.endswith(tuple("0123456789"))]) > 4


def test_an_assurance_says_the_probability_both_errors_and_where_an_estimate_lies() -> None:
    result = ts.assurance(ts.load("cars1"), normal_prior(0.62, 0.03), 64, strata=4, n_jobs=1)
    text = assurance_text("A title", result, observed=0.53)
    assert f"{result.probability:.4f} (95% {result.ci[0]:.4f} to {result.ci[1]:.4f}; MCSE" in text
    assert f"{result.mcse_draws:.4f} of effects drawn" in text
    assert f"at most 0.53                 {result.share_at_most(0.53).estimate:.4f}" in text
    assert "at most" not in assurance_text("A title", result)
    assert "A trial succeeds when it rejects in favour of the treated." in text


def test_a_harmful_effect_is_warned_of() -> None:
    harmful = {"outcomes.arat.effect.value": [0.3]}
    text = what_if_text("x", ts.what_if("cars1", harmful, replicates=20, n_jobs=1))
    assert "WARNING: Effect (Mann-Whitney) = 0.3: more trials reject in favour of the" in text
    assert "WARNING: base" not in text


def test_a_harmful_prior_is_warned_of() -> None:
    result = ts.assurance("cars1", normal_prior(0.3, 0.01), 32, strata=4, n_jobs=1)
    assert "WARNING: more trials reject in favour of the control" in assurance_text("x", result)
    helpful = ts.assurance("cars1", normal_prior(0.7, 0.01), 32, strata=4, n_jobs=1)
    assert "WARNING" not in assurance_text("x", helpful)


def test_ratios_that_a_mean_leaves_out_are_counted() -> None:
    """In trials of 8 patients under a large effect some arms are separated: odds are infinite."""
    odds = ts.load("cars1").replace({"analysis.effect": "win_odds", "design.patients": 8})
    study = odds.replace({"outcomes.arat.effect.value": 0.9})
    compared = ts.what_if(study, {"design.patients": [208]}, replicates=40, n_jobs=1)
    base, large = compared.rows
    found = ts.power(study, 40, n_jobs=1)
    assert base.without_logarithm == found.without_logarithm > 0
    assert base.to_dict()["without_logarithm"] == found.without_logarithm
    assert large.without_logarithm == 0
    told = f"base: in {base.without_logarithm:,} trials the ratio is 0 or infinite"
    assert told in what_if_text("x", compared)
    assured = ts.assurance(study, normal_prior(0.9, 0.01), 40, strata=4, n_jobs=1)
    assert assured.without_logarithm > 0
    assert f"in {assured.without_logarithm:,} trials the ratio" in assurance_text("x", assured)
