"""Disposition by the list of kinds of event: each joins without a change here."""

from typing import get_args

from numpy.testing import assert_array_equal

from trialsim.clock import NEVER
from trialsim.reporting.cdisc.metadata import Dataset
from trialsim.reporting.cdisc.sdtm.events import PARTICIPATION, TREATMENT, kinds
from trialsim.reporting.cdisc.source import Source
from trialsim.scenario.protocol.intercurrent import Event


def test_every_kind_of_event_has_a_record_where_it_happened(
    source: Source, datasets: dict[str, Dataset]
) -> None:
    rows, conduct = datasets["DS"].frame, source.trial.batch.conduct
    assert [kind.name for kind in kinds()] == list(get_args(Event))
    for kind in kinds():
        happened = int((conduct.minute_of(kind.name) < NEVER).sum())
        mine = rows[rows["DSDECOD"].eq(kind.decode) & rows["DSSCAT"].eq(kind.ends)]
        assert happened > 0, kind
        assert len(mine) == happened, kind
    assert rows["DSCAT"].eq("OTHER EVENT").sum() == sum(
        int((conduct.minute_of(kind.name) < NEVER).sum()) for kind in kinds() if not kind.ends
    )


def test_everybodys_participation_ends_once_and_the_treatment_of_those_treated(
    datasets: dict[str, Dataset],
) -> None:
    rows, people = datasets["DS"].frame, datasets["DM"].frame
    ends = rows[rows["DSSCAT"].eq(PARTICIPATION)]
    assert_array_equal(ends["USUBJID"], people["USUBJID"])
    assert_array_equal(ends["DSSTDTC"], people["RFPENDTC"])
    treated = rows[rows["DSSCAT"].eq(TREATMENT)]
    assert_array_equal(treated["USUBJID"], people["USUBJID"][people["ACTARMCD"].ne("")])


def test_randomisation_is_a_milestone_at_the_reference_date(datasets: dict[str, Dataset]) -> None:
    rows, people = datasets["DS"].frame, datasets["DM"].frame
    randomised = rows[rows["DSCAT"].eq("PROTOCOL MILESTONE")]
    assert set(randomised["DSDECOD"]) == {"RANDOMIZED"}
    assert_array_equal(randomised["DSSTDTC"], people["RFSTDTC"][people["ARMCD"].ne("")])
    assert (randomised["DSSTDY"] == 1).all()


def test_deviations_and_infusions_make_up_the_course(
    source: Source, datasets: dict[str, Dataset]
) -> None:
    """Oracle: the table of infusions, all but those that were not due any more."""
    infusions = source.tables["infusions"]
    past = infusions["status"].isin(["discontinued", "withdrawn", "died"])
    deviations = datasets["DV"].frame
    missed = deviations["DVDECOD"].eq("INFUSION NOT GIVEN").sum()
    assert missed > 0
    assert len(datasets["EX"].frame) + missed == (~past).sum()
    assert deviations["DVTERM"].str.contains("no chair").any()
    assert deviations["DVDECOD"].eq("VISIT MISSED").sum() == (
        source.tables["visits"]["status"].eq("missed").sum()
    )
