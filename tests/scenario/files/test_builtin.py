"""The studies that come with the package are named and titled without being read whole."""

import pytest

from trialsim.scenario.files.builtin import builtin_studies, title_of
from trialsim.scenario.files.studies import load_study


@pytest.mark.parametrize("name", builtin_studies())
def test_a_title_is_that_of_the_study(name: str) -> None:
    assert title_of(builtin_studies()[name]) == load_study(name).title
