/* cuda.h: what a program has for GPUs: code, and of each step the kernels that it launches.
 *
 * Part of the ABI of program.h, whose rules hold: C99, fixed layouts. The table hangs at `quoin_program_t.cuda`.
 *
 * A step on a GPU takes the arguments that it takes on a CPU, quoin_layers_t or quoin_head_t with all that hangs at
 * them, but in device memory: every pointer in them is an address there, `barrier` is not read, `memory` and `blind`
 * are as the step needs them. The host makes them with each step, or keeps them and changes them. The weights are
 * the program's weight file from its first byte on, at an address that is a multiple of 256; pages and states are
 * those of program.h; scratch has the `row_bytes` of the step in this table, times max(rows, reads) or times the rows
 * of a head. Scratch, pages and words hold zeros, or anything else that was written, before a kernel sees them: padding
 * is read, and weighs nothing.
 *
 * A step is its launches in their order on one stream, each when the one before has ended. The parameters of a kernel
 * are the address of the arguments, then the launch's constants, all of 8 bytes. Kernels read all sizes in the
 * arguments, and share their work among whatever blocks there are: a launch's number of blocks decides how fast it is,
 * never what it computes. So a graph of a step may be launched again after its arguments were changed.
 *
 * A row's result depends on neither the number of rows nor on who shares the step: bit by bit, on one architecture. */
#ifndef QUOIN_CUDA_H
#define QUOIN_CUDA_H

#include "program.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Text of PTX, which ends with a 0; a cubin, code of one architecture. */
enum { QUOIN_IMAGE_PTX = 0, QUOIN_IMAGE_CUBIN = 1 };

typedef struct quoin_cuda_image_t {
  int32_t kind;         /* QUOIN_IMAGE_* */
  int32_t architecture; /* 80 for compute capability 8.0. PTX runs there and on all later ones, a cubin on those of the
                           same first digit that are not before it */
  const void *data;
  int64_t bytes; /* of PTX with its 0 */
} quoin_cuda_image_t;

/* What a grid grows with: nothing; rows of the step; rows that it reads; groups. Of a head: its rows. */
enum { QUOIN_GRID_ONE = 0, QUOIN_GRID_ROWS = 1, QUOIN_GRID_READS = 2, QUOIN_GRID_GROUPS = 3 };

/* A good grid has blocks * ceil(count / each) blocks, `count` being what `grid` says (1 for QUOIN_GRID_ONE), at least
 * 1 and at most `most`. */
typedef struct quoin_cuda_launch_t {
  const char *kernel;
  const int64_t *constants;
  int32_t constants_count;
  int32_t threads;      /* of a block */
  int32_t shared_bytes; /* of dynamic shared memory; beyond 48 KB the kernel must be allowed them */
  int32_t grid;         /* QUOIN_GRID_* */
  int64_t each;         /* at least 1 */
  int64_t blocks;       /* at least 1 */
  int64_t most;         /* at least 1, below 2^31 */
} quoin_cuda_launch_t;

typedef struct quoin_cuda_step_t {
  const quoin_cuda_launch_t *launches;
  int32_t launches_count;
  int32_t job;       /* QUOIN_STEP_* */
  int64_t row_bytes; /* of scratch */
} quoin_cuda_step_t;

typedef struct quoin_cuda_model_t {
  const quoin_cuda_step_t *steps; /* one for each that the model has in program.h, in that order */
  int32_t steps_count;
  int32_t reserved;
} quoin_cuda_model_t;

typedef struct quoin_cuda_t {
  uint32_t struct_size;             /* sizeof(quoin_cuda_t) */
  int32_t images_count;             /* at least 1, the last one PTX of the lowest architecture */
  const quoin_cuda_image_t *images; /* of the same kernels, each */
  const quoin_cuda_model_t *models; /* as many as the program has, in its order */
} quoin_cuda_t;

QUOIN_CHECK_SIZE(quoin_cuda_image_t, 24);
QUOIN_CHECK_SIZE(quoin_cuda_launch_t, 56);
QUOIN_CHECK_SIZE(quoin_cuda_step_t, 24);
QUOIN_CHECK_SIZE(quoin_cuda_model_t, 16);
QUOIN_CHECK_SIZE(quoin_cuda_t, 24);

#ifdef __cplusplus
}
#endif

#endif
