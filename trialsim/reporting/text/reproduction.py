"""What was published beside what is simulated, and what numbers were solved for, as text."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import fill
from typing import Final

from trialsim.questions.calibration.calibrate import CalibrationResult
from trialsim.questions.calibration.reproduce import Reproduced, Reproduction, Verdict
from trialsim.replicates.result import SIMULATED
from trialsim.reporting.text.words import heading

_WIDTH: Final = 110
_IN_WORDS: Final[Mapping[Verdict, str]] = {
    "reproduced": "reproduced",
    "calibrated": "reproduced, calibrated to it",
    "typical": "typical of single trials",
    "not reproduced": "not reproduced",
}
LEGEND: Final = (
    "Reproduced: no more than rounding and two Monte Carlo errors lie between the published figure "
    "and the mean over simulated trials; where a number was solved for it, it is calibrated. What "
    "the note of a number says was set for a figure, as of patients at baseline, agrees of itself. "
    "Typical: the mean differs, but the central 95% of single trials hold the figure. Published "
    "figures are of one trial, with its own chance; those marked [derived] follow from what was "
    "published, those marked [assumed] are recalled or chosen, not verified."
)


def reproduction_text(results: Sequence[Reproduction]) -> str:
    """Return a table of findings for each study."""
    tables = ["\n".join(_table(result)) for result in results]
    return "\n\n".join([*tables, fill(LEGEND, _WIDTH)])


def verdict_in_words(row: Reproduced) -> str:
    """Return what is to be said of a figure, with its status where it was not published."""
    words = _IN_WORDS[row.verdict]
    return words if row.status == "published" else f"{words} [{row.status}]"


def _table(result: Reproduction) -> Iterator[str]:
    failed = f", {result.failed:,} failed" if result.failed else ""
    yield heading(
        result.title,
        f"{result.replicates:,} simulated trials{failed}; seed {result.seed}, scenario "
        f"{result.scenario} ({result.digest})",
    )
    width = max(len(row.label) for row in result.rows)
    yield (
        f"{'':{width}} {'published':>10} {'simulated':>10} {'MC error':>9} "
        f"{'95% of trials':>18}   verdict"
    )
    for row in result.rows:
        published, simulated, low, high = numbers_of(row)
        between = f"{low} to {high}"
        yield (
            f"{row.label:{width}} {published:>10} {simulated:>10} {_short(row.mcse):>9} "
            f"{between:>18}   {verdict_in_words(row)}"
        )
        for said in _said_below(row):
            yield fill(said, _WIDTH, initial_indent="    ", subsequent_indent="    ")


def numbers_of(row: Reproduced) -> tuple[str, str, str, str]:
    """Return the published figure, the simulated one and where trials fall, as text.

    The mean has one decimal more than was published.
    """
    published = f"{row.published:.{row.decimals}f}"
    low, high = (f"{end:.{row.decimals}f}" for end in (row.low, row.high))
    return published, f"{row.simulated:.{row.decimals + 1}f}", low, high


def _said_below(row: Reproduced) -> Iterator[str]:
    if row.calibrated:
        solved = " and ".join(row.calibrated)
        yield f"{solved} was solved for it{'' if row.verdict == 'calibrated' else ', in vain'}"
    if row.verdict in ("typical", "not reproduced") and row.explanation is not None:
        yield row.explanation
    elif row.verdict == "not reproduced":
        yield "why is not known"


def _short(error: float) -> str:
    """Return an error to two digits.

    >>> _short(0.000834), _short(0.5), _short(12.345)
    ('0.00083', '0.50', '12')
    """
    text = f"{error:#.2g}"
    return text.rstrip(".") if "e" not in text else f"{error:.6f}"


def reproduction_markdown(results: Sequence[Reproduction]) -> str:
    """Return one table of Markdown for all studies, and under it what its verdicts mean."""
    first = results[0]
    lines = [
        f"{first.replicates:,} simulated trials of each study, seed {first.seed}. {SIMULATED}",
        "",
        "| study | figure | published | simulated | MC error | 95% of trials | verdict |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    lines += [line for result in results for line in _markdown_rows(result)]
    return "\n".join([*lines, "", LEGEND])


def _markdown_rows(result: Reproduction) -> Iterator[str]:
    for row in result.rows:
        published, simulated, low, high = numbers_of(row)
        why = row.explanation if row.verdict in ("typical", "not reproduced") else None
        verdict = verdict_in_words(row) + (f": {why}" if why else "")
        cells = (
            f"`{result.scenario}`",
            row.label,
            published,
            simulated,
            _short(row.mcse),
            f"{low} to {high}",
            verdict,
        )
        yield f"| {' | '.join(cells)} |"


def calibration_text(result: CalibrationResult) -> str:
    """Say what was solved for, how surely, and what confirms it."""
    study = result.study
    lines = [
        heading(
            study.title,
            f"{result.replicates:,} simulated trials of each value, {result.simulated:,} in all; "
            f"seed {result.seed}, scenario {study.name} ({study.digest})",
        )
    ]
    for row in result.rows:
        lines += [
            f"{row.path}",
            f"  {'solved for':22} {row.target} = {row.aim:g}",
            f"  {'value':22} {row.value:.12g} (MC error {_short(row.error)}; it was "
            f"{row.before:.12g})",
            f"  {'simulated figure':22} {row.figure:.6g}",
            f"  {'confirmed':22} {row.confirmed:.6g} (MC error {_short(row.confirmed_mcse)}), on "
            f"other trials: seed {result.confirmation_seed}",
        ]
    return "\n".join([*lines, "", f"{result.seconds:.1f} s"])
