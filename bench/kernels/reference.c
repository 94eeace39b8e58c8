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

int quoin_reference_widened_runs(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

#define TARGET2 __attribute__((target("avx2,fma")))

/* 16 columns of a panel. */
TARGET2 static inline __attribute__((always_inline)) void strip(const float *a, int64_t stride, const uint16_t *w,
                                                                float *out, int64_t n, int64_t pairs, int count) {
  __m256 sums[6][2];
  __m256i upper = _mm256_set1_epi32((int)0xffff0000);
  for (int r = 0; r < count; ++r)
    sums[r][0] = sums[r][1] = _mm256_setzero_ps();
  for (int64_t p = 0; p < pairs; ++p) {
    const __m256i *line = (const __m256i *)(w + p * 128);
    /* Eight lines ahead: a panel's lines are 256 bytes apart, which the machine does not foresee in time. */
    _mm_prefetch((const char *)(w + (p + 8) * 128), _MM_HINT_T0);
    __m256 low0 = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_loadu_si256(line), 16));
    __m256 low1 = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_loadu_si256(line + 1), 16));
    for (int r = 0; r < count; ++r) {
      __m256 x = _mm256_broadcast_ss(a + r * stride + 2 * p);
      sums[r][0] = _mm256_fmadd_ps(x, low0, sums[r][0]);
      sums[r][1] = _mm256_fmadd_ps(x, low1, sums[r][1]);
    }
    __m256 high0 = _mm256_castsi256_ps(_mm256_and_si256(_mm256_loadu_si256(line), upper));
    __m256 high1 = _mm256_castsi256_ps(_mm256_and_si256(_mm256_loadu_si256(line + 1), upper));
    for (int r = 0; r < count; ++r) {
      __m256 x = _mm256_broadcast_ss(a + r * stride + 2 * p + 1);
      sums[r][0] = _mm256_fmadd_ps(x, high0, sums[r][0]);
      sums[r][1] = _mm256_fmadd_ps(x, high1, sums[r][1]);
    }
  }
  for (int r = 0; r < count; ++r) {
    _mm256_storeu_ps(out + r * n, sums[r][0]);
    _mm256_storeu_ps(out + r * n + 8, sums[r][1]);
  }
}

TARGET2 void quoin_reference_widened(const float *a, int64_t stride, const uint16_t *w, float *out, int64_t rows,
                                     int64_t k, int64_t n) {
  int64_t pairs = k / 2;
  for (int64_t j = 0; j < n; j += 64, w += pairs * 128)
    for (int64_t r = 0; r < rows;) {
      int64_t left = rows - r, count = left == 8 || left == 7 ? 4 : left < 6 ? left : 6;
      for (int64_t c = 0; c < 64; c += 16) {
        const float *from = a + r * stride;
        const uint16_t *panel = w + c * 2;
        float *to = out + r * n + j + c;
        switch (count) {
        case 6:
          strip(from, stride, panel, to, n, pairs, 6);
          break;
        case 5:
          strip(from, stride, panel, to, n, pairs, 5);
          break;
        case 4:
          strip(from, stride, panel, to, n, pairs, 4);
          break;
        case 3:
          strip(from, stride, panel, to, n, pairs, 3);
          break;
        case 2:
          strip(from, stride, panel, to, n, pairs, 2);
          break;
        default:
          strip(from, stride, panel, to, n, pairs, 1);
          break;
        }
      }
      r += count;
    }
}

#else

int quoin_reference_widened_runs(void) { return 0; }

void quoin_reference_widened(const float *a, int64_t stride, const uint16_t *w, float *out, int64_t rows, int64_t k,
                             int64_t n) {
  (void)a, (void)stride, (void)w, (void)out, (void)rows, (void)k, (void)n;
}

int quoin_reference_runs(void) { return 0; }

void quoin_reference_product(const uint16_t *a, int64_t stride, const uint16_t *w, float *out, int64_t rows, int64_t k,
                             int64_t n) {
  (void)a, (void)stride, (void)w, (void)out, (void)rows, (void)k, (void)n;
}

#endif
