"""What the page does: each visitor has a session, and nothing is shared but places to compute."""

import asyncio
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from shiny import Inputs, Session, reactive, render, ui
from shiny.types import SilentException
from shiny.ui import TagChild, tags

from trialsim.app.fields import Field, Group, changes_of, groups_of
from trialsim.app.limits import LARGEST_SEED, MOST_BYTES, MOST_DESIGNS, MOST_REPLICATES, whole
from trialsim.app.page import GIVEN, OWN, fields_tags, problem_tags
from trialsim.app.requests import (
    Answer,
    Comparing,
    Curving,
    Looking,
    Powering,
    Reading,
    Reporting,
    Request,
)
from trialsim.app.runner import answer_of
from trialsim.app.uploaded import uploaded_file
from trialsim.errors import InputError, Problem, TrialsimError
from trialsim.scenario.files.builtin import builtin_studies
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.files.yaml_file import to_yaml
from trialsim.scenario.programme import Study, differences
from trialsim.scenario.validation.problems import as_written
from trialsim.scenario.words.labels import label_of

Content = TypeVar("Content")
_NAME: Final = re.compile(r"[\w .,+-]{1,40}")
"""How a design may be called."""
_BUSY: Final = Problem("run", "must wait for the run before it, which can be stopped")
_FILES: Final = {
    "power": "Table of the power (CSV)",
    "curve": "Table of the power curve (CSV)",
    "compare": "Table of the comparison (CSV)",
    "trial": "Page of the trial or patient (HTML)",
    "report": "Report (HTML)",
}
"""What can be downloaded once it was computed."""


class Kept(NamedTuple):
    """A design that was kept to be compared."""

    study: Study
    changed: tuple[str, ...]
    """What was changed in the study that was open, in words."""


class Visit:
    """One visitor: the study that is open, what was found of it, and the one run there may be."""

    def __init__(
        self,
        inputs: Inputs,
        session: Session,
        given: Study | None,
        places: asyncio.Semaphore,
    ) -> None:
        """Open a session.

        Parameters
        ----------
        given
            The study with which the program was started, if it is in a file.
        places
            How many runs may compute at once, for all visitors.
        """
        self._input, self._session = inputs, session
        self._given, self._places = given, places
        self._study: reactive.Value[Study | None] = reactive.Value(None)
        self._turn = reactive.Value(0)
        self._told: reactive.Value[Sequence[Problem]] = reactive.Value(())
        self._refused: reactive.Value[Sequence[Problem]] = reactive.Value(())
        self._answer: reactive.Value[Answer] = reactive.Value(Answer())
        self._kept: reactive.Value[Mapping[str, Kept]] = reactive.Value({})
        self._powered = ""
        self._asked: Request | None = None
        self._text: Sequence[str] = ()
        self._groups = reactive.calc(self._grouped)
        self._design = reactive.calc(self._changed_study)
        self._run = reactive.extended_task(self._answered)
        session.on_ended(self._run.cancel)

    def serve(self) -> None:
        """Connect what is on the page with what it does."""
        buttons: Mapping[str, Any] = {
            "choice": self._choose,
            "file": self._upload,
            "reset": self._reset,
            "run": lambda: self._begin(self._powering),
            "draw": lambda: self._begin(self._curving),
            "show_trial": lambda: self._begin(lambda: self._looking(None)),
            "show_patient": lambda: self._begin(lambda: self._looking(self._input["patient"]())),
            "compare_kept": lambda: self._begin(self._comparing),
            "make_report": lambda: self._begin(self._reporting),
            "stop": self._run.cancel,
            "keep": self._keep,
            "forget": lambda: self._kept.set({}),
        }
        for name, action in buttons.items():
            reactive.effect(reactive.event(self._input[name])(action))
        reactive.effect(self._settle)
        shown = {
            "problems": self._problems,
            "fields": self._fields,
            "changed": self._changes,
            "refused": lambda: problem_tags(self._refused()),
            "stale": self._stale,
            "along_choice": self._along,
            "along_ends": self._ends,
            "kept": self._designs,
            "trial": self._trial,
            "files": self._file_links,
            **{name: self._piece(name) for name in ("power", "conduct", "curve", "compare")},
        }
        for name, content in shown.items():
            render.ui(_called(name, content))
        self._serve_files()

    # The study that is open, and the design that its fields make of it.

    async def _choose(self) -> None:
        choice = self._input["choice"]()
        if choice == GIVEN and self._given is not None:
            self._open(self._given)
        elif choice in builtin_studies():  # never the path of a file
            self._open(await asyncio.to_thread(load_study, choice))

    def _upload(self) -> None:
        (file, *_) = self._input["file"]()
        try:
            with uploaded_file(file["datapath"]).open("rb") as opened:
                content = opened.read(MOST_BYTES + 1)
        except InputError as error:
            self._refused.set(error.problems)
            return
        self._text = content.decode("utf-8", "replace").splitlines()
        self._begin(lambda: Reading(file["name"], content))

    def _open(self, study: Study) -> None:
        self._study.set(study)
        self._told.set(())
        self._reset()

    def _reset(self) -> None:
        with reactive.isolate():
            self._turn.set(self._turn() + 1)

    def _grouped(self) -> list[Group]:
        study = self._study()
        return [] if study is None else list(groups_of(study))

    def _by_path(self) -> dict[str, Field]:
        return {field.path: field for group in self._groups() for field in group.fields}

    def _ids(self) -> dict[str, str]:
        """Return the input of each field, new ones for each study."""
        return {path: f"field_{self._turn()}_{place}" for place, path in enumerate(self._by_path())}

    def _changed_study(self) -> Study | InputError:
        """Return the design, or what is wrong with it: it is read as a file is."""
        study: Study | None = self._study()
        if study is None:
            return InputError([Problem("study", "must be chosen")])
        values = {}
        for path, name in self._ids().items():
            try:
                values[path] = self._input[name]()
            except SilentException:  # the browser has not shown it yet
                continue
        try:
            changes = changes_of(study, values)
            return study.replace(changes) if changes else study
        except InputError as error:
            return error

    def _study_now(self) -> Study:
        design: Study | InputError = self._design()
        if isinstance(design, InputError):
            raise design
        return design

    # What is asked for.

    def _begin(self, make: Callable[[], Request]) -> None:
        """Have a worker answer a request, unless it is refused."""
        if self._run.status() == "running":
            self._refused.set([_BUSY])
            return
        self._refused.set(())
        try:
            request = make()
            request.check()
        except InputError as error:
            self._refused.set(error.problems)
            return
        self._asked = request
        self._run.invoke(request)

    def _numbers(self) -> tuple[int, int]:
        found: list[int] = []
        problems: list[Problem] = []
        for name, low, high in (("replicates", 1, MOST_REPLICATES), ("seed", 0, LARGEST_SEED)):
            try:
                found.append(whole(self._input[name](), name, low, high))
            except InputError as error:
                problems += error.problems
        if problems:
            raise InputError(problems)
        return found[0], found[1]

    def _powering(self) -> Request:
        return Powering(self._study_now(), *self._numbers())

    def _reporting(self) -> Request:
        return Reporting(self._study_now(), *self._numbers())

    def _curving(self) -> Request:
        study = self._study_now()
        path, fields = self._input["along"](), self._by_path()
        if path not in fields:
            raise InputError([Problem("along", "must be a number of the design", as_written(path))])
        ends = [self._input[name]() for name in ("lowest", "highest")]
        points = whole(self._input["points"](), "points", 2, MOST_DESIGNS - 1)
        if not all(map(_is_number, ends)) or not 0 < ends[1] - ends[0] < math.inf:
            rule = "must be two numbers, the lower one first"
            raise InputError([Problem("along", rule, as_written(ends))])
        low, high = ends
        values = [low + (high - low) * place / (points - 1) for place in range(points)]
        spread = [round(one) if fields[path].is_whole else round(one, 9) for one in values]
        return Curving(study, path, tuple(dict.fromkeys(spread)), *self._numbers())

    def _looking(self, patient: Any) -> Request:
        replicate = whole(self._input["replicate"](), "trial", 0, LARGEST_SEED)
        one = None if patient is None else whole(patient, "patient", 1, 1_000_000)
        return Looking(self._study_now(), self._numbers()[1], replicate, one)

    def _comparing(self) -> Request:
        kept = self._kept()
        if len(kept) < 2:
            raise InputError([Problem("designs", "must be kept first, two at least")])
        designs = tuple((name, one.study) for name, one in kept.items())
        return Comparing(designs, *self._numbers())

    def _keep(self) -> None:
        self._refused.set(())
        name, kept = self._input["name"](), self._kept()
        try:
            study = self._study_now()
            if not (isinstance(name, str) and _NAME.fullmatch(name)) or name in kept:
                rule = "must be a name of its own, of letters, digits and spaces"
                raise InputError([Problem("name of this design", rule, as_written(name))])
            if len(kept) >= MOST_DESIGNS:
                raise InputError([Problem("designs", f"must be at most {MOST_DESIGNS}")])
        except InputError as error:
            self._refused.set(error.problems)
            return
        self._kept.set({**kept, name: Kept(study, tuple(self._changed_words(study)))})
        ui.update_text("name", value=f"design {len(kept) + 2}", session=self._session)

    # The run.

    async def _answered(self, request: Request) -> Answer:
        await self._show(0, 0, "")
        return await answer_of(request, self._places, self._show)

    async def _show(self, done: int, total: int, words: str) -> None:
        counted = f"{done:,} of {total:,} trials" if total else "working"
        await self._tell(", ".join(filter(None, [counted, words])), True, done, total)

    async def _tell(self, words: str, running: bool = False, done: int = 0, total: int = 1) -> None:
        message = {"words": words, "running": running, "done": done, "total": total}
        await self._session.send_custom_message("running", message)

    async def _settle(self) -> None:
        """Show what a run has come to."""
        match self._run.status():
            case "success":
                await self._tell("Done.")
                with reactive.isolate():
                    self._take(self._run.result())
            case "cancelled":
                await self._tell("Stopped.")
            case "error":
                await self._tell("Not done.")
                with reactive.isolate():
                    self._take_error()

    def _take(self, answer: Answer) -> None:
        if answer.study is not None:
            ui.update_select("choice", selected=OWN, session=self._session)
            self._open(answer.study)
        if isinstance(self._asked, Powering):
            self._powered = self._asked.study.digest
        before = self._answer()
        pieces = {**before.pieces, **answer.pieces}
        self._answer.set(Answer(pieces, {**before.files, **answer.files}))

    def _take_error(self) -> None:
        try:
            self._run.result()
        except InputError as error:
            of_file = isinstance(self._asked, Reading)
            (self._told if of_file else self._refused).set(error.problems)
        except TrialsimError as error:
            self._refused.set([Problem("", str(error))])

    # What is shown.

    def _problems(self) -> TagChild:
        told = self._told()
        if told:
            return problem_tags(told, self._text)
        design = self._design()
        return problem_tags(design.problems) if isinstance(design, InputError) else None

    def _fields(self) -> TagChild:
        return fields_tags(self._groups(), self._ids())

    def _changes(self) -> TagChild:
        study, design = self._study(), self._design()
        if study is None or isinstance(design, InputError) or study.digest == design.digest:
            return None
        rows = map(tags.li, self._changed_words(design))
        return tags.div(tags.p(f"Changed in {study.name}:"), tags.ul(*rows), class_="quiet")

    def _changed_words(self, design: Study) -> Iterator[str]:
        """Yield what a design changes in the study that is open."""
        study: Study | None = self._study()
        if study is not None:
            for path, value in differences(study, design).items():
                yield f"{label_of(path, study)} = {as_written(value)}"

    def _stale(self) -> TagChild:
        design, found = self._design(), self._answer()
        if "power" not in found.pieces or isinstance(design, InputError):
            return None
        if design.digest == self._powered:
            return None
        told = "The design has changed since: power, recruitment and flow are of the one before."
        return tags.p(told, class_="note")

    def _piece(self, name: str) -> Callable[[], TagChild]:
        def piece() -> TagChild:
            found = self._answer().pieces.get(name)
            none = tags.p("Nothing was simulated yet.", class_="quiet")
            return none if found is None else ui.HTML(found)

        return piece

    def _trial(self) -> TagChild:
        """Return the page of a trial in a frame that can reach nothing."""
        found = self._answer().pieces.get("trial")
        title = "The trial or the patient"
        return found and tags.iframe(srcdoc=found, title=title, sandbox="allow-scripts")

    def _along(self) -> TagChild:
        choices = {path: one.label for path, one in self._by_path().items() if one.is_simple}
        return ui.input_select("along", "Along", choices) if choices else None

    def _ends(self) -> TagChild:
        """Return between which values the curve lies: at first those of the number's slider."""
        found = self._by_path().get(self._input["along"]())
        if found is None:
            return None
        low, high = (round(end) if found.is_whole else end for end in found.ends)
        return tags.div(
            ui.input_numeric("lowest", "From", low),
            ui.input_numeric("highest", "To", high),
            ui.input_numeric("points", "Values", 5, min=2, max=MOST_DESIGNS - 1),
            class_="several",
        )

    def _designs(self) -> TagChild:
        rows = [
            tags.li(tags.strong(name), ": ", "; ".join([one.study.name, *one.changed]))
            for name, one in self._kept().items()
        ]
        return tags.ol(*rows) if rows else tags.p("No design is kept yet.", class_="quiet")

    # What can be downloaded.

    def _file_links(self) -> TagChild:
        files = self._answer().files
        links = (
            ui.download_button(f"file_{name}", label)
            for name, label in _FILES.items()
            if name in files
        )
        return tags.div(*links, class_="bar")

    def _serve_files(self) -> None:
        def study_file() -> bytes:
            return to_yaml(self._study_now()).encode()

        self._serve_file("study_file", lambda: f"{self._study_now().name}.yaml", study_file)
        for name in _FILES:
            called, content = partial(self._file_name, name), partial(self._file_content, name)
            self._serve_file(f"file_{name}", called, content)

    def _file_name(self, name: str) -> str:
        found: Answer = self._answer()
        return found.files[name][0]

    def _file_content(self, name: str) -> bytes:
        found: Answer = self._answer()
        return found.files[name][1]

    def _serve_file(
        self, name: str, called: Callable[[], str], content: Callable[[], bytes]
    ) -> None:
        def chunks() -> Iterator[bytes]:
            yield content()

        render.download_button(filename=called)(_called(name, chunks))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _called(name: str, function: Callable[[], Content]) -> Callable[[], Content]:
    """Return a function under the name of the place on the page that it fills."""

    def named() -> Content:
        return function()

    named.__name__ = name
    return named
