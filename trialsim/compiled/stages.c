/* Stages of a trial, compiled: the same numbers as the NumPy code, to the bit, in less time.

   The NumPy code is the reference: each function here names the one that it stands for, and a test
   holds them equal. Only sums, products, divisions, comparisons and whole numbers occur, and no
   product and sum are fused (-ffp-contract=off), so that every processor gives the same bits.
   Arrays are contiguous, the last axis innermost. */

#include <stdint.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* How a library says that it is of this source; see library.py. */
EXPORT int64_t edition(void) { return EDITION; }

/* Which kind of processor this is: 0 the plainest of its family, 1 x86-64-v3, 2 x86-64-v4. */
EXPORT int64_t processor(void)
{
#ifdef __x86_64__
    __builtin_cpu_init();
    if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
          __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")))
        return 0;
    return 1 + (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512vl"));
#else
    return 0;
#endif
}

/* ---- Words: streams.Streams.words ---------------------------------------------------------- */

enum { TILE = 64, ALIKE = 8, BLOCK = 8 };

/* Which numbers: everything of an address but the replicate and the unit. */
typedef struct {
    uint64_t seed, purpose, draw;
} Stream;

enum { ROUNDS = 10 };

/* The keys of the rounds, seed and purpose in turn; they are the same for every block. */
typedef struct {
    uint64_t seed[ROUNDS], purpose[ROUNDS];
} Keys;

static inline Keys keys_of(Stream of)
{
    Keys keys;
    for (int round = 0; round < ROUNDS; round++) {
        keys.seed[round] = of.seed + 0x9E3779B97F4A7C15u * (uint64_t)round;
        keys.purpose[round] = of.purpose + 0xBB67AE8584CAA73Bu * (uint64_t)round;
    }
    return keys;
}

/* The words of one block of a tile, whose size is given, of one replicate: Philox 4x64 with ten
   rounds (Salmon et al. 2011), as eight words, low halves first. */
static inline void block_of(const Keys *keys, uint64_t draw, uint64_t replicate, uint64_t tile,
                            int64_t size, int64_t block, uint32_t *words)
{
    unsigned __int128 before = (unsigned __int128)replicate * (uint64_t)(size / BLOCK);
    uint64_t c0 = (uint64_t)before + (uint64_t)block + 1, c1 = draw + (c0 < (uint64_t)before);
    uint64_t c2 = tile, c3 = (uint64_t)(before >> 64);
    for (int round = 0; round < ROUNDS; round++) {
        unsigned __int128 one = (unsigned __int128)0xD2E7470EE14C6C93u * c0;
        unsigned __int128 other = (unsigned __int128)0xCA5A826395121157u * c2;
        c0 = (uint64_t)(other >> 64) ^ c1 ^ keys->seed[round];
        c1 = (uint64_t)other;
        c2 = (uint64_t)(one >> 64) ^ c3 ^ keys->purpose[round];
        c3 = (uint64_t)one;
    }
    const uint64_t found[4] = {c0, c1, c2, c3};
    for (int i = 0; i < 4; i++) {
        words[2 * i] = (uint32_t)found[i];
        words[2 * i + 1] = (uint32_t)(found[i] >> 32);
    }
}

/* The words of the units from one, at which a block begins, to before another, of one replicate;
   `words` has room for whole blocks. */
static void words_between(Stream of, uint64_t replicate, int64_t from, int64_t to, uint32_t *words)
{
    const Keys keys = keys_of(of);
    int64_t start = 0;
    for (uint64_t tile = 0; start < to; tile++) {
        int64_t size = (int64_t)TILE << (tile / ALIKE);
        int64_t blocks = (to - start < size ? to - start + BLOCK - 1 : size) / BLOCK;
        for (int64_t block = from > start ? (from - start) / BLOCK : 0; block < blocks; block++)
            block_of(&keys, of.draw, replicate, tile, size, block, words + start + block * BLOCK);
        start += size;
    }
}

/* The words of the first `units` units of one replicate. */
static void words_of(Stream of, uint64_t replicate, int64_t units, uint32_t *words)
{
    words_between(of, replicate, 0, units, words);
}

/* Where a unit is: in which tile, of what size, and as which of its units. */
typedef struct {
    uint64_t tile;
    int64_t size, place;
} Unit;

static inline Unit unit_at(int64_t unit)
{
    Unit at = {0, TILE, unit};
    while (at.place >= at.size) {
        at.place -= at.size;
        at.size = (int64_t)TILE << (++at.tile / ALIKE);
    }
    return at;
}

static inline uint32_t word_by(const Keys *keys, uint64_t draw, uint64_t replicate, Unit at)
{
    uint32_t block[BLOCK];
    block_of(keys, draw, replicate, at.tile, at.size, at.place / BLOCK, block);
    return block[at.place % BLOCK];
}

/* The word of one unit of one replicate. */
static uint32_t word_at(Stream of, uint64_t replicate, int64_t unit)
{
    const Keys keys = keys_of(of);
    return word_by(&keys, of.draw, replicate, unit_at(unit));
}

/* Words of a batch, shape (replicate, unit); `row` has room for whole blocks of one replicate. */
EXPORT void words(uint64_t seed, uint64_t purpose, uint64_t draw, uint64_t first,
                  int64_t replicates, int64_t units, uint32_t *row, uint32_t *found)
{
    Stream of = {seed, purpose, draw};
    for (int64_t r = 0; r < replicates; r++) {
        words_of(of, first + (uint64_t)r, units, row);
        memcpy(found + r * units, row, (size_t)units * sizeof *row);
    }
}

/* ---- Curves: curves.TailCurve.at, curves.Curve.at ------------------------------------------ */

enum { OCTAVES = 32, PIECES = 64, MANTISSA = 52, HALF = 1022 * PIECES };

/* A cubic by Horner's rule; a piece is its four coefficients, that of the third power first. */
static inline double cubic(const double *piece, double at)
{
    return ((piece[0] * at + piece[1]) * at + piece[2]) * at + piece[3];
}

/* A tail curve's value at the number that a word stands for. */
static inline double tail_curve_at(const double *pieces, uint32_t word)
{
    uint32_t upper = word >> 31;
    double from_end = (word ^ -upper) + 0.5; /* without a branch, as nobody could foretell it */
    int64_t place;
    memcpy(&place, &from_end, sizeof place);
    place = (place >> (MANTISSA - 6)) - HALF + upper * (OCTAVES * PIECES);
    return cubic(pieces + 4 * place, from_end);
}

EXPORT void tail_curve(const double *pieces, const uint32_t *words, int64_t count, double *values)
{
    for (int64_t i = 0; i < count; i++)
        values[i] = tail_curve_at(pieces, words[i]);
}

/* A curve on [low, high], so many pieces a unit; what is no number stays none. */
static inline double curve_at(const double *pieces, double low, double high, double per_unit,
                              double at)
{
    double within = at < low ? low : at > high ? high : at;
    double along = (within - low) * per_unit;
    int64_t place = along == along ? (int64_t)along : 0;
    return cubic(pieces + 4 * place, along - (double)place);
}

EXPORT void curve(const double *pieces, double low, double high, double per_unit,
                  const double *at, int64_t count, double *values)
{
    for (int64_t i = 0; i < count; i++)
        values[i] = curve_at(pieces, low, high, per_unit, at[i]);
}

/* ---- Steps: quantiles.Steps.at ------------------------------------------------------------- */

enum { CELL_BITS = 20 };

/* Values by their runs of words: `before` guides over cells, `ends` closes each run. */
EXPORT void steps(const int64_t *before, const uint64_t *ends, const double *of_run,
                  const uint32_t *words, int64_t count, double *values)
{
    for (int64_t i = 0; i < count; i++) {
        int64_t passed = before[words[i] >> CELL_BITS];
        while (words[i] >= ends[passed])
            passed++;
        values[i] = of_run[passed];
    }
}

/* How many of the first units hold all that are named. */
static int64_t units_of(const int64_t *unit, int64_t count)
{
    int64_t units = 0;
    for (int64_t i = 0; i < count; i++)
        units = unit[i] >= units ? unit[i] + 1 : units;
    return units;
}

/* Words of the units at some places of each replicate, shape (replicate, place). */
EXPORT void words_at(uint64_t seed, uint64_t purpose, uint64_t draw, uint64_t first,
                     int64_t replicates, int64_t places, const int64_t *unit, uint32_t *row,
                     uint32_t *found)
{
    Stream of = {seed, purpose, draw};
    for (int64_t r = 0; r < replicates; r++) {
        const int64_t *here = unit + r * places;
        words_of(of, first + (uint64_t)r, units_of(here, places), row);
        for (int64_t i = 0; i < places; i++)
            found[r * places + i] = row[here[i]];
    }
}

/* Words of some pairs of a replicate, counted from the first, and a unit. */
EXPORT void words_of_pairs(uint64_t seed, uint64_t purpose, uint64_t draw, uint64_t first,
                           int64_t pairs, const int64_t *replicate, const int64_t *unit,
                           uint32_t *found)
{
    Stream of = {seed, purpose, draw};
    for (int64_t i = 0; i < pairs; i++)
        found[i] = word_at(of, first + (uint64_t)replicate[i], unit[i]);
}

/* ---- Screening: cohort._arrivals, cohort._fails, itinerary.first_infusion ------------------- */

enum { DAY = 24 * 60 };

static const int64_t NEVER = (int64_t)1 << 62;

static inline int64_t smaller(int64_t one, int64_t other) { return one < other ? one : other; }
static inline int64_t larger(int64_t one, int64_t other) { return one > other ? one : other; }

/* A number that is not negative, rounded up. */
static inline int64_t rounded_up(double value)
{
    int64_t below = (int64_t)value;
    return below + ((double)below < value);
}

/* The site at a mark, of sites whose rates are added up to these ends. */
static inline int64_t site_at(const double *ends, int64_t sites, double mark)
{
    int64_t reached = 0, half = 1;
    while (2 * half <= sites - 1)
        half *= 2;
    for (int64_t step = half; step; step /= 2)
        reached += reached + step <= sites - 1 && ends[reached + step - 1] <= mark ? step : 0;
    return reached;
}

/* Who arrives when and where, and before which minute nobody is missing; `running` are the sites'
   rates added up, `opened` their first minutes. */
EXPORT void arrivals(uint64_t seed, uint64_t wait_purpose, uint64_t site_purpose, uint64_t first,
                     int64_t replicates, int64_t candidates, const double *wait_pieces,
                     const double *running, int64_t sites, const double *opened,
                     double first_opening, double farthest, uint32_t *row, int64_t *arrival,
                     int64_t *site, int64_t *until)
{
    for (int64_t r = 0; r < replicates; r++) {
        const double *ends = running + r * sites;
        double pace = ends[sites - 1], waited = 0, after = 0;
        Stream wait = {seed, wait_purpose, 0}, where = {seed, site_purpose, 0};
        uint32_t *site_row = row + candidates + BLOCK;
        words_of(wait, first + (uint64_t)r, candidates, row);
        words_of(where, first + (uint64_t)r, candidates, site_row);
        for (int64_t i = 0; i < candidates; i++) {
            double mark = (site_row[i] + 0.5) / 4294967296.0 * pace;
            int64_t reached = site_at(ends, sites, mark);
            waited += tail_curve_at(wait_pieces, row[i]);
            after = waited / pace;
            double minute = after + opened[reached];
            arrival[r * candidates + i] = rounded_up(minute < farthest ? minute : farthest);
            site[r * candidates + i] = reached;
        }
        double known = after + first_opening;
        until[r] = (int64_t)(known < farthest ? known : farthest);
    }
}

/* Who fails a rule whose covariate's words meet it in some runs, first to last. */
EXPORT void fails(uint64_t seed, uint64_t purpose, uint64_t first, int64_t replicates,
                  int64_t candidates, int64_t runs, const uint32_t *run_first,
                  const uint32_t *run_last, int64_t excludes, uint32_t *row, uint8_t *failed)
{
    Stream of = {seed, purpose, 0};
    for (int64_t r = 0; r < replicates; r++) {
        uint8_t *here = failed + r * candidates;
        words_of(of, first + (uint64_t)r, candidates, row);
        memset(here, !excludes, (size_t)candidates);
        for (int64_t run = 0; run < runs; run++)
            for (int64_t i = 0; i < candidates; i++)
                here[i] ^= row[i] - run_first[run] <= run_last[run] - run_first[run];
    }
}

/* When a course of infusions may begin, from a minute on; `wait` are the days from each weekday to
   the first on which infusions are given, if they are not given every day. */
static inline int64_t next_opening(int64_t minute, int64_t opens, int64_t closes,
                                   const int64_t *wait)
{
    int64_t day = minute / DAY - (minute % DAY < 0), of_day = minute - day * DAY;
    int64_t early = opens > of_day ? opens - of_day : 0;
    int64_t opening = minute + (of_day < closes ? early : DAY - of_day + opens);
    if (!wait)
        return opening;
    day = opening / DAY - (opening % DAY < 0);
    int64_t weekday = day % 7 < 0 ? day % 7 + 7 : day % 7, days = wait[weekday];
    return days > 0 ? (day + days) * DAY + opens : opening;
}

/* Who can be randomised, when and until when; `fails` has a layer for each rule. */
EXPORT void first_infusion(int64_t count, const int64_t *arrival, const int64_t *onset,
                           const int64_t *screened, int64_t rules, const uint8_t *fails,
                           int64_t earliest, int64_t latest, int64_t opens, int64_t closes,
                           const int64_t *wait, int64_t last_arrival, int64_t *ready,
                           int64_t *deadline, uint8_t *possible)
{
    memset(possible, 1, (size_t)count);
    for (int64_t rule = 0; rule < rules; rule++)
        for (int64_t i = 0; i < count; i++)
            possible[i] &= !fails[rule * count + i];
    for (int64_t i = 0; i < count; i++) {
        int64_t from = onset[i] + earliest;
        ready[i] = next_opening(screened[i] > from ? screened[i] : from, opens, closes, wait);
        deadline[i] = onset[i] + latest;
        possible[i] &= (ready[i] <= deadline[i]) & (arrival[i] <= last_arrival);
    }
}

/* ---- Allocation: PermutedBlocks.arms -------------------------------------------------------- */

/* A patient's arm, by the own mark and what is left of the block, of each arm and in all. */
static inline int64_t arm_of(uint32_t mark, int64_t arms, const int64_t *counts,
                             int64_t block_size, int64_t *block, int64_t *remaining)
{
    int64_t chosen = 0;
    if (!*remaining) {
        for (int64_t arm = 0; arm < arms; arm++)
            block[arm] = counts[arm];
        *remaining = block_size;
    }
    int64_t drawn = (int64_t)((uint64_t)mark * (uint64_t)*remaining >> 32), before = 0;
    for (int64_t arm = 0; arm < arms - 1; arm++)
        chosen += drawn >= (before += block[arm]);
    block[chosen]--;
    --*remaining;
    return chosen;
}

/* Each patient's arm; `left` has a row of arms for each stratum. */
EXPORT void permuted_blocks(int64_t replicates, int64_t patients, const int64_t *stratum,
                            int64_t strata, const uint32_t *mark, int64_t arms,
                            const int64_t *counts, int64_t block_size, int64_t *left,
                            int64_t *arm)
{
    for (int64_t r = 0; r < replicates; r++) {
        int64_t *empty = left + strata * arms;
        memset(left, 0, (size_t)(strata * (arms + 1)) * sizeof *left);
        for (int64_t i = r * patients; i < (r + 1) * patients; i++)
            arm[i] = arm_of(mark[i], arms, counts, block_size, left + stratum[i] * arms,
                            empty + stratum[i]);
    }
}

/* ---- Conduct: itinerary.DrawnIntentions, conduct.derive_conduct ----------------------------- */

/* Words below a share, by the last of them; `any` tells none from one. */
static inline uint8_t below(uint32_t word, uint32_t last, uint8_t any)
{
    return (word <= last) & any;
}

/* Which infusions after the first, a layer each, patients would refuse. */
EXPORT void refusals(uint64_t seed, uint64_t purpose, uint64_t first, int64_t replicates,
                     int64_t patients, int64_t infusions, const int64_t *candidate,
                     const uint32_t *last, const uint8_t *any, uint32_t *row, uint8_t *refused)
{
    memset(refused, 0, (size_t)(replicates * patients));
    for (int64_t r = 0; r < replicates; r++) {
        const int64_t *here = candidate + r * patients;
        int64_t units = units_of(here, patients);
        for (int64_t infusion = 1; infusion < infusions; infusion++) {
            Stream of = {seed, purpose, (uint64_t)infusion};
            uint8_t *layer = refused + infusion * replicates * patients + r * patients;
            words_of(of, first + (uint64_t)r, units, row);
            for (int64_t i = 0; i < patients; i++)
                layer[i] = below(row[here[i]], last[r * patients + i], any[r * patients + i]);
        }
    }
}

/* By how many days visits after the first stray within their windows, and which are missed. */
EXPORT void visits(uint64_t seed, uint64_t purpose, uint64_t first, int64_t replicates,
                   int64_t patients, int64_t count, const int64_t *candidate,
                   const int64_t *window, uint32_t last, int64_t any, uint32_t *row,
                   int64_t *shift, uint8_t *missed)
{
    int64_t layer = replicates * patients;
    memset(shift, 0, (size_t)layer * sizeof *shift);
    memset(missed, 0, (size_t)layer);
    for (int64_t r = 0; r < replicates; r++) {
        const int64_t *here = candidate + r * patients;
        int64_t units = units_of(here, patients);
        for (int64_t visit = 1; visit < count; visit++) {
            Stream of = {seed, purpose, (uint64_t)visit};
            int64_t place = visit * layer + r * patients;
            words_of(of, first + (uint64_t)r, units, row);
            for (int64_t i = 0; i < patients; i++) {
                uint64_t scaled = (uint64_t)row[here[i]] * (uint64_t)(2 * window[visit] + 1);
                shift[place + i] = (int64_t)(scaled >> 32) - window[visit];
                missed[place + i] = below((uint32_t)scaled, last, (uint8_t)any);
            }
        }
    }
}

/* The minute so many minutes after randomisation, NEVER where either is. */
static inline int64_t minute_after(int64_t randomised, int64_t after)
{
    return larger(randomised, after) < NEVER ? randomised + after : NEVER;
}

/* Whole days to a visit, from onset where they are counted from there; conduct.days_to. */
static inline int64_t days_to(int64_t day, int64_t from_onset, int64_t since_onset)
{
    int64_t passed = since_onset / DAY - (since_onset % DAY < 0);
    return from_onset ? larger(day - passed, 0) : day;
}

/* From when on a patient has no further infusion, after randomisation, and the minutes at which
   infusions ended for good, and at which the patient withdrew or died. */
typedef struct {
    int64_t stops, discontinued, withdrawn, died;
} Left;

static inline Left left_by(int64_t randomised, int64_t last_infusion, int64_t last_day,
                           int64_t discontinues, int64_t withdraws, int64_t dies)
{
    int64_t exits = smaller(withdraws, dies);
    int64_t stops = randomised < NEVER ? smaller(discontinues, exits) : 0;
    exits = exits <= larger(last_day * DAY, last_infusion) ? exits : NEVER;
    discontinues = discontinues <= smaller(last_infusion, exits) ? discontinues : NEVER;
    int64_t exited = minute_after(randomised, exits);
    return (Left){stops, minute_after(randomised, discontinues),
                  withdraws < dies ? exited : NEVER, withdraws < dies ? NEVER : exited};
}

/* What happened to patients who never wait; infusions and visits have a layer each, `offsets` the
   days of infusions by weekday of the first, `visit_day` is counted from onset where it says so.
   `row` has room for one number of each patient of a replicate. */
EXPORT void conduct(int64_t replicates, int64_t patients, int64_t infusions, int64_t visits,
                    const int64_t *randomised, const int64_t *onset, const int64_t *discontinues,
                    const int64_t *withdraws, const int64_t *dies, const uint8_t *refused,
                    const int64_t *shift, const uint8_t *missed, const int64_t *offsets,
                    const int64_t *visit_day, const uint8_t *from_onset, int64_t *row,
                    uint8_t *given, int64_t *discontinued, int64_t *withdrawn, int64_t *died,
                    int64_t *days, int64_t *minute, uint8_t *attended)
{
    int64_t layer = replicates * patients;
    for (int64_t start = 0; start < layer; start += patients) {
        const int64_t *first = randomised + start, *last_day = days + (visits - 1) * layer + start;
        for (int64_t visit = 0; visit < visits; visit++)
            for (int64_t i = 0, at = visit * layer + start; i < patients; i++, at++) {
                days[at] = days_to(visit_day[visit] + shift[at], from_onset[visit],
                                   first[i] - onset[start + i]);
                minute[at] = first[i] + days[at] * DAY;
            }
        for (int64_t i = 0; i < patients; i++)
            row[i] = first[i] / DAY % 7 * infusions;
        for (int64_t infusion = 0; infusion < infusions; infusion++)
            for (int64_t i = 0, at = infusion * layer + start; i < patients; i++, at++)
                given[at] = !refused[at];
        for (int64_t i = 0; i < patients; i++) {
            int64_t p = start + i, last_infusion = offsets[row[i] + infusions - 1] * DAY;
            Left left = left_by(first[i], last_infusion, last_day[i], discontinues[p], withdraws[p],
                                dies[p]);
            for (int64_t k = 0; left.stops <= last_infusion && k < infusions; k++)
                given[k * layer + p] &= offsets[row[i] + k] * DAY < left.stops;
            discontinued[p] = left.discontinued;
            withdrawn[p] = left.withdrawn;
            died[p] = left.died;
        }
        for (int64_t visit = 0; visit < visits; visit++)
            for (int64_t i = 0, at = visit * layer + start; i < patients; i++, at++)
                attended[at] = (first[i] < NEVER) & !missed[at] &
                               (minute[at] < withdrawn[start + i]) & (minute[at] < died[start + i]);
    }
}
