"""Why a simulation may be relied on: what ICH M15 asks, in the author's words and by this report.

ICH M15: General Principles for Model-Informed Drug Development (2026), on the assessment of a
model: question of interest, context of use, influence, consequence of a wrong decision, evaluation.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from trialsim.reporting.evidence.evidence import Evidence
from trialsim.reporting.tables.page import Cell, Table, TableRow
from trialsim.scenario.programme import single_trial
from trialsim.scenario.words.labels import in_words

_ASKED = {
    "question": "Question of interest",
    "context_of_use": "Context of use",
    "influence": "Influence of the simulation on the decision",
    "consequence": "Consequence of a wrong decision",
}


def credibility_table(evidence: Evidence, question: str = "") -> Table:
    """Return what is asked of a model that is relied on; the report's question is the author's."""
    given = single_trial(evidence.run.manifest.scenario).report.credibility
    rows = [
        (asked, _words(getattr(given, name) or (question if name == "question" else ""), name))
        for name, asked in _ASKED.items()
    ]
    rows += _evaluation(evidence)
    columns = ("What is asked", "Answer")
    caption = "What ICH M15 asks of a model that a decision relies on; the first four by the author"
    return Table(
        "credibility-table", caption, columns, [TableRow([Cell(name), told]) for name, told in rows]
    )


def _words(given: str, name: str) -> Cell:
    return Cell(given or f"Not said: report.credibility.{name} of the study can", kind="prose")


def _evaluation(evidence: Evidence) -> Iterator[tuple[str, Cell]]:
    """Yield what shows that the model is computed as it is written, and is like what is known."""
    yield (
        "Verification: is it computed as it is written?",
        Cell(
            "trialsim validate compares an installation with reference values of the literature "
            "and of other software; it is run apart from this report, by the versions given here",
            kind="prose",
            target="reproduction",
        ),
    )
    found = evidence.reproduction
    told = (
        "No published figure is compared with the simulation"
        if found is None
        else f"Of {len(found['rows'])} published figures: {_verdicts(found['rows'])}"
    )
    yield (
        "Validation: does it give what is known?",
        Cell(told, kind="prose", target="" if found is None else "published"),
    )
    varied = evidence.what_if is not None
    yield (
        "Uncertainty: what moves the answer?",
        Cell(
            "Each assumption was varied" if varied else "Assumptions were not varied",
            kind="prose",
            target="assumptions-varied" if varied else "assumptions",
        ),
    )


def _verdicts(rows: Any) -> str:
    """Return how many figures have each verdict, as reproduction words it."""
    counts = Counter(row["verdict"] for row in rows)
    return ", ".join(f"{count} {in_words(verdict)}" for verdict, count in counts.items())
