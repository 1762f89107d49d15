"""One trial of a run, or one patient of it, as text."""

from math import isnan

from trialsim.replicates.result import SIMULATED
from trialsim.runs.replay import Replay, Timeline
from trialsim.scenario.words.labels import in_words


def replay_text(title: str, replay: Replay) -> str:
    """Return the numbers of a rebuilt replicate, which are those that the run saved."""
    lines = [
        f"{title}\nreplicate {replay.replicate} of seed {replay.seed}, rebuilt: every number is "
        f"bit-identical to that of the run\n{SIMULATED}\n"
    ]
    if replay.failure is not None:
        reason = replay.failure.traceback or replay.failure.reason
        return "\n".join([*lines, "The replicate failed, then as now:", reason])
    lines += [f"{name:20} {value:12.6g}" for name, value in replay.numbers.items()]
    return "\n".join(lines)


def timeline_text(title: str, patient: Timeline) -> str:
    """Return a patient's course through the trial by day, and the scores in every arm."""
    lines = [
        f"{title}\npatient {patient.patient} of replicate {patient.replicate}, seed "
        f"{patient.seed}: {in_words(patient.site)}, {in_words(patient.arm)}\n{SIMULATED}\n"
    ]
    lines += [f"{in_words(name):30} {_shown(value)}" for name, value in patient.covariates.items()]
    lines += ["", f"{'day':>5}  time"]
    lines += [
        f"{one.day:5}  {one.time}  {one.event:16} {one.detail}".rstrip() for one in patient.events
    ]
    for outcome, arms in patient.scores.items():
        visits = next(iter(arms.values()))
        width = max(map(len, arms))
        across = max(10, *(len(visit) + 2 for visit in visits))
        lines += ["", f"{in_words(outcome)}, potential outcomes in each arm with no visit missed:"]
        lines += [" " * width + "".join(f"{in_words(visit):>{across}}" for visit in visits)]
        lines += [
            f"{in_words(arm):{width}}"
            + "".join(f"{_score(score):>{across}}" for score in scores.values())
            for arm, scores in arms.items()
        ]
    return "\n".join(lines)


def _score(score: float) -> str:
    """Return a score, or a dash where the visit does not have it."""
    return "-" if isnan(score) else f"{score:g}"


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
