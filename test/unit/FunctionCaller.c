/* FunctionCaller.c: calls a compiled function as a C host would. */
#include "quoin/function.h"

/* Attention of one argument with itself; out is [length, heads, head size]. */
int quoin_call_from_c(const char *folder, float *x, float *out, int64_t length, int64_t heads, int64_t size,
                      int32_t workers);

int quoin_call_from_c(const char *folder, float *x, float *out, int64_t length, int64_t heads, int64_t size,
                      int32_t workers) {
  quoin_hooks_t hooks = {0};
  quoin_context_t *context = NULL;
  quoin_function_t *function = NULL;
  quoin_array_t argument = {QUOIN_DTYPE_F32, 3, {0}, NULL}, result;
  quoin_status_t status;
  hooks.workers = workers;
  argument.sizes[0] = length;
  argument.sizes[1] = heads;
  argument.sizes[2] = size;
  argument.data = x;
  result = argument;
  result.data = out;
  status = quoin_context_create(&hooks, &context);
  if (status == QUOIN_STATUS_OK)
    status = quoin_function_load(context, folder, &function);
  if (status == QUOIN_STATUS_OK)
    status = quoin_function_call(function, &argument, 1, &result, 1);
  quoin_function_destroy(function);
  quoin_context_destroy(context);
  return (int)status;
}
