// function.cpp: opens compiled functions, checks what they are given and runs them on all workers.
//
// A function is a model's step. What a session has for one, pages and arrays indexed by slot, is made for each call: in
// one view of the call the keys of each sequence are rows that go into pages, in the other its queries are rows that
// see those.

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
  Buffer<uint8_t> scratch; // all that a view points to
  int64_t blind = -1;
  Meeting meeting;
};

namespace {

/// Columns of a function's model: ids and positions, which are nothing, then queries, keys and values.
constexpr int32_t kQuery = 2, kColumns = 5;
/// The output and its logarithms.
constexpr int32_t kMostResults = 2;

/// Are its model, and what its arguments are said to be, those of attention?
bool describesStep(const quoin_function_program_t &p) {
  const quoin_program_model_t *model = p.model;
  auto among = [&](int32_t argument, int32_t least) { return argument >= least && argument < p.arguments_count; };
  if (!among(p.query, 0) || !among(p.key, 0) || !among(p.value, 0) || !among(p.query_labels, -1) ||
      !among(p.key_labels, -1) || !among(p.query_offsets, -1) || !among(p.key_offsets, -1) ||
      (p.query_offsets < 0) != (p.key_offsets < 0) || p.symbols_count < 0 || p.symbols_count > QUOIN_MAX_SYMBOLS)
    return false;
  for (int32_t i = 0; i < p.symbols_count; ++i)
    if (!among(p.symbol[i], 0))
      return false;
  return model && model->operands_count == kColumns && model->results_count == p.results_count &&
         model->steps_count == 1 && model->steps[0].job == QUOIN_STEP_LAYERS && model->steps[0].run &&
         model->states_count == 1 && model->states[0].kind == QUOIN_KEPT_PAGES && model->states[0].bytes > 0;
}

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
      program->lengths_count > QUOIN_MAX_LENGTHS || program->results_count > kMostResults || !describesStep(*program))
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

/// What the queries and keys of one sequence take up.
struct Sequence {
  int64_t firstQuery, queries, firstKey, keys;

  int64_t tiles() const { return (keys + QUOIN_PAGE_SLOTS - 1) / QUOIN_PAGE_SLOTS; }
  int64_t blocks() const { return (queries + QUOIN_PAGE_SLOTS - 1) / QUOIN_PAGE_SLOTS; }
  int64_t keySlots() const { return tiles() * QUOIN_PAGE_SLOTS; }
};

/// A call with what its step sees. The step's own view is that of the queries.
struct FunctionCall {
  const quoin_function_program_t &program;
  const Lengths &lengths;
  const void *const *arguments;
  void *const *results;
  quoin_layers_t layers = {}, memory = {};
  quoin_operand_t operands[kColumns] = {};
  quoin_output_t outputs[kMostResults] = {};

  int64_t sizeOf(int32_t argument) const {
    int64_t size = program.arguments[argument].sizes[0];
    return size < 0 ? lengths.values[-1 - size] : size;
  }
  const int32_t *integers(int32_t argument) const { return static_cast<const int32_t *>(arguments[argument]); }
  int64_t sequences() const { return program.query_offsets < 0 ? 1 : sizeOf(program.query_offsets) - 1; }
  Sequence sequence(int64_t i) const {
    if (program.query_offsets < 0)
      return {0, sizeOf(program.query), 0, sizeOf(program.key)};
    const int32_t *q = integers(program.query_offsets), *k = integers(program.key_offsets);
    return {q[i], q[i + 1] - q[i], k[i], k[i + 1] - k[i]};
  }

  /// Gives both views their arrays, in scratch; where that is null it only counts the bytes.
  size_t lay(uint8_t *scratch);
  void fillSlots(const Sequence &s, int32_t *positions, int32_t *labels) const;
};

/// Positions and labels by slot: those of keys, and from the next whole page on those of queries.
void FunctionCall::fillSlots(const Sequence &s, int32_t *positions, int32_t *labels) const {
  auto fill = [&](int64_t slot, int64_t first, int64_t count, int32_t argument, const int32_t *constants) {
    const int32_t *given = argument >= 0 ? integers(argument) : constants;
    for (int64_t n = 0; n < count; ++n) {
      positions[slot + n] = program.order ? program.order[n] : static_cast<int32_t>(n);
      labels[slot + n] = given ? given[first + n] : 0;
    }
  };
  fill(0, s.firstKey, s.keys, program.key_labels, program.key_label_values);
  fill(s.keySlots(), s.firstQuery, s.queries, program.query_labels, program.query_label_values);
}

size_t FunctionCall::lay(uint8_t *scratch) {
  size_t used = 0;
  // Arrays begin at multiples of 64 bytes.
  auto take = [&](int64_t count, size_t each) {
    uint8_t *at = scratch ? scratch + used : nullptr;
    used += (static_cast<size_t>(count) * each + kAlignment - 1) / kAlignment * kAlignment;
    return at;
  };
  int64_t count = sequences();
  auto pageBytes = static_cast<size_t>(program.model->states[0].bytes);
  auto *keyGroups = reinterpret_cast<quoin_group_t *>(take(count, sizeof(quoin_group_t)));
  auto *queryGroups = reinterpret_cast<quoin_group_t *>(take(count, sizeof(quoin_group_t)));
  for (int64_t i = 0; i < count; ++i) {
    Sequence s = sequence(i);
    int64_t slots = program.labelled ? s.keySlots() + s.queries : 0;
    auto **pages = reinterpret_cast<void **>(take(s.tiles(), sizeof(void *)));
    auto *positions = reinterpret_cast<int32_t *>(take(slots, sizeof(int32_t)));
    auto *labels = reinterpret_cast<int32_t *>(take(slots, sizeof(int32_t)));
    auto *words = reinterpret_cast<uint64_t *>(take(s.queries * s.tiles(), sizeof(uint64_t)));
    uint8_t *classes = take(s.blocks() * s.tiles(), 1);
    uint8_t *page = take(s.tiles(), pageBytes);
    if (!scratch)
      continue;
    for (int64_t t = 0; t < s.tiles(); ++t)
      pages[t] = page + static_cast<size_t>(t) * pageBytes;
    if (program.labelled)
      fillSlots(s, positions, labels);
    quoin_group_t group = {};
    group.slots = s.keys;
    group.pages = pages;
    group.positions = positions;
    group.labels = labels;
    group.words = words;
    group.tiles = classes;
    group.first_row = s.firstKey;
    group.rows = s.keys;
    keyGroups[i] = group;
    group.first_row = s.firstQuery;
    group.rows = s.queries;
    group.first_slot = program.labelled ? s.keySlots() : 0;
    for (int32_t n = 0; n < program.symbols_count; ++n)
      group.symbols[n] = *static_cast<const int64_t *>(arguments[program.symbol[n]]);
    queryGroups[i] = group;
  }
  memory.rows = sizeOf(program.key);
  layers.rows = sizeOf(program.query);
  memory.groups = layers.groups = count;
  memory.group = keyGroups;
  layers.group = queryGroups;
  return used;
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
  int64_t blind = INT64_MAX;
  FunctionCall call{p, lengths, function->arguments.data(), function->results.data()};
  function->scratch.clear(); // its contents need not move
  if (!function->scratch.resize(call.lay(nullptr)))
    return context.outOfMemory();
  call.lay(function->scratch.data());
  const int32_t tensors[kColumns] = {-1, -1, p.query, p.key, p.value};
  for (int32_t c = kQuery; c < kColumns; ++c)
    call.operands[c] = {call.arguments[tensors[c]], p.model->operands[c].row_bytes, p.model->operands[c].space};
  for (size_t r = 0; r < results_count; ++r)
    call.outputs[r] = {&call.results[r], p.model->results[r].row_bytes, p.model->results[r].space};
  call.layers.operands = call.operands;
  call.layers.results = call.outputs;
  call.layers.barrier = &function->meeting.barrier;
  call.layers.memory = &call.memory;
  call.layers.blind = &blind;
  // Each element of a result takes the keys' worth of multiplications, about as many as there are elements.
  double elements = 0;
  for (size_t r = 0; r < results_count; ++r)
    elements += elementsOf(results[r]);
  context.parallel(
      elements * std::sqrt(elements), function->meeting,
      [](void *arg, int64_t worker, int64_t workers) {
        auto *made = static_cast<FunctionCall *>(arg);
        made->program.model->steps[0].run(&made->layers, worker, workers);
      },
      &call);
  function->blind = blind == INT64_MAX ? -1 : blind;
  if (function->blind >= 0)
    context.log(1, "query %lld of '%s' sees no key; its result is 0", static_cast<long long>(blind), p.name);
  return QUOIN_STATUS_OK;
}

int64_t quoin_function_blind_query(const quoin_function_t *function) { return function->blind; }
