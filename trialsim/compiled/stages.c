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

/* One block of Philox 4x64 with ten rounds (Salmon et al. 2011), as eight words, low halves first. */
static inline void philox_block(Stream of, uint64_t counter, uint64_t carried, uint64_t tile,
                                uint64_t beyond, uint32_t *words)
{
    uint64_t c0 = counter, c1 = of.draw + carried, c2 = tile, c3 = beyond;
    uint64_t k0 = of.seed, k1 = of.purpose;
    for (int round = 0; round < 10; round++) {
        unsigned __int128 one = (unsigned __int128)0xD2E7470EE14C6C93u * c0;
        unsigned __int128 other = (unsigned __int128)0xCA5A826395121157u * c2;
        c0 = (uint64_t)(other >> 64) ^ c1 ^ k0;
        c1 = (uint64_t)other;
        c2 = (uint64_t)(one >> 64) ^ c3 ^ k1;
        c3 = (uint64_t)one;
        k0 += 0x9E3779B97F4A7C15u;
        k1 += 0xBB67AE8584CAA73Bu;
    }
    const uint64_t block[4] = {c0, c1, c2, c3};
    for (int i = 0; i < 4; i++) {
        words[2 * i] = (uint32_t)block[i];
        words[2 * i + 1] = (uint32_t)(block[i] >> 32);
    }
}

/* The words of the first `units` units of one replicate; `words` has room for whole blocks. */
static void words_of(Stream of, uint64_t replicate, int64_t units, uint32_t *words)
{
    int64_t start = 0;
    for (uint64_t tile = 0; start < units; tile++) {
        int64_t size = (int64_t)TILE << (tile / ALIKE);
        unsigned __int128 before = (unsigned __int128)replicate * (uint64_t)(size / BLOCK);
        uint64_t beyond = (uint64_t)(before >> 64);
        int64_t blocks = (units - start < size ? units - start + BLOCK - 1 : size) / BLOCK;
        for (int64_t b = 0; b < blocks; b++) {
            uint64_t counter = (uint64_t)before + (uint64_t)b + 1;
            philox_block(of, counter, counter < (uint64_t)before, tile, beyond,
                         words + start + b * BLOCK);
        }
        start += size;
    }
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
    uint32_t mirrored = ~word;
    double from_end = (word < mirrored ? word : mirrored) + 0.5;
    int64_t place;
    memcpy(&place, &from_end, sizeof place);
    place = (place >> (MANTISSA - 6)) - HALF + (word >> 31) * (OCTAVES * PIECES);
    return cubic(pieces + 4 * place, from_end);
}

EXPORT void tail_curve(const double *pieces, const uint32_t *words, int64_t count, double *values)
{
    for (int64_t i = 0; i < count; i++)
        values[i] = tail_curve_at(pieces, words[i]);
}

/* A curve on [low, high], so many pieces a unit; what is no number stays none. */
EXPORT void curve(const double *pieces, double low, double high, double per_unit,
                  const double *at, int64_t count, double *values)
{
    for (int64_t i = 0; i < count; i++) {
        double within = at[i] < low ? low : at[i] > high ? high : at[i];
        double along = (within - low) * per_unit;
        int64_t place = along == along ? (int64_t)along : 0;
        values[i] = cubic(pieces + 4 * place, along - (double)place);
    }
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
