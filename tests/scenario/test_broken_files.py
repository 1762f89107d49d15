"""Every wrong file in a list of wrong files is told all its problems, each at its place."""

import re
from pathlib import Path
from textwrap import dedent

import pytest

from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load

BROKEN = {
    "sizes": (
        """\
        extends: cars1
        design:
          patients: 1
          block_size: 3
          block_sise: 4
        """,
        [
            "3:3: design.patients: must be greater than or equal to 2 (got 1)",
            "4:3: design.block_size: must be a multiple of the sum of the arms' ratios, 2 (got 3)",
            "5:3: design.block_sise: is not known; did you mean block_size?",
        ],
    ),
    "arms": (
        """\
        extends: cars1
        design:
          arms:
            placebo: {dose_ml: 200, labl: Saline}
            cerebrolysin: {ratio: 0, dose_ml: -1}
          patients: 1.0
        """,
        [
            "4:15: design.arms.placebo.dose_ml: must not exceed volume_ml (got 200)",
            "4:29: design.arms.placebo.labl: is not known; did you mean label?",
            "5:20: design.arms.cerebrolysin.ratio: must be greater than or equal to 1 (got 0)",
            "5:30: design.arms.cerebrolysin.dose_ml: must be greater than or equal to 0 (got -1)",
            "6:3: design.patients: must be a whole number, without a decimal point (got 1.0)",
        ],
    ),
    "text_for_numbers": (
        """\
        extends: cars1
        design:
          patients: "208"
          block_size: true
        operations: {infusion_minutes: 60.5, clinic_opens_hour: no}
        analysis: {alpha: '0.05', continuity_correction: 1, alternative: two_sided}
        """,
        [
            '3:3: design.patients: must be a whole number (got "208")',
            "4:3: design.block_size: must be a whole number (got true)",
            "5:14: operations.infusion_minutes: must be a whole number, without a decimal point "
            "(got 60.5)",
            "5:38: operations.clinic_opens_hour: must be a number (got no)",
            '6:12: analysis.alpha: must be a number (got "0.05")',
            "6:27: analysis.continuity_correction: must be true or false (got 1)",
            "6:53: analysis.alternative: must be two-sided, greater or less (got two_sided)",
        ],
    ),
    "not_finite": (
        """\
        extends: cars1
        operations:
          visit_missed_probability: .nan
          recruitment_limit_days: .inf
          candidates_per_site_per_month: 1e999
        outcomes: {arat: {effect: {value: .nan}}}
        """,
        [
            "3:3: operations.visit_missed_probability: must be a finite number (got nan)",
            "4:3: operations.recruitment_limit_days: must be a finite number (got inf)",
            "5:3: operations.candidates_per_site_per_month: must be a finite number (got inf)",
            "6:28: outcomes.arat.effect.value: must be a finite number (got nan)",
        ],
    ),
    "operations": (
        """\
        extends: cars1
        operations:
          sites: {site_01: {activation_day: -1}, Site-2: {activation_day: 0}}
          clinic_closes_hour: 7
          infusion_chairs_per_site: 0
          withdrawal: {probability: 1.5, days: {distribution: exponential, mean: 0}}
          first_infusion_after_onset: {earliest_hours: 80}
          onset_to_arrival_hours: onset_hours
        """,
        [
            "3:21: operations.sites.site_01.activation_day: must be greater than or equal to 0 "
            "(got -1)",
            "3:42: operations.sites.Site-2: must be a name of lower case letters, digits and "
            "underscores (got Site-2)",
            "4:3: operations.clinic_closes_hour: must be at least a minute after "
            "clinic_opens_hour (got 7)",
            "5:3: operations.infusion_chairs_per_site: must be greater than or equal to 1 (got 0)",
            "6:16: operations.withdrawal.probability: must be less than or equal to 1 (got 1.5)",
            "6:68: operations.withdrawal.days.mean: must be greater than 0 (got 0)",
            "8:3: operations.onset_to_arrival_hours: must be a covariate that exists; did you mean "
            "onset_to_arrival_hours? (got onset_hours)",
            "base: operations.first_infusion_after_onset.latest_hours: must be after "
            "earliest_hours (got 72)",
        ],
    ),
    "distributions": (
        """\
        extends: cars1
        population:
          covariates:
            age_years:
              margin: {distribution: normol, mean: 60}
            sex:
              margin: {levels: {female: 0.5}}
            nihss:
              margin: {low: 31}
            arat:
              margin: {distribution: gamma, mean: 10}
            territory:
              margin: {low: 1}
        """,
        [
            "5:16: population.covariates.age_years.margin.distribution: must be one of constant, "
            "uniform, normal, lognormal, exponential, gamma, beta, logit_normal, bernoulli, "
            "categorical, discrete, by_level, course, table; did you mean normal? (got normol)",
            "7:7: population.covariates.sex.margin: probabilities must add to 1 (they add to "
            "1.139) (got a mapping)",
            "9:7: population.covariates.nihss.margin: low must be below high (31 and 30) "
            "(got a mapping)",
            "11:7: population.covariates.arat.margin.coefficient_of_variation: must be given: "
            "standard deviation divided by the mean, such as 0.8",
            "13:16: population.covariates.territory.margin.low: is not known; known here: "
            "distribution, levels",
        ],
    ),
    "correlation": (
        """\
        extends: cars1
        population:
          correlation:
            nihss: {arat: -1.5, nihss: 0.3, age: 0.1}
            arat: {nihss: 0.5}
        """,
        [
            "4:13: population.correlation.nihss.arat: must be greater than -1 (got -1.5)",
            "4:13: population.correlation.nihss.arat: must be written once: the pair stands in the "
            "other order too",
            "4:25: population.correlation.nihss.nihss: must not be written: a covariate's "
            "correlation with itself is 1 (got 0.3)",
            "4:37: population.correlation.nihss.age: must be a covariate that exists (got 0.1)",
        ],
    ),
    "correlation_by_pairs": (
        """\
        extends: cars1
        population:
          correlation:
            nihss: {nihss: 0.3, age: 0.1}
            arat: {nihss: 0.5}
        """,
        [
            "4:13: population.correlation.nihss.nihss: must not be written: a covariate's "
            "correlation with itself is 1 (got 0.3)",
            "4:25: population.correlation.nihss.age: must be a covariate that exists (got 0.1)",
            "base: population.correlation.nihss.arat: must be written once: the pair stands in "
            "the other order too (got -0.5)",
        ],
    ),
    "not_a_correlation": (
        """\
        extends: cars1
        population:
          correlation:
            nihss: {arat: -0.9}
            arat: {glasgow_coma_scale: -0.9}
        """,
        [
            "3:3: population.correlation: must make a positive definite matrix (got smallest "
            "eigenvalue -0.597)"
        ],
    ),
    "eligibility": (
        """\
        extends: cars1
        eligibility:
          inclusion:
            age: {covariate: age_year}
            sex: {label: Sex, covariate: sex, at_least: 3}
            woman: {label: Woman, covariate: sex, equals: femal}
            nothing: {label: Nothing, covariate: age_years}
            flag: {label: Flag, covariate: rapidly_improving, equals: 1}
            larger: {label: Larger, covariate: nihss, more_than: arats}
          exclusion:
            coma: {at_most: [6]}
            territory: {label: Twice, covariate: nihss, at_most: 3}
        """,
        [
            "4:11: eligibility.inclusion.age.covariate: must be a covariate that exists; did you "
            "mean age_years? (got age_year)",
            "5:39: eligibility.inclusion.sex.at_least: must be of a number, not of a level "
            "or a flag (got 3)",
            "6:43: eligibility.inclusion.woman.equals: must be a level that exists; did you mean "
            "female? (got femal)",
            "7:5: eligibility.inclusion.nothing: must say at_least, more_than, at_most, "
            "less_than, equals or one_of (got a mapping)",
            "8:55: eligibility.inclusion.flag.equals: must be true or false (got 1)",
            "9:47: eligibility.inclusion.larger.more_than: must be a covariate that exists; did "
            "you mean arat? (got arats)",
            "11:12: eligibility.exclusion.coma.at_most: must be a number or a text (got a list)",
            "12:5: eligibility.exclusion.territory: must not be an inclusion too (got territory)",
        ],
    ),
    "visits": (
        """\
        extends: cars1
        design:
          visits:
            baseline: {window_days: 1}
            day_7: {window_days: 7}
            day_90: {day: 45}
        analysis: {visit: day_9, endpoint: arat_total, control: cerebrolysin}
        """,
        [
            "3:3: design.visits: must begin with baseline, on day 0 after randomisation, without "
            "a window (got baseline)",
            "base: design.visits.day_7.day: must lie after the visit before it, windows included "
            "(got 7)",
            "base: design.visits.day_14.day: must lie after the visit before it, windows included "
            "(got 14)",
            "6:14: design.visits.day_90.day: must lie after the visit before it, windows included "
            "(got 45)",
            "7:12: analysis.visit: must be a visit that exists; did you mean day_90? (got day_9)",
            "7:26: analysis.endpoint: must be an endpoint that exists (got arat_total)",
            "7:48: analysis.control: must be another arm than treated (got cerebrolysin)",
        ],
    ),
    "analysis": (
        """\
        extends: cars1
        analysis:
          visit: day_9
          endpoint: arats
          control: cerebrolysin
          test: t_tset
          strata: site
          continuity_correction: true
          interval: delonge
          confidence: 1
        """,
        [
            "3:3: analysis.visit: must be a visit that exists; did you mean day_90? (got day_9)",
            "4:3: analysis.endpoint: must be an endpoint that exists; did you mean arat? "
            "(got arats)",
            "5:3: analysis.control: must be another arm than treated (got cerebrolysin)",
            "6:3: analysis.test.method: must be one of mann_whitney, exact_mann_whitney, "
            "permutation, re_randomisation, brunner_munzel, adjusted_rank, wei_lachin, obrien, "
            "win_statistic, t_test, welch, ancova, mmrm, weighted_mann_whitney, weighted_means, "
            "responders, proportional_odds, standardised_mann_whitney, log_rank, restricted_mean, "
            "interaction, mcp_mod, own; did you mean t_test? (got t_tset)",
            "8:3: analysis.continuity_correction: must be false with strata: van Elteren's test "
            "has no continuity correction (got true)",
            "9:3: analysis.interval: must be null_variance, delong, brunner-munzel, logit or "
            "newcombe (got delonge)",
            "10:3: analysis.confidence: must be less than 1 (got 1)",
        ],
    ),
    "names_of_the_analysis": (
        """\
        extends: cars1
        operations: {infusion_minutes: 0}
        analysis: {visit: day_9, endpoint: arats, control: cerebrolysin}
        """,
        [
            "2:14: operations.infusion_minutes: must be greater than or equal to 1 (got 0)",
            "3:12: analysis.visit: must be a visit that exists; did you mean day_90? (got day_9)",
            "3:26: analysis.endpoint: must be an endpoint that exists; did you mean arat? "
            "(got arats)",
            "3:43: analysis.control: must be another arm than treated (got cerebrolysin)",
        ],
    ),
    "outcome": (
        """\
        extends: cars1
        outcomes:
          arat:
            low: 60
            better: up
            course: {within_patient_correlation: 2, end_sd: -1}
            effect: {anchor: theta, value: 1.2, exposure: {model: emax, half_dose: 0}}
        """,
        [
            "base: outcomes.arat.high: must be above low (got 57)",
            "5:5: outcomes.arat.better: must be higher or lower (got up)",
            "6:14: outcomes.arat.course.within_patient_correlation: must be less than or equal to 1"
            " (got 2)",
            "6:45: outcomes.arat.course.end_sd: must be greater than 0 (got -1)",
            "7:29: outcomes.arat.effect.value: must lie between 0 and 1 for a theta (got 1.2)",
            "7:41: outcomes.arat.effect.exposure.full_dose: must be given: study drug that "
            "has the full effect, in the unit of the arms' doses, such as 630 mL",
            "7:65: outcomes.arat.effect.exposure.half_dose: must be greater than 0 (got 0)",
        ],
    ),
    "sources": (
        """\
        extends: cars1
        sources:
          design: {status: assumed}
          operations: {status: guessed, note: ''}
          treatment: {status: published}
          design.patients: {status: derived, reference: muresanu, noted: 1}
        """,
        [
            "3:3: sources.design.note: must give the reason for an assumption",
            "4:16: sources.operations.status: must be published, derived or assumed (got guessed)",
            '4:33: sources.operations.note: must have at least 1 character (got "")',
            "5:3: sources.treatment.reference: must be given for what is published",
            "6:38: sources.design.patients.reference: must be a reference that exists; did you "
            "mean muresanu2016? (got muresanu)",
            "6:59: sources.design.patients.noted: is not known; did you mean note?",
        ],
    ),
    "sources_of_nothing": (
        """\
        extends: cars1
        sources:
          design.patient: {status: assumed, note: a plan}
          eligibility.inclusion.agee: {status: assumed, note: a plan}
        """,
        [
            "3:3: sources.design.patient: must be a path that exists; did you mean "
            "design.patients?",
            "4:3: sources.eligibility.inclusion.agee: must be a path that exists; did you mean "
            "eligibility.inclusion.age?",
        ],
    ),
    "parts": (
        """\
        extends: cars1
        design: [1, 2]
        outcomes: 3
        treatment: null
        eligibility: {inclusion: {agee: null}}
        populations: {}
        """,
        [
            "2:1: design: must be a mapping of arms, patients, block_size, stratify_by, strata, "
            "randomisation, caps, visits "
            "(got a list)",
            "3:1: outcomes: must be a mapping (got 3)",
            "4:1: treatment: must be a mapping of infusions, rehabilitation, body_weight_kg, "
            "strength_mg_per_ml (got null)",
            "5:27: eligibility.inclusion.agee: must be a mapping of label, covariate, at_least, "
            "more_than, at_most, less_than, equals, one_of (got null)",
            "6:1: populations: is not known; did you mean population?",
        ],
    ),
    "schedules": (
        """\
        extends: cars1
        treatment:
          infusions: {per_cycle: 20, days: weekdays}
          rehabilitation:
            session_minutes: 0
            schedule: {per_cycle: 20, days: monday_to_friday, cycles: 2, cycle_every_days: 27}
        """,
        [
            "3:30: treatment.infusions.days: must be every_day, monday_to_friday or "
            "monday_and_thursday (got weekdays)",
            "5:5: treatment.rehabilitation.session_minutes: must be greater than or equal to 1 "
            "(got 0)",
            "6:66: treatment.rehabilitation.schedule.cycle_every_days: must be at least 28 days, "
            "the length of a cycle (got 27)",
        ],
    ),
    "rules_beside_wrong_fields": (
        """\
        extends: cars1
        design:
          block_size: 3
          visits: {day_7: {window_days: -1}, day_42: {day: 20, after: randomisation}}
        analysis: {endpoint: arta, visit: day_91, alternative: both, control: cerebrolysin}
        """,
        [
            "3:3: design.block_size: must be a multiple of the sum of the arms' ratios, 2 (got 3)",
            "4:20: design.visits.day_7.window_days: must be greater than or equal to 0 (got -1)",
            "4:47: design.visits.day_42.day: must lie after the visit before it, windows included "
            "(got 20)",
            "5:12: analysis.endpoint: must be an endpoint that exists; did you mean arat? "
            "(got arta)",
            "5:28: analysis.visit: must be a visit that exists; did you mean day_90? (got day_91)",
            "5:43: analysis.alternative: must be two-sided, greater or less (got both)",
            "5:62: analysis.control: must be another arm than treated (got cerebrolysin)",
        ],
    ),
    "secondary_analyses": (
        """\
        extends: cars1
        outcomes: 3
        analysis:
          strata: nowhere
          secondary:
            one: {alpha: 2, visit: day_8, test: welch}
            two: {test: rank, missing: worst_rank}
            day_90: {visit: day_9}
        """,
        [
            "2:1: outcomes: must be a mapping (got 3)",
            "4:3: analysis.strata: must be none, site or design (got nowhere)",
            "6:5: analysis.secondary.one.death: cannot be worst_rank with welch, which needs a "
            "number: use as_missing (got worst_rank)",
            "6:11: analysis.secondary.one.alpha: must be less than 0.5 (got 2)",
            "6:21: analysis.secondary.one.visit: must be a visit that exists; did you mean day_7? "
            "(got day_8)",
            "7:11: analysis.secondary.two.test.method: must be one of mann_whitney, "
            "exact_mann_whitney, permutation, re_randomisation, brunner_munzel, adjusted_rank, "
            "wei_lachin, obrien, win_statistic, t_test, welch, ancova, mmrm, "
            "weighted_mann_whitney, weighted_means, responders, proportional_odds, "
            "standardised_mann_whitney, log_rank, restricted_mean, interaction, mcp_mod, own; "
            "did you mean log_rank? (got rank)",
            "8:5: analysis.secondary.day_90: must not bear the name of a visit, whose analysis is "
            "so called",
            "8:14: analysis.secondary.day_90.visit: must be a visit that exists; did you mean "
            "day_90? (got day_9)",
        ],
    ),
    "sources_beside_a_wrong_one": (
        """\
        extends: cars1
        design: {patients: many}
        references: {guide: 3}
        sources:
          design: {status: guessed}
          design.patients: {status: assumed, note: a plan}
          design.patents: {status: assumed, note: a plan}
          operations: {status: published, reference: guid}
          treatment: {status: published, reference: guide}
        """,
        [
            "2:10: design.patients: must be a whole number (got many)",
            "3:14: references.guide: must be a text (got 3)",
            "5:12: sources.design.status: must be published, derived or assumed (got guessed)",
            "7:3: sources.design.patents: must be a path that exists; did you mean "
            "design.patients?",
            "8:35: sources.operations.reference: must be a reference that exists; did you mean "
            "guide? (got guid)",
        ],
    ),
    "a_wrong_scale_with_a_wrong_baseline": (
        """\
        extends: cars1
        population:
          covariates:
            arat: {margin: {distribution: gamma, mean: 3, coefficient_of_variation: 1}}
            nihss: {label: ''}
        outcomes: {arat: {low: 60, effect: {value: 3}}}
        """,
        [
            "4:5: population.covariates.arat: whole goes with a uniform, normal or beta margin, or "
            "with a table",
            '5:13: population.covariates.nihss.label: must have at least 1 character (got "")',
            "6:37: outcomes.arat.effect.value: must lie between 0 and 1 for a theta (got 3)",
            "base: outcomes.arat.high: must be above low (got 57)",
        ],
    ),
    "wrong_only_when_it_runs": (
        """\
        extends: cars1
        population:
          covariates:
            onset_to_arrival_hours: {margin: {distribution: normal, mean: 10, sd: 5}}
        operations:
          refusal_probability: {distribution: normal, mean: 5, sd: 1}
          screening_hours: {distribution: uniform, low: -3, high: 4}
          withdrawal: {days: {distribution: normal, mean: 3, sd: 1}}
          infusion_minutes: 0
        eligibility:
          inclusion:
            age: {at_least: 90, at_most: 50}
            grade: {label: A grade, covariate: nihss, more_than: 5, less_than: 5}
        """,
        [
            "4:30: population.covariates.onset_to_arrival_hours.margin: must give nothing below 0 "
            "(its values begin at -inf)",
            "6:3: operations.refusal_probability: must lie within 0 and 1 for every patient, not "
            "within -inf and inf",
            "7:3: operations.screening_hours: must give nothing below 0 (its values begin at -3)",
            "8:16: operations.withdrawal.days: must give nothing below 0 (its values begin at "
            "-inf)",
            "9:3: operations.infusion_minutes: must be greater than or equal to 1 (got 0)",
            "12:25: eligibility.inclusion.age.at_most: must leave room above at_least, 90 (got 50)",
            "13:61: eligibility.inclusion.grade.less_than: must leave room above more_than, 5 "
            "(got 5)",
        ],
    ),
    "a_row_of_correlations_that_is_none": (
        """\
        extends: cars1
        population:
          correlation:
            systolic_mmhg: 3
            arat: {age: 0.1}
        """,
        [
            "4:5: population.correlation.systolic_mmhg: must be a mapping (got 3)",
            "5:12: population.correlation.arat.age: must be a covariate that exists (got 0.1)",
        ],
    ),
    "a_row_that_is_none_beside_right_ones": (
        """\
        extends: cars1
        population: {correlation: {systolic_mmhg: 3}}
        """,
        ["2:28: population.correlation.systolic_mmhg: must be a mapping (got 3)"],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_told_all_its_problems_in_the_order_of_the_file(
    name: str, tmp_path: Path
) -> None:
    text, told = BROKEN[name]
    path = tmp_path / f"{name}.yaml"
    path.write_text(dedent(text), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load(path)
    lines = str(caught.value).splitlines()
    found = [shortened(line, path) for line in lines]
    assert own_lines_first(found) == own_lines_first(told)


def shortened(line: str, path: Path) -> str:
    """Return a line without the name of the file, which is that of every problem.

    `base` stands for the place of what stands in the built-in study and no longer fits.
    """
    own = f"{path}:"
    assert line.startswith(own)
    elsewhere, times = re.subn(r"; it stands in cars1\.yaml, line \d+", "", line)
    return f"base: {elsewhere.split(': ', 1)[1]}" if times else line.removeprefix(own)


def own_lines_first(told: list[str]) -> list[str]:
    """Return the lines of the file itself in their order, then those of the base by their words."""
    base = [line for line in told if line.startswith("base: ")]
    return [line for line in told if line not in base] + sorted(base)
