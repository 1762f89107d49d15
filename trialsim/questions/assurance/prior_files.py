"""Priors as YAML files: those that come with the package by name, any other by its path."""

from pathlib import Path

from trialsim.errors import InputError, Problem, nearest
from trialsim.questions.assurance.prior import Prior
from trialsim.scenario.files.builtin import builtin_folder
from trialsim.scenario.files.yaml_file import load_as
from trialsim.scenario.validation.problems import as_written


def load_prior(prior: str | Path) -> Prior:
    """Return a prior by the name of a built-in one or by the path of a YAML file.

    >>> load_prior("cars1").title
    'CARS-1 alone'

    Raises
    ------
    InputError
        With every problem of the file and its place.
    """
    known = builtin_priors()
    path = known.get(str(prior), Path(prior))
    if not path.is_file():
        rule = f"must be a built-in prior or the path of a YAML file{nearest(str(prior), known)}"
        raise InputError([Problem("prior", rule, as_written(str(prior)))])
    return load_as(Prior, path)


def builtin_priors() -> dict[str, Path]:
    """Return the priors that come with the package: name and file, in alphabetical order.

    >>> list(builtin_priors())
    ['cars1', 'cars_heterogeneous', 'cars_pooled']
    """
    return {path.stem: path for path in sorted((builtin_folder() / "priors").glob("*.yaml"))}
