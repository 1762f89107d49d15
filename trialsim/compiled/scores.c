/* Scores of the patients of one replicate on every outcome, as cells of its scale:
   outcomes._Realised, patient_scores, courses, bounds. */

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
