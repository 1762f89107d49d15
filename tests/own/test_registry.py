"""A name leads to what is registered or installed, and to nothing else."""

from collections.abc import Callable
from functools import partial

import pytest

from trialsim.errors import InputError
from trialsim.own.analyses import KNOWN_ANALYSES, AnalysisData, Estimates, own_analysis
from trialsim.own.registry import fingerprint

Install = Callable[[str, str, dict[str, str]], None]
GROUP = "trialsim.analyses"


def test_an_entry_point_that_cannot_be_loaded_is_told_with_its_place(install: Install) -> None:
    install("broken", "1 / 0\n", {GROUP: "breaks = broken:breaks"})
    with pytest.raises(InputError) as refused:
        KNOWN_ANALYSES.find("breaks")
    told = f"{GROUP}: the entry point breaks cannot be loaded: ZeroDivisionError"
    assert str(refused.value).startswith(told)
    assert "(broken.py, line 1)" in str(refused.value)


def test_an_entry_point_must_register_what_it_offers(install: Install) -> None:
    install("silent", "def unregistered(data): ...\n", {GROUP: "quiet = silent:unregistered"})
    with pytest.raises(InputError, match="must lead to a function registered by that name"):
        KNOWN_ANALYSES.find("quiet")


def test_two_packages_that_offer_one_name_are_refused(install: Install) -> None:
    for module in ("first", "second"):
        install(f"{module}_offer", "one = 1\n", {GROUP: f"twice = {module}_offer:one"})
    with pytest.raises(InputError, match="is an entry point of first_offer, second_offer"):
        KNOWN_ANALYSES.find("twice")


def test_looking_for_names_loads_nothing(install: Install) -> None:
    install("unloaded", "1 / 0\n", {GROUP: "known_unloaded = unloaded:one"})
    assert "known_unloaded" in KNOWN_ANALYSES.names()
    assert KNOWN_ANALYSES.find("something_else") is None


def test_a_name_belongs_to_one_function_whose_code_may_change() -> None:
    register = own_analysis("of_one", estimates="effect", null=0.0)

    def one(data: AnalysisData) -> Estimates:
        return Estimates(0.0, 1.0, 1.0)

    def other(data: AnalysisData) -> Estimates:
        return Estimates(1.0, 1.0, 1.0)

    register(one)
    own_analysis("of_one", estimates="effect", null=0.0, version="2")(one)
    told = r"^trialsim.analyses: must be that of one function: of_one is registered by .*\.one, not"
    with pytest.raises(InputError, match=told):
        register(other)
    found = KNOWN_ANALYSES.find("of_one")
    assert found is not None
    assert found.function is one


def test_an_entry_point_that_ends_the_process_is_told(install: Install) -> None:
    install("leaving", "raise SystemExit(3)\n", {GROUP: "leaves_it = leaving:one"})
    with pytest.raises(InputError, match=r"leaves_it cannot be loaded: SystemExit: 3 \(leaving.py"):
        KNOWN_ANALYSES.find("leaves_it")


@pytest.mark.parametrize("name", ["Upper", "a.b", "", "a-b", "a" * 101, "x/../y"])
def test_a_name_that_no_study_file_can_give_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="must be a name of lower case letters"):
        own_analysis(name, estimates="effect", null=0.0)


def test_the_fingerprint_follows_the_text_and_the_version() -> None:
    def one() -> int:
        return 1

    def two() -> int:
        return 2

    typed: dict[str, Callable[[], int]] = {}
    exec("def typed(): return 1", typed)
    marks = [fingerprint(one, ""), fingerprint(two, ""), fingerprint(one, "2")]
    assert len({*marks, fingerprint(typed["typed"], "")}) == 4
    assert fingerprint(one, "") == marks[0]
    with pytest.raises(InputError, match="must be a Python function"):
        fingerprint(partial(one), "")
