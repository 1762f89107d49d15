"""What multiple imputation assumes of missing scores, where they are not missing at random."""

from collections.abc import Iterator
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from trialsim.scenario.validation.refusal import CheckedModel, Finite, Name, Violation

Model: TypeAlias = Literal["at_random", "jump_to_reference", "copy_reference", "copy_increments"]
DeltaScale: TypeAlias = Literal["points", "latent"]
Event: TypeAlias = Literal["last_score", "discontinuation", "withdrawal"]


def _an_event_is_used(model: str, delta: float, after: str) -> Iterator[Violation]:
    if after != "last_score" and model == "at_random" and delta == 0:
        rule = "must be left at last_score where nothing is other than at random after it"
        yield Violation("after", rule, after)


def _latent_scores_are_drawn(delta_scale: str, scores: str) -> Iterator[Violation]:
    if delta_scale == "latent" and scores != "latent":
        rule = "must be points where scores are rounded as they are drawn"
        yield Violation("delta_scale", rule, delta_scale)


def _shift_is_of_somebody(delta: float, delta_arms: str) -> Iterator[Violation]:
    if delta == 0 and delta_arms != "treated":
        yield Violation("delta_arms", "must be left at treated without a delta", delta_arms)


class Imputation(CheckedModel):
    """The model of scores that are missing after an event; those before it are at random."""

    rules = (_an_event_is_used, _shift_is_of_somebody, _latent_scores_are_drawn)
    omitted_defaults = (
        *("model", "after", "delta", "delta_arms", "delta_scale", "predictors", "scores"),
    )

    model: Model = "at_random"
    """At random within the arm; or, of the treated, by the control arm as the reference."""
    after: Event = "last_score"
    """The event from which on the model and the delta hold: nothing more is seen of the patient;
    infusions are discontinued, or the trial is left; or the trial is left."""
    delta: Finite = 0.0
    """Points by which scores imputed after the event are better, such as -5 for worse by 5; held
    within the scale."""
    delta_arms: Literal["treated", "both"] = "treated"
    """In which arms scores are shifted by the delta, usually the treated."""
    delta_scale: DeltaScale = "points"
    """What the delta is added to, usually points: the score that was imputed, which is then kept
    within the scale; or latent: what was drawn, of which all beyond an end is seen as the end."""
    predictors: Annotated[tuple[Name, ...], Field(strict=False, min_length=1)] | None = None
    """Earlier visits by which scores are imputed, such as [baseline, day_42]; null for all."""
    scores: Literal["latent", "rounded"] = "latent"
    """What is normal over the visits: latent scores, of which those beyond an end of the scale are
    seen as the end, usually; or scores as they are, of which those drawn beyond an end are cut.
    Baseline scores are taken as they are."""


AT_RANDOM: Final = Imputation()


def imputation_in_words(imputation: Imputation, treated: str, control: str) -> str:
    """Return what is assumed of missing scores, as sentences."""
    visits = "those before it"
    if imputation.predictors is not None:
        visits = (
            "those of "
            + " and ".join(name.replace("_", " ") for name in imputation.predictors)
            + " before it"
        )
    told = (
        "assuming it to be missing at random: in each arm, from the first visit on, by the normal "
        f"regression of a visit on {visits}, {_SCORES[imputation.scores]}"
    )
    if imputation.model != "at_random":
        told += (
            f"; but on {treated}, {_EVENTS[imputation.after]}, {_MODELS[imputation.model]} of "
            f"{control} (Carpenter, Roger and Kenward 2013), to which scores of either arm "
            "before that event alone are fitted"
        )
    if imputation.delta != 0:
        better = "better" if imputation.delta > 0 else "worse"
        told += (
            f"; {whose_scores_shift(imputation, treated)}, it is made "
            f"{abs(imputation.delta):.12g} points {better}, {SHIFTS[imputation.delta_scale]}"
        )
    return told


def whose_scores_shift(imputation: Imputation, treated: str) -> str:
    """Return in which arm and after which event a delta is added to imputed scores, as words.

    >>> whose_scores_shift(AT_RANDOM, "cerebrolysin")
    "on cerebrolysin, after a patient's last score"
    """
    whom = f"on {treated}" if imputation.delta_arms == "treated" else "in both arms"
    return f"{whom}, {_EVENTS[imputation.after]}"


_SCORES: Final = {
    "latent": "where a score at an end of the scale stands for one at or beyond it (data "
    "augmentation), rounded and kept within the scale",
    "rounded": "rounded and kept within the scale",
}
SHIFTS: Final = {
    "points": "within the scale",
    "latent": "on the latent scale, before it is rounded and kept within the scale",
}
"""What becomes of a score that a delta moves beyond an end, as words."""
_EVENTS: Final = {
    "last_score": "after a patient's last score",
    "discontinuation": "after infusions were discontinued or the trial was left",
    "withdrawal": "after the trial was left",
}
_MODELS: Final = {
    "jump_to_reference": "around the means (jump to reference)",
    "copy_reference": "as if the patient had been one from the first (copy reference)",
    "copy_increments": "by the increments of the means (copy increments in reference)",
}
