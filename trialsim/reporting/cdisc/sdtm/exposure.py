"""Each infusion that was given: EX."""

from typing import Final

import numpy as np
from pandas import DataFrame

from trialsim.reporting.cdisc.calendar import Texts
from trialsim.reporting.cdisc.metadata import (
    Dataset,
    Variable,
    columns,
    numbered,
    sequence,
)
from trialsim.reporting.cdisc.sdtm.subjects import spans, timing
from trialsim.reporting.cdisc.sdtm.trial_design import domain
from trialsim.reporting.cdisc.source import EPOCH, Source, same
from trialsim.reporting.cdisc.terminology import standard_list
from trialsim.trial.dosing import arm_switched_to

_NOT_SAID: Final = "A study file does not say it, therefore empty"


_MILLILITRES: Final = standard_list("UNIT", ["mL"])
_EX: Final = (
    sequence("EX", "EXSTDTC"),
    Variable(
        "EXTRT",
        "Name of Treatment",
        comment="The label of the arm whose study drug it is",
        mandatory=True,
    ),
    Variable("EXDOSE", "Dose", "float", comment="Study drug; 0 for placebo"),
    Variable("EXDOSU", "Dose Units", codes=_MILLILITRES),
    Variable("EXDOSFRM", "Dose Form", comment=_NOT_SAID),
    Variable("EXDOSFRQ", "Dosing Frequency per Interval", codes=standard_list("FREQ", ["ONCE"])),
    Variable("EXROUTE", "Route of Administration", comment=_NOT_SAID),
    Variable("EXVAMT", "Vehicle Amount", "float", comment="The whole infusion less drug"),
    Variable("EXVAMTU", "Vehicle Amount Units", codes=_MILLILITRES),
    EPOCH,
)


def exposure(source: Source) -> list[Dataset]:
    """Return exposure: what was given, how much study drug and how much fluid in all."""
    infusions = source.tables["infusions"]
    rows = infusions[infusions["status"].eq("given")].reset_index(drop=True)
    who = source.of_subjects(rows["subject"], "USUBJID", "randomised_minute", "treatment_ends")
    begins = rows["start_minute"].to_numpy(np.int64)
    ends = begins + source.study.operations.infusion_minutes
    times = spans(source, who, begins, ends)
    rows = rows.assign(USUBJID=who["USUBJID"], EPOCH=source.epochs(who, begins), **times)
    rows["EXTRT"] = _treatments(source, rows)
    rows = rows.sort_values(["USUBJID", "infusion"]).reset_index(drop=True)
    values = {
        "EXSEQ": numbered(rows),
        "EXTRT": rows["EXTRT"],
        "EXDOSE": rows["dose_ml"],
        "EXVAMT": rows["volume_ml"] - rows["dose_ml"],
        "EPOCH": rows["EPOCH"],
        **dict.fromkeys(("EXDOSU", "EXVAMTU"), same("mL", rows)),
        **dict.fromkeys(("EXDOSFRM", "EXROUTE"), same("", rows)),
        "EXDOSFRQ": same("ONCE", rows),
    }
    return [
        domain(
            source,
            "EX",
            "Exposure",
            "INTERVENTIONS",
            "One record per infusion given per subject",
            ("USUBJID", "EXSEQ"),
            rows,
            [
                *columns(_EX, values),
                *timing("EX", "Treatment", rows),
            ],
        )
    ]


def _treatments(source: Source, rows: DataFrame) -> Texts:
    """Return the label of the arm whose study drug each infusion has: after switching, another."""
    arms = [arm.label for arm in source.study.design.arms.values()]
    labels = rows["arm"].astype(object).map(dict(zip(source.study.design.arms, arms, strict=True)))
    to = arm_switched_to(source.study)
    if to is None:
        return labels.to_numpy(object)
    place = (0, rows["subject"].to_numpy() - 1, rows["infusion"].to_numpy() - 1)
    return np.where(source.trial.batch.conduct.infusion_switched[place], arms[to], labels)
