"""Questions that one command answers in words and another draws, each a group of options.

Called with the directory to keep what is run in, or with none, a question is answered: it returns
the study that it is about, and the result.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from trialsim.cli.options import (
    NOWHERE,
    AnalysisName,
    Count,
    KeepOptions,
    Of,
    RunOptions,
    ScenarioName,
    StudyOptions,
    collecting_problems,
    parsed,
    replaced,
    under_analysis,
    with_success,
)
from trialsim.errors import InputError, Problem

if TYPE_CHECKING:
    from trialsim.questions.assurance.assurance import Assurance
    from trialsim.questions.estimands.missingness import Missingness
    from trialsim.questions.estimands.result import Estimands
    from trialsim.questions.family_wise_error import FamilyWiseErrors
    from trialsim.questions.nuisance import Nuisance
    from trialsim.questions.size.sample_size import SampleSize
    from trialsim.questions.tipping_point import TippingPoint
    from trialsim.questions.type_one_error import TypeOneError
    from trialsim.questions.what_if.variants import How, Variant
    from trialsim.questions.what_if.what_if import WhatIf
    from trialsim.scenario.programme import Study


@dataclass(frozen=True, kw_only=True)
class Values:
    """A study, and others in which paths have other values."""

    scenario: ScenarioName
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE,VALUE...",
            help="Values that a path takes, or with --hypercube its range LOW:HIGH; may be "
            "repeated.",
        ),
    ] = None
    base: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH=VALUE", help="Replace a value in the base, and so in all but variants."
        ),
    ] = None
    analysis: AnalysisName = None
    of: Of = None
    replicates: Count = 10_000
    run: RunOptions

    def _variants(
        self, how: "How", others: list[str] | None, points: int
    ) -> tuple[tuple["Variant", ...], tuple[str, ...]]:
        """Return the base and its variants, and the paths that were given values.

        With the name of an analysis, all of them have that secondary analysis as their primary one.
        All problems are reported at once: in the base, in the values, and in the variants they give
        which are right.
        """
        from trialsim.questions.what_if.variants import alternatives
        from trialsim.scenario.files.studies import load_study
        from trialsim.scenario.files.yaml_text import parsed_value

        problems: list[Problem] = []
        plain = load_study(self.scenario)
        study = replaced(plain, parsed(self.base, "--base", parsed_value, problems), problems)
        named: list[Any] = list(others or ())
        if self.analysis is not None:
            with collecting_problems(problems):
                study = under_analysis(study, self.analysis)
                named = [under_analysis(load_study(one), self.analysis) for one in named]
        if self.of is not None:
            with collecting_problems(problems):
                named = [with_success(load_study(one), self.of) for one in named]
                study = with_success(study, self.of)
        value_of = _range if how == "latin_hypercube" else _list
        changes = parsed(self.values, "--set", value_of, problems)
        variants: tuple[Variant, ...] = ()
        if changes or named or not problems:
            with collecting_problems(problems):
                variants = alternatives(study, changes, how, named, points, self.run.seed)
        if problems:
            raise InputError(problems)
        return variants, tuple(changes)


@dataclass(frozen=True, kw_only=True)
class EachValue(Values):
    """A study beside those in which one path has another value, one at a time."""

    paths: ClassVar[int | None] = None
    """How many paths must be given values; any number if None."""

    def __call__(self, keep: KeepOptions = NOWHERE) -> tuple["Study", "WhatIf"]:
        """Compare each value with the base."""
        return self._compared(keep, "one_at_a_time")

    def _compared(
        self, keep: KeepOptions, how: "How", others: list[str] | None = None, points: int = 1
    ) -> tuple["Study", "WhatIf"]:
        from trialsim.questions.what_if.what_if import compared
        from trialsim.runs.study_set import STUDY_BLOCK

        variants, paths = self._variants(how, others, points)
        if self.paths not in (None, len(paths)):
            rule = f"must vary exactly {self.paths} of the study's paths for this figure"
            raise InputError([Problem("--set", rule, str(len(paths)))])
        study = variants[0].scenario
        designs = 1 + sum(variant.scenario.digest != study.digest for variant in variants)
        with self.run.runner(self.replicates, designs, keep, STUDY_BLOCK) as runner:
            return study, compared(variants, paths, self.replicates, runner, keep.out)


class AlongOnePath(EachValue):
    """A study beside those in which one path has other values."""

    paths = 1


class Grid(EachValue):
    """A study beside every combination of the values of its paths."""

    def __call__(self, keep: KeepOptions = NOWHERE) -> tuple["Study", "WhatIf"]:
        """Compare every combination with the base."""
        return self._compared(keep, "grid")


class EveryPair(Grid):
    """A study beside every combination of the values of two paths."""

    paths = 2


@dataclass(frozen=True, kw_only=True)
class Compared(EachValue):
    """A study compared with any others."""

    grid: Annotated[bool, typer.Option("--grid", help="Every combination of the values.")] = False
    hypercube: Annotated[
        int | None, typer.Option(min=1, help="Number of points, spread evenly over the ranges.")
    ] = None
    variant: Annotated[
        list[str] | None,
        typer.Option(metavar="SCENARIO", help="Another scenario to compare; may be repeated."),
    ] = None

    def __call__(self, keep: KeepOptions = NOWHERE) -> tuple["Study", "WhatIf"]:
        """Compare the others with the base."""
        if self.grid and self.hypercube is not None:
            raise typer.BadParameter("must not be given with --grid", param_hint="--hypercube")
        how: How = "grid" if self.grid else "one_at_a_time"
        if self.hypercube is not None:
            how = "latin_hypercube"
        return self._compared(keep, how, self.variant, self.hypercube or 1)


@dataclass(frozen=True, kw_only=True)
class Sized:
    """The value of a path that gives a power."""

    target: Annotated[float, typer.Option("--power", help="The power to reach.")] = 0.9
    path: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="The number to find, which moves the power one way.",
            show_default="design.patients, of a programme size_percent",
        ),
    ] = None
    low: Annotated[
        float | None, typer.Option(help="Where to search from; not needed for patients.")
    ] = None
    high: Annotated[
        float | None, typer.Option(help="Where to search to; not needed for patients.")
    ] = None
    replicates: Annotated[
        int, typer.Option(min=1, help="Simulated trials of each candidate, and to confirm.")
    ] = 10_000
    study: StudyOptions
    run: RunOptions

    def __call__(self, keep: KeepOptions = NOWHERE) -> tuple["Study", "SampleSize"]:
        """Find the value."""
        from trialsim.questions.size.sample_size import Sought, size_by

        study = self.study.loaded()
        sought = Sought(self.target, self.path, self.low, self.high, self.replicates)
        with self.run.runner(None, keep=keep) as runner:
            return study, size_by(runner, study, sought, keep.out)


@dataclass(frozen=True, kw_only=True)
class Assured:
    """The power, averaged over a prior of the effect."""

    prior: Annotated[
        str,
        typer.Option(metavar="PRIOR", help="A built-in prior or the path of a YAML file."),
    ]
    no_effect: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Prior probability of no effect, in place of the prior's own."
        ),
    ] = None
    replicates: Annotated[
        int, typer.Option(min=1, help="Simulated trials under all effects together.")
    ] = 10_240
    strata: Annotated[int, typer.Option(min=2, help="Effects drawn from the prior.")] = 40
    study: StudyOptions
    run: RunOptions

    def __call__(self, keep: KeepOptions = NOWHERE) -> tuple["Study", "Assurance"]:
        """Average the power."""
        from trialsim.questions.assurance.assurance import assurance_by
        from trialsim.questions.assurance.prior_files import load_prior
        from trialsim.runs.study_set import STUDY_BLOCK

        study, prior = self.study.loaded(), load_prior(self.prior)
        if self.no_effect is not None:
            prior = prior.model_copy(update={"no_effect": self.no_effect})
        each = -(-self.replicates // self.strata)
        with self.run.runner(each, self.strata, keep, STUDY_BLOCK) as runner:
            return study, assurance_by(runner, study, prior, self.replicates, self.strata, keep.out)


@dataclass(frozen=True, kw_only=True)
class WithoutEffect:
    """How often a study rejects without any effect."""

    replicates: Count = 10_000
    study: StudyOptions
    run: RunOptions

    def __call__(self, keep: KeepOptions = NOWHERE) -> tuple["Study", "TypeOneError"]:
        """Count the rejections."""
        from trialsim.questions.type_one_error import type_one_error_by
        from trialsim.runs.manifest import BLOCK

        study = self.study.loaded()
        with self.run.runner(self.replicates, keep=keep, block=BLOCK) as runner:
            return study, type_one_error_by(runner, study, self.replicates, keep.out)

    def whichever_are_true(self, keep: KeepOptions) -> tuple["Study", "FamilyWiseErrors"]:
        """Count the rejections of true hypotheses, of every configuration of them."""
        from trialsim.questions.family_wise_error import family_wise_errors_by

        if keep != NOWHERE:
            rule = "must not be given with --each-null, of which nothing is kept"
            raise InputError([Problem("--out", rule)])
        study = self.study.loaded()
        with self.run.runner(self.replicates) as runner:
            return study, family_wise_errors_by(runner, study, self.replicates)


@dataclass(frozen=True, kw_only=True)
class OverNuisance:
    """How often a study rejects without any effect, over what its null hypothesis leaves open."""

    replicates: Count = 10_000
    study: StudyOptions
    run: RunOptions

    def __call__(self) -> tuple["Study", "Nuisance"]:
        """Count the rejections for each set of values."""
        from trialsim.questions.nuisance import nuisance_by, nuisance_variants
        from trialsim.scenario.programme import single_trial

        study = self.study.loaded()
        variants = nuisance_variants(single_trial(study))
        with self.run.runner(self.replicates, len(variants)) as runner:
            return study, nuisance_by(runner, variants, self.replicates)


@dataclass(frozen=True, kw_only=True)
class Tipped:
    """How much worse imputed scores must be for the conclusion to change."""

    deltas: Annotated[
        str,
        typer.Option(
            metavar="POINTS,POINTS...",
            help="Points by which imputed scores are better, rising or falling from the first.",
        ),
    ] = "0,-2,-4,-6,-8,-10,-15,-20"
    tolerance: Annotated[
        float | None,
        typer.Option(
            metavar="POINTS",
            help="How near each change of a conclusion is sought, between those deltas.",
            show_default="a step of the scale, a tenth on the latent scale",
        ),
    ] = None
    replicates: Count = 1_000
    study: StudyOptions
    run: RunOptions

    def __call__(self, keep: KeepOptions = NOWHERE) -> tuple["Study", "TippingPoint"]:
        """Try one delta after another."""
        from trialsim.questions.tipping_point import tipping_point_by
        from trialsim.runs.manifest import BLOCK

        study = self.study.loaded()
        try:
            deltas = tuple(float(one) for one in self.deltas.split(","))
        except ValueError:
            rule = "must be numbers separated by commas"
            raise InputError([Problem("--deltas", rule, self.deltas)]) from None
        with self.run.runner(self.replicates, keep=keep, block=BLOCK) as runner:
            sought = deltas, self.replicates, keep.out, self.tolerance
            return study, tipping_point_by(runner, study, *sought)


@dataclass(frozen=True, kw_only=True)
class Meant:
    """The true value of each estimand of a study, and how near each analysis comes."""

    replicates: Count = 2_000
    study: StudyOptions
    run: RunOptions

    def __call__(self, keep: KeepOptions = NOWHERE) -> tuple["Study", "Estimands"]:
        """Compute them."""
        from trialsim.questions.estimands.estimands import estimands_by, keeping_estimands
        from trialsim.runs.manifest import BLOCK
        from trialsim.scenario.programme import single_trial

        study = single_trial(self.study.loaded())
        with self.run.runner(self.replicates, keep=keep, block=BLOCK) as runner:
            kept = keeping_estimands(runner, keep.out, study)
            return study, estimands_by(kept, study, self.replicates)


@dataclass(frozen=True, kw_only=True)
class Missing(Values):
    """A study beside those in which more scores are missing or follow an event."""

    estimand: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The estimand beside which all analyses stand.",
            show_default="the one that each is for",
        ),
    ] = None
    replicates: Count = 1_000

    def __call__(self, keep: KeepOptions = NOWHERE) -> tuple["Study", "Missingness"]:
        """Compute the bias of each analysis in each of them."""
        from trialsim.questions.estimands.missingness import missingness_by
        from trialsim.runs.study_set import STUDY_BLOCK

        if not self.values:
            told = "must give a path values, such as operations.withdrawal.probability=0.1,0.2"
            raise InputError([Problem("--set", told)])
        variants, _ = self._variants("one_at_a_time", None, 1)
        with self.run.runner(self.replicates, len(variants), keep, STUDY_BLOCK) as runner:
            found = missingness_by(runner, variants, self.estimand, self.replicates, keep.out)
        return variants[0].scenario, found


@dataclass(frozen=True, kw_only=True)
class Varied:
    """A study beside those in which a number that is not published is smaller or larger."""

    replicates: Count = 1_000
    study: StudyOptions
    run: RunOptions

    def __call__(self, keep: KeepOptions = NOWHERE) -> tuple["Study", "WhatIf"]:
        """Compare them."""
        from trialsim.questions.sensitivity import sensitivity_by, variants_of
        from trialsim.runs.study_set import STUDY_BLOCK

        variants = variants_of(self.study.loaded())
        with self.run.runner(self.replicates, len(variants), keep, STUDY_BLOCK) as runner:
            return variants[0].scenario, sensitivity_by(runner, variants, self.replicates, keep.out)


def _list(text: str) -> Any:
    """Return values separated by commas, as a list of them stands in a scenario file."""
    from trialsim.scenario.files.yaml_text import parsed_value

    return parsed_value(f"[{text}]")


def _range(text: str) -> list[Any]:
    """Return the two ends of LOW:HIGH."""
    from trialsim.scenario.files.yaml_text import parsed_value

    return [parsed_value(end) for end in text.split(":")]
