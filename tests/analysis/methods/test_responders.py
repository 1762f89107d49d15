"""Who responds on two scales at once is counted patient by patient."""

import numpy as np
import pytest

from trialsim.analysis.finding_figures import finding_figures
from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load
from trialsim.simulated import simulate

GUEKHT = load("guekht2011")


@pytest.mark.parametrize("arm", ["cerebrolysin", "placebo"])
def test_both_conditions_are_met_by_the_same_patient(arm: str) -> None:
    """Against the table of visits: last scores carried forward, those seen after baseline."""
    trial = simulate(GUEKHT, seed=11)
    found = finding_figures(trial.batch, GUEKHT.findings)
    visits = trial.tables()["visits"]
    visits = visits[visits["arm"] == arm]
    adas, cibic = (
        visits.pivot(index="subject", columns="visit", values=name).astype(float)
        for name in ("adas_cog_plus", "cibic_plus")
    )
    after = ["week_4", "week_16", "week_24"]
    seen = cibic[after].notna().any(axis=1)
    change = adas[["baseline", *after]].ffill(axis=1)["week_24"] - adas["baseline"]
    impression = cibic[after].ffill(axis=1)["week_24"]
    both = (change <= -4 + 1e-9) & (impression <= 3)
    name = {"cerebrolysin": "both_active", "placebo": "both_placebo"}[arm]
    assert found[name].item() == pytest.approx(both[seen].mean(), abs=1e-12)
    single = found[name.replace("both", "adas_responders")].item()
    assert found[name].item() <= single
    assert np.isfinite(single)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"outcome": "cibic"}, "besides.outcome: must be an outcome that exists; did you mean cib"),
        ({"measure": "change"}, "besides.measure: must be score: cibic_plus is not measured at"),
    ],
)
def test_a_second_condition_that_cannot_be_asked_is_refused(
    changes: dict[str, str], told: str
) -> None:
    path = "findings.both_active.of.besides"
    with pytest.raises(InputError) as refused:
        GUEKHT.replace({f"{path}.{name}": value for name, value in changes.items()})
    assert told in str(refused.value)


def test_a_second_condition_goes_with_a_share_alone() -> None:
    of = {"findings.both_active.of.figure": "mean", "findings.both_active.of.at_most": None}
    with pytest.raises(InputError, match=r"besides: must go with a share"):
        GUEKHT.replace(of)
