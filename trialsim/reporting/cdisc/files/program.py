"""The program of an analysis: pandas and SciPy from ADEFF alone where they have the method.

Every other analysis is run by trialsim, from the study file that lies beside the datasets.
"""

from typing import Final

from trialsim import __version__
from trialsim.reporting.cdisc.adam.subject_level import treatments
from trialsim.reporting.cdisc.files.analyses import Analysed, value_of
from trialsim.reporting.cdisc.source import Source
from trialsim.scenario.plan.analysis_plan import AnalysisPlan

_READ: Final = """\
import numpy as np
import pandas as pd
from scipy import stats

rows = pd.read_sas("adeff.xpt", format="xport", encoding="ascii")
rows = rows[{conditions}]
treated, control = (rows[rows.TRTPN == arm] for arm in ({treated}, {control}))
x, y = {sign}treated.{value}, {sign}control.{value}
"""
_COMPUTED: Final = {
    "mann_whitney": """\
test = stats.mannwhitneyu(
    x, y, use_continuity={continuity}, alternative={alternative!r}, method="asymptotic"
)
effect = test.statistic / (len(x) * len(y))
estimate, p_value = {effect}, test.pvalue
""",
    "t_test": """\
estimate, p_value = x.mean() - y.mean(), stats.ttest_ind(x, y, alternative={alternative!r}).pvalue
""",
    "welch": """\
test = stats.ttest_ind(x, y, equal_var=False, alternative={alternative!r})
estimate, p_value = x.mean() - y.mean(), test.pvalue
""",
    "ancova": """\
values, arm = np.concatenate([x, y]), np.repeat([1.0, 0.0], [len(x), len(y)])
model = np.column_stack([np.ones(len(values)), arm, pd.concat([treated, control]).BASE])
fitted, rest, *_ = np.linalg.lstsq(model, values, rcond=None)
freedom = len(values) - 3
error = np.sqrt(rest[0] / freedom * np.linalg.inv(model.T @ model)[1, 1])
estimate, p_value = fitted[1], {tail}
""",
}
"""By the method of a plan; `x` and `y` are the values of the two arms, more being better."""
_EFFECTS: Final = {
    "mann_whitney": "effect",
    "win_odds": "effect / (1 - effect)",
    "net_benefit": "2 * effect - 1",
}
_TAILS: Final = {
    "two-sided": "2 * stats.t.sf(abs(fitted[1] / error), freedom)",
    "greater": "stats.t.sf(fitted[1] / error, freedom)",
    "less": "stats.t.cdf(fitted[1] / error, freedom)",
}
_RUN: Final = """\
import trialsim

trial = trialsim.simulate("../scenario.yaml", seed={seed}, replicate={replicate})
result = trialsim.analyse(trial).{which}
estimate, p_value = result.estimate, result.p_value
"""


def program(source: Source, one: Analysed) -> tuple[str, str]:
    """Return in what a program is written, and the program, which makes the numbers printed.

    It begins in the folder of the ADaM datasets, and ends with `estimate` and `p_value`.
    """
    plan = one.plan
    if not _is_simple(plan):
        which = "primary" if one.name == "primary" else f"secondary[{one.name!r}]"
        trial = source.trial
        said = _RUN.format(seed=trial.seed, replicate=trial.replicate, which=which)
        return f"Python, trialsim {__version__}", said
    arms = treatments(source)
    conditions = " & ".join(
        f"rows.{name}.isin({list(values)})" for name, values in one.where.items()
    )
    read = _READ.format(
        conditions=conditions,
        treated=arms[plan.treated][1],
        control=arms[plan.control][1],
        sign="-" if source.study.outcomes[plan.endpoint].sign < 0 else "",
        value=value_of(plan),
    )
    computed = _COMPUTED[plan.test.method].format(
        continuity=plan.continuity_correction,
        alternative=plan.alternative,
        effect=_EFFECTS.get(plan.effect, ""),
        tail=_TAILS[plan.alternative],
    )
    return "Python, pandas and SciPy", read + computed


def _is_simple(plan: AnalysisPlan) -> bool:
    """Return whether the flagged records and a method of SciPy are all that an analysis takes.

    A method that was given any choice of its own is not the one of SciPy.
    """
    test = plan.test
    known = test.method in _COMPUTED and test.model_fields_set <= {"method"}
    plain = plan.claim == "superiority" and plan.strata == "none"
    return (
        known
        and plain
        and plan.missing != "multiple_imputation"
        and (test.method != "mann_whitney" or plan.effect in _EFFECTS)
    )
