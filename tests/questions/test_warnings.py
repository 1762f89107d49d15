"""What is sound and had better be said otherwise is warned of, by check and show alike."""

import json

from typer.testing import CliRunner

from trialsim.cli.app import app
from trialsim.questions.warnings import warnings_of
from trialsim.scenario.files.yaml_file import load


def test_looks_with_a_variance_that_exceeds_the_level_are_warned_of() -> None:
    plan = {"looks": {"first": {"when": {"known": 0.5}}}, "efficacy": "pocock"}
    study = load("cars1").with_analysis("global_status")
    assert warnings_of(study) == ()
    looked = study.replace({"monitoring": plan})
    (warning,) = warnings_of(looked)
    assert "exceed the one-sided level" in warning
    assert warnings_of(looked.replace({"analysis.test.variance": "null_variance"})) == ()


def test_check_and_show_print_the_same_warnings() -> None:
    changes = ["--set", "outcomes.arat.effect.value=0.4"]
    shown = json.loads(CliRunner().invoke(app, ["show", "cars1", *changes, "--json"]).stdout)
    assert shown["warnings"] == list(
        warnings_of(load("cars1").replace({"outcomes.arat.effect.value": 0.4}))
    )
    assert len(shown["warnings"]) == 1
