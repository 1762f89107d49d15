"""The page of one simulated trial: its design in words, its flow, its patients, its results."""

from collections.abc import Iterator
from typing import Final

from trialsim.analysis.analyse import Analysis, analyse
from trialsim.clock import DAY
from trialsim.questions.monitoring.board import Board, board
from trialsim.replicates.versions import versions_here
from trialsim.reporting.consort.flow import Flow, flow_of
from trialsim.reporting.figures.canvas.trials import trials_of
from trialsim.reporting.figures.of_trials.mean_scores import mean_scores_figure
from trialsim.reporting.figures.of_trials.subgroups import has_subgroups, subgroups_figure
from trialsim.reporting.figures.of_trials.times import has_times, times_figure
from trialsim.reporting.pages.page_figures import drawn, flow_drawn
from trialsim.reporting.pages.trial_baseline import baseline_table
from trialsim.reporting.pages.trial_conduct import chairs_table, infusions_table, recruitment_table
from trialsim.reporting.tables.analysis_tables import analyses_table, scores_tables
from trialsim.reporting.tables.board_table import looks_of_trial, own_result
from trialsim.reporting.tables.page import p_value, rendered
from trialsim.scenario.patients.eligibility import Rule
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.description import describe
from trialsim.scenario.words.labels import in_words
from trialsim.scenario.words.values import counted
from trialsim.simulated import SimulatedTrial

_SECTIONS: Final = ("Design", "Treatment", "Visits")
"""Those of the study's description that describe the design."""


def trial_page(trial: SimulatedTrial, command: str) -> str:
    """Return the page of a trial, whose numbers are those of its tables and of its analysis.

    Raises
    ------
    InputError
        If the extra `report` is not installed.
    """
    scenario, analysis, shown = trial.scenario, analyse(trial), trials_of(trial.batch)
    tables, flow = shown.tables, flow_of(trial.batch, shown.tables)
    seen = None if scenario.monitoring is None else board(trial)
    closed = int(tables["subjects"]["randomised_minute"].max())
    last_visit = int(tables["visits"]["due_minute"].max())
    content = {
        "scenario": scenario,
        "trial": trial,
        "engine": trial.batch.engine,
        "tiles": list(_headline(analysis, trial, seen, flow)),
        "looks": seen and looks_of_trial(seen),
        "own": seen and own_result(seen),
        "design": list(_design_words(scenario)),
        "inclusion": _rules(scenario.eligibility.inclusion),
        "exclusion": _rules(scenario.eligibility.exclusion),
        "flow": flow_drawn("flow", flow),
        "course": drawn("course", mean_scores_figure(shown)),
        "times": drawn("times", times_figure(shown)) if has_times(scenario) else None,
        "baseline": baseline_table(tables, scenario),
        "scores": scores_tables(analysis, scenario),
        "analyses": analyses_table(analysis, scenario),
        "subgroups": has_subgroups(analysis) and drawn("subgroups", subgroups_figure(analysis)),
        "conventions": analysis.conventions,
        "infusions": infusions_table(tables, scenario),
        "chairs": chairs_table(tables, scenario),
        "recruitment": recruitment_table(tables, scenario),
        "recruited_days": counted(closed // DAY, "days"),
        "last_visit_days": counted(last_visit // DAY, "days"),
        "command": command,
        "versions": versions_here(),
    }
    return rendered("trial.html", content)


def _headline(
    analysis: Analysis, trial: SimulatedTrial, seen: Board | None, flow: Flow
) -> Iterator[dict[str, str]]:
    """Yield the headline numbers: of a trial with looks those of its own result."""
    if seen is None:
        yield from _tiles(analysis, trial.scenario, flow)
        return
    level = f"{100 * trial.scenario.analysis.confidence:g}% interval"
    yield {
        "label": f"{analysis.primary.quantity}, with looks",
        "text": f"{seen.estimate:.3f}",
        "more": f"{level} {seen.low:.3f} to {seen.high:.3f}",
    }
    yield {
        "label": "Null hypothesis",
        "text": "rejected" if seen.rejects else "not rejected",
        "more": f"at {in_words(seen.looks[-1].name)}",
    }
    yield {
        "label": "Randomised",
        "text": f"{seen.patients:,}",
        "more": f"{seen.looks[-1].analysed:,} analysed at {in_words(seen.looks[-1].name)}",
    }


def _tiles(analysis: Analysis, scenario: Scenario, flow: Flow) -> Iterator[dict[str, str]]:
    """Yield the headline numbers."""
    found, plan = analysis.primary, scenario.analysis
    low, high = found.ci
    yield {
        "label": found.quantity,
        "text": f"{found.estimate:.3f}",
        "more": f"{100 * plan.confidence:g}% interval {low:.3f} to {high:.3f}",
    }
    verdict = "rejects" if found.rejected else "does not reject"
    yield {
        "label": "p-value",
        "text": p_value(found.p_value).text,
        "more": f"the test {verdict} at {plan.alpha:g}",
    }
    yield {
        "label": "Analysed",
        "text": f"{found.treated:,} and {found.control:,}",
        "more": f"{in_words(plan.treated)} and {in_words(plan.control)}",
    }
    assessed = flow.assessed.people.mean if flow.assessed.people else 0
    yield {
        "label": "Randomised",
        "text": f"{scenario.design.patients:,}",
        "more": f"of {assessed:,.0f} assessed for eligibility",
    }


def _design_words(scenario: Scenario) -> Iterator[str]:
    for section in describe(scenario).sections:
        if section.title in _SECTIONS:
            yield " ".join(section.words)


def _rules(rules: dict[str, Rule]) -> list[str]:
    return [rule.label for rule in rules.values()]
