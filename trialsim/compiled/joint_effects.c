/* The sums from which stats/several_outcomes/joint_effects.py makes effects and covariances.

   All of them are whole numbers, below 2**53 for as many patients as are sent here, so that the order
   in which they are added changes no bit. Included by whole.c, after stages.c. */

enum { LANES = 4, TREATED = 0, CONTROL = 1 };

/* One scale of a trial: the cell of each patient, where it is known, and how many cells there are. */
typedef struct {
    const int16_t *cell;
    const uint8_t *known;
    int64_t size;
} Ranked;

/* The room in which one scale is ranked after another. A row of cells belongs to each arm; after
   both is the place of those who have no value, and of nobody, who comes after the last patient. */
typedef struct {
    int64_t patients, lanes[2]; /* in each arm, in whole lanes */
    int32_t *order, *place; /* the patients of each arm, then nobody; where all are in the rows */
    int32_t *count, *doubled;
} Ranking;

/* The patients of the treated and then of the controls. */
static void divide_by_arm(Ranking *ranking, const uint8_t *restrict arm)
{
    int32_t *order = ranking->order;
    for (int which = TREATED; which <= CONTROL; which++) {
        int64_t number = 0;
        for (int64_t i = 0; i < ranking->patients; i++) {
            order[number] = (int32_t)i;
            number += arm[i] == which;
        }
        while (number % LANES)
            order[number++] = (int32_t)ranking->patients;
        ranking->lanes[which] = number;
        order += number;
    }
}

/* Find the places of patients, and count them. */
static void count_cells(const Ranking *ranking, Ranked scale, const uint8_t *restrict arm)
{
    const int16_t *restrict cell = scale.cell;
    const uint8_t *restrict known = scale.known;
    int32_t *restrict place = ranking->place, *count = ranking->count, size = (int32_t)scale.size;
    memset(count, 0, (size_t)(2 * size + 1) * sizeof *count);
    for (int64_t i = 0; i < ranking->patients; i++)
        place[i] = (arm[i] <= CONTROL) & known[i] ? arm[i] * size + cell[i] : 2 * size;
    for (int64_t i = 0; i < ranking->patients; i++)
        count[place[i]]++;
    place[ranking->patients] = 2 * size;
}

/* Twice the patients of each arm below each cell, ties counting half; `n` is how many of each arm
   there are, and `won` twice the pairs that each wins over the other. */
static void compare(const Ranking *ranking, int64_t size, int64_t *n, int64_t *won)
{
    const int32_t *restrict count = ranking->count, *restrict other = ranking->count + size;
    int32_t *restrict doubled = ranking->doubled, *restrict of_other = ranking->doubled + size;
    int32_t below = 0, others_below = 0;
    int64_t wins = 0, losses = 0;
    for (int64_t cell = 0; cell < size; cell++) {
        int32_t own = 2 * below + count[cell], others = 2 * others_below + other[cell];
        wins += (int64_t)count[cell] * others;
        losses += (int64_t)other[cell] * own;
        below += count[cell];
        others_below += other[cell];
        doubled[cell] = own;
        of_other[cell] = others;
    }
    n[TREATED] = below;
    n[CONTROL] = others_below;
    won[TREATED] = wins;
    won[CONTROL] = losses;
}

/* How far from their mean whole numbers are, times the patients of whom they are, by cell. */
static void deviations(int64_t size, int64_t patients, int64_t total, const int32_t *restrict doubled,
                       double *restrict deviation)
{
    for (int64_t cell = 0; cell < size; cell++)
        deviation[cell] = (double)(patients * doubled[cell] - total);
}

/* The deviations of the patients of a scale, in their order, from the other arm or from all. */
static void deviate(const Ranking *ranking, int64_t size, const int64_t *n, const int64_t *won,
                    int64_t pooled, double *of_cell, double *restrict deviation)
{
    int32_t *doubled = ranking->doubled;
    if (pooled) { /* the pairs of all with all are twice as many as half of them win */
        int64_t both = n[TREATED] + n[CONTROL];
        for (int64_t cell = 0; cell < size; cell++)
            doubled[cell] += doubled[size + cell];
        deviations(size, both, both * both, doubled, of_cell);
        memcpy(of_cell + size, of_cell, (size_t)size * sizeof *of_cell);
    } else {
        deviations(size, n[TREATED], won[TREATED], doubled + size, of_cell);
        deviations(size, n[CONTROL], won[CONTROL], doubled, of_cell + size);
    }
    of_cell[2 * size] = 0;
    for (int64_t j = 0; j < ranking->lanes[0] + ranking->lanes[1]; j++)
        deviation[j] = of_cell[ranking->place[ranking->order[j]]];
}

/* The sums of products of one scale's deviations and four others', over patients in whole lanes. */
static inline void four_products(int64_t count, const double *restrict one,
                                 const double *const *other, double *restrict found)
{
    Four sum[4] = {{0}, {0}, {0}, {0}};
    for (int64_t i = 0; i < count; i += LANES) {
        Four own = *(const Four *)(one + i);
        for (int k = 0; k < 4; k++)
            sum[k] += own * *(const Four *)(other[k] + i);
    }
    for (int k = 0; k < 4; k++)
        found[k] = sum[k][0] + sum[k][1] + sum[k][2] + sum[k][3];
}

/* Those of all pairs of scales; after the last it stands in for others. */
static void products(int64_t scales, int64_t apart, int64_t count, const double *deviation,
                     double *found)
{
    for (int64_t a = 0; a < scales; a++)
        for (int64_t b = 0; b <= a; b += 4) {
            const double *other[4];
            double sum[4];
            for (int k = 0; k < 4; k++)
                other[k] = deviation + smaller(b + k, a) * apart;
            four_products(count, deviation + a * apart, other, sum);
            for (int64_t k = 0; k < 4 && b + k <= a; k++)
                found[a * scales + b + k] = found[(b + k) * scales + a] = sum[k];
        }
}

/* How many of each arm have a value of a scale, twice the pairs that the treated win, and, where
   `found` is not null, the sums of products of deviations: within the arms, or of both together.

   `arm` is 0 for the treated, 1 for the controls and more for others. `sizes` has the shape (arm,
   trial, scale), `won` (trial, scale), `found` (arm or one, trial, scale, scale). There is room for
   four rows of the most cells and one in `rows`, and for two and one in `of_cell`; for the patients
   and two lanes twice in `whose`, and once for each scale in `deviation`. */
EXPORT void joint_sums(int64_t trials, int64_t patients, int64_t scales, int64_t most_cells,
                       const Ranked *scale, const uint8_t *arm, int64_t pooled, int32_t *rows,
                       double *of_cell, int32_t *whose, double *deviation, double *sizes,
                       double *won, double *found)
{
    int64_t apart = patients + 2 * LANES, layer = trials * scales, n[2], pairs[2];
    Ranking ranking = {patients, {0, 0}, whose, whose + apart, rows, rows + 2 * most_cells + 1};
    for (int64_t trial = 0; trial < trials; trial++, arm += patients) {
        if (found)
            divide_by_arm(&ranking, arm);
        for (int64_t k = 0; k < scales; k++) {
            int64_t at = trial * scales + k, size = scale[k].size;
            Ranked one = {scale[k].cell + trial * patients, scale[k].known + trial * patients, size};
            count_cells(&ranking, one, arm);
            compare(&ranking, size, n, pairs);
            sizes[at] = (double)n[TREATED];
            sizes[layer + at] = (double)n[CONTROL];
            won[at] = (double)pairs[TREATED];
            if (found)
                deviate(&ranking, size, n, pairs, pooled, of_cell, deviation + k * apart);
        }
        if (!found)
            continue;
        double *here = found + trial * scales * scales;
        int64_t treated = ranking.lanes[TREATED], control = ranking.lanes[CONTROL];
        products(scales, apart, pooled ? treated + control : treated, deviation, here);
        if (!pooled)
            products(scales, apart, control, deviation + treated, here + layer * scales);
    }
}
