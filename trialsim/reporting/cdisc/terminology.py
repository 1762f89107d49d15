"""Controlled terms of CDISC, with their codes in the NCI Thesaurus, and who else defines a term.

The codes are those of the SDTM and ADaM terminology that CDISC published on the date below. What is
not among them is the sponsor's, and Define-XML marks it so.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from trialsim.reporting.cdisc.metadata import CodeList, Term

PUBLISHED: Final = "2025-03-28"


class Standard(NamedTuple):
    """A code list of CDISC: its code and those of the terms that are used here."""

    label: str
    code: str
    terms: Mapping[str, str]


SUMMARY_PARAMETERS: Final[Mapping[str, tuple[str, str]]] = {
    "ACTSUB": ("Actual Number of Subjects", "C98703"),
    "ADAPT": ("Adaptive Design", "C146995"),
    "AGEMAX": ("Planned Maximum Age of Subjects", "C49694"),
    "AGEMIN": ("Planned Minimum Age of Subjects", "C49693"),
    "DOSE": ("Dose per Administration", "C25488"),
    "DOSU": ("Dose Units", "C73558"),
    "INDIC": ("Trial Disease/Condition Indication", "C112038"),
    "INTMODEL": ("Intervention Model", "C98746"),
    "INTTYPE": ("Intervention Type", "C98747"),
    "LENGTH": ("Trial Length", "C49697"),
    "NARMS": ("Planned Number of Arms", "C98771"),
    "OUTMSPRI": ("Primary Outcome Measure", "C98772"),
    "PLANSUB": ("Planned Number of Subjects", "C49692"),
    "RANDOM": ("Trial is Randomized", "C25196"),
    "ROUTE": ("Route of Administration", "C38114"),
    "SDTIGVER": ("SDTM IG Version", "C156604"),
    "SDTMVER": ("SDTM Version", "C156605"),
    "SENDTC": ("Study End Date", "C90462"),
    "SEXPOP": ("Sex of Participants", "C49696"),
    "SPONSOR": ("Clinical Study Sponsor", "C70793"),
    "SSTDTC": ("Study Start Date", "C69208"),
    "STOPRULE": ("Study Stop Rules", "C49698"),
    "STRATFCT": ("Stratification Factor", "C16153"),
    "STYPE": ("Study Type", "C142175"),
    "TBLIND": ("Trial Blinding Schema", "C49658"),
    "TCNTRL": ("Control Type", "C49647"),
    "TITLE": ("Trial Title", "C49802"),
    "TPHASE": ("Trial Phase Classification", "C48281"),
    "TRT": ("Investigational Therapy or Treatment", "C41161"),
    "TTYPE": ("Trial Type", "C49660"),
    "PLNTRDUR": ("Planned Trial Duration", "C127796"),
}
"""Name and code of each parameter of a trial's summary, by its short name."""
LISTS: Final[Mapping[str, Standard]] = {
    "SEX": Standard("Sex", "C66731", {"F": "C16576", "M": "C20197", "U": "C17998"}),
    "AGEU": Standard("Age Unit", "C66781", {"YEARS": "C29848"}),
    "NY": Standard("No Yes Response", "C66742", {"Y": "C49488", "N": "C49487"}),
    "ARMNULRS": Standard(
        "Arm Null Reason",
        "C142179",
        {
            "SCREEN FAILURE": "C49628",
            "NOT ASSIGNED": "C142239",
            "ASSIGNED, NOT TREATED": "C142238",
        },
    ),
    "EPOCH": Standard(
        "Epoch",
        "C99079",
        {"SCREENING": "C202487", "TREATMENT": "C101526", "FOLLOW-UP": "C202578"},
    ),
    "FREQ": Standard("Frequency", "C71113", {"ONCE": "C64576", "QD": "C25473"}),
    "NCOMPLT": Standard(
        "Completion/Reason for Non-Completion",
        "C66727",
        {
            "COMPLETED": "C25250",
            "DEATH": "C28554",
            "WITHDRAWAL BY SUBJECT": "C49634",
            "SCREEN FAILURE": "C49628",
            "FAILURE TO MEET RANDOMIZATION CRITERIA": "C105448",
            "MET ELIGIBILITY CRITERIA BUT NOT NEEDED": "C150884",
            "SCREENING NOT COMPLETED": "C166074",
        },
    ),
    "PROTMLST": Standard("Protocol Milestone", "C114118", {"RANDOMIZED": "C114209"}),
    "DSCAT": Standard(
        "Category of Disposition Event",
        "C74558",
        {
            "PROTOCOL MILESTONE": "C74588",
            "DISPOSITION EVENT": "C74590",
            "OTHER EVENT": "C150824",
        },
    ),
    "DSSCAT": Standard(
        "Subcategory for Disposition Event",
        "C170443",
        {"STUDY PARTICIPATION": "C170569", "STUDY TREATMENT": "C170570"},
    ),
    "IECAT": Standard(
        "Category of Inclusion/Exclusion",
        "C66797",
        {"INCLUSION": "C25532", "EXCLUSION": "C25370"},
    ),
    "UNIT": Standard(
        "Unit",
        "C71620",
        {
            "mL": "C28254",
            "mL/kg": "C67411",
            "mg/kg": "C67401",
            "s": "C42535",
            "m/s": "C42571",
            "%": "C25613",
            "HOURS": "C25529",
            "DAYS": "C25301",
            "YEARS": "C29848",
            "min": "C48154",
            "kg": "C28252",
        },
    ),
    "FTCAT": Standard(
        "Category of Functional Test",
        "C115304",
        {"NHPT": "C115791", "ADAS-COG": "C100762", "MMSE": "C74982"},
    ),
    "CCCAT": Standard(
        "Category of Clinical Classification",
        "C118971",
        {"MRS": "C111383", "GCS NINDS V1.0": "C124710"},
    ),
    "QSCAT": Standard("Category of Questionnaire", "C100129", {"GDS": "C106697", "CGI": "C135738"}),
    "TSPARMCD": Standard(
        "Trial Summary Parameter Test Code",
        "C66738",
        {code: term for code, (_, term) in SUMMARY_PARAMETERS.items()},
    ),
    "TSPARM": Standard(
        "Trial Summary Parameter Test Name", "C67152", dict(SUMMARY_PARAMETERS.values())
    ),
    "VSTESTCD": Standard("Vital Signs Test Code", "C66741", {"SYSBP": "C25298", "DIABP": "C25299"}),
    "VSTEST": Standard(
        "Vital Signs Test Name",
        "C67153",
        {"Systolic Blood Pressure": "C25298", "Diastolic Blood Pressure": "C25299"},
    ),
    "VSRESU": Standard("Units for Vital Signs Results", "C66770", {"mmHg": "C49670"}),
    "DTYPE": Standard("Derivation Type", "C81224", {"LOCF": "C81198", "BOCF": "C92226"}),
}
"""By submission value of the list: the terms are used as they stand there."""


def standard_list(name: str, values: Iterable[str] | None = None) -> CodeList:
    """Return a list of CDISC with the values that are used; what is not CDISC's is the sponsor's.

    >>> standard_list("NY", ["Y"]).terms
    (Term(value='Y', decode='Y', code='C49488'),)
    """
    standard = LISTS[name]
    used = standard.terms if values is None else dict.fromkeys(value for value in values if value)
    terms = tuple(Term(value, value, standard.terms.get(value)) for value in used)
    return CodeList(name, standard.label, terms, standard.code)


def own_list(name: str, label: str, terms: Mapping[str, str]) -> CodeList:
    """Return a list that the sponsor defines: values with what they mean."""
    return CodeList(
        name, label, tuple(Term(value, decode, None) for value, decode in terms.items())
    )
