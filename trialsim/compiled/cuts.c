/* Whole trials as looks cut them: patients.at_most, finished.FinishedTrial. */

/* How many moments of each of some rows are at most each of its minutes. */
EXPORT void at_most(int64_t rows, int64_t width, int64_t cuts, const int64_t *row,
                    const int64_t *moments, const int64_t *minutes, int64_t *counts)
{
    for (int64_t cut = 0; cut < rows * cuts; cut++) {
        const int64_t *own = moments + row[cut / cuts] * width;
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
