/* function.h: calls compiled functions: tensors in, tensors out.
 *
 *   quoin_function_t *attention = NULL;
 *   quoin_array_t in[3] = {{QUOIN_DTYPE_F32, 3, {100, 8, 64}, q},
 *                          {QUOIN_DTYPE_F32, 3, {100, 2, 64}, k},
 *                          {QUOIN_DTYPE_F32, 3, {100, 2, 64}, v}};
 *   quoin_array_t out = {QUOIN_DTYPE_F32, 3, {100, 8, 64}, result};
 *   if (quoin_function_load(context, "attention", &attention) != QUOIN_STATUS_OK ||
 *       quoin_function_call(attention, in, 3, &out, 1) != QUOIN_STATUS_OK)
 *     fprintf(stderr, "error: %s\n", quoin_context_last_error(context));
 *   quoin_function_destroy(attention);
 *
 * Threads, ownership, pointers and statuses are as runtime.h says. */
#ifndef QUOIN_FUNCTION_H
#define QUOIN_FUNCTION_H

#include "quoin/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct quoin_function_t quoin_function_t;

/* A tensor of the caller's: packed, the last size running fastest, `data` aligned to its elements. */
typedef struct quoin_array_t {
  int32_t dtype; /* QUOIN_DTYPE_* */
  int32_t rank;  /* at most QUOIN_MAX_RANK; 0: one number */
  int64_t sizes[QUOIN_MAX_RANK];
  void *data; /* only read for arguments; may be NULL if a size is 0 */
} quoin_array_t;

/* Opens a function that quoin-compile wrote. Fails with QUOIN_STATUS_NOT_FOUND (no such folder), _INCOMPATIBLE (the
 * text names the version or the CPU feature that is missing) or _CORRUPT (something else is there). */
quoin_status_t quoin_function_load(quoin_context_t *context, const char *folder, quoin_function_t **out_function);

/* The same for a function that is linked into the host: `query` is what the model.h beside its object file declares,
 * `quoin_function_query` or the name that quoin-compile was given by --symbol. */
quoin_status_t quoin_function_from_program(quoin_context_t *context, quoin_function_query_fn query,
                                           quoin_function_t **out_function);

/* Closes it. `function` may be NULL. */
void quoin_function_destroy(quoin_function_t *function);

/* Its name and the types of its arguments and results, in order; what belongs to generated code is not for hosts. The
 * function's. Reads only. */
const quoin_function_program_t *quoin_function_describe(const quoin_function_t *function);

/* Types and sizes that the results have for these arguments, whose data are not read; `data` of the results is left as
 * it is. `results_count` is how many to describe, from the first on. Fails with QUOIN_STATUS_INVALID_ARGUMENT if an
 * argument does not fit; the text names it and both numbers. */
quoin_status_t quoin_function_results(quoin_function_t *function, const quoin_array_t *arguments,
                                      size_t arguments_count, quoin_array_t *results, size_t results_count);

/* Computes the results into their `data`, which must not overlap the arguments'. All are needed. Fails with
 * QUOIN_STATUS_INVALID_ARGUMENT as above, or with QUOIN_STATUS_OUT_OF_MEMORY. Results do not depend on the number of
 * workers, bit by bit. Allocates nothing once sizes have settled. */
quoin_status_t quoin_function_call(quoin_function_t *function, const quoin_array_t *arguments, size_t arguments_count,
                                   const quoin_array_t *results, size_t results_count);

/* The lowest query of the last call that saw no key, or -1 if each saw one. Nothing fails because of it: its result is
 * 0 and its logarithm minus infinity, which is what partial results need to be merged; where it was not meant, it is a
 * mask or a label that is wrong. The context's log says it too. */
int64_t quoin_function_blind_query(const quoin_function_t *function);

#ifdef __cplusplus
}
#endif

#endif
