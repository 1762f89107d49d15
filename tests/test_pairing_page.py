"""What the page on pairing says of ten kinds of change is what they are still worth.

Arms and sites are those of 32 trials, equivalent numbers those of 1,024: a quarter of the page's.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trialsim as ts
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch

PAGE = Path(__file__).resolve().parents[1] / "docs" / "pairing.md"
SEED = 77
TRIALS = 1_024
ONE_MORE = {"activation_day": 0.0}
CHANGES: dict[str, dict[str, Any]] = {
    "a late site (site 3 opens on day 60)": {"operations.sites.site_03.activation_day": 60},
    "age at most 75": {"eligibility.inclusion.age.at_most": 75},
    "candidates a month 3.6 to 5": {"operations.candidates_per_site_per_month": 5.0},
    "one more site": {"operations.sites.site_13": ONE_MORE},
    "block size 4 to 6": {"design.block_size": 6},
    "withdrawal 0.038 to 0.15": {"operations.withdrawal.probability": 0.15},
    "104 to 120 patients": {"design.patients": 120},
    "refusals, median 0.01 to 0.12": {"operations.refusal_probability.median": 0.12},
    "effect 0.65 to 0.68": {"outcomes.arat.effect.value": 0.68},
    "visits missed 0.02 to 0.10": {"operations.visit_missed_probability": 0.10},
}


def rows() -> dict[str, list[float]]:
    """Return, by change, what the page gives after: same arm, same site, and both equiv. n."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    cells = [line.strip("|").split("|") for line in lines if line.startswith("| ")][1:]
    return {name.strip(): [float(one) for one in numbers[1::2]] for name, *numbers in cells}


@pytest.fixture(scope="module")
def base() -> Scenario:
    """Return the study of the page."""
    study = ts.load("cars1").replace({"design.patients": 104, "outcomes.arat.effect.value": 0.65})
    assert isinstance(study, Scenario)
    return study


@pytest.fixture(scope="module")
def changed(base: Scenario) -> dict[str, Scenario]:
    """Return the study with each of the changes."""
    sites = {name: dict(site) for name, site in base.operations.sites.items()}
    more = base.replace({"operations.sites": {**sites, "site_13": ONE_MORE}})
    return {
        name: more if name == "one more site" else base.replace(changes)
        for name, changes in CHANGES.items()
    }


@pytest.fixture(scope="module")
def compared(base: Scenario, changed: dict[str, Scenario]) -> dict[str, Any]:
    """Return the row of each change in a what-if."""
    found = ts.what_if(
        base, variants=list(changed.values()), replicates=TRIALS, seed=SEED, n_jobs=1
    )
    return dict(zip(["base", *changed], found.rows, strict=True))


def test_the_page_has_the_changes_that_are_measured() -> None:
    assert list(rows()) == list(CHANGES)


@pytest.mark.parametrize("change", CHANGES)
def test_the_worth_of_pairing_is_that_of_the_page(change: str, compared: dict[str, Any]) -> None:
    """The tolerance is four standard errors of the count of trials whose conclusions differ."""
    *_, for_power, for_estimate = rows()[change]
    base, row = compared["base"], compared[change]
    shares = [float(one.power.estimate) for one in (base, row)]
    differing = TRIALS * sum(share * (1 - share) for share in shares) / for_power
    worth = float(row.difference.independent_replicates) / TRIALS
    assert worth == pytest.approx(for_power, rel=4 / np.sqrt(differing))
    errors = [float(one.means["estimate"].mcse) for one in (base, row)]
    paired = float(row.differences["estimate"].mcse)
    worth = sum(error**2 for error in errors) / paired**2
    assert worth == pytest.approx(for_estimate, rel=4 * np.sqrt(4 / TRIALS))


@pytest.mark.parametrize("change", CHANGES)
def test_arms_and_sites_are_kept_as_often_as_the_page_says(
    change: str, base: Scenario, changed: dict[str, Scenario]
) -> None:
    """Of those randomised in both designs; one trial's patients are a cluster: 0.05 allowed."""
    trials = [simulate_batch(one, Streams(SEED, range(32))) for one in (base, changed[change])]
    same_arm, same_site, both = 0, 0, 0
    for replicate in range(32):
        ours, theirs = (
            {
                int(person): (int(arm), int(site))
                for person, arm, site in zip(
                    trial.candidate[replicate],
                    trial.arms[replicate],
                    trial.site[replicate],
                    strict=True,
                )
            }
            for trial in trials
        )
        shared = ours.keys() & theirs.keys()
        both += len(shared)
        same_arm += sum(ours[person][0] == theirs[person][0] for person in shared)
        same_site += sum(ours[person][1] == theirs[person][1] for person in shared)
    arm, site, *_ = rows()[change]
    assert same_arm / both == pytest.approx(arm, abs=0.05)
    assert same_site / both == pytest.approx(site, abs=0.05 if site < 1 else 0.005)


def test_a_late_site_in_the_readme_is_worth_many_more_trials_unpaired() -> None:
    """The README's own what-if: thousands of trials of it are as good as tens of thousands."""
    readme = (PAGE.parents[1] / "README.md").read_text(encoding="utf-8")
    (line,) = (one for one in readme.splitlines() if one.startswith("Sites, site 03"))
    (trials,) = re.findall(r"each on the same ([\d,]+) simulated", readme)
    told = int(line.split()[-1].replace(",", "")) / int(trials.replace(",", ""))
    study = ts.load("cars1").replace({"outcomes.arat.effect.value": 0.62})
    found = ts.what_if(
        study,
        {"operations.sites.site_03.activation_day": [60]},
        replicates=TRIALS,
        seed=2016,
        n_jobs=1,
    ).rows[1]
    worth = float(found.difference.independent_replicates) / TRIALS
    differing = TRIALS * 2 * 0.82 * 0.18 / told
    assert worth == pytest.approx(told, rel=4 / np.sqrt(differing))
    assert worth > 5
