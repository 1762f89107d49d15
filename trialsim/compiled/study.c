/* A study as whole.py fills it in, and the room in which one replicate is simulated after another. */

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
