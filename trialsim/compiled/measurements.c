/* What is analysed of the patients of one replicate, and their counts: endpoint.endpoint,
   endpoint.complete_endpoint, counts.cell_counts. */

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
