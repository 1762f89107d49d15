"""Patients counted over the cells of a scale, in the strata of a plan."""

import numpy as np

from trialsim.analysis.data import Data
from trialsim.analysis.whole.covered import not_covered
from trialsim.scenario.files.yaml_file import load
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch


def test_strata_of_the_design_are_those_of_the_randomisation() -> None:
    """Sex and three classes of severity within each of two sites, counted one by one."""
    study = load("cars1").replace(
        {
            "design.patients": 60,
            "design.strata": {
                "severity": {"covariate": "nihss", "cuts": [8, 12]},
                "sex": {"covariate": "sex"},
            },
            "operations.sites": {"east": {"activation_day": 0}, "west": {"activation_day": 9}},
            "analysis.strata": "design",
            "analysis.secondary": {},
        }
    )
    trial = simulate_batch(study, Streams(1, range(4)))
    data = Data(trial, study.analysis)
    nihss, sex = data.covariates(["nihss", "sex"]).swapaxes(0, 1)
    stratum = trial.site * 6 + ((nihss >= 8).astype(int) + (nihss >= 12)) * 2 + sex
    treated, control = data.arms
    counts = data.counts
    assert counts.shape[1] == 12
    for one in range(12):
        for place, arm in enumerate((treated, control)):
            there = (stratum == one) & arm & data.values.analysed
            for replicate in range(4):
                cells = data.values.cell[replicate, there[replicate]]
                expected = np.bincount(cells.astype(int), minlength=counts.shape[-1])
                assert (counts[replicate, one, place] == expected).all()
    assert "analysis.strata" in set(not_covered(study))


def test_strata_of_a_design_by_site_are_its_sites() -> None:
    trials = [
        simulate_batch(load("cars1").replace({"analysis.strata": strata}), Streams(1, range(2)))
        for strata in ("site", "design")
    ]
    by_site, by_design = (Data(one, one.scenario.analysis).counts for one in trials)
    assert (by_site == by_design).all()
