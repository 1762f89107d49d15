"""One trial of a run, or one patient of it, as text."""

from math import isnan
from textwrap import wrap
from typing import Final

from trialsim.questions.monitoring.board import board
from trialsim.replicates.result import SIMULATED
from trialsim.reporting.text.board import board_text
from trialsim.runs.replay import Replay, Timeline
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.labels import in_words
from trialsim.scenario.words.values import unit_of

_WIDTH: Final = 100


def replay_text(title: str, replay: Replay) -> str:
    """Return the numbers of a rebuilt replicate, which are those that the run saved.

    Of a study with looks its own result and what its board saw come first.
    """
    lines = [
        f"{title}\nreplicate {replay.replicate} of seed {replay.seed}, rebuilt: every number is "
        f"bit-identical to that of the run\n{SIMULATED}\n"
    ]
    if replay.failure is not None:
        reason = replay.failure.traceback or replay.failure.reason
        return "\n".join([*lines, "The replicate failed, then as now:", reason])
    if replay.trial is not None and replay.trial.scenario.monitoring is not None:
        lines += [board_text(board(replay.trial)), "What follows is of the trial as it ended.\n"]
    lines += [f"{name:20} {value:12.6g}" for name, value in replay.numbers.items()]
    return "\n".join(lines)


def timeline_text(patient: Timeline, scenario: Scenario) -> str:
    """Return a patient's course through the trial by day, and the scores in every arm."""
    names = {name: arm.label for name, arm in scenario.design.arms.items()}
    lines = [
        f"{scenario.title}\npatient {patient.patient} of replicate {patient.replicate}, seed "
        f"{patient.seed}: {in_words(patient.site)}, {names[patient.arm]}\n{SIMULATED}\n"
    ]
    labels = {name: one.label for name, one in scenario.population.covariates.items()}
    across = max(map(len, labels.values()))
    lines += [
        f"{labels[name]:{across}} {_shown(value)} {unit_of(name)}".rstrip()
        for name, value in patient.covariates.items()
    ]
    lines += ["", f"{'day':>5}  time"]
    lines += [
        line
        for one in patient.events
        for line in wrap(
            f"{one.day:5}  {one.time}  {in_words(one.event):16} {_detail(one.detail, scenario)}",
            _WIDTH,
            subsequent_indent=" " * 31,
        )
    ]
    for outcome, arms in patient.scores.items():
        visits = next(iter(arms.values()))
        width = max(len(names[arm]) for arm in arms)
        scale = scenario.outcomes[outcome]
        across = max(10, *(len(visit) + 2 for visit in visits))
        told = f"{scale.label} ({scale.unit}), potential outcomes in each arm with no visit missed:"
        lines += ["", *wrap(told, _WIDTH)]
        lines += [" " * width + "".join(f"{in_words(visit):>{across}}" for visit in visits)]
        lines += [
            f"{names[arm]:{width}}"
            + "".join(f"{_score(score):>{across}}" for score in scores.values())
            for arm, scores in arms.items()
        ]
    return "\n".join(lines)


def _detail(detail: str, scenario: Scenario) -> str:
    """Return what is known of an event, arms and outcomes by their labels, scores in their unit."""
    if detail in scenario.design.arms:
        return scenario.design.arms[detail].label
    told = []
    for part in detail.split(", "):
        name, _, score = part.rpartition(" ")
        if name in scenario.outcomes:
            outcome = scenario.outcomes[name]
            part = f"{outcome.label} {score} {outcome.unit.replace('points', '')}".rstrip()
        told.append(in_words(part))
    return "; ".join(told) if len(told) > 2 else ", ".join(told)


def _score(score: float) -> str:
    """Return a score, or a dash where the visit does not have it."""
    return "-" if isnan(score) else f"{score:g}"


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else in_words(str(value))
