"""Bias of analyses by mechanism of missing scores: the table of docs/estimands.md.

    python -m benchmarks.missingness [REPLICATES]

Three in ten patients of `cars1_estimands` leave the trial, those on the drug with twice the odds:
whatever they score (completely at random), the sooner the lower the last score seen (at random), or
the sooner the lower the score that will not be seen (not at random).
"""

import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

import trialsim as ts
from trialsim.questions.estimands.result import Beside
from trialsim.scenario.programme import single_trial

REPLICATES: Final = 1_000
SEED: Final = 2016
SCENARIO: Final = "cars1_estimands"
LEAVES: Final[Mapping[str, Any]] = {
    "probability": 0.3,
    "days": {"distribution": "uniform", "low": 1, "high": 80},
    "arms": {"cerebrolysin": {"odds_ratio": 2}},
}
_BY_SCORE: Final = {"log_odds_per_unit": -0.08, "reference": 20}
MECHANISMS: Final[Mapping[str, Mapping[str, Any]]] = {
    "completely at random": {},
    "at random": {"scores": {"arat": {"seen": "last_observed", **_BY_SCORE}}},
    "not at random": {"scores": {"arat": {"seen": "unseen", **_BY_SCORE}}},
}


def studies() -> dict[str, ts.Scenario]:
    """Return the study under each mechanism."""
    study = single_trial(ts.load(SCENARIO))
    return {
        name: study.replace(
            {f"operations.withdrawal.{path}": value for path, value in {**LEAVES, **more}.items()}
        )
        for name, more in MECHANISMS.items()
    }


def biases(replicates: int = REPLICATES) -> dict[str, dict[str, Beside]]:
    """Return each analysis beside the estimand that it is for, by mechanism."""
    found = {}
    for name, study in studies().items():
        result = ts.estimands(study, replicates, SEED)
        found[name] = {one.analysis: one for one in result.matrix if one.is_named}
    return found


def table(found: Mapping[str, Mapping[str, Beside]]) -> Iterator[str]:
    """Yield the lines of the table, in Markdown."""
    yield f"| analysis | estimand | {' | '.join(found)} |"
    yield f"|---|---|{'---:|' * len(found)}"
    for analysis in next(iter(found.values())):
        cells = [one[analysis] for one in found.values()]
        told = (f"{one.bias.estimate:.4f} ({one.bias.mcse:.4f})" for one in cells)
        yield f"| `{analysis}` | `{cells[0].estimand}` | {' | '.join(told)} |"


def main() -> None:
    """Print the table."""
    given = int(sys.argv[1]) if len(sys.argv) > 1 else REPLICATES
    for line in table(biases(given)):
        print(line)


if __name__ == "__main__":
    main()
