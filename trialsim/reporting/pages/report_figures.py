"""The drawings of a report, by the section that they stand in."""

from dataclasses import replace
from typing import Final

import numpy as np

from trialsim.analysis.analyse import analyse
from trialsim.errors import RecruitmentError
from trialsim.questions.estimands.result import Estimands
from trialsim.questions.monitoring.bounds import bounds, bounds_by_effect
from trialsim.questions.what_if.what_if import WhatIf
from trialsim.reporting.consort.flow import flow_of
from trialsim.reporting.evidence.evidence import Evidence
from trialsim.reporting.evidence.published import published_estimate
from trialsim.reporting.figures.canvas.trials import trials_of
from trialsim.reporting.figures.of_designs.estimate import estimate_figure
from trialsim.reporting.figures.of_designs.tornado import tornado_figure
from trialsim.reporting.figures.of_designs.truths import truths_figure
from trialsim.reporting.figures.of_looks.boundaries import boundaries_figure
from trialsim.reporting.figures.of_looks.expected_size import expected_size_figure
from trialsim.reporting.figures.of_looks.patients import patients_figure
from trialsim.reporting.figures.of_looks.stopping import stopping_figure
from trialsim.reporting.figures.of_trials.adherence import adherence_figure
from trialsim.reporting.figures.of_trials.chairs import chairs_figure
from trialsim.reporting.figures.of_trials.distribution import distribution_figure
from trialsim.reporting.figures.of_trials.effects import effects_figure
from trialsim.reporting.figures.of_trials.mean_scores import mean_scores_figure
from trialsim.reporting.figures.of_trials.population import has_table, population_figure
from trialsim.reporting.figures.of_trials.recruitment import recruitment_figure
from trialsim.reporting.figures.of_trials.subgroups import has_subgroups, subgroups_figure
from trialsim.reporting.pages.page_figures import drawn, flow_drawn
from trialsim.reporting.tables.page import Figure
from trialsim.scenario.programme import single_trial
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.trial import Engine, simulate_batch

TRIALS_SHOWN: Final = 128
"""Trials behind the average flow and the fan of recruitment; fewer where the run has fewer."""
PATHS_SHOWN: Final = 10
"""Numbers whose change is drawn: those that move the estimate most."""


def figures_of(evidence: Evidence) -> dict[str, list[Figure]]:
    """Return the figures of each section of a report, none where there is nothing to draw."""
    return {
        "answer": _estimates(evidence),
        "resources": _average(evidence),
        "estimands": _truths(evidence.estimands),
        "looks": _looks(evidence),
        "sensitivity": _tornado(evidence.what_if_result),
        "examples": _example(evidence),
    }


def _estimates(evidence: Evidence) -> list[Figure]:
    if not np.isfinite(evidence.result.columns["estimate"]).any():
        return []
    published = published_estimate(single_trial(evidence.run.manifest.scenario))
    return [drawn("estimates", estimate_figure(evidence.result, published))]


def _average(evidence: Evidence) -> list[Figure]:
    """Return what is drawn of the first trials together, none where all of those failed."""
    manifest = evidence.run.manifest
    first = range(min(TRIALS_SHOWN, evidence.result.replicates))
    return average_figures(single_trial(manifest.scenario), manifest.seed, first, manifest.engine)


def average_figures(
    scenario: Scenario, seed: int, replicates: range, engine: Engine = "auto"
) -> list[Figure]:
    """Return the fan of recruitment and the average flow of trials, none where all of them failed.

    Of patients who are drawn from a table also how they are distributed.
    """
    try:
        many = simulate_batch(scenario, Streams(seed, replicates), engine)
    except RecruitmentError:
        return []
    trials = trials_of(many)
    flow = flow_of(many, trials.tables)
    flow_figure = flow_drawn("average-flow", flow, scenario.monitoring is not None)
    figures = [drawn("recruitment", recruitment_figure(trials)), flow_figure]
    if has_table(trials):
        figures.append(drawn("population", population_figure(trials)))
    return figures


def _truths(found: Estimands | None) -> list[Figure]:
    return [] if found is None else [drawn("truths", truths_figure(found))]


def _looks(evidence: Evidence) -> list[Figure]:
    """Return what is drawn of the looks of the study, none where it has none."""
    result, scenario = evidence.result, single_trial(evidence.run.manifest.scenario)
    if scenario.monitoring is None:
        return []
    drawings = {
        "boundaries": boundaries_figure(bounds(scenario)),
        "stopping": stopping_figure(result),
        "patients-at-looks": patients_figure(result),
    }
    by_effect = bounds_by_effect(scenario)
    if len(by_effect.effects) > 1:
        drawings["expected-size"] = expected_size_figure(by_effect, result)
    return [drawn(name, drawing) for name, drawing in drawings.items()]


def _example(evidence: Evidence) -> list[Figure]:
    """Return what is drawn of the typical trial, none where it was not rebuilt."""
    trial = evidence.examples[0].trial if evidence.examples else None
    if trial is None:
        return []
    trials, analysis = trials_of(trial.batch), analyse(trial)
    flow = flow_of(trial.batch, trials.tables)
    drawings = {
        "example-scores": mean_scores_figure(trials),
        "example-distribution": distribution_figure(trials),
        "example-effects": effects_figure(analysis),
        "example-adherence": adherence_figure(trials),
    }
    if has_subgroups(analysis):
        drawings["example-subgroups"] = subgroups_figure(analysis)
    if trial.scenario.operations.infusion_chairs_per_site is not None:
        drawings["example-chairs"] = chairs_figure(trials)
    return [
        flow_drawn("example-flow", flow, trial.scenario.monitoring is not None),
        *(drawn(name, drawing) for name, drawing in drawings.items()),
    ]


def _tornado(what_if: WhatIf | None) -> list[Figure]:
    """Return the figure of what moves the estimate most, none where no number varies alone."""
    if what_if is None:
        return []
    base, *others = what_if.rows
    if not np.isfinite(base.means["estimate"].estimate):
        return []
    moved: dict[str, float] = {}
    for row in others:
        if len(row.alternative.changes) == 1:
            (path,) = row.alternative.changes
            change = abs(float(row.differences["estimate"].estimate))
            moved[path] = max(change, moved.get(path, 0.0))
    most = sorted(moved, key=lambda path: -moved[path])[:PATHS_SHOWN]
    rows = [row for row in others if len(row.alternative.changes) == 1]
    shown = [row for row in rows if next(iter(row.alternative.changes)) in most]
    if not shown:
        return []
    drawing = tornado_figure(replace(what_if, rows=(base, *shown)), "estimate")
    return [drawn("tornado", drawing)]
