"""The commands about designs, from what-if to sensitivity, estimands and tipping points."""

from math import isnan
from typing import Annotated

import typer

from trialsim.cli.option_groups import Commands, with_options
from trialsim.cli.options import KeepOptions, Kept, warn_of_looks
from trialsim.cli.outputs import AnswerForm
from trialsim.cli.questions import (
    Assured,
    Compared,
    Meant,
    Missing,
    OverNuisance,
    Sized,
    Tipped,
    Varied,
    WithoutEffect,
)

commands = Commands()


@commands.command("what-if")
@with_options
def what_if(question: Compared, keep: KeepOptions, form: AnswerForm) -> None:
    """Compare a study with others, on the same random numbers.

    Each value alone, a grid or a Latin hypercube, and named variants. The differences of power,
    estimate, duration, screened and infusions are paired with the base, replicate by replicate.
    With --out, the table is also written to the directory.
    """
    from trialsim.reporting.text.comparison import what_if_text

    study, result = question(keep)
    for place, row in enumerate(result.rows):
        warn_of_looks(row.scenario, f"{row.alternative.name}: " if place else "")
    form.give(result, lambda: what_if_text(study.title, result))


@commands.command("size")
@with_options
def size(question: Sized, form: AnswerForm, out: Kept = None) -> None:
    """Find the patients, or another number, for a power.

    The answer is an interval; the recommended value is confirmed on trials of another seed.
    """
    from trialsim.reporting.text.comparison import size_text

    form.tell(question(KeepOptions(out=out)), size_text)


@commands.command("assurance", short_help="Estimate assurance: power averaged over a prior.")
@commands.command("assure", hidden=True)  # its former name
@with_options
def assurance(
    question: Assured,
    keep: KeepOptions,
    form: AnswerForm,
    observed: Annotated[
        float | None,
        typer.Option(help="Give the predictive probability of an estimate this small."),
    ] = None,
) -> None:
    """Estimate assurance: power averaged over a prior of the effect.

    Priors: cars1, cars_pooled, cars_heterogeneous, or a file.
    """
    from trialsim.reporting.text.comparison import assurance_text

    if observed is not None and isnan(observed):
        raise typer.BadParameter("must be a number", param_hint="--observed")
    study, result = question(keep)
    content = result.to_dict()
    if observed is not None:
        place = result.share_at_most(observed)
        content["observed"] = {
            "estimate": observed,
            "share_at_most": float(place.estimate),
            "mcse": float(place.mcse),
            "ci": [float(place.low), float(place.high)],
        }
    form.give(result, lambda: assurance_text(study.title, result, observed), content)


@commands.command(
    "type-one-error", short_help="Estimate how often a design without effects rejects."
)
@with_options
def type_one_error(
    question: WithoutEffect,
    keep: KeepOptions,
    form: AnswerForm,
    each_null: Annotated[
        bool,
        typer.Option(
            "--each-null",
            help="Give the family-wise error of up to four analyses tested together, whichever of "
            "their null hypotheses are true.",
        ),
    ] = False,
) -> None:
    """Estimate how often a design rejects when no arm has any effect.

    No study drug is given, and all arms have one course and the same risks. A two-sided test counts
    rejections in both directions. Where the plan tests a margin, the effect is brought to it.
    With --each-null the hypotheses not taken as true have the effects of the study.
    """
    from trialsim.reporting.text.robustness import family_wise_errors_text, type_one_error_text

    if each_null:
        study, errors = question.whichever_are_true(keep)
        form.give(errors, lambda: family_wise_errors_text(study.title, errors))
        return
    form.tell(question(keep), type_one_error_text)


@commands.command("nuisance", short_help="Estimate the type I error over what it may depend on.")
@with_options
def nuisance(question: OverNuisance, form: AnswerForm) -> None:
    """Estimate the type I error over what the null hypothesis leaves open.

    Without effect the scores of all patients, drop-out in all and in one arm, sites and recruitment
    are made others, one at a time, each on trials of its own; a bound holds for all of them.
    """
    from trialsim.reporting.text.robustness import nuisance_text

    form.tell(question(), nuisance_text)


@commands.command(
    "sensitivity", short_help="Vary each number that is not published, one at a time."
)
@with_options
def sensitivity(question: Varied, keep: KeepOptions, form: AnswerForm) -> None:
    """Vary each number that is not published, one at a time, by ±20%.

    Those of the primary endpoint's course and effect, of the operations and the treatment; the
    differences from the study as it stands are paired, replicate by replicate.
    """
    from trialsim.reporting.text.robustness import sensitivity_text

    form.tell(question(keep), sensitivity_text)


@commands.command("tipping-point", short_help="Find the delta at which a conclusion changes.")
@with_options
def tipping_point(question: Tipped, keep: KeepOptions, form: AnswerForm) -> None:
    """Find how much worse than imputed patients who left must have been to change the conclusion.

    The study must impute missing scores several times (analysis.missing: multiple_imputation).
    Every delta is added to the same imputed scores, and the change of each conclusion is sought
    between those given; --replicates 1 shows one trial.
    """
    from trialsim.reporting.text.robustness import tipping_point_text

    form.tell(question(keep), tipping_point_text)


@commands.command("estimands", short_help="Compute true values of estimands, and each bias.")
@with_options
def estimands(question: Meant, keep: KeepOptions, form: AnswerForm) -> None:
    """Compute the true value of each estimand, and how near each analysis comes to it.

    Every patient is simulated in both arms, with and without the events that an estimand takes
    away, so the true values are known. Bias, RMSE, coverage and power of the analyses are of the
    same trials. A study that names no estimands has one for each strategy of ICH E9(R1).
    """
    from trialsim.reporting.text.estimands import estimands_text

    form.tell(question(keep), estimands_text)


@commands.command("missingness", short_help="Compute the bias of analyses as more is missing.")
@with_options
def missingness(question: Missing, keep: KeepOptions, form: AnswerForm) -> None:
    """Compute the bias of each analysis as more scores are missing or follow an event.

    --set gives the values that a path takes, such as operations.withdrawal.probability=0.1,0.2; all
    are on the same random numbers.
    """
    from trialsim.reporting.text.estimands import missingness_text

    form.tell(question(keep), missingness_text)
