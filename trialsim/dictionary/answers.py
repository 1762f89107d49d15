"""The columns of tables that answer a question, and of those that figures are drawn from.

A table is known by its kind: the name of its figure, or of the command that it answers. What
stands for a column under no kind is the same in all of them.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final

from pandas import DataFrame

from trialsim.dictionary.column import Column, described
from trialsim.dictionary.results import OF_RESULTS
from trialsim.dictionary.trials import COLUMNS as OF_TRIALS

_SHARE: Final = "proportion, 0 to 1"
_OWN: Final = "that of the quantity which the analysis estimates"
_YES: Final = "1 yes, 0 no"
_ERROR: Final = "Monte Carlo standard error of"
_EVERYWHERE: Final[Mapping[str, Column]] = {
    "analysis": Column("Analysis, as named in the study file; primary is the primary one"),
    "arm": Column("Arm, as named in the study file"),
    "changes": Column("What differs from the base, path=value joined by semicolons"),
    "delta": Column("Points added to each imputed score", "points"),
    "digest": Column("Digest of the study, equal where studies are"),
    "duration_days": Column("Mean time from the first activation to the last visit", "days"),
    "effect": Column("True effect", _OWN),
    "engine": Column("Engine that simulated the trials", codes="events, vector"),
    "estimand": Column("Estimand, as named in the study file"),
    "estimate": Column("Mean estimate of the primary analysis", _OWN),
    "failed": Column("Trials that could not be finished", "trials"),
    "high": Column("Upper end of the 95% Monte Carlo interval"),
    "independent_replicates": Column(
        "Trials that independent runs would need for an error as small", "trials"
    ),
    "infusions_given": Column("Mean number of infusions given in a trial", "infusions"),
    "look": Column("Interim look, as named in the study file; final is the last analysis"),
    "low": Column("Lower end of the 95% Monte Carlo interval"),
    "mcse": Column("Monte Carlo standard error"),
    "name": Column("Name of the base or of what is compared with it"),
    "patients": Column("Patients", "patients"),
    "patients_saved": Column(
        "Patients that the analysis saves: 1 less the ratio of variances of estimates", _SHARE
    ),
    "power": Column("Trials that reject in favour of the treated", _SHARE),
    "quantity": Column("What the analysis estimates"),
    "replicates": Column("Simulated trials", "trials"),
    "scenario": Column("Name of the study"),
    "screened": Column("Mean number of candidates screened in a trial", "candidates"),
    "share": Column("Information at the look, of that planned at the end", _SHARE),
    "smoothed": Column("Trials that succeed under the effect, smoothed over effects", _SHARE),
    "tipped": Column("Trials whose conclusion differs from that at the first delta", _SHARE),
    "trials": Column("Simulated trials", "trials"),
    "visit": Column("Planned visit, as named in the study file"),
    "without_logarithm": Column("Trials left out, whose ratio is 0 or infinite", "trials"),
    "wrong_direction": Column("Trials that reject in favour of the control", _SHARE),
}
_DIFFERENCES: Final[Mapping[str, Column]] = {
    "value": Column("Value of the compared quantity"),
    "difference": Column("Difference from the base, paired trial by trial"),
    "mcse": Column("Monte Carlo standard error of the difference"),
    "low": Column("Lower end of the difference's 95% Monte Carlo interval"),
    "high": Column("Upper end of the difference's 95% Monte Carlo interval"),
    "unpaired_low": Column("Lower end of that interval, if both were run independently"),
    "unpaired_high": Column("Upper end of that interval, if both were run independently"),
}
_BY_VALUE: Final[Mapping[str, Column]] = {
    "value": Column("Value of the path that is varied, in the unit of the study file"),
    "low": Column("Lower end of the power's 95% Monte Carlo interval", _SHARE),
    "high": Column("Upper end of the power's 95% Monte Carlo interval", _SHARE),
    "mcse": Column(f"{_ERROR} the power", _SHARE),
    "closed_form": Column("Power by a closed form, where there is one", _SHARE),
}
_OF: Final[Mapping[str, Mapping[str, Column]]] = {
    **OF_RESULTS,
    "what_if": {
        "mcse": Column(f"{_ERROR} the power", _SHARE),
        "low": Column("Lower end of the power's 95% Monte Carlo interval", _SHARE),
        "high": Column("Upper end of the power's 95% Monte Carlo interval", _SHARE),
        "difference": Column("Power less that of the base, paired trial by trial", "proportion"),
    },
    "size": _BY_VALUE,
    "assurance": {
        "part": Column(
            "What the row is of",
            codes="prior: an interval of effects; success: one effect drawn from the prior",
        ),
        "low": Column("Lower end of the interval of effects, or the effect", _OWN),
        "high": Column("Upper end of the interval of effects, or the effect", _OWN),
        "value": Column("Share of the prior, or of trials that succeed", _SHARE),
        "mcse": Column(f"{_ERROR} the share of trials that succeed", _SHARE),
        "power": Column("Trials that succeed under the effect", _SHARE),
    },
    "estimate": {
        "low": Column("Lower end of the bin of estimates", _OWN),
        "high": Column("Upper end of the bin of estimates", _OWN),
        "trials": Column("Trials whose estimate is in the bin", "trials"),
        "rejecting": Column("Those that reject in favour of the treated", "trials"),
    },
    "what-if": _DIFFERENCES,
    "tornado": {
        **_DIFFERENCES,
        "path": Column("Path that is varied alone"),
        "setting": Column("Value of the path"),
        "side": Column("Where that value lies", codes="lower, higher, other than the base's"),
        "swing": Column("Distance that the path's values span, the base among them"),
    },
    "curve": _BY_VALUE,
    "tipping-point": {
        "low": Column("Lower end of the trial's confidence interval", _OWN),
        "high": Column("Upper end of the trial's confidence interval", _OWN),
        "p_value": Column("P-value of the trial", _SHARE),
        "favoured": Column("Whether the trial rejects in favour of the treated", codes=_YES),
    },
    "estimands": {
        "of": Column("Analysis that is for the estimand, or the true value"),
        "value": Column("True value, or mean estimate of the analysis", _OWN),
    },
    "missingness": {
        "variant": Column("Name of the base or of what is compared with it"),
        "affected": Column(
            "Patients alive at the visit whose score is missing or follows an event", _SHARE
        ),
        "truth": Column("True value of the estimand", _OWN),
        "bias": Column("Mean estimate less the true value of the estimand", _OWN),
        "rmse": Column("Root of the mean squared distance from the true value", _OWN),
        "coverage": Column("Intervals that hold the true value", _SHARE),
        "is_named": Column("Whether the analysis is for the estimand by its own word"),
        "is_aligned": Column("Whether it handles each kind of event as the estimand does"),
        "mcse": Column(f"{_ERROR} the bias", _OWN),
        "low": Column("Lower end of the bias's 95% Monte Carlo interval", _OWN),
        "high": Column("Upper end of the bias's 95% Monte Carlo interval", _OWN),
    },
    "effects": {
        "null": Column("Value of the quantity when the arms do not differ", _OWN),
        "estimate": Column("Estimate of the trial", _OWN),
        "low": Column("Lower end of the planned confidence interval", _OWN),
        "high": Column("Upper end of the planned confidence interval", _OWN),
        "statistic": Column("Statistic of the test"),
        "p_value": Column("P-value", _SHARE),
        "adjusted_p_value": Column("P-value adjusted by the plan's procedure", _SHARE),
        "rejected": Column("Whether the null hypothesis is rejected"),
        "treated": Column("Patients of the treated arm who are analysed", "patients"),
        "control": Column("Patients of the control arm who are analysed", "patients"),
    },
    "subgroups": {
        "subgroup": Column("Those who are analysed"),
        "analysis": Column("The analysis that the estimate is of"),
        "treated": Column("Patients of the treated arm who are analysed", "patients"),
        "control": Column("Patients of the control arm who are analysed", "patients"),
        "estimate": Column("Estimate of the trial in the subgroup", _OWN),
        "low": Column("Lower end of the planned confidence interval", _OWN),
        "high": Column("Upper end of the planned confidence interval", _OWN),
        "interaction": Column("The test of interaction that compares the row", codes="0: none"),
        "p_value": Column("P-value of the interaction", _SHARE),
        "trials": Column("Trials with an estimate in the subgroup", "trials"),
        "mean": Column("Mean estimate over trials, of a ratio the geometric one", _OWN),
        "mcse": Column(f"{_ERROR} the mean", _OWN),
        "low_of_trials": Column("2.5% quantile of the estimates of trials", _OWN),
        "high_of_trials": Column("97.5% quantile of the estimates of trials", _OWN),
        "rejecting": Column("Trials in which the analysis, or the interaction, rejects", _SHARE),
        "rejecting_mcse": Column(f"{_ERROR} that share", _SHARE),
    },
    "scores": {
        "days_since_onset": Column("Mean time from onset to when the visit was due", "days"),
        "patients": Column("Patients seen alive at the visit", "patients"),
        "mean": Column("Mean score", "points of the outcome"),
        "sd": Column("Standard deviation of the score", "points of the outcome"),
        "low": Column("Lower end of the mean's 95% interval (Student's)", "points of the outcome"),
        "high": Column("Upper end of the mean's 95% interval (Student's)", "points of the outcome"),
        "dead": Column("Patients who had died by the visit", "patients"),
    },
    "distribution": {
        "low": Column("Lowest score of the group; missing for the dead", "points of the outcome"),
        "high": Column("Highest score of the group; missing for the dead", "points of the outcome"),
        "share": Column("Patients of the group, of those of the arm at the visit", _SHARE),
    },
    "times": {
        "day": Column("Day since randomisation", "days"),
        "at_risk": Column("Patients at risk on the day", "patients"),
        "events": Column("Patients who had the event on the day", "patients"),
        "share": Column("With the event by the day: 1 less the Kaplan-Meier curve", _SHARE),
    },
    "recruitment": {
        "day": Column("Day since the trial's first", "days"),
        "median": Column("Patients randomised by then: median of trials", "patients"),
        **{
            f"{end}_{share}": Column(
                f"Patients randomised by then: {end} end of the middle {share}% of trials",
                "patients",
            )
            for end in ("low", "high")
            for share in (50, 95)
        },
    },
    "adherence": {name: OF_TRIALS[name] for name in ("subject", "infusion", "planned_day")}
    | {"status": Column("What became of the infusion")},
    "lanes": {
        "subject": OF_TRIALS["subject"],
        "event": Column("What happened"),
        "start": Column("When it began, since randomisation", "days"),
        "end": Column("When it ended, since randomisation", "days"),
        "index": Column("Place of the patient from the top, from 0"),
    },
    "chairs": {
        "site": Column("Site, as named in the study file"),
        "hour": Column("Hour of the day, from 0 to 23", "hours"),
        "days": Column("Days with an infusion there", "days"),
        "mean": Column("Mean number of chairs in use", "chairs"),
        "peak_median": Column("Most in use at once within the hour: median of days", "chairs"),
        "peak_most": Column("Most in use at once within the hour: largest of days", "chairs"),
    },
    "dose-response": {
        "what": Column("estimate, without a curve, or curve, that of the dose finding"),
        "dose": Column("Dose", "that of the arms"),
        "median": Column("Effect as it is reported: of one trial its own, else the median"),
        "low": Column("Lower limit: of one trial of the estimate's interval, else 2.5% of trials"),
        "high": Column("Upper limit: of one trial of the estimate's interval, else 97.5%"),
        "trials": Column("Trials that have one", "trials"),
    },
    "population": {
        "covariate": Column("Covariate, as named in the study file"),
        "level": Column("Level; missing for a bin of numbers"),
        "low": Column("Lower end of the bin", "that of the covariate"),
        "high": Column("Upper end of the bin", "that of the covariate"),
        "rows": Column("Rows of the table, of all its rows", _SHARE),
        "candidates": Column("Candidates, of all of a trial: mean over trials", _SHARE),
        "mcse": Column(f"{_ERROR} that mean", _SHARE),
    },
    "stopping": {
        "end": Column(
            "How the trials ended there",
            codes="efficacy, futility, harm; none: the last analysis does not reject",
        ),
        "trials": Column("Trials that ended so", "trials"),
        "probability": Column("Those, of all that were finished", _SHARE),
    },
    "patients": {
        "day": Column("Mean day of the look since the trial's first", "days"),
        "trials": Column("Trials that held the look", "trials"),
        "known": Column("Patients whose endpoint is known at the data cut", "patients"),
        "waiting": Column("Patients randomised whose endpoint is to come", "patients"),
        "before_decision": Column("Patients randomised between cut and decision", "patients"),
        "to_come": Column("Patients planned less those randomised by the decision", "patients"),
    },
    "graph": {
        "analysis": Column("Analysis that has or passes on a share of the level"),
        "to": Column("Analysis that inherits the share; empty for what is there at first"),
        "share": Column("Share of the level of the analysis", "proportion"),
    },
    "boundaries": {
        **OF_RESULTS["bounds"],
        "patients": Column("Patients whose endpoint is known", "patients"),
        "day": Column("Expected day of the look since the trial's first", "days"),
        **{
            f"{side}_{what}": Column(f"Bound for {side}, {words}", unit)
            for side in ("efficacy", "harm", "futility")
            for what, words, unit in (
                ("z", "on the z statistic", ""),
                ("effect", "on the estimate", _OWN),
            )
        },
    },
    "expected-size": {
        "power": Column("Probability to reject in favour of the treated", _SHARE),
        "patients": Column("Expected patients randomised by the decision", "patients"),
        "textbook_patients": Column(
            "Expected patients analysed, were every endpoint known at once", "patients"
        ),
    },
    "consort": {
        "stage": Column(
            "Stage of the flow (CONSORT 2025)", codes="enrolment, allocation, follow-up, analysis"
        ),
        "level": Column("Depth of the line: one deeper is a part of the one above"),
        "label": Column("What the line counts"),
        "mean": Column("People: mean of trials; of one trial its number", "people"),
        "low": Column("People: 2.5th percentile of trials", "people"),
        "high": Column("People: 97.5th percentile of trials", "people"),
    },
}
_ENDINGS: Final[Mapping[str, str]] = {
    "_difference_mcse": "Monte Carlo standard error of the difference from the base:",
    "_difference": "Difference from the base, paired trial by trial:",
    "_mcse": "Monte Carlo standard error:",
    "_low": "Lower end of the 95% Monte Carlo interval:",
    "_high": "Upper end of the 95% Monte Carlo interval:",
}
"""What is said of a column that goes with the one whose name begins its own."""
_WITH_PATHS: Final = ("what_if", "heat-map")
"""Tables in which paths of the study are columns."""


def dictionary_of_answer(kind: str, content: DataFrame, table: str | None = None) -> DataFrame:
    """Return a row for each column of a table of some kind, which is called so unless named.

    >>> found = dictionary_of_answer("curve", DataFrame({"value": [200], "power": [0.9]}))
    >>> found[["column", "label"]].values.tolist()[1]
    ['power', 'Trials that reject in favour of the treated']
    """
    return described(kind if table is None else table, content, partial(column_of, kind))


def column_of(kind: str, name: str) -> Column:
    """Return what a column of a kind of table is."""
    own = _OF.get(kind, {})
    found = own.get(name) or _EVERYWHERE.get(name)
    if found is not None:
        return found
    for ending, words in _ENDINGS.items():
        of = name.removesuffix(ending)
        whose = own.get(of) or _EVERYWHERE.get(of)
        if of != name and whose is not None:
            return Column(f"{words} {whose.label[:1].lower()}{whose.label[1:]}", whose.unit)
    if kind in _WITH_PATHS:
        return Column(f"Value of {name} in the study file, in its unit there")
    raise KeyError(f"{kind}.{name} has no description")
