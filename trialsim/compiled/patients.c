/* Patients of one replicate: arms, infusions, visits and exits. */

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

/* Who was seen at which visit. Those before the first measured are made here: they matter for patients
   alone who are not known there, back to one at which they are, for visits follow one another; and
   baseline where it stands in for any visit. */
static void see_patients(Room *room, Kept *kept)
{
    const Study *of = room->of;
    int64_t last_visit = 0;
    memset(room->last_visit, 0, (size_t)of->patients * sizeof *room->last_visit);
    for (int64_t visit = of->first_measured; visit < of->visits; visit++)
        see_some(room, 0, of->patients, visit);
    for (int64_t i = 0; i < of->patients; i++) {
        int known = is_known(room, i, of->first_measured);
        if (known && of->plan.missing != BASELINE)
            continue;
        come(room, 0, i, 0);
        see_some(room, i, 1, 0);
        for (int64_t visit = of->first_measured - 1; !known && visit > 0; visit--) {
            Stream from = stream_of(room, of->visit_purpose, (uint64_t)visit);
            come(room, visit, i, word_at(from, room->replicate, room->number[i]));
            see_some(room, i, 1, visit);
            known = is_known(room, i, visit);
        }
    }
    for (int64_t i = 0; i < of->patients; i++)
        last_visit = larger(last_visit, room->last_visit[i]);
    kept->last_visit = last_visit;
}
