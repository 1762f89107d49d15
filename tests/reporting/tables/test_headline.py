"""What stands at the head of a report is what is known, and no number where nothing is."""

import trialsim as ts
from trialsim.reporting.tables.headline import headline


def test_a_number_that_no_trial_gives_is_a_dash() -> None:
    unseen = {"design.patients": 2, "operations.visit_missed_probability": 1.0}
    tiles = headline(ts.power(ts.load("cars1").replace(unseen), 4, 2016, n_jobs=1), None)
    told = {tile.label: tile for tile in tiles}
    assert (told["Power"].value, told["Power"].text) == (0.0, "0.000")
    assert (told["Bias"].value, told["Bias"].text, told["Bias"].error) == (None, "–", "no trial")
    assert "nan" not in str(tiles)
