"""The power of a rank test by formula: reference patients, full exposure and no missing scores."""

from trialsim.scenario.outcomes.effects import control_cells, treated_cells
from trialsim.scenario.plan.methods.mann_whitney import MannWhitney
from trialsim.scenario.programme import Programme, Study
from trialsim.stats.planning.sample_size import happ
from trialsim.stats.planning.scale_effects import theta_of_cells


def closed_form_power(scenario: Study) -> float:
    """Return the power of the primary Mann-Whitney test by Happ et al. (2019).

    NaN for other tests, for several trials, where patients differ in course or effect, and where
    the formula is of another comparison: another visit than the effect's, a change from baseline, a
    dose for the control, a margin, or a test that looks for the control to be better.

    >>> import trialsim as ts
    >>> smaller = {"outcomes.arat.effect.value": 0.62}
    >>> round(closed_form_power(ts.load("cars1").replace(smaller)), 2)
    0.86
    """
    if isinstance(scenario, Programme):
        return float("nan")
    plan, arms = scenario.analysis, scenario.design.arms
    outcome = scenario.outcomes[plan.endpoint]
    alike = outcome.effect.subgroup is None and not outcome.course_by_arm
    same = (
        scenario.design.visits[plan.visit].day == outcome.course.end_day
        and plan.measure == "score"
        and plan.strata == "none"
        and plan.claim == "superiority"
        and plan.alternative != "less"
        and not any(arms[plan.control].doses)
    )
    treated_better = theta_of_cells(treated_cells(outcome), control_cells(outcome)) > 0.5
    if not (alike and same and treated_better and isinstance(plan.test, MannWhitney)):
        return float("nan")
    treated, control = arms[plan.treated].ratio, arms[plan.control].ratio
    cells = treated_cells(outcome), control_cells(outcome)
    compared = scenario.design.patients * (treated + control) / sum(scenario.design.ratios)
    planned = happ(*cells, treated / (treated + control))
    return float(planned.power(compared, plan.alpha, plan.sides))
