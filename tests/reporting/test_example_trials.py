"""Examples are trials of the run, of each verdict that there is."""

import numpy as np

from trialsim.analysis.analyse import analyse
from trialsim.reporting.evidence import Evidence


def test_examples_are_typical_low_and_high(evidence: Evidence) -> None:
    estimates = evidence.result.columns["estimate"]
    known = estimates[np.isfinite(estimates)]
    found = {one.why: one.numbers["estimate"] for one in evidence.examples}
    for why, share in (
        ("a typical trial", 0.5),
        ("a low estimate", 0.05),
        ("a high estimate", 0.95),
    ):
        below = float(np.mean(known < found[why]))
        assert abs(below - share) < 0.01, why


def test_both_verdicts_are_shown_where_both_occur(evidence: Evidence) -> None:
    assert {one.numbers["rejected"] for one in evidence.examples} == {0.0, 1.0}


def test_an_example_built_again_says_what_the_run_kept(evidence: Evidence) -> None:
    for one in evidence.examples:
        assert one.trial is not None
        assert analyse(one.trial).estimate == one.numbers["estimate"]
