"""The studies that come with the package are named and titled without being read whole."""

from tests.scenario.files.chosen import CHOSEN, kinds_in, trial_of
from trialsim.scenario.files.builtin import builtin_programmes, builtin_scenarios, title_of
from trialsim.scenario.files.studies import load_study


def test_every_study_has_the_name_of_its_file_and_the_title_in_it() -> None:
    programmes = {name: load_study(name) for name in builtin_programmes()}
    studies = {name: trial_of(name) for name in builtin_scenarios()} | programmes
    files = builtin_scenarios() | builtin_programmes()
    assert {name: study.name for name, study in studies.items()} == {name: name for name in files}
    titles = {name: title_of(file) for name, file in files.items()}
    assert titles == {name: study.title for name, study in studies.items()}


def test_the_chosen_studies_have_every_kind_of_part() -> None:
    found = {kind for name in CHOSEN for kind in kinds_in(trial_of(name))}
    for name in builtin_scenarios():
        assert set(kinds_in(trial_of(name))) <= found, name
