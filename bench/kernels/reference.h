/* reference.h: the products to beat: rows times a packed weight of bf16, in C with intrinsics.
 *
 * What a person writes who knows the machine. With AVX-512: rows of bf16, 4 of them and 64 columns at a time, 16 sums
 * in registers, 4 loads of the weight and 4 broadcasts for 16 dot products. With AVX2: rows of f32, 6 of them and 16
 * columns at a time, 12 sums in registers; a line of pairs is loaded, widened and multiplied twice, for its low halves
 * and for its high ones. Narrower tiles for what remains. Generated code is measured against them. */
#ifndef QUOIN_BENCH_KERNELS_REFERENCE_H
#define QUOIN_BENCH_KERNELS_REFERENCE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 1 where this CPU can run it. */
int quoin_reference_runs(void);

/* out[r][j] = sum over i of a[r][i] * w[j][i], sums in f32. `a` has `stride` elements from row to row. `w` is packed:
 * panels of 64 columns, in each the pairs of features in order, in each pair 64 columns of two bf16: [n / 64][k /
 * 2][64][2]. `k` is even, `n` a multiple of 64; `out` is [rows][n]. Nothing needs alignment. */
void quoin_reference_product(const uint16_t *a, int64_t stride, const uint16_t *w, float *out, int64_t rows, int64_t k,
                             int64_t n);

/* The same with AVX2 for rows of f32. */
int quoin_reference_widened_runs(void);
void quoin_reference_widened(const float *a, int64_t stride, const uint16_t *w, float *out, int64_t rows, int64_t k,
                             int64_t n);

#ifdef __cplusplus
}
#endif

#endif
