/* Candidates of one replicate: who they are, when and where they come, who is screened out, and who
   is randomised when. */

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
