/* Whole trials, compiled: of each replicate its patients counted over the cells of the endpoint, or
   the cells of each patient where several outcomes are analysed together.

   The trials are those of the NumPy code, to the bit, of studies that need nothing beyond what
   `Study` holds; each function names the code that it stands for. One replicate follows another in
   the same room, so that memory is that of one trial, and a candidate, an infusion or a visit that
   changes nothing costs nothing. The rules of stages.c hold here too.

   This is the one file that is compiled. What it includes follows the life of a replicate. */

#include <stdlib.h>

#include "stages.c"

/* Numbers side by side; doubles are loaded from anywhere. */
typedef double Four __attribute__((vector_size(32), aligned(8), may_alias));
typedef int64_t FourWhole __attribute__((vector_size(32)));

#include "joint_effects.c"

#include "study.c"
#include "candidates.c"
#include "patients.c"
#include "scores.c"
#include "measurements.c"
#include "cuts.c"

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

/* How large a study is, so that whoever fills one in can see that both mean the same. */
EXPORT int64_t study_size(void) { return (int64_t)sizeof(Study); }
