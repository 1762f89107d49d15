"""A study, a table or a data set from a stranger runs no code and writes through no link."""

import os
import pickle
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import trialsim as ts
from trialsim.reporting.exports import write_analysed

ROWS: Final = 12
STUDY: Final = """\
extends: cars1
population:
  table: {{file: {file}, draw: rows}}
  covariates: {{age_years: {{margin: {{distribution: table}}}}}}
"""


class Bomb:
    """What makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """Return a folder that is there only if a bomb went off, which one does that is unpickled."""
    pickle.loads(pickle.dumps(Bomb(tmp_path / "tried")))
    assert (tmp_path / "tried").is_dir()
    return tmp_path / "went_off"


def hostile_columns(marker: Path) -> dict[str, pa.Array]:
    """Return columns of pickles: as bytes, and in the metadata of a type of Python's own."""
    bomb = pickle.dumps(Bomb(marker))
    return {"bytes": pa.array([bomb] * ROWS), "ages": pa.array([bomb.hex()] * ROWS)}


def written(path: Path, named: str, column: pa.Array, marker: Path) -> Path:
    """Write a Parquet file whose column says that it is of a pickled type."""
    about = {
        "ARROW:extension:name": "arrow.py_extension_type",
        "ARROW:extension:metadata": pickle.dumps(Bomb(marker)),
    }
    others = {"subject": pa.array(range(ROWS)), "visit": pa.array(["day_90"] * ROWS)}
    fields = [pa.field(named, column.type, metadata=about)]
    fields += [pa.field(name, one.type) for name, one in others.items()]
    pickled = {b"pandas": pickle.dumps(Bomb(marker))}
    table = pa.table([column, *others.values()], schema=pa.schema(fields, metadata=pickled))
    pq.write_table(table, path)
    return path


@pytest.mark.parametrize("kind", ["bytes", "ages"])
def test_a_table_of_pickles_is_refused_and_unpickled_by_nobody(
    kind: str, tmp_path: Path, marker: Path
) -> None:
    column = hostile_columns(marker)[kind]
    written(tmp_path / "former.parquet", "age_years", column, marker)
    (tmp_path / "study.yaml").write_text(STUDY.format(file="former.parquet"))
    with pytest.raises(ts.InputError, match="column age_years must be a number"):
        ts.load(tmp_path / "study.yaml")
    data = tmp_path / "data"
    data.mkdir()
    written(data / "visits.parquet", "arat", column, marker)
    with pytest.raises(ts.InputError, match="arat: row 1: must be a number") as refused:
        ts.analyse(data, plan="cars1")
    assert "visits.parquet: must have the column arm" in str(refused.value), "it has no lines"
    assert not marker.exists()


@pytest.mark.parametrize(
    "named",
    ["os:system", "os.system", "../code.py", "trialsim.own", "code.py:boom", "__import__('os')"],
)
@pytest.mark.parametrize("what", ["analysis", "course"])
def test_a_study_names_no_module_and_no_file_of_code(
    what: str, named: str, tmp_path: Path, marker: Path
) -> None:
    (tmp_path / "code.py").write_text(f"import os\nos.mkdir({str(marker)!r})\n")
    own = {
        "analysis": f'analysis: {{test: {{method: own, analysis: "{named}"}}, secondary: null}}',
        "course": f'outcomes: {{arat: {{course: {{model: own, course: "{named}", end_day: 90}}}}}}',
    }
    file = tmp_path / "study.yaml"
    file.write_text(f"extends: cars1\n{own[what]}\n")
    with pytest.raises(ts.InputError, match=f"{what}"):
        ts.load(file)
    assert not marker.exists()


def test_a_run_writes_its_dictionary_through_no_link(tmp_path: Path) -> None:
    victim, run = tmp_path / "victim.csv", tmp_path / "run"
    victim.write_text("years of work\n")
    small = ts.load("cars1").replace({"design.patients": 20})
    ts.power(small, 8, 1, n_jobs=1, out=run)
    (run / "dictionary.csv").unlink()
    (run / "dictionary.csv").symlink_to(victim)
    with pytest.raises(ts.InputError, match="link"):
        ts.power(small, 8, 1, n_jobs=1, out=run)
    assert victim.read_text() == "years of work\n"


def test_a_label_that_looks_like_a_formula_is_text_in_every_dictionary(tmp_path: Path) -> None:
    study = ts.load("cars1").replace(
        {"design.patients": 20, "population.covariates.age_years.label": "=1+1"}
    )
    trial = ts.simulate(study, seed=1)
    write_analysed(tmp_path / "trial", trial, ts.analyse(trial))
    told = (tmp_path / "trial" / "dictionary.csv").read_text()
    assert ",'=1+1," in told
    assert ",=1+1" not in told
