/* Whole trials, compiled: of each replicate its patients counted over the cells of the endpoint, or
   the cells of each patient where several outcomes are analysed together.

   The trials are those of the NumPy code, to the bit, of studies that need nothing beyond what
   `Study` holds; each function names the code that it stands for. One replicate follows another in
   the same room, so that memory is that of one trial, and a candidate, an infusion or a visit that
   changes nothing costs nothing. The rules of stages.c hold here too. */

#include <stdlib.h>

#include "stages.c"

/* Numbers side by side; doubles are loaded from anywhere. */
typedef double Four __attribute__((vector_size(32), aligned(8), may_alias));
typedef int64_t FourWhole __attribute__((vector_size(32)));

#include "joint_effects.c"

/* ---- A study, as whole.py fills it in -------------------------------------------------------- */

enum { STEPS, LINE, NORMAL, TAIL };

/* How words become values (quantiles.py): steps, a line, the normal curve moved, a tail curve. */
typedef struct {
    int64_t kind, count;    /* of steps, how many */
    double start, width;    /* of a line; mean and SD of a normal */
    const double *values;   /* of steps, or the pieces of a tail curve */
    const int64_t *before;
    const uint64_t *ends;
    const double *scores;   /* at which steps end, for values by normal scores */
    const double *by_score; /* pieces of the curve over normal scores */
} Drawn;

/* Normal scores added up with weights; each belongs to a source of words. */
typedef struct {
    int64_t count;
    const int64_t *source;
    const double *weight;
} Sum;

typedef struct {
    Drawn drawn;
    int64_t source, dependent; /* whether it is drawn by its normal score, not by its own word */
    Sum score;
} Covariate;

typedef struct {
    int64_t covariate, excludes;
    int64_t runs; /* of words that meet it; negative where the value must be compared */
    const uint32_t *run_first, *run_last;
    double at_least, more_than, at_most, less_than;
    int64_t codes;
    const double *code;
} Rule;

/* Something that befalls some patients, at a time after randomisation. */
typedef struct {
    Drawn days;
    int64_t last, any; /* of the words below the chance */
    double chance;
} Event;

typedef struct {
    int64_t day, window, from_onset;
} Visit;

/* How much of recovery is done at a time, 1 on the end day. */
typedef struct {
    double time_constant, done_at_end;
} Progress;

/* The course of an outcome: its values at onset, and what is added by the end day; or the cut-points
   of its grades, likewise. */
typedef struct {
    int64_t of_grades, cuts, progress;
    double mean, mean_added, sd, sd_added, correlation, correlation_added;
    double own_share, noise_share;
    const double *cut, *cut_added;
} Course;

/* The covariates that an outcome follows, and how much each counts. */
typedef struct {
    int64_t predictors;
    const double *weight;
    const Sum *predictor; /* of traits */
} Prognosis;

/* Cells of another outcome, first to last, that keep this one's between two cells. */
typedef struct {
    int64_t outcome, first, last, least, most;
} Bound;

/* Cut-points with so many infinite ones after them that halving from any finds its end. A line over
   them is cut into equal parts, and `before` says how many lie in those before each; `half` is the
   largest power of two of which a part has as many. */
typedef struct {
    int64_t parts, half;
    double low, per_unit;
    const double *cut;
    const int64_t *before;
} Cuts;

/* An outcome that is measured, or that bounds one; what several share is the study's. */
typedef struct {
    int64_t sign, steps, logarithmic, has_baseline, prognosis, exposure, bounds;
    double low, step;
    double shift, trial_deviation; /* at full exposure; times the normal score of the trial */
    Cuts by_logarithm;
    const Bound *bound;
    Covariate baseline;
    Sum mixed; /* of the patients' own scores, and of those of the visit: a source is an outcome */
    Course course;
} Outcome;

/* An outcome at a visit, and how many cells what is analysed of it has. */
typedef struct {
    int64_t outcome, visit, cells;
} Measurement;

enum { LEAVE_OUT, LAST, BASELINE, WORST_RANK };

/* Who is analysed, and with which cell: the rules are those of every measurement. */
typedef struct {
    int64_t treated, control, change, by_site, missing, dead_are_worst, full_analysis_set;
    int64_t failures_are_worst, failures_are_missing;
    double least_share;
} Plan;

/* The sources of words that every study has; those of covariates follow. */
enum { WAIT, SITE, SCREENING, TENDENCY, DISCONTINUATION, WITHDRAWAL, DEATH, MARK };

typedef struct {
    int64_t patients, sites, sources, rules, infusions, phases, visits, arms, block_size, strata;
    int64_t rows, rates_vary, last_arrival, earliest, latest, opens, closes;
    int64_t shares; /* of the effect, for each arm */
    int64_t missed_last, missed_any;
    int64_t at_first; /* candidates to screen before the trial may be full */
    int64_t traits, prognoses, scores, progresses, exposures, outcomes, measurements;
    int64_t first_measured; /* of the visits */
    uint64_t rate_purpose, refusal_purpose, visit_purpose, trial_purpose;
    double rate, farthest, first_opening;
    const uint64_t *purpose, *draw; /* of each source of words */
    const int64_t *row_of;          /* sources that are looked at once share the first row */
    const double *wait_pieces, *normal, *part_done, *opened;
    const Rule *rule;
    const Covariate *covariate; /* that rules look at */
    const int64_t *days_until_given, *arm_counts, *offsets, *phase_of, *phase_stride;
    const Visit *visit;
    const int64_t *trait; /* sources of the normal scores of which prognoses are made */
    const Prognosis *prognosis;
    const uint64_t *own_purpose, *noise_purpose; /* of the scores of which outcomes' are made */
    const Progress *progress;
    const double *share; /* of the full effect, by exposure, arm and infusions given in each phase */
    const Outcome *outcome;         /* in an order in which none is bounded by a later one */
    const Measurement *measurement; /* first the plan's own, which is counted */
    Drawn rate_of_site, screening, tendency;
    Covariate onset;
    Event event[3]; /* discontinuation, withdrawal, death */
    Plan plan;
} Study;

/* What is kept of each replicate beside the counts. */
typedef struct {
    int64_t closed, screened, last_visit, infusions_given, discontinued, withdrawn, died;
} Kept;

/* What cuts of a trial need of each patient: patients.Patients. A layer of each kind has the shape
   (replicate, patient); from the last visit on they are of the patients so far. */
enum { RANDOMISED, KNOWN, PLACE, LAST_VISIT, INFUSIONS, DISCONTINUED, WITHDRAWN, DIED };

/* ---- The room in which one replicate is simulated after another ------------------------------ */

enum { VECTOR = 16 };

/* Some patients, each at a visit, and what their scores follow from. Arrays have whole vectors of
   places; of several layers each begins so far after that before as the room is wide. */
typedef struct {
    int64_t count, whole; /* in whole vectors */
    int32_t *patient;
    int64_t *visit;
    double *own, *noise;  /* normal scores, by outcome of which others are made */
    double *start;        /* by prognosis */
    double *days, *done, *share; /* since onset; by progress; of the full effect, by exposure */
    int32_t *cell;               /* by outcome, from the low end of its scale */
} Points;

/* All arrays have the length of what they are named by: candidates by their number, patients in
   order of randomisation. A layer for each infusion holds candidates, for each visit patients. */
typedef struct {
    const Study *of;
    uint64_t seed, replicate;
    int64_t most, drawn, waiting, units; /* room for so many, screened, to be randomised, needed */
    int64_t bits;                        /* of a candidate's number in the queue */
    double waited, after;
    int64_t *known;    /* by source: of how many candidates the words are known */
    uint32_t *words;   /* by row and candidate */
    double *site_ends; /* by site: the rates added up */
    /* by candidate */
    uint32_t *row, *last; /* words of one draw; the last word that is a refusal */
    int64_t *arrival, *onset;
    int32_t *site, *passed; /* where; the numbers of those who fail no rule */
    uint8_t *out, *any;     /* who fails a rule; who may refuse at all */
    uint16_t *received;     /* infusions */
    uint8_t *given;
    uint64_t *queue, *spare; /* the minute in which one is ready, and the number */
    double *value, *other;
    /* by patient */
    int32_t *number;
    int64_t *arm, *left, *first, *ends[3], *discontinued, *withdrawn, *died;
    const int64_t **offsets; /* days of infusions, by the first day of the week */
    uint8_t *attended;
    int64_t *day, *minute, *last_visit, *place;
    int32_t *baseline, *analysed, *complete; /* cells of a measurement */
    uint8_t *standing;                       /* with what one is analysed */
    int64_t wide;                            /* how many patients there are, in whole vectors */
    double *trait;                           /* by trait, normal scores of patients */
    double *shift;                           /* by outcome, of the latent score at full exposure */
    Points everybody, carried;               /* at the visit; at an earlier one, of those who miss it */
    int64_t at_baseline;                     /* of how many the baseline is analysed */
    int32_t *who_at_baseline, *number_at_baseline;
} Room;

enum { DONE, NOT_COMPLETE, TOO_MANY, NO_MEMORY };

static Stream stream_of(const Room *room, uint64_t purpose, uint64_t draw)
{
    return (Stream){room->seed, purpose, draw};
}

static uint32_t *words_from(const Room *room, int64_t source)
{
    return room->words + room->of->row_of[source] * (room->most + BLOCK);
}

/* The words of a source, known of so many candidates at least; so many are whole blocks. Those of a
   source that shares its row are there until the next is asked, and from the last chunk alone. */
static const uint32_t *words_to(Room *room, int64_t source, int64_t candidates)
{
    const Study *of = room->of;
    uint32_t *words = words_from(room, source);
    if (room->known[source] < candidates) {
        words_between(stream_of(room, of->purpose[source], of->draw[source]), room->replicate,
                      room->known[source], candidates, words);
        room->known[source] = candidates;
    }
    return words;
}

/* ---- Rounding: clock.whole_minutes, scales.Grid.cell_of ------------------------------------- */

/* To the nearest whole number, halves to even; a number as large as 2**52 is whole. */
static inline double rounded(double value)
{
    const double whole = 4503599627370496.0;
    double size = value < 0 ? -value : value;
    double near = size < whole ? size + whole - whole : size;
    return value < 0 ? -near : near;
}

/* Whole minutes, at most 2**52 of them, either way. */
static inline int64_t whole_minutes(double minutes)
{
    const double farthest = 4503599627370496.0;
    double whole = rounded(minutes);
    return (int64_t)(whole < -farthest ? -farthest : whole > farthest ? farthest : whole);
}

/* ---- Values: quantiles.Steps, quantiles.Smooth, cohort.CandidateCovariates ------------------- */

static double steps_at(const Drawn *drawn, uint32_t word)
{
    int64_t passed = drawn->before[word >> CELL_BITS];
    while (word >= drawn->ends[passed])
        passed++;
    return drawn->values[passed];
}

static double value_at(const Study *of, const Drawn *drawn, uint32_t word)
{
    switch (drawn->kind) {
    case STEPS:
        return steps_at(drawn, word);
    case LINE:
        return drawn->start + drawn->width * ((word + 0.5) / 4294967296.0);
    case NORMAL:
        return drawn->start + drawn->width * tail_curve_at(of->normal, word);
    default:
        return tail_curve_at(drawn->values, word);
    }
}

enum { FARTHEST_SCORE = 9, PIECES_PER_SD = 64 };

static double value_at_score(const Drawn *drawn, double score)
{
    int64_t first = 0, after = drawn->count - 1;
    switch (drawn->kind) {
    case STEPS:
        while (first < after) {
            int64_t middle = first + (after - first) / 2;
            if (drawn->scores[middle] <= score)
                first = middle + 1;
            else
                after = middle;
        }
        return drawn->values[first];
    case NORMAL:
        return drawn->start + drawn->width * score;
    default:
        return curve_at(drawn->by_score, -FARTHEST_SCORE, FARTHEST_SCORE, PIECES_PER_SD, score);
    }
}

/* Values of some candidates by their words. */
static void values_of(const Study *of, const Drawn *drawn, const uint32_t *words,
                      const int32_t *who, int64_t count, double *values)
{
    const double *pieces = drawn->kind == NORMAL ? of->normal : drawn->values;
    if (drawn->kind == STEPS || drawn->kind == LINE)
        for (int64_t i = 0; i < count; i++)
            values[i] = value_at(of, drawn, words[who[i]]);
    else
        for (int64_t i = 0; i < count; i++)
            values[i] = tail_curve_at(pieces, words[who[i]]);
    if (drawn->kind == NORMAL)
        for (int64_t i = 0; i < count; i++)
            values[i] = drawn->start + drawn->width * values[i];
}

/* Sums of normal scores of some candidates, whose words are known. */
static void sums_of(const Room *room, const Sum *sum, const int32_t *who, int64_t count,
                    double *totals)
{
    const double *normal = room->of->normal;
    for (int64_t term = 0; term < sum->count; term++) {
        const uint32_t *words = words_from(room, sum->source[term]);
        double weight = sum->weight[term];
        if (term == 0)
            for (int64_t i = 0; i < count; i++)
                totals[i] = weight * tail_curve_at(normal, words[who[i]]);
        else
            for (int64_t i = 0; i < count; i++)
                totals[i] += weight * tail_curve_at(normal, words[who[i]]);
    }
}

static void know_sum(Room *room, const Sum *sum, int64_t candidates)
{
    for (int64_t i = 0; i < sum->count; i++)
        words_to(room, sum->source[i], candidates);
}

static void know_covariate(Room *room, const Covariate *covariate, int64_t candidates)
{
    if (covariate->dependent)
        know_sum(room, &covariate->score, candidates);
    else
        words_to(room, covariate->source, candidates);
}

/* A covariate of some candidates, whose words are known. */
static void covariate_of(const Room *room, const Covariate *covariate, const int32_t *who,
                         int64_t count, double *values)
{
    if (!covariate->dependent) {
        const uint32_t *words = words_from(room, covariate->source);
        values_of(room->of, &covariate->drawn, words, who, count, values);
        return;
    }
    sums_of(room, &covariate->score, who, count, values);
    for (int64_t i = 0; i < count; i++)
        values[i] = value_at_score(&covariate->drawn, values[i]);
}

/* ---- Screening: cohort.site_rates, cohort._arrivals, cohort._fails --------------------------- */

static void open_sites(Room *room)
{
    const Study *of = room->of;
    double running = 0;
    if (of->rates_vary)
        words_between(stream_of(room, of->rate_purpose, 0), room->replicate, 0, of->sites, room->row);
    for (int64_t site = 0; site < of->sites; site++) {
        double rate = of->rate;
        if (of->rates_vary) {
            double relative = value_at(of, &of->rate_of_site, room->row[site]);
            rate *= relative > 1e-9 ? relative : 1e-9;
        }
        running += rate;
        room->site_ends[site] = running;
    }
}

/* The sites at some marks: cohort._cell_of. */
static void sites_at(const double *restrict ends, int64_t sites, int64_t count,
                     const double *restrict marks, int32_t *restrict found)
{
    enum { FEW = 24 }; /* so many are counted sooner than halved */
    if (sites > FEW) {
        for (int64_t i = 0; i < count; i++)
            found[i] = (int32_t)site_at(ends, sites, marks[i]);
        return;
    }
    for (int64_t i = 0; i < count; i++)
        found[i] = 0;
    for (int64_t site = 0; site < sites - 1; site++)
        for (int64_t i = 0; i < count; i++)
            found[i] += ends[site] <= marks[i];
}

static void arrive(Room *room, int64_t from, int64_t to)
{
    const Study *of = room->of;
    const double pace = room->site_ends[of->sites - 1], farthest = of->farthest;
    double *value = room->value, *other = room->other, waited = room->waited;
    const uint32_t *where = words_to(room, SITE, to);
    for (int64_t i = from; i < to; i++)
        value[i] = (where[i] + 0.5) / 4294967296.0 * pace;
    sites_at(room->site_ends, of->sites, to - from, value + from, room->site + from);
    const uint32_t *wait = words_to(room, WAIT, to);
    for (int64_t i = from; i < to; i++)
        value[i] = tail_curve_at(of->wait_pieces, wait[i]);
    for (int64_t i = from; i < to; i++)
        other[i] = waited += value[i];
    for (int64_t i = from; i < to; i++) {
        double minute = other[i] / pace + of->opened[room->site[i]];
        room->arrival[i] = rounded_up(minute < farthest ? minute : farthest);
    }
    room->waited = waited;
    room->after = waited / pace;
}

static int meets(const Rule *rule, double value)
{
    if (!(value >= rule->at_least && value > rule->more_than && value <= rule->at_most &&
          value < rule->less_than))
        return 0;
    for (int64_t i = 0; i < rule->codes; i++)
        if (value == rule->code[i])
            return 1;
    return rule->codes == 0;
}

/* The numbers from one to before another of those who fail no rule so far. */
static int64_t who_passed(const Room *room, int64_t from, int64_t to)
{
    const uint8_t *out = room->out;
    int32_t *passed = room->passed;
    int64_t count = 0;
    for (int64_t i = from; i < to; i++) {
        passed[count] = (int32_t)i;
        count += !out[i];
    }
    return count;
}

/* Words in a run fail. */
static void strike(int64_t count, const uint32_t *restrict words, uint32_t first, uint32_t span,
                   uint8_t *restrict out)
{
    for (int64_t i = 0; i < count; i++)
        out[i] |= words[i] - first <= span;
}

/* Who fails a rule by words in some runs: what is beyond one run is a run too, for words go round. */
static void judge_words(Room *room, const Rule *rule, int64_t from, int64_t to)
{
    const uint32_t *words = words_to(room, room->of->covariate[rule->covariate].source, to);
    uint32_t span = rule->runs == 1 ? rule->run_last[0] - rule->run_first[0] : UINT32_MAX;
    if (span < UINT32_MAX) {
        uint32_t first = rule->excludes ? rule->run_first[0] : rule->run_last[0] + 1;
        strike(to - from, words + from, first, rule->excludes ? span : UINT32_MAX - 1 - span,
               room->out + from);
        return;
    }
    for (int64_t i = from; i < to; i++) {
        uint8_t met = 0;
        for (int64_t run = 0; run < rule->runs; run++)
            met |= words[i] - rule->run_first[run] <= rule->run_last[run] - rule->run_first[run];
        room->out[i] |= met == rule->excludes;
    }
}

/* Who fails a rule by the value, of those who fail none so far. */
static void judge_values(Room *room, const Rule *rule, int64_t from, int64_t to)
{
    const Covariate *covariate = room->of->covariate + rule->covariate;
    int64_t count = who_passed(room, from, to);
    know_covariate(room, covariate, to);
    covariate_of(room, covariate, room->passed, count, room->value);
    for (int64_t i = 0; i < count; i++)
        room->out[room->passed[i]] = meets(rule, room->value[i]) == rule->excludes;
}

/* Who fails a rule: cohort._fails. Values come last, for fewer have to be made then. */
static void judge(Room *room, int64_t from, int64_t to)
{
    const Study *of = room->of;
    for (int64_t rule = 0; rule < of->rules; rule++)
        if (of->rule[rule].runs >= 0)
            judge_words(room, of->rule + rule, from, to);
    for (int64_t rule = 0; rule < of->rules; rule++)
        if (of->rule[rule].runs < 0)
            judge_values(room, of->rule + rule, from, to);
}

/* Who can be randomised goes into the queue: enrol, itinerary.first_infusion. Return whether every
   minute has room in it. */
static int queue_up(Room *room, int64_t from, int64_t to)
{
    const Study *of = room->of;
    const double *hours = room->value, *screened = room->other;
    int64_t count = who_passed(room, from, to);
    know_covariate(room, &of->onset, to);
    covariate_of(room, &of->onset, room->passed, count, room->value);
    values_of(of, &of->screening, words_to(room, SCREENING, to), room->passed, count, room->other);
    for (int64_t k = 0; k < count; k++) {
        int64_t i = room->passed[k], arrival = room->arrival[i];
        int64_t onset = arrival - whole_minutes(hours[k] * 60);
        int64_t end = arrival + larger(whole_minutes(screened[k] * 60), 0);
        int64_t ready = next_opening(larger(end, onset + of->earliest), of->opens, of->closes,
                                     of->days_until_given);
        room->onset[i] = onset;
        if (ready > onset + of->latest || arrival > of->last_arrival)
            continue;
        if (ready >= (int64_t)1 << (62 - room->bits))
            return 0;
        room->queue[room->waiting++] = (uint64_t)ready << room->bits | (uint64_t)i;
    }
    return 1;
}

/* Sort by the minute: byte by byte, the last first. Who is ready in the same minute stays in the
   order of numbers, in which they came. */
static void sort_queue(Room *room)
{
    enum { BYTE = 8, VALUES = 1 << BYTE };
    uint64_t latest = 0;
    for (int64_t i = 0; i < room->waiting; i++)
        latest = room->queue[i] > latest ? room->queue[i] : latest;
    for (int64_t shift = room->bits; latest >> shift; shift += BYTE) {
        const uint64_t *queue = room->queue;
        int64_t place[VALUES + 1] = {0};
        for (int64_t i = 0; i < room->waiting; i++)
            place[(queue[i] >> shift & (VALUES - 1)) + 1]++;
        for (int64_t value = 1; value < VALUES; value++)
            place[value] += place[value - 1];
        for (int64_t i = 0; i < room->waiting; i++)
            room->spare[place[queue[i] >> shift & (VALUES - 1)]++] = queue[i];
        uint64_t *sorted = room->spare;
        room->spare = room->queue;
        room->queue = sorted;
    }
}

/* Screen until the trial is full: trial._enough_were_drawn. */
static int recruit(Room *room, Kept *kept)
{
    const Study *of = room->of;
    int64_t patients = of->patients;
    memset(room->known, 0, (size_t)of->sources * sizeof *room->known);
    room->drawn = room->waiting = 0;
    room->waited = room->after = 0;
    open_sites(room);
    for (int64_t known = 0; known <= of->last_arrival;) {
        int64_t from = room->drawn, some = from ? larger(from / 8, 1) : larger(of->at_first, 1);
        int64_t to = (from + some + TILE - 1) / TILE * TILE;
        if (to > room->most)
            return TOO_MANY;
        memset(room->out + from, 0, (size_t)(to - from));
        arrive(room, from, to);
        judge(room, from, to);
        room->drawn = to;
        if (!queue_up(room, from, to))
            return NOT_COMPLETE;
        double minute = room->after + of->first_opening;
        known = (int64_t)(minute < of->farthest ? minute : of->farthest);
        if (room->waiting < patients)
            continue;
        sort_queue(room);
        kept->closed = (int64_t)(room->queue[patients - 1] >> room->bits);
        if (kept->closed < known || known > of->last_arrival) {
            int64_t last = smaller(kept->closed, of->last_arrival);
            kept->screened = 0;
            for (int64_t i = 0; i < to; i++)
                kept->screened += room->arrival[i] <= last;
            return DONE;
        }
    }
    return NOT_COMPLETE;
}

/* ---- Arms and intentions: PermutedBlocks.arms, itinerary.DrawnIntentions --------------------- */

static void randomise(Room *room)
{
    const Study *of = room->of;
    uint64_t numbers = ((uint64_t)1 << room->bits) - 1;
    int64_t last = 0;
    for (int64_t i = 0; i < of->patients; i++) {
        int64_t number = (int64_t)(room->queue[i] & numbers);
        room->number[i] = (int32_t)number;
        room->first[i] = (int64_t)(room->queue[i] >> room->bits);
        room->offsets[i] = of->offsets + room->first[i] / DAY % 7 * of->infusions;
        last = larger(last, number);
    }
    room->units = (last / BLOCK + 1) * BLOCK;
    const uint32_t *mark = words_to(room, MARK, room->units);
    memset(room->left, 0, (size_t)(of->strata * (of->arms + 1)) * sizeof *room->left);
    for (int64_t i = 0; i < of->patients; i++) {
        int32_t number = room->number[i];
        int64_t stratum = of->strata > 1 ? room->site[number] : 0;
        room->arm[i] = arm_of(mark[number], of->arms, of->arm_counts, of->block_size,
                              room->left + stratum * of->arms,
                              room->left + of->strata * of->arms + stratum);
    }
}

/* Who takes an infusion, not being below the own share of refusals. */
static void take(int64_t units, const uint32_t *restrict words, const uint32_t *restrict last,
                 const uint8_t *restrict any, uint8_t *restrict given, uint16_t *restrict received)
{
    for (int64_t i = 0; i < units; i++)
        given[i] = !below(words[i], last[i], any[i]);
    for (int64_t i = 0; i < units; i++)
        received[i] += given[i];
}

/* Who takes which infusions, by candidates side by side; of others than patients it means nothing. */
static void refuse(Room *room)
{
    const Study *of = room->of;
    int64_t patients = of->patients, units = room->units, some = 0;
    const uint32_t *tendency = words_to(room, TENDENCY, units);
    values_of(of, &of->tendency, tendency, room->number, patients, room->value);
    memset(room->last, 0, (size_t)units * sizeof *room->last);
    memset(room->any, 0, (size_t)units);
    for (int64_t i = 0; i < patients; i++) {
        double words = room->value[i] * 4294967296.0 - 0.5;
        int64_t count = words > 0 ? rounded_up(words) : 0, number = room->number[i];
        room->any[number] = count > 0;
        room->last[number] = (uint32_t)(count - (count > 0));
        some |= count;
    }
    for (int64_t i = 0; i < units; i++)
        room->received[i] = (uint16_t)(some ? 1 : of->infusions);
    memset(room->given, 1, (size_t)(some ? units : units * of->infusions));
    for (int64_t infusion = 1; some && infusion < of->infusions; infusion++) {
        uint8_t *given = room->given + infusion * units;
        words_between(stream_of(room, of->refusal_purpose, (uint64_t)infusion), room->replicate, 0,
                      units, room->row);
        take(units, room->row, room->last, room->any, given, room->received);
    }
}

/* Minutes until something happens: itinerary._minutes_until. */
static void befall(Room *room, int64_t which)
{
    const Study *of = room->of;
    const Event *event = of->event + which;
    int64_t *ends = room->ends[which];
    if (!event->any) {
        for (int64_t i = 0; i < of->patients; i++)
            ends[i] = NEVER;
        return;
    }
    const uint32_t *words = words_to(room, DISCONTINUATION + which, room->units);
    const uint32_t last = (uint32_t)event->last;
    for (int64_t i = 0; i < of->patients; i++) {
        uint32_t word = words[room->number[i]];
        ends[i] = NEVER;
        if (__builtin_expect(word > last, 1))
            continue;
        double at = (word + 0.5) / 4294967296.0 / event->chance * 4294967296.0;
        uint32_t when = (uint32_t)(at < 4294967295.0 ? at : 4294967295.0);
        ends[i] = larger(whole_minutes(value_at(of, &event->days, when) * DAY), 1);
    }
}

/* ---- Conduct: conduct._happened --------------------------------------------------------------- */

/* When a patient comes to a visit, and whether by the own word there alone. */
static inline void come(Room *room, int64_t visit, int64_t i, uint32_t word)
{
    const Study *of = room->of;
    const Visit *planned = of->visit + visit;
    int64_t at = visit * of->patients + i, window = planned->window;
    uint64_t scaled = (uint64_t)word * (uint64_t)(2 * window + 1);
    int64_t shift = visit ? (int64_t)(scaled >> 32) - window : 0;
    int64_t since_onset = room->first[i] - room->onset[room->number[i]];
    room->day[at] = days_to(planned->day + shift, planned->from_onset, since_onset);
    room->minute[at] = room->first[i] + room->day[at] * DAY;
    room->attended[at] = !(visit && below((uint32_t)scaled, (uint32_t)of->missed_last,
                                          (uint8_t)of->missed_any));
}

/* Visits of everybody, from the first measured on: of the earlier ones see `see_patients`. */
static void come_to_last(Room *room)
{
    const Study *of = room->of;
    memset(room->attended, 0, (size_t)(of->visits * of->patients));
    for (int64_t visit = of->first_measured; visit < of->visits; visit++) {
        words_between(stream_of(room, of->visit_purpose, (uint64_t)visit), room->replicate, 0,
                      room->units, room->row);
        for (int64_t i = 0; i < of->patients; i++)
            come(room, visit, i, room->row[room->number[i]]);
    }
}

/* A patient has no infusion from so many minutes on; return how many fewer. */
static int64_t stop(Room *room, int64_t i, int64_t after)
{
    int64_t number = room->number[i], before = room->received[number];
    for (int64_t infusion = 0; infusion < room->of->infusions; infusion++) {
        uint8_t *given = room->given + infusion * room->units + number;
        uint8_t too_late = room->offsets[i][infusion] * DAY >= after;
        room->received[number] -= *given & too_late;
        *given &= !too_late;
    }
    return before - room->received[number];
}

static void leave(Room *room, Kept *kept)
{
    const Study *of = room->of;
    int64_t patients = of->patients;
    const int64_t *last_day = room->day + (of->visits - 1) * patients;
    for (int64_t i = 0; i < patients; i++) {
        int64_t last_infusion = room->offsets[i][of->infusions - 1] * DAY;
        kept->infusions_given += room->received[room->number[i]];
        room->discontinued[i] = room->withdrawn[i] = room->died[i] = NEVER;
        if (smaller(room->ends[0][i], smaller(room->ends[1][i], room->ends[2][i])) == NEVER)
            continue;
        Left left = left_by(room->first[i], last_infusion, last_day[i], room->ends[0][i],
                            room->ends[1][i], room->ends[2][i]);
        if (left.stops <= last_infusion)
            kept->infusions_given -= stop(room, i, left.stops);
        room->discontinued[i] = left.discontinued;
        room->withdrawn[i] = left.withdrawn;
        room->died[i] = left.died;
        kept->discontinued += left.discontinued < NEVER;
        kept->withdrawn += left.withdrawn < NEVER;
        kept->died += left.died < NEVER;
    }
}

/* Whether scores at a visit count, of outcomes that are measured there. */
static int is_known(const Room *room, int64_t i, int64_t visit)
{
    const Study *of = room->of;
    int64_t at = visit * of->patients + i;
    return room->attended[at] &&
           (!of->plan.failures_are_missing || room->minute[at] < room->discontinued[i]);
}

/* Who has left misses a visit. */
static void see(int64_t patients, const int64_t *restrict minute, const int64_t *restrict withdrawn,
                const int64_t *restrict died, uint8_t *restrict attended,
                int64_t *restrict last_visit)
{
    for (int64_t i = 0; i < patients; i++) {
        attended[i] &= (minute[i] < withdrawn[i]) & (minute[i] < died[i]);
        last_visit[i] = larger(last_visit[i], attended[i] ? minute[i] : 0);
    }
}

/* See so many patients, from one on, at a visit. */
static void see_some(Room *room, int64_t i, int64_t patients, int64_t visit)
{
    int64_t at = visit * room->of->patients + i;
    see(patients, room->minute + at, room->withdrawn + i, room->died + i, room->attended + at,
        room->last_visit + i);
}

/* Who was seen at which visit. Those before the first measured matter for patients alone who are not
   known there, back to one at which they are, for visits follow one another: they are made here. */
static void see_patients(Room *room, Kept *kept)
{
    const Study *of = room->of;
    int64_t last_visit = 0;
    memset(room->last_visit, 0, (size_t)of->patients * sizeof *room->last_visit);
    for (int64_t visit = of->first_measured; visit < of->visits; visit++)
        see_some(room, 0, of->patients, visit);
    for (int64_t i = 0; i < of->patients; i++) {
        if (is_known(room, i, of->first_measured))
            continue;
        come(room, 0, i, 0);
        see_some(room, i, 1, 0);
        for (int64_t visit = of->first_measured - 1; visit > 0; visit--) {
            Stream from = stream_of(room, of->visit_purpose, (uint64_t)visit);
            come(room, visit, i, word_at(from, room->replicate, room->number[i]));
            see_some(room, i, 1, visit);
            if (is_known(room, i, visit))
                break;
        }
    }
    for (int64_t i = 0; i < of->patients; i++)
        last_visit = larger(last_visit, room->last_visit[i]);
    kept->last_visit = last_visit;
}

/* ---- Scores: outcomes._Realised, patient_scores, courses, bounds ------------------------------ */

/* Where the infusions that a patient was given before a visit are found among all that can be:
   dosing.DrugReceived. */
static inline int64_t given_before(const Room *room, int64_t i, int64_t visit)
{
    const Study *of = room->of;
    int64_t day = room->day[visit * of->patients + i], place = 0, number = room->number[i];
    const int64_t *offsets = room->offsets[i];
    if (of->phases == 1 && offsets[of->infusions - 1] < day)
        return room->received[number];
    for (int64_t infusion = 0; infusion < of->infusions && offsets[infusion] < day; infusion++)
        place += room->given[infusion * room->units + number] *
                 of->phase_stride[of->phase_of[infusion]];
    return place;
}

/* The normal scores of the candidates that patients are, by the words of all, in whole vectors. */
static void scores_of_all(const Room *room, const uint32_t *words, double *scores)
{
    for (int64_t i = 0; i < room->wide; i++)
        scores[i] = tail_curve_at(room->of->normal, words[room->number[i]]);
}

/* A vector of sums of scores, term by term. */
static inline void mix(const Sum *sum, const double *scores, int64_t wide, double *total)
{
    enum { FOURS = VECTOR / 4 };
    const Four *one = (const Four *)(scores + sum->source[0] * wide);
    Four added[FOURS];
    for (int k = 0; k < FOURS; k++)
        added[k] = sum->weight[0] * one[k];
    for (int64_t term = 1; term < sum->count; term++) {
        one = (const Four *)(scores + sum->source[term] * wide);
        for (int k = 0; k < FOURS; k++)
            added[k] += sum->weight[term] * one[k];
    }
    memcpy(total, added, sizeof added);
}

/* A vector of prognostic scores: cohort.prognostic_score. */
static inline void foretell(const Prognosis *prognosis, const double *traits, int64_t wide,
                            double *restrict start)
{
    double score[VECTOR];
    for (int i = 0; i < VECTOR; i++)
        start[i] = 0;
    for (int64_t p = 0; p < prognosis->predictors; p++) {
        mix(prognosis->predictor + p, traits, wide, score);
        for (int i = 0; i < VECTOR; i++)
            start[i] += prognosis->weight[p] * score[i];
    }
}

/* What is drawn once a trial: patients' own scores, those of the prognoses, and shifts. */
static void know_patients(Room *room)
{
    const Study *of = room->of;
    for (int64_t i = of->patients; i < room->wide; i++)
        room->number[i] = 0;
    for (int64_t k = 0; k < of->scores; k++) {
        words_between(stream_of(room, of->own_purpose[k], 0), room->replicate, 0, room->units,
                      room->row);
        scores_of_all(room, room->row, room->everybody.own + k * room->wide);
    }
    for (int64_t k = 0; k < of->traits; k++)
        scores_of_all(room, words_to(room, of->trait[k], room->units), room->trait + k * room->wide);
    for (int64_t k = 0; k < of->prognoses; k++)
        for (int64_t from = 0; from < room->wide; from += VECTOR)
            foretell(of->prognosis + k, room->trait + from, room->wide,
                     room->everybody.start + k * room->wide + from);
    for (int64_t k = 0; k < of->outcomes; k++) {
        const Outcome *outcome = of->outcome + k;
        room->shift[k] = outcome->shift;
        if (outcome->trial_deviation > 0) {
            Stream of_trial = stream_of(room, of->trial_purpose, 0);
            double score = tail_curve_at(of->normal, word_at(of_trial, room->replicate, 0));
            room->shift[k] += (double)outcome->sign * outcome->trial_deviation * score;
        }
    }
}

/* How far patients have come, and how much of the effect they have, each at a visit. */
static void locate(const Room *room, Points *points)
{
    const Study *of = room->of;
    points->whole = (points->count + VECTOR - 1) / VECTOR * VECTOR;
    for (int64_t k = 0; k < points->count; k++) {
        int64_t i = points->patient[k], visit = points->visit[k];
        int64_t minutes = room->minute[visit * of->patients + i] - room->onset[room->number[i]];
        int64_t place = room->arm[i] * of->shares + given_before(room, i, visit);
        points->days[k] = (double)minutes / DAY;
        for (int64_t e = 0; e < of->exposures; e++)
            points->share[e * room->wide + k] = of->share[e * of->arms * of->shares + place];
    }
    for (int64_t k = points->count; k < points->whole; k++) {
        points->days[k] = 0;
        for (int64_t e = 0; e < of->exposures; e++)
            points->share[e * room->wide + k] = 0;
    }
    for (int64_t p = 0; p < of->progresses; p++) {
        double *done = points->done + p * room->wide;
        const Progress *progress = of->progress + p;
        for (int64_t k = 0; k < points->whole; k++)
            done[k] = curve_at(of->part_done, 0, 48, 64, points->days[k] / progress->time_constant) /
                      progress->done_at_end;
    }
}

/* Everybody at a visit. */
static void bring_all(Room *room, int64_t visit)
{
    const Study *of = room->of;
    Points *all = &room->everybody;
    all->count = of->patients;
    for (int64_t i = 0; i < of->patients; i++) {
        all->patient[i] = (int32_t)i;
        all->visit[i] = visit;
    }
    locate(room, all);
    for (int64_t k = 0; k < of->scores; k++) {
        words_between(stream_of(room, of->noise_purpose[k], (uint64_t)visit), room->replicate, 0,
                      room->units, room->row);
        scores_of_all(room, room->row, all->noise + k * room->wide);
    }
}

/* Those who are named, each at a visit of the own. */
static void bring_some(Room *room)
{
    const Study *of = room->of;
    const Points *all = &room->everybody;
    Points *some = &room->carried;
    locate(room, some);
    for (int64_t k = some->count; k < some->whole; k++)
        some->patient[k] = 0;
    for (int64_t k = 0; k < of->prognoses; k++)
        for (int64_t j = 0; j < some->whole; j++)
            some->start[k * room->wide + j] = all->start[k * room->wide + some->patient[j]];
    for (int64_t k = 0; k < of->scores; k++) {
        double *own = some->own + k * room->wide, *noise = some->noise + k * room->wide;
        for (int64_t j = 0; j < some->whole; j++) {
            own[j] = all->own[k * room->wide + some->patient[j]];
            noise[j] = 0;
        }
        const Keys keys = keys_of(stream_of(room, of->noise_purpose[k], 0));
        for (int64_t j = 0; j < some->count; j++)
            noise[j] = tail_curve_at(of->normal,
                                     word_by(&keys, (uint64_t)some->visit[j], room->replicate,
                                             unit_at(room->number[some->patient[j]])));
    }
}

/* The latent score of a patient, as a normal score: LatentScores.standard. */
static inline double standard(const Course *course, double correlation, double start, double own,
                              double noise)
{
    double residual = course->own_share * own + course->noise_share * noise;
    return correlation * start + __builtin_sqrt(1 - correlation * correlation) * residual;
}

/* Cells of latent scores on a scale of equal steps: Grid.cell_of. */
static inline void cells_by_steps(const Outcome *outcome, const double *restrict latent,
                                  int32_t *restrict cell)
{
    const double most = (double)outcome->steps, whole = 4503599627370496.0; /* see rounded */
    double at[VECTOR];
    for (int i = 0; i < VECTOR; i++)
        at[i] = latent[i] - outcome->low;
    for (int i = 0; outcome->step != 1 && i < VECTOR; i++)
        at[i] /= outcome->step;
    for (int i = 0; i < VECTOR; i++) {
        at[i] = at[i] > 0 ? at[i] : 0;
        at[i] = at[i] < most ? at[i] : most; /* a whole number, so that rounding may come last */
        cell[i] = (int32_t)(at[i] + whole - whole);
    }
}

/* Cells of logarithms: how many cut-points lie below. */
static inline void cells_by_cuts(const Cuts *cuts, const double *restrict latent,
                                 int32_t *restrict cell)
{
    double last = (double)(cuts->parts - 1);
    int64_t found[VECTOR];
    for (int i = 0; i < VECTOR; i++) {
        double along = (latent[i] - cuts->low) * cuts->per_unit;
        found[i] = cuts->before[(int64_t)(along > 0 ? along < last ? along : last : 0)];
    }
    for (int64_t step = cuts->half; step; step /= 2)
        for (int i = 0; i < VECTOR; i++)
            found[i] += cuts->cut[found[i] + step - 1] < latent[i] ? step : 0;
    for (int i = 0; i < VECTOR; i++)
        cell[i] = (int32_t)found[i];
}

/* Grades: how many of the cut-points, which move in time, lie below. */
static inline void cells_by_grades(const Course *course, const double *done, const double *latent,
                                   int32_t *restrict cell)
{
    for (int i = 0; i < VECTOR; i += 4) {
        Four moved = *(const Four *)(done + i), at = *(const Four *)(latent + i);
        FourWhole below = {0};
        for (int64_t cut = 0; cut < course->cuts; cut++) /* what holds is -1 */
            below -= at > course->cut[cut] + moved * course->cut_added[cut];
        for (int k = 0; k < 4; k++)
            cell[i + k] = (int32_t)below[k];
    }
}

/* The cells of an outcome of a vector of patients, from the low end of its scale. */
static inline void make_cells(const Room *room, const Outcome *outcome, double shift,
                              const Points *points, int64_t from, int32_t *restrict cell)
{
    const Course *course = &outcome->course;
    const double sign = (double)outcome->sign;
    const double *share = points->share + outcome->exposure * room->wide + from;
    const double *start = points->start + outcome->prognosis * room->wide + from;
    const double *passed = points->done + course->progress * room->wide + from;
    double own[VECTOR], noise[VECTOR], done[VECTOR], latent[VECTOR];
    mix(&outcome->mixed, points->own + from, room->wide, own);
    mix(&outcome->mixed, points->noise + from, room->wide, noise);
    if (course->of_grades) {
        for (int i = 0; i < VECTOR; i++) {
            done[i] = passed[i] < 0 ? 0 : passed[i] > 1 ? 1 : passed[i];
            double correlation = course->correlation + done[i] * course->correlation_added;
            latent[i] = standard(course, correlation, start[i], sign * own[i], sign * noise[i]) +
                        shift * share[i];
        }
        cells_by_grades(course, done, latent, cell);
        return;
    }
    for (int i = 0; i < VECTOR; i++) {
        double correlation = course->correlation + passed[i] * course->correlation_added;
        correlation = correlation < -1 ? -1 : correlation > 1 ? 1 : correlation;
        double mean = course->mean + passed[i] * course->mean_added;
        double sd = course->sd + passed[i] * course->sd_added;
        double score = standard(course, correlation, start[i], sign * own[i], sign * noise[i]);
        latent[i] = mean + (sd > 0 ? sd : 0) * score + shift * share[i];
    }
    if (outcome->logarithmic)
        cells_by_cuts(&outcome->by_logarithm, latent, cell);
    else
        cells_by_steps(outcome, latent, cell);
}

/* Keep cells within what another outcome's allow: Bound.held. */
static void hold(const Bound *bound, int64_t count, const int32_t *restrict other,
                 int32_t *restrict cell)
{
    int32_t first = (int32_t)bound->first, last = (int32_t)bound->last;
    int32_t least = (int32_t)bound->least, most = (int32_t)bound->most;
    for (int64_t i = 0; i < count; i++) {
        int32_t held = cell[i] < least ? least : cell[i] > most ? most : cell[i];
        cell[i] = (other[i] >= first) & (other[i] <= last) ? held : cell[i];
    }
}

/* The cells of every outcome. */
static void realise(const Room *room, Points *points)
{
    const Study *of = room->of;
    for (int64_t k = 0; k < of->outcomes; k++) {
        const Outcome *outcome = of->outcome + k;
        int32_t *cell = points->cell + k * room->wide;
        for (int64_t from = 0; from < points->whole; from += VECTOR)
            make_cells(room, outcome, room->shift[k], points, from, cell + from);
        for (int64_t b = 0; b < outcome->bounds; b++)
            hold(outcome->bound + b, points->whole,
                 points->cell + outcome->bound[b].outcome * room->wide, cell);
    }
}

/* ---- Measurements: endpoint.endpoint, endpoint.complete_endpoint, counts.cell_counts ---------- */

/* The visit whose score is analysed, in place of a missing one by the plan's rule; -1 for none. */
static int64_t visit_analysed(const Room *room, int64_t i, int64_t visit)
{
    const Plan *plan = &room->of->plan;
    if (is_known(room, i, visit))
        return visit;
    if (plan->missing == BASELINE)
        return is_known(room, i, 0) ? 0 : -1;
    if (plan->missing != LAST)
        return -1;
    while (--visit >= 0 && !is_known(room, i, visit))
        ;
    return visit;
}

static int is_included(const Room *room, int64_t i, int64_t planned, int dead)
{
    const Study *of = room->of;
    int seen = !of->plan.full_analysis_set || dead;
    seen |= room->attended[planned * of->patients + i];
    for (int64_t visit = 1; !seen && visit < of->visits; visit++)
        seen = room->attended[visit * of->patients + i];
    if (of->plan.least_share <= 0)
        return seen;
    int64_t given = room->received[room->number[i]];
    return seen && (double)given / (double)of->infusions >= of->plan.least_share;
}

/* With what a patient is analysed: nothing, the worst cell, that of the visit or of another. */
enum { NOTHING, WORST, OF_VISIT, OF_ANOTHER };

enum { COMPARED = 4, DEAD = 8 }; /* flags beside it: in an arm that is compared, and ranked as dead */

/* With what everybody is analysed at a visit, and whose score at another visit has to be made. */
static void judge_visit(Room *room, int64_t planned)
{
    const Study *of = room->of;
    const Plan *plan = &of->plan;
    room->carried.count = room->at_baseline = 0;
    for (int64_t i = 0; i < of->patients; i++) {
        int64_t arm = room->arm[i], minute = room->minute[planned * of->patients + i];
        int dead = plan->dead_are_worst && room->died[i] <= minute;
        int failed = plan->failures_are_worst && room->discontinued[i] <= minute;
        int64_t visit = visit_analysed(room, i, planned);
        room->standing[i] = NOTHING;
        if (arm != plan->treated && arm != plan->control)
            continue;
        room->standing[i] = (uint8_t)(COMPARED | (dead ? DEAD : 0));
        if (!is_included(room, i, planned, dead))
            continue;
        if (dead || failed || (visit < 0 && plan->missing == WORST_RANK))
            room->standing[i] |= WORST;
        else if (visit == planned)
            room->standing[i] |= OF_VISIT;
        else if (visit > 0) {
            room->standing[i] |= OF_ANOTHER;
            room->carried.visit[room->carried.count] = visit;
            room->carried.patient[room->carried.count++] = (int32_t)i;
        } else if (visit == 0) {
            room->standing[i] |= OF_ANOTHER;
            room->number_at_baseline[room->at_baseline] = room->number[i];
            room->who_at_baseline[room->at_baseline++] = (int32_t)i;
        }
    }
}

/* What is measured at a visit, of everybody. */
static void come_to(Room *room, int64_t visit)
{
    bring_all(room, visit);
    realise(room, &room->everybody);
    judge_visit(room, visit);
    bring_some(room);
    realise(room, &room->carried);
}

/* A cell of the plan's table, better ones later, of a cell of the scale; of a change, beside that at
   baseline. */
static inline int32_t better_cell(const Outcome *outcome, const int32_t *baseline, int64_t i,
                                  int32_t cell)
{
    int32_t most = (int32_t)outcome->steps;
    if (baseline) {
        cell += most - baseline[i];
        most *= 2;
    }
    return (outcome->sign > 0 ? cell : most - cell) + 1;
}

/* The cells of an outcome before treatment, of some candidates. */
static void baseline_cells(Room *room, const Outcome *outcome, const int32_t *number, int64_t count)
{
    double most = (double)outcome->steps;
    know_covariate(room, &outcome->baseline, room->units);
    covariate_of(room, &outcome->baseline, number, count, room->value);
    for (int64_t i = 0; i < count; i++) {
        double cell = rounded((room->value[i] - outcome->low) / outcome->step);
        room->value[i] = cell < 0 ? 0 : cell > most ? most : cell;
    }
}

/* The cell of each patient at a measurement: as analysed, and as if nothing were missed. */
static void measure_one(Room *room, const Outcome *outcome)
{
    const Study *of = room->of;
    int32_t *restrict analysed = room->analysed, *restrict complete = room->complete;
    const int64_t layer = (outcome - of->outcome) * room->wide;
    const int32_t *cell = room->everybody.cell + layer, *baseline = NULL;
    if (of->plan.change) {
        baseline_cells(room, outcome, room->number, of->patients);
        for (int64_t i = 0; i < of->patients; i++)
            room->baseline[i] = (int32_t)room->value[i];
        baseline = room->baseline;
    }
    for (int64_t i = 0; i < of->patients; i++) {
        int32_t better = better_cell(outcome, baseline, i, cell[i]), how = room->standing[i];
        complete[i] = how & COMPARED ? (how & DEAD ? 0 : better) : -1;
        analysed[i] = (how & 3) == OF_VISIT ? better : (how & 3) == WORST ? 0 : -1;
    }
    for (int64_t k = 0; k < room->carried.count; k++) {
        int32_t i = room->carried.patient[k];
        analysed[i] = better_cell(outcome, baseline, i, room->carried.cell[layer + k]);
    }
    if (!room->at_baseline || !outcome->has_baseline)
        return;
    baseline_cells(room, outcome, room->number_at_baseline, room->at_baseline);
    for (int64_t k = 0; k < room->at_baseline; k++) {
        int32_t i = room->who_at_baseline[k];
        analysed[i] = better_cell(outcome, baseline, i, (int32_t)room->value[k]);
    }
}

/* Count patients over the cells of the plan's own endpoint. */
static void count_patients(Room *room, int64_t *counts, int64_t *of_complete)
{
    const Plan *plan = &room->of->plan;
    const int32_t *analysed = room->analysed, *complete = room->complete;
    int64_t cells = room->of->measurement[0].cells;
    for (int64_t i = 0; i < room->of->patients; i++) {
        int64_t stratum = plan->by_site ? room->site[room->number[i]] : 0;
        int64_t group = room->arm[i] == plan->control;
        room->place[i] = analysed[i] < 0 ? 2 * cells : (3 * stratum + group) * cells + analysed[i];
        if (complete[i] >= 0)
            of_complete[(2 * stratum + group) * cells + complete[i]]++;
        if (analysed[i] >= 0)
            counts[(2 * stratum + group) * cells + analysed[i]]++;
    }
}

/* Cells of a measurement as they are handed back: where there is one, and which. */
static void hand_cells(int64_t count, const int32_t *restrict from, int16_t *restrict cell,
                       uint8_t *restrict known)
{
    for (int64_t i = 0; i < count; i++) {
        known[i] = from[i] >= 0;
        cell[i] = (int16_t)(from[i] < 0 ? 0 : from[i]);
    }
}

/* Every measurement of everybody; where `cells` is not null, it and `known` have a layer for each,
   so far apart, and then one for each as if nothing were missed. */
static void measure(Room *room, int16_t *cells, uint8_t *known, int64_t apart, int64_t *counts,
                    int64_t *of_complete)
{
    const Study *of = room->of;
    int64_t ready = -1;
    know_patients(room);
    for (int64_t visit = of->first_measured; visit < of->visits; visit++)
        for (int64_t m = 0; m < of->measurements; m++) {
            if (of->measurement[m].visit != visit)
                continue;
            if (ready < visit)
                come_to(room, ready = visit);
            measure_one(room, of->outcome + of->measurement[m].outcome);
            if (m == 0)
                count_patients(room, counts, of_complete);
            if (!cells)
                continue;
            int64_t at = m * apart, again = (of->measurements + m) * apart;
            hand_cells(of->patients, room->analysed, cells + at, known + at);
            hand_cells(of->patients, room->complete, cells + again, known + again);
        }
}

/* ---- Hand back each patient: looks.visit_known_from, patients.patients_of -------------------- */

static int64_t known_from(const Room *room, int64_t i)
{
    const Study *of = room->of;
    int64_t visit = of->measurement[0].visit, at = visit * of->patients + i;
    const Visit *planned = of->visit + visit;
    int64_t first = room->first[i];
    int64_t since_onset = first - room->onset[room->number[i]];
    int64_t last_day = days_to(planned->day + planned->window, planned->from_onset, since_onset);
    int64_t missed = smaller(first + last_day * DAY, room->died[i]);
    return (room->attended[at] ? room->minute[at] : missed) + 1;
}

/* Patients go to layers that lie so far apart, candidates' arrivals to a row. */
static void hand_back(const Room *room, int64_t *each, int64_t apart, int64_t *arrival)
{
    int64_t last_visit = 0, infusions = 0, discontinued = 0, withdrawn = 0, died = 0;
    for (int64_t i = 0; i < room->of->patients; i++) {
        each[RANDOMISED * apart + i] = room->first[i];
        each[KNOWN * apart + i] = known_from(room, i);
        each[PLACE * apart + i] = room->place[i];
        each[LAST_VISIT * apart + i] = last_visit = larger(last_visit, room->last_visit[i]);
        each[INFUSIONS * apart + i] = infusions += room->received[room->number[i]];
        each[DISCONTINUED * apart + i] = discontinued += room->discontinued[i] < NEVER;
        each[WITHDRAWN * apart + i] = withdrawn += room->withdrawn[i] < NEVER;
        each[DIED * apart + i] = died += room->died[i] < NEVER;
    }
    memcpy(arrival, room->arrival, (size_t)room->drawn * sizeof *arrival);
    for (int64_t i = room->drawn; i < room->most; i++)
        arrival[i] = NEVER;
}

/* ---- Whole trials ---------------------------------------------------------------------------- */

static void *part(char *memory, size_t *used, int64_t count, size_t size)
{
    enum { LINE_OF_CACHE = 64 };
    size_t start = *used;
    *used += ((size_t)count * size + LINE_OF_CACHE - 1) / LINE_OF_CACHE * LINE_OF_CACHE;
    return memory ? memory + start : NULL;
}

static void lay_out_points(const Study *of, Points *points, int64_t wide, char *memory, size_t *used)
{
    points->patient = part(memory, used, wide, sizeof *points->patient);
    points->visit = part(memory, used, wide, sizeof *points->visit);
    points->own = part(memory, used, of->scores * wide, sizeof *points->own);
    points->noise = part(memory, used, of->scores * wide, sizeof *points->noise);
    points->start = part(memory, used, of->prognoses * wide, sizeof *points->start);
    points->days = part(memory, used, wide, sizeof *points->days);
    points->done = part(memory, used, of->progresses * wide, sizeof *points->done);
    points->share = part(memory, used, of->exposures * wide, sizeof *points->share);
    points->cell = part(memory, used, of->outcomes * wide, sizeof *points->cell);
}

/* Lay the room out in memory, or only see how much it takes; return that. */
static size_t laid_out(Room *room, char *memory)
{
    const Study *of = room->of;
    int64_t most = room->most, patients = of->patients;
    size_t used = 0;
    room->known = part(memory, &used, of->sources, sizeof *room->known);
    room->words = part(memory, &used, of->rows * (most + BLOCK), sizeof *room->words);
    room->site_ends = part(memory, &used, of->sites, sizeof *room->site_ends);
    room->row = part(memory, &used, larger(most, of->sites) + BLOCK, sizeof *room->row);
    room->last = part(memory, &used, most, sizeof *room->last);
    room->arrival = part(memory, &used, most, sizeof *room->arrival);
    room->onset = part(memory, &used, most, sizeof *room->onset);
    room->site = part(memory, &used, most, sizeof *room->site);
    room->passed = part(memory, &used, most + 1, sizeof *room->passed);
    room->out = part(memory, &used, most, sizeof *room->out);
    room->any = part(memory, &used, most, sizeof *room->any);
    room->received = part(memory, &used, most, sizeof *room->received);
    room->given = part(memory, &used, most * of->infusions, sizeof *room->given);
    room->queue = part(memory, &used, most, sizeof *room->queue);
    room->spare = part(memory, &used, most, sizeof *room->spare);
    room->value = part(memory, &used, most, sizeof *room->value);
    room->other = part(memory, &used, most, sizeof *room->other);
    room->number = part(memory, &used, room->wide, sizeof *room->number);
    room->arm = part(memory, &used, patients, sizeof *room->arm);
    room->left = part(memory, &used, of->strata * (of->arms + 1), sizeof *room->left);
    room->first = part(memory, &used, patients, sizeof *room->first);
    for (int which = 0; which < 3; which++)
        room->ends[which] = part(memory, &used, patients, sizeof *room->ends[which]);
    room->discontinued = part(memory, &used, patients, sizeof *room->discontinued);
    room->withdrawn = part(memory, &used, patients, sizeof *room->withdrawn);
    room->died = part(memory, &used, patients, sizeof *room->died);
    room->offsets = part(memory, &used, patients, sizeof *room->offsets);
    room->attended = part(memory, &used, patients * of->visits, sizeof *room->attended);
    room->day = part(memory, &used, patients * of->visits, sizeof *room->day);
    room->minute = part(memory, &used, patients * of->visits, sizeof *room->minute);
    room->last_visit = part(memory, &used, patients, sizeof *room->last_visit);
    room->place = part(memory, &used, patients, sizeof *room->place);
    room->baseline = part(memory, &used, patients, sizeof *room->baseline);
    room->analysed = part(memory, &used, patients, sizeof *room->analysed);
    room->complete = part(memory, &used, patients, sizeof *room->complete);
    room->standing = part(memory, &used, patients, sizeof *room->standing);
    room->trait = part(memory, &used, of->traits * room->wide, sizeof *room->trait);
    room->shift = part(memory, &used, of->outcomes, sizeof *room->shift);
    room->who_at_baseline = part(memory, &used, patients, sizeof *room->who_at_baseline);
    room->number_at_baseline = part(memory, &used, patients, sizeof *room->number_at_baseline);
    lay_out_points(of, &room->everybody, room->wide, memory, &used);
    lay_out_points(of, &room->carried, room->wide, memory, &used);
    return used;
}

/* Simulate replicates one after another; `counts` and `complete` are zero and have the shape
   (replicate, stratum, 2, cell), of the analysed patients and of those of complete trials. Return
   why not all of them could be: DONE if they were. `most` candidates of each can be screened.
   Where looks may cut them, `each` has room for the layers of all patients, and `arrival` for the
   candidates of each replicate; both are null otherwise. Where each patient is looked at, `cells`
   has room for the analysed cells of all measurements, and for those of complete trials after them,
   shape (2, measurement, replicate, patient), `known` for whether there is one, and `whose` for the
   arm and the site, (2, replicate, patient); they are null otherwise. */
EXPORT int64_t whole_trials(const Study *of, uint64_t seed, uint64_t first, int64_t replicates,
                            int64_t most, Kept *kept, int64_t *counts, int64_t *complete,
                            int64_t *each, int64_t *arrival, int16_t *cells, uint8_t *known,
                            int32_t *whose)
{
    int64_t whole = (of->patients + VECTOR - 1) / VECTOR * VECTOR;
    Room room = {.of = of, .seed = seed, .most = most, .wide = whole};
    char *memory = malloc(laid_out(&room, NULL));
    if (!memory)
        return NO_MEMORY;
    laid_out(&room, memory);
    while (most >> room.bits)
        room.bits++;
    int64_t table = (of->plan.by_site ? of->sites : 1) * 2 * of->measurement[0].cells, why = DONE;
    int64_t layer = replicates * of->patients;
    for (int64_t r = 0; why == DONE && r < replicates; r++) {
        room.replicate = first + (uint64_t)r;
        memset(kept + r, 0, sizeof *kept);
        why = recruit(&room, kept + r);
        if (why != DONE)
            break;
        randomise(&room);
        refuse(&room);
        for (int64_t which = 0; which < 3; which++)
            befall(&room, which);
        come_to_last(&room);
        leave(&room, kept + r);
        see_patients(&room, kept + r);
        measure(&room, cells ? cells + r * of->patients : NULL,
                cells ? known + r * of->patients : NULL, layer, counts + r * table,
                complete + r * table);
        if (each)
            hand_back(&room, each + r * of->patients, layer, arrival + r * most);
        for (int64_t i = 0; whose && i < of->patients; i++) {
            whose[r * of->patients + i] = (int32_t)room.arm[i];
            whose[layer + r * of->patients + i] = room.site[room.number[i]];
        }
    }
    free(memory);
    return why;
}

/* ---- Cuts: patients.at_most, finished.FinishedTrial ------------------------------------------- */

/* How many moments of each row are at most each of its minutes. */
EXPORT void at_most(int64_t rows, int64_t width, int64_t cuts, const int64_t *moments,
                    const int64_t *minutes, int64_t *counts)
{
    for (int64_t cut = 0; cut < rows * cuts; cut++) {
        const int64_t *own = moments + cut / cuts * width;
        int64_t minute = minutes[cut], count = 0;
        for (int64_t i = 0; i < width; i++)
            count += own[i] <= minute;
        counts[cut] = count;
    }
}

/* Count patients from one to before another at their places in a table, if known at a minute. */
static void count_known(int64_t from, int64_t to, const int64_t *place, const int64_t *known,
                        int64_t minute, int64_t *table)
{
    for (int64_t i = from; i < to; i++)
        table[place[i]] += known[i] <= minute;
}

/* The first patients of some replicates, counted at their places in a table for each cut, if they
   are known at its minute; `counts` is zero. */
EXPORT void counts_at(int64_t rows, int64_t width, int64_t cuts, int64_t size, const int64_t *row,
                      const int64_t *first, const int64_t *place, const int64_t *known,
                      const int64_t *minutes, int64_t *counts)
{
    for (int64_t cut = 0; cut < rows * cuts; cut++) {
        int64_t at = cut / cuts, start = row[at] * width;
        count_known(start, start + first[at], place, known, minutes[cut], counts + cut * size);
    }
}

/* The rank sums (see stats/ranks/mann_whitney.py) of the first patients of each replicate that are
   known at each cut. They are whole numbers: `sums` has four rows of them, one for each cut of each
   replicate. `table` has room for three arms of so many cells. */
EXPORT void rank_sums_at(int64_t rows, int64_t width, int64_t cuts, int64_t cells, int64_t first,
                         const int64_t *place, const int64_t *known, const int64_t *minutes,
                         int64_t *table, int64_t *sums)
{
    int64_t all = rows * cuts;
    for (int64_t cut = 0; cut < all; cut++) {
        int64_t start = cut / cuts * width, wins = 0, m = 0, n = 0, ties = 0;
        memset(table, 0, 3 * cells * sizeof *table);
        count_known(start, start + first, place, known, minutes[cut], table);
        for (int64_t i = 0; i < cells; i++) {
            int64_t treated = table[i], control = table[cells + i], both = treated + control;
            wins += treated * (2 * n + control);
            m += treated;
            n += control;
            ties += both * (both * both - 1);
        }
        sums[cut] = wins;
        sums[all + cut] = m;
        sums[2 * all + cut] = n;
        sums[3 * all + cut] = ties;
    }
}

/* How large a study is, so that whoever fills one in can see that both mean the same. */
EXPORT int64_t study_size(void) { return (int64_t)sizeof(Study); }
