"""The stages in C as functions of arrays; `stages.c` says which NumPy code each stands for."""

from collections.abc import Sequence
from ctypes import CDLL, POINTER, byref, c_double, c_int64, c_uint32, c_uint64, c_void_p
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trialsim.arrays import Booleans, Floats, Integers, Words
from trialsim.compiled.whole import EACH, KEPT, Measured, Ranked, Study, Unfinished, WholeTrials

Address = tuple[int, int, int, int]
"""Seed, hash of the purpose, draw and first replicate."""


class _Array:
    """An array as an argument: where it begins; ctypes keeps it alive during the call."""

    @classmethod
    def from_param(cls, array: NDArray[Any] | None) -> c_void_p:
        """Return where a contiguous array begins in memory; None where there is none."""
        if array is None:
            return c_void_p(None)
        if not array.flags.c_contiguous:
            raise ValueError("the compiled stages take contiguous arrays")
        return c_void_p(array.__array_interface__["data"][0])


_TYPES: Final = {
    "u": c_uint64,
    "i": c_int64,
    "d": c_double,
    "w": c_uint32,
    "p": _Array,
    "s": POINTER(Study),
    "r": POINTER(Ranked),
}
_SIGNATURES: Final = {
    "words": "uuuuiipp",
    "words_at": "uuuuiippp",
    "words_of_pairs": "uuuuippp",
    "tail_curve": "ppip",
    "curve": "pdddpip",
    "steps": "ppppip",
    "arrivals": "uuuuiippipddpppp",
    "fails": "uuuiiippipp",
    "first_infusion": "ipppipiiiipippp",
    "permuted_blocks": "iipipipipp",
    "refusals": "uuuiiippppp",
    "visits": "uuuiiippwippp",
    "conduct": "iiiippppppppppppppppppp",
    "whole_trials": "suuiipppppppp",
    "joint_sums": "iiiirpippppppp",
    "at_most": "iiipppp",
    "counts_at": "iiiipppppp",
    "rank_sums_at": "iiiiippppp",
}
"""The arguments of each stage: whole numbers without and with a sign, floats, words and arrays."""
_LANES: Final = 4
"""Patients are added up by so many, so that each arm needs room for some more."""
_BLOCK: Final = 8
"""Words are made by so many, so that a row of them needs room for some more."""


class JointSums(NamedTuple):
    """Whole numbers of which effects on several scales, and their covariances, are made."""

    sizes: Floats
    """Patients who have a value, shape (arm, trial, scale)."""
    won: Floats
    """Twice the pairs that the treated win, shape (trial, scale)."""
    products: Floats
    """Sums of products of deviations, of each arm, of both or none, (1, trial, scale, scale)."""


class Stages:
    """A library of compiled stages."""

    def __init__(self, kind: str, library: CDLL) -> None:
        """Take the library, and the kind of processor that it was compiled for."""
        self.kind, self._library = kind, library
        for name, arguments in _SIGNATURES.items():
            stage = getattr(library, name)
            stage.argtypes, stage.restype = [_TYPES[one] for one in arguments], None
        library.whole_trials.restype = c_int64

    def processor(self) -> int:
        """Return how many better kinds of processor than the plainest this one runs."""
        return int(self._library.processor())

    def words(self, address: Address, replicates: int, units: int) -> Words:
        """Return the words of the first units, shape (replicate, unit)."""
        found = np.empty((replicates, units), np.uint32)
        row = _row(units)
        self._library.words(*address, replicates, units, row, found)
        return found

    def words_at(self, address: Address, units: Integers) -> Words:
        """Return the words of units that are named for each replicate, in their shape."""
        units = np.asarray(units, np.int64, order="C")
        found, row = np.empty(units.shape, np.uint32), _row(int(units.max(initial=0)) + 1)
        self._library.words_at(*address, *units.shape, units, row, found)
        return found

    def words_of_pairs(self, address: Address, replicates: Integers, units: Integers) -> Words:
        """Return the word of each pair of a replicate, counted from the first, and a unit."""
        replicates, units = (np.asarray(one, np.int64, order="C") for one in (replicates, units))
        found = np.empty(units.shape, np.uint32)
        self._library.words_of_pairs(*address, units.size, replicates, units, found)
        return found

    def tail_curve(self, pieces: Floats, words: Words) -> Floats:
        """Return the values at words of a curve whose pieces have shape (piece, 4)."""
        words = np.asarray(words, order="C")
        values = np.empty(words.shape)
        self._library.tail_curve(pieces, words, words.size, values)
        return values

    def curve(self, pieces: Floats, low: float, high: float, per_unit: float, at: Floats) -> Floats:
        """Return the values of a curve on an interval, with so many pieces a unit."""
        at = np.asarray(at, np.float64, order="C")
        values = np.empty(at.shape)
        self._library.curve(pieces, low, high, per_unit, at, at.size, values)
        return values

    def steps(
        self, before: Integers, ends: NDArray[np.uint64], of_run: Floats, words: Words
    ) -> Floats:
        """Return the values of the runs in which words lie."""
        words = np.asarray(words, order="C")
        values = np.empty(words.shape)
        table = before, ends, of_run
        self._library.steps(*table, words, words.size, values)
        return values

    def arrivals(
        self,
        wait: Address,
        site_purpose: int,
        candidates: int,
        wait_pieces: Floats,
        running: Floats,
        opened: Floats,
        farthest: int,
    ) -> tuple[Integers, Integers, Integers]:
        """Return arrivals and sites, (replicate, candidate), and until when nobody is missing."""
        seed, purpose, _, first = wait
        replicates, sites = running.shape
        arrival = np.empty((replicates, candidates), np.int64)
        site, until = np.empty_like(arrival), np.empty(replicates, np.int64)
        row = np.empty((2, candidates + _BLOCK), np.uint32)
        self._library.arrivals(
            *(seed, purpose, site_purpose, first, replicates, candidates),
            *(wait_pieces, running, sites, opened, opened.min(), farthest),
            *(row, arrival, site, until),
        )
        return arrival, site, until

    def fails(
        self, address: Address, runs: tuple[tuple[int, int], ...], excludes: bool, failed: Booleans
    ) -> None:
        """Write who fails a rule that the words in some runs meet, shape (replicate, candidate)."""
        seed, purpose, _, first = address
        replicates, candidates = failed.shape
        ends = np.array(runs, np.int64).reshape(-1, 2) - (0, 1)
        firsts, lasts = np.ascontiguousarray(ends.T.astype(np.uint32))
        self._library.fails(
            *(seed, purpose, first, replicates, candidates),
            *(len(ends), firsts, lasts, excludes, _row(candidates), failed),
        )

    def first_infusion(
        self,
        arrival: Integers,
        onset: Integers,
        screened: Integers,
        fails: Booleans,
        window: tuple[int, int],
        hours: tuple[int, int],
        wait: Integers,
        last_arrival: int,
    ) -> tuple[Integers, Integers, Booleans]:
        """Return when candidates are ready, until when, and who of them can be randomised.

        Parameters
        ----------
        fails
            Shape (replicate, candidate, rule), the last axis outermost in memory.
        """
        ready, deadline = (np.empty(arrival.shape, np.int64) for _ in range(2))
        possible = np.empty(arrival.shape, np.bool_)
        times = map(np.ascontiguousarray, (arrival, onset, screened))  # of a part, they are not
        rules = np.ascontiguousarray(np.moveaxis(fails, 2, 0))
        self._library.first_infusion(
            *(arrival.size, *times),
            *(len(rules), rules, *window, *hours, wait, last_arrival),
            *(ready, deadline, possible),
        )
        return ready, deadline, possible

    def permuted_blocks(
        self, stratum: Integers, strata: int, marks: Words, counts: list[int]
    ) -> Integers:
        """Return each patient's arm, shape (replicate, patient)."""
        stratum, marks = np.ascontiguousarray(stratum), np.ascontiguousarray(marks)
        arms, left = np.empty_like(stratum), np.empty(strata * (len(counts) + 1), np.int64)
        each = np.array(counts, np.int64)
        self._library.permuted_blocks(
            *(*stratum.shape, stratum, strata, marks),
            *(len(counts), each, each.sum(), left, arms),
        )
        return arms

    def refusals(
        self, address: Address, candidate: Integers, share: tuple[Any, Any], infusions: int
    ) -> Booleans:
        """Return which infusions patients would refuse, shape (replicate, patient, infusion).

        Parameters
        ----------
        share
            Of each patient, the last word below it and whether there is any.
        """
        seed, purpose, _, first = address
        candidate = np.ascontiguousarray(candidate)
        last, some = (np.ascontiguousarray(np.broadcast_to(one, candidate.shape)) for one in share)
        refused = np.empty((infusions, *candidate.shape), np.bool_)
        self._library.refusals(
            *(seed, purpose, first, *candidate.shape, infusions, candidate),
            *(last, some, _row(int(candidate.max(initial=0)) + 1), refused),
        )
        return np.moveaxis(refused, 0, 2)

    def visits(
        self, address: Address, candidate: Integers, share: tuple[Any, Any], windows: Sequence[int]
    ) -> tuple[Integers, Booleans]:
        """Return the days by which visits stray and which are missed, a third axis for visits.

        Parameters
        ----------
        share
            Of all, the last word below it and whether there is any.
        """
        seed, purpose, _, first = address
        candidate, window = np.ascontiguousarray(candidate), np.array(windows, np.int64)
        shift = np.empty((len(window), *candidate.shape), np.int64)
        missed = np.empty(shift.shape, np.bool_)
        row = _row(int(candidate.max(initial=0)) + 1)
        self._library.visits(
            *(seed, purpose, first, *candidate.shape, len(window), candidate),
            *(window, int(share[0]), bool(share[1]), row, shift, missed),
        )
        return np.moveaxis(shift, 0, 2), np.moveaxis(missed, 0, 2)

    def conduct(
        self,
        randomised: Integers,
        onset: Integers,
        ends: Sequence[Integers],
        layers: Sequence[NDArray[Any]],
        offsets: Integers,
        visit_day: Sequence[int],
        from_onset: Sequence[bool],
    ) -> dict[str, Any]:
        """Return what happened to patients who never wait, by the names of `Conduct`.

        Parameters
        ----------
        ends
            Minutes to discontinuation, withdrawal and death.
        layers
            Infusions refused, days by which visits stray and visits missed, third axes outermost.
        """
        shape, infusions, visits = randomised.shape, offsets.shape[1], len(visit_day)
        given = np.empty((infusions, *shape), np.bool_)
        discontinued, withdrawn, died = (np.empty(shape, np.int64) for _ in range(3))
        days, minute = (np.empty((visits, *shape), np.int64) for _ in range(2))
        attended = np.empty(days.shape, np.bool_)
        self._library.conduct(
            *(*shape, infusions, visits),
            *(np.ascontiguousarray(times) for times in (randomised, onset, *ends)),
            *(np.ascontiguousarray(np.moveaxis(layer, 2, 0)) for layer in layers),
            *(offsets, np.array(visit_day, np.int64), np.array(from_onset, np.bool_)),
            np.empty(shape[1], np.int64),
            *(given, discontinued, withdrawn, died, days, minute, attended),
        )
        return {
            "infusion_given": np.moveaxis(given, 0, 2),
            "discontinued": discontinued,
            "withdrawn": withdrawn,
            "died": died,
            "visit_day": np.moveaxis(days, 0, 2),
            "visit_minute": np.moveaxis(minute, 0, 2),
            "visit_attended": np.moveaxis(attended, 0, 2),
        }

    def whole_trials(
        self,
        study: Study,
        seed: int,
        replicates: range,
        candidates: int,
        each: bool = False,
        cells: bool = False,
    ) -> WholeTrials | Unfinished:
        """Simulate replicates of a study one after another, and count their patients.

        Parameters
        ----------
        candidates
            How many of each replicate can be screened at most, a multiple of 64.
        each
            Whether to hand back what cuts need of each patient beside.
        cells
            Whether to hand back the cell of each patient at each measurement.
        """
        plan, many, measured = study.plan, len(replicates), study.measurements
        kept = np.empty((many, len(KEPT)), np.int64)
        shape = (many, study.sites if plan.by_site else 1, 2, study.cells)
        counts, complete = (np.zeros(shape, np.int64) for _ in range(2))
        layers = np.empty((len(EACH), many, study.patients), np.int64) if each else None
        arrival = np.empty((many, candidates), np.int64) if each else None
        found = np.empty((2, measured, many, study.patients), np.int16) if cells else None
        known = np.empty(found.shape, np.bool_) if found is not None else None
        whose = np.empty((2, many, study.patients), np.int32) if cells else None
        why = self._library.whole_trials(
            *(byref(study), seed, replicates.start, many, candidates),
            *(kept, counts, complete, layers, arrival, found, known, whose),
        )
        if why:
            return Unfinished(why)
        trials = WholeTrials(
            dict(zip(KEPT, np.ascontiguousarray(kept.T), strict=True)), counts, complete
        )
        if layers is not None and arrival is not None:
            handed = {**dict(zip(EACH, layers, strict=True)), "arrival": arrival}
            trials = trials._replace(each=handed)
        if found is not None and known is not None and whose is not None:
            trials = trials._replace(measured=Measured(found, known, *whose))
        return trials

    def joint_sums(
        self,
        scales: Sequence[tuple[Integers, Booleans, int]],
        arm: NDArray[np.uint8],
        products: Literal["none", "within_arms", "pooled"],
    ) -> JointSums:
        """Return the sums that effects on several scales, and their covariances, are made of.

        Parameters
        ----------
        scales
            The cells and whether they are known, shape (trial, patient), and how many cells there
            are.
        arm
            0 for the treated, 1 for the controls and 2 for others, shape (trial, patient).
        """
        (trials, patients), count = arm.shape, len(scales)
        most, room = max(size for *_, size in scales), patients + 2 * _LANES
        kept = [
            (np.ascontiguousarray(cells, np.int16), np.ascontiguousarray(known), size)
            for cells, known, size in scales
        ]
        layers = {"none": 0, "within_arms": 2, "pooled": 1}[products]
        sizes, won = np.empty((2, trials, count)), np.empty((trials, count))
        found = np.empty((layers, trials, count, count))
        self._library.joint_sums(
            *(trials, patients, count, most),
            (Ranked * count)(*(Ranked.of(*one) for one in kept)),
            *(np.ascontiguousarray(arm), products == "pooled"),
            *(np.empty(4 * most + 1, np.int32), np.empty(2 * most + 1)),
            *(
                np.empty(2 * room, np.int32),
                np.empty((count, room)),
                sizes,
                won,
                found if layers else None,
            ),
        )
        return JointSums(sizes, won, found)

    def at_most(self, moments: Integers, minutes: Integers, rows: Integers) -> Integers:
        """Return how many moments of some rows are at most their minutes, shape (row, minute)."""
        rows, moments, minutes = map(np.ascontiguousarray, (rows, moments, minutes))
        counts, sizes = np.empty_like(minutes), (len(rows), moments.shape[1], minutes.shape[1])
        self._library.at_most(*sizes, rows, moments, minutes, counts)
        return counts

    def counts_at(
        self,
        rows: Integers,
        first: Integers,
        place: Integers,
        known: Integers,
        minutes: Integers,
        size: int,
    ) -> Integers:
        """Return the first patients of some rows, known at minutes, counted at their places.

        Parameters
        ----------
        first
            How many patients, shape (row,).
        minutes
            Shape (row, minute).

        Returns
        -------
        Integers
            Shape (row, minute, size).
        """
        counts = np.zeros((*minutes.shape, size), np.int64)
        arrays = map(np.ascontiguousarray, (rows, first, place, known, minutes))
        self._library.counts_at(
            *(len(rows), place.shape[1], minutes.shape[1], size, *arrays, counts)
        )
        return counts

    def rank_sums_at(
        self, patients: int, place: Integers, known: Integers, minutes: Integers, cells: int
    ) -> Integers:
        """Return the rank sums of the first so many patients known at minutes, shape (row, minute).

        There are four, along an axis before these: twice the pairs won, the treated, the controls,
        and the sum over ties.
        """
        table, sums = np.empty((3, cells), np.int64), np.empty((4, *minutes.shape), np.int64)
        arrays = map(np.ascontiguousarray, (place, known, minutes))
        self._library.rank_sums_at(
            *(*place.shape, minutes.shape[1], cells, patients, *arrays, table, sums)
        )
        return sums


def _row(units: int) -> Words:
    return np.empty(units + _BLOCK, np.uint32)
