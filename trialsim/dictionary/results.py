"""The columns of the table of each result, by the kind of the result."""

from collections.abc import Mapping
from typing import Final

from trialsim.dictionary.column import Column

_SHARE: Final = "proportion, 0 to 1"
_OF_THE_QUANTITY: Final = "that of the quantity"
_SUMMARY: Final[Mapping[str, Column]] = {
    "quantity": Column("Operating characteristic, as named in the JSON of the result"),
    "value": Column("Its mean over trials, or its share of them", _OF_THE_QUANTITY),
    "sd": Column("Standard deviation between trials; missing of a share", _OF_THE_QUANTITY),
    "mcse": Column("Monte Carlo standard error of the value", _OF_THE_QUANTITY),
    "low": Column("Lower end of a share's 95% Monte Carlo interval", _SHARE),
    "high": Column("Upper end of a share's 95% Monte Carlo interval", _SHARE),
}
_LEVEL: Final[Mapping[str, Column]] = {
    "estimate": Column("Trials that reject what is true", _SHARE),
    "alpha": Column("Level of the test", _SHARE),
    "true": Column("Hypotheses without effect, joined by semicolons"),
    "where": Column("What is otherwise than the study assumes"),
}
_AT_A_LOOK: Final[Mapping[str, Column]] = {
    "conditional_power": Column("Conditional power under the present estimate", _SHARE),
    "conditional_power_planned": Column("Conditional power under the planned effect", _SHARE),
    "predictive_power": Column("Predictive power", _SHARE),
}
_BOUNDS: Final[Mapping[str, Column]] = {
    "information": Column("Fisher information at the look"),
    "randomised": Column("Expected patients randomised by the decision", "patients"),
    "alpha_spent": Column("Level spent by then", _SHARE),
    **{
        f"{side}_{name}": column._replace(label=f"Bound for {side}: {column.label}")
        for side in ("efficacy", "futility", "harm")
        for name, column in _AT_A_LOOK.items()
    },
    **{
        f"{side}_p": Column(f"Bound for {side}: one-sided p-value", _SHARE)
        for side in ("efficacy", "futility", "harm")
    },
}
_BOARD: Final[Mapping[str, Column]] = {
    "name": Column("Look, as named in the study file"),
    "day": Column("Day of the data cut since the trial's first", "days"),
    "known": Column("Patients whose endpoint is known", "patients"),
    "randomised": Column("Patients randomised by the decision", "patients"),
    "analysed": Column("Patients analysed", "patients"),
    "estimate": Column("Estimate at the look", "that of the quantity which the analysis estimates"),
    "z": Column("Test statistic"),
    "efficacy_bound": Column("Bound for efficacy on the z statistic"),
    "futility_bound": Column("Bound for futility on the z statistic"),
    "decision": Column("What the board decides", codes="continue, or a stop and why"),
    "decided_day": Column("Day of the decision since the trial's first", "days"),
    **_AT_A_LOOK,
}
_REPRODUCTION: Final[Mapping[str, Column]] = {
    "name": Column("Finding, as named in the study file"),
    "label": Column("What was published"),
    "published": Column("Published figure", _OF_THE_QUANTITY),
    "decimals": Column("Decimals to which it was published"),
    "simulated": Column("Mean of the figure over simulated trials", _OF_THE_QUANTITY),
    "low": Column("Lower end of the central 95% of trials", _OF_THE_QUANTITY),
    "high": Column("Upper end of the central 95% of trials", _OF_THE_QUANTITY),
    "status": Column("Where the published figure is from", codes="published, derived"),
    "calibrated": Column("Whether a parameter was solved for it"),
    "explanation": Column("Why they differ"),
    "verdict": Column("What the comparison shows"),
}
_CALIBRATION: Final[Mapping[str, Column]] = {
    "path": Column("Path that is solved for"),
    "before": Column("Its value before", "that of the study file"),
    "value": Column("Its value that gives the target", "that of the study file"),
    "error": Column("Monte Carlo standard error of that value", "that of the study file"),
    "target": Column("What it is to give, in words"),
    "aim": Column("The target's value", _OF_THE_QUANTITY),
    "slope": Column("Change of the figure by one unit of the path"),
    "figure": Column("Figure at the value found", _OF_THE_QUANTITY),
    "confirmed": Column("Figure on fresh trials", _OF_THE_QUANTITY),
}
OF_RESULTS: Final[Mapping[str, Mapping[str, Column]]] = {
    "power": _SUMMARY,
    "level": _LEVEL,
    "bounds": _BOUNDS,
    "board": _BOARD,
    "reproduction": _REPRODUCTION,
    "calibration": _CALIBRATION,
    "comparison": {
        "path": Column("Path or quantity that differs"),
        "a": Column("Its value in the first study"),
        "b": Column("Its value in the second study"),
    },
    "disagreement": {
        "in_favour": Column("Trials of the programme in favour of the treated", "trials"),
        "share": Column("Replicates with so many of them", _SHARE),
    },
    "tipping": {
        "estimate": Column("Mean estimate, all patients imputed at that delta"),
    },
}
"""By kind, the name of which stands in `reporting/result_tables.py` beside the class."""
