// function.cpp: opens compiled functions, checks what they are given and runs them on all workers.

#include "arithmetic.h"
#include "internal.h"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <unistd.h>

using namespace quoin::rt;

struct quoin_function_t {
  explicit quoin_function_t(quoin_context_t *owner)
      : context(owner), arguments(&owner->memory), results(&owner->memory), scratch(&owner->memory) {}
  ~quoin_function_t() {
    if (library)
      dlclose(library);
  }

  quoin_context_t *context;
  const quoin_function_program_t *program = nullptr;
  void *library = nullptr; // of dlopen
  Buffer<const void *> arguments;
  Buffer<void *> results;
  Buffer<uint8_t> scratch;
  int64_t blind = -1;
  Meeting meeting;
};

namespace {

quoin_status_t checkFunctionProgram(quoin_context_t &context, const quoin_function_program_t *program,
                                    const char *where) {
  if (!program)
    return context.fail(QUOIN_STATUS_INCOMPATIBLE, "%s needs a runtime newer than ABI version %u", where,
                        QUOIN_ABI_VERSION);
  if (program->abi_version != QUOIN_ABI_VERSION)
    return context.fail(QUOIN_STATUS_INCOMPATIBLE,
                        "%s has ABI version %u, but this runtime has %u; compile the function again", where,
                        program->abi_version, QUOIN_ABI_VERSION);
  if (program->struct_size != sizeof(quoin_function_program_t))
    return context.fail(QUOIN_STATUS_INCOMPATIBLE, "%s describes itself in %u bytes, but this runtime expects %zu",
                        where, program->struct_size, sizeof(quoin_function_program_t));
  if (quoin_status_t status = checkFeatures(context, program->target_features, where))
    return status;
  if (program->arguments_count < 0 || program->results_count < 1 || program->lengths_count < 0 ||
      program->lengths_count > QUOIN_MAX_LENGTHS || !program->step || !program->scratch_bytes)
    return context.fail(QUOIN_STATUS_CORRUPT, "%s does not describe a function", where);
  return QUOIN_STATUS_OK;
}

quoin_status_t openFolder(quoin_function_t &function, const char *folder) {
  quoin_context_t &context = *function.context;
  Buffer<char> path(&context.memory);
  size_t bytes = std::strlen(folder) + sizeof("/model.so");
  if (!path.resize(bytes))
    return context.outOfMemory();
  std::snprintf(path.data(), bytes, "%s/model.so", folder);
  if (quoin_status_t status = openLibrary(context, path.data(), &function.library))
    return status;
  void *symbol = dlsym(function.library, "quoin_function_query");
  if (!symbol)
    return context.fail(QUOIN_STATUS_CORRUPT, "'%s' is no compiled function: it has no 'quoin_function_query'",
                        path.data());
  quoin_function_query_fn query;
  std::memcpy(&query, &symbol, sizeof(query));
  function.program = query(QUOIN_ABI_VERSION);
  return checkFunctionProgram(context, function.program, path.data());
}

/// Where each length was first seen, for messages.
struct Lengths {
  int64_t values[QUOIN_MAX_LENGTHS];
  const char *from[QUOIN_MAX_LENGTHS] = {};
};

const char *dtypeName(int32_t dtype) {
  return dtype == QUOIN_DTYPE_F32    ? "f32"
         : dtype == QUOIN_DTYPE_I32  ? "i32"
         : dtype == QUOIN_DTYPE_I64  ? "i64"
         : dtype == QUOIN_DTYPE_BF16 ? "bf16"
                                     : "another";
}

/// Checks one tensor against its type; lengths that are not known yet become known.
quoin_status_t checkArray(quoin_context_t &context, const quoin_tensor_type_t &type, const quoin_array_t &array,
                          Lengths &lengths) {
  if (array.dtype != type.dtype)
    return context.fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects elements %s of '%s', but found %s",
                        dtypeName(type.dtype), type.name, dtypeName(array.dtype));
  if (array.rank != type.rank)
    return context.fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects rank %d of '%s', but found %d", type.rank, type.name,
                        array.rank);
  for (int32_t i = 0; i < type.rank; ++i) {
    int64_t size = array.sizes[i], expected = type.sizes[i];
    const char *from = nullptr;
    if (size < 0 || size > INT32_MAX)
      return context.fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects size %d of '%s' from 0 to %d, but found %lld", i,
                          type.name, INT32_MAX, static_cast<long long>(size));
    if (expected < 0) {
      int64_t number = -1 - expected;
      if (!lengths.from[number]) {
        lengths.from[number] = type.name;
        lengths.values[number] = size;
      }
      expected = lengths.values[number];
      from = lengths.from[number];
    }
    if (size != expected)
      return context.fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects size %d of '%s' to be %lld%s%s%s, but found %lld", i,
                          type.name, static_cast<long long>(expected), from ? ", as that of '" : "", from ? from : "",
                          from ? "'" : "", static_cast<long long>(size));
  }
  return QUOIN_STATUS_OK;
}

/// Offsets of sequences: from 0 on, never falling, up to the size of what they divide.
quoin_status_t checkOffsets(quoin_context_t &context, const quoin_tensor_type_t &type, const quoin_array_t &array,
                            const Lengths &lengths) {
  if (type.ends_at == QUOIN_NO_OFFSETS)
    return QUOIN_STATUS_OK;
  int64_t end = type.ends_at < 0 ? lengths.values[-1 - type.ends_at] : type.ends_at, count = array.sizes[0];
  const auto *offsets = static_cast<const int32_t *>(array.data);
  if (count < 1)
    return context.fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects at least one offset in '%s', but found none",
                        type.name);
  if (!offsets)
    return context.fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects data of '%s', but found none", type.name);
  if (offsets[0] != 0)
    return context.fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects '%s' to start at 0, but found %d", type.name,
                        offsets[0]);
  for (int64_t i = 1; i < count; ++i)
    if (offsets[i] < offsets[i - 1])
      return context.fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects '%s' never to fall, but found %d after %d", type.name,
                          offsets[i], offsets[i - 1]);
  if (offsets[count - 1] != end)
    return context.fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects '%s' to end at %lld, but found %d", type.name,
                        static_cast<long long>(end), offsets[count - 1]);
  return QUOIN_STATUS_OK;
}

double elementsOf(const quoin_array_t &array) {
  double count = 1;
  for (int32_t i = 0; i < array.rank; ++i)
    count *= double(array.sizes[i]);
  return count;
}

bool isEmpty(const quoin_array_t &array) {
  for (int32_t i = 0; i < array.rank; ++i)
    if (array.sizes[i] == 0)
      return true;
  return false;
}

quoin_status_t checkArguments(quoin_function_t &function, const quoin_array_t *arguments, size_t count,
                              Lengths &lengths) {
  const quoin_function_program_t &p = *function.program;
  if (count != static_cast<size_t>(p.arguments_count))
    return function.context->fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects %d arguments of '%s', but found %zu",
                                  p.arguments_count, p.name, count);
  for (size_t i = 0; i < count; ++i)
    if (quoin_status_t status = checkArray(*function.context, p.arguments[i], arguments[i], lengths))
      return status;
  return QUOIN_STATUS_OK;
}

quoin_status_t makeFunction(quoin_context_t *context, const char *folder, quoin_function_query_fn query,
                            quoin_function_t **out) {
  auto *function = context->make<quoin_function_t>(context);
  if (!function)
    return context->outOfMemory();
  quoin_status_t status;
  if (folder) {
    status = openFolder(*function, folder);
  } else {
    function->program = query(QUOIN_ABI_VERSION);
    status = checkFunctionProgram(*context, function->program, "the function");
  }
  if (status != QUOIN_STATUS_OK)
    context->destroy(function);
  else
    *out = function;
  return status;
}

struct FunctionCall {
  const quoin_function_program_t *program;
  quoin_call_t call;
};

void runCall(void *arg, int64_t worker, int64_t workers) {
  const FunctionCall &call = *static_cast<const FunctionCall *>(arg);
  call.program->step(&call.call, worker, workers);
}

} // namespace

quoin_status_t quoin_function_load(quoin_context_t *context, const char *folder, quoin_function_t **out_function) {
  return makeFunction(context, folder, nullptr, out_function);
}

quoin_status_t quoin_function_from_program(quoin_context_t *context, quoin_function_query_fn query,
                                           quoin_function_t **out_function) {
  if (!query)
    return context->fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects a function's query, but there is none");
  return makeFunction(context, nullptr, query, out_function);
}

void quoin_function_destroy(quoin_function_t *function) {
  if (function)
    function->context->destroy(function);
}

const quoin_function_program_t *quoin_function_describe(const quoin_function_t *function) { return function->program; }

quoin_status_t quoin_function_results(quoin_function_t *function, const quoin_array_t *arguments,
                                      size_t arguments_count, quoin_array_t *results, size_t results_count) {
  const quoin_function_program_t &p = *function->program;
  Lengths lengths;
  if (quoin_status_t status = checkArguments(*function, arguments, arguments_count, lengths))
    return status;
  if (results_count > static_cast<size_t>(p.results_count))
    return function->context->fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects at most %d results of '%s', but found %zu",
                                   p.results_count, p.name, results_count);
  for (size_t r = 0; r < results_count; ++r) {
    results[r].dtype = p.results[r].dtype;
    results[r].rank = p.results[r].rank;
    for (int32_t i = 0; i < p.results[r].rank; ++i) {
      int64_t size = p.results[r].sizes[i];
      results[r].sizes[i] = size < 0 ? lengths.values[-1 - size] : size;
    }
  }
  return QUOIN_STATUS_OK;
}

quoin_status_t quoin_function_call(quoin_function_t *function, const quoin_array_t *arguments, size_t arguments_count,
                                   const quoin_array_t *results, size_t results_count) {
  DefaultArithmetic arithmetic;
  quoin_context_t &context = *function->context;
  const quoin_function_program_t &p = *function->program;
  Lengths lengths;
  if (quoin_status_t status = checkArguments(*function, arguments, arguments_count, lengths))
    return status;
  if (results_count != static_cast<size_t>(p.results_count))
    return context.fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects %d results of '%s', but found %zu", p.results_count,
                        p.name, results_count);
  for (size_t r = 0; r < results_count; ++r)
    if (quoin_status_t status = checkArray(context, p.results[r], results[r], lengths))
      return status;
  for (size_t i = 0; i < arguments_count; ++i)
    if (quoin_status_t status = checkOffsets(context, p.arguments[i], arguments[i], lengths))
      return status;
  if (!function->arguments.resize(arguments_count) || !function->results.resize(results_count))
    return context.outOfMemory();
  auto take = [&](const quoin_array_t &array, const char *name, auto &to) {
    if (!array.data && !isEmpty(array))
      return context.fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects data of '%s', but found none", name);
    to = array.data;
    return QUOIN_STATUS_OK;
  };
  for (size_t i = 0; i < arguments_count; ++i)
    if (quoin_status_t status = take(arguments[i], p.arguments[i].name, function->arguments[i]))
      return status;
  for (size_t r = 0; r < results_count; ++r)
    if (quoin_status_t status = take(results[r], p.results[r].name, function->results[r]))
      return status;
  int64_t bytes = 0, blind = INT64_MAX;
  FunctionCall call{&p,
                    {function->arguments.data(), function->results.data(), lengths.values, nullptr, nullptr, &blind}};
  p.scratch_bytes(&call.call, &bytes);
  function->scratch.clear(); // its contents need not move
  if (bytes < 0 || !function->scratch.resize(static_cast<size_t>(bytes)))
    return context.outOfMemory();
  call.call.scratch = function->scratch.data();
  call.call.barrier = &function->meeting.barrier;
  // Each element of a result takes the keys' worth of multiplications, about as many as there are elements.
  double elements = 0;
  for (size_t r = 0; r < results_count; ++r)
    elements += elementsOf(results[r]);
  context.parallel(elements * std::sqrt(elements), function->meeting, runCall, &call);
  function->blind = blind == INT64_MAX ? -1 : blind;
  if (function->blind >= 0)
    context.log(1, "query %lld of '%s' sees no key; its result is 0", static_cast<long long>(blind), p.name);
  return QUOIN_STATUS_OK;
}

int64_t quoin_function_blind_query(const quoin_function_t *function) { return function->blind; }
