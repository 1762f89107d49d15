"""Operational qualification: known answers, and ways to compute that must agree to the bit."""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, Final

from trialsim.compiled.library import NUMPY, builds_here, computed_by
from trialsim.questions.power import power
from trialsim.replicates.result import PowerResult
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.validation.checks import Check, compared, noted

_FEW: Final = 24
"""Replicates of each comparison of two ways to compute."""


def operation_checks() -> Iterator[Check]:
    """Yield known answers, and whether two ways to compute give the same bits."""
    known = known_answers()
    for word in known["words"]:
        yield _word(word)
    for answer in known["powers"]:
        yield from _power(answer)
    study = load_study("cars1").replace({"design.patients": 40})
    vector = power(study, _FEW, n_jobs=1, engine="vector")
    yield _same("engines", "Event engine and vector engine", vector, study, engine="events")
    yield from _builds(vector, study)
    yield _same("batches", "Batches of 64 and of 7 replicates", vector, study, batch=7)
    yield _same("workers", "One worker and two", vector, study, n_jobs=2)
    chairs = load_study("cars1_chairs").replace({"design.patients": 40})
    waiting = power(chairs, _FEW, n_jobs=1)
    yield _same("workers_events", "The same, with patients who wait", waiting, chairs, n_jobs=2)


def known_answers() -> Any:
    """Return random words by their address, and powers with the digest of their study."""
    text = files("trialsim.validation").joinpath("known_answers.json").read_text(encoding="utf-8")
    return json.loads(text)


def _word(known: dict[str, Any]) -> Check:
    """Check a random number of an address, Philox 4x64-10."""
    replicate, unit = known["replicate"], known["unit"]
    streams = Streams(known["seed"], range(replicate, replicate + 1))
    found = streams.words(known["purpose"], unit + 1, known["draw"])[0, unit]
    address = ", ".join(
        str(known[part]) for part in ("seed", "purpose", "replicate", "draw", "unit")
    )
    what = f"Random word at the address ({address})"
    return compared("operation", "word", what, known["word"], f"{found:#010x}")


def _power(known: dict[str, Any]) -> Iterator[Check]:
    """Check the digest of a study, and how many of its trials reject."""
    study = load_study(known["study"])
    assert isinstance(study, Scenario)
    study = study.replace(known["changes"])
    name, what = known["study"], f"{known['study']}, {known['replicates']:,} trials"
    yield compared("operation", name, f"{what}: digest", known["digest"], study.digest)
    found = power(study, known["replicates"], known["seed"], n_jobs=1)
    rejected = round(found.power * found.replicates)
    yield compared("operation", name, f"{what}: rejections", known["rejections"], rejected)


def _builds(one: PowerResult, study: Scenario) -> Iterator[Check]:
    """Check that every build that can compute here gives the same bits as the one that does."""
    builds = builds_here()
    if builds == (NUMPY,):
        yield noted("operation", "builds", "Builds, compiled", "none here: NumPy computes")
    for build in builds if len(builds) > 1 else ():
        with computed_by(build):
            yield _same("builds", f"Build {build} and the one that computes", one, study)


def _same(name: str, what: str, one: PowerResult, study: Scenario, **ways: Any) -> Check:
    """Check that another way to run a study gives every replicate the same bits."""
    other = power(study, _FEW, **{"n_jobs": 1, **ways})
    same = one.to_frame().equals(other.to_frame())
    told = f"the same {_FEW} replicates to the bit"
    found = told if same else "replicates that differ"
    return compared("operation", name, what, told, found)
