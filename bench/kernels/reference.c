/* reference.c: see reference.h. */

#include "bench/kernels/reference.h"

#if defined(__x86_64__)
#include <immintrin.h>

int quoin_reference_runs(void) { return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw"); }

#define TARGET __attribute__((target("avx512f,avx512bw,avx512bf16")))

/* `count` is a constant wherever this is used, so that the loops over rows unroll and the sums stay in registers. */
TARGET static inline __attribute__((always_inline)) void tile(const uint16_t *a, int64_t stride, const uint16_t *w,
                                                              float *out, int64_t n, int64_t pairs, int count) {
  __m512 sums[4][4];
  for (int r = 0; r < count; ++r)
    for (int v = 0; v < 4; ++v)
      sums[r][v] = _mm512_setzero_ps();
  for (int64_t p = 0; p < pairs; ++p) {
    __m512bh columns[4];
    for (int v = 0; v < 4; ++v)
      columns[v] = (__m512bh)_mm512_loadu_si512(w + p * 128 + v * 32);
    for (int r = 0; r < count; ++r) {
      int32_t pair;
      __builtin_memcpy(&pair, a + r * stride + 2 * p, 4);
      __m512bh both = (__m512bh)_mm512_set1_epi32(pair);
      for (int v = 0; v < 4; ++v)
        sums[r][v] = _mm512_dpbf16_ps(sums[r][v], columns[v], both);
    }
  }
  for (int r = 0; r < count; ++r)
    for (int v = 0; v < 4; ++v)
      _mm512_storeu_ps(out + r * n + v * 16, sums[r][v]);
}

TARGET void quoin_reference_product(const uint16_t *a, int64_t stride, const uint16_t *w, float *out, int64_t rows,
                                    int64_t k, int64_t n) {
  int64_t pairs = k / 2;
  for (int64_t j = 0; j < n; j += 64, w += pairs * 128) {
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4)
      tile(a + r * stride, stride, w, out + r * n + j, n, pairs, 4);
    switch (rows - r) {
    case 3:
      tile(a + r * stride, stride, w, out + r * n + j, n, pairs, 3);
      break;
    case 2:
      tile(a + r * stride, stride, w, out + r * n + j, n, pairs, 2);
      break;
    case 1:
      tile(a + r * stride, stride, w, out + r * n + j, n, pairs, 1);
      break;
    default:
      break;
    }
  }
}

#else

int quoin_reference_runs(void) { return 0; }

void quoin_reference_product(const uint16_t *a, int64_t stride, const uint16_t *w, float *out, int64_t rows, int64_t k,
                             int64_t n) {
  (void)a, (void)stride, (void)w, (void)out, (void)rows, (void)k, (void)n;
}

#endif
