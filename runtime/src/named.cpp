// named.cpp: inputs and outputs: numbers and tensors that requests give and get by name.
//
// What a request gives is copied at once, in the type that the program wants, and holds until it is given again. What
// the decoder gives is copied when it does; the last one of a name counts. Errors say what the interpreter says.

#include "internal.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace quoin::rt;

static int64_t bytesOf(int32_t dtype) { return dtype == QUOIN_DTYPE_I64 ? 8 : dtype == QUOIN_DTYPE_BF16 ? 2 : 4; }

namespace {

/// "[?, 32]".
struct Shape {
  Shape(const int64_t *sizes, int32_t rank) {
    size_t used = 0;
    auto add = [&](const char *piece) {
      used += static_cast<size_t>(std::snprintf(text + used, sizeof(text) - used, "%s", piece));
    };
    add("[");
    for (int32_t i = 0; i < rank; ++i) {
      char size[24];
      std::snprintf(size, sizeof(size), sizes[i] < 0 ? "?" : "%lld", static_cast<long long>(sizes[i]));
      add(i ? ", " : "");
      add(size);
    }
    add("]");
  }
  char text[QUOIN_MAX_RANK * 26 + 3];
};

/// Elements of all sizes together; false if they are more than a tensor may have, or one is negative.
bool count(const int64_t *sizes, int32_t rank, int64_t &out) {
  out = 1;
  for (int32_t i = 0; i < rank; ++i) {
    if (sizes[i] < 0 || (sizes[i] > 0 && out > QUOIN_MAX_ELEMENTS / sizes[i]))
      return false;
    out *= sizes[i];
  }
  return true;
}

/// A number is one element; the last sizes make up the width, and those in front of them count rows.
bool fits(const quoin_named_tensor_t &given, int64_t elements, const quoin_tensor_type_t &wanted) {
  if (wanted.rank == 0)
    return elements == 1;
  if (given.rank < 1 || (wanted.rank == 1 && given.rank != 1))
    return false;
  int64_t width = 1, wide = wanted.rank > 1 ? wanted.sizes[1] : 1;
  for (int32_t i = given.rank; --i > 0 && width != wide;)
    width *= given.sizes[i];
  return width == wide && (wanted.sizes[0] < 0 || wanted.sizes[0] == elements / wide);
}

int64_t integerAt(const quoin_named_tensor_t &given, int64_t i) {
  return given.dtype == QUOIN_DTYPE_I64 ? static_cast<const int64_t *>(given.data)[i]
                                        : static_cast<const int32_t *>(given.data)[i];
}

} // namespace

NamedTensors::~NamedTensors() { release(); }

void NamedTensors::release() {
  for (Entry &entry : entries)
    memory->free(entry.tensor.data, entry.room);
  entries.release();
}

bool NamedTensors::prepare(size_t count) {
  release();
  if (!entries.resize(count))
    return false;
  std::fill(entries.begin(), entries.end(), Entry{});
  return true;
}

void NamedTensors::clear() {
  for (Entry &entry : entries) {
    entry.given = false;
    entry.tensor.size = 0;
  }
}

void *NamedTensors::make(size_t number, int64_t elements, int64_t bytes) {
  Entry &entry = entries[number];
  auto needed = static_cast<size_t>(std::max<int64_t>(elements * bytes, 8));
  if (entry.room < needed) {
    void *fresh = memory->allocate(needed);
    if (!fresh)
      return nullptr;
    memory->free(entry.tensor.data, entry.room);
    entry.tensor.data = fresh;
    entry.room = needed;
  }
  entry.tensor.size = elements;
  entry.given = true;
  return entry.tensor.data;
}

// ---- Inputs
// -----------------------------------------------------------------------------------------------------------

static int32_t findInput(const quoin_decoder_t &decoder, const char *name) {
  for (int32_t i = 0; i < decoder.inputs_count; ++i)
    if (!std::strcmp(decoder.inputs[i].type.name, name))
      return i;
  return -1;
}

bool quoin::rt::hasInput(const quoin_session_t &session, const char *name) {
  return findInput(*session.decoder, name) >= 0;
}

quoin_status_t quoin::rt::setInput(quoin_session_t &session, const quoin_named_tensor_t &given) {
  quoin_context_t &context = *session.context();
  const quoin_decoder_t &decoder = *session.decoder;
  int32_t number = findInput(decoder, given.name);
  if (number < 0 && isSetting(session, given.name)) {
    int64_t elements = 0;
    if (!count(given.sizes, given.rank, elements) || elements != 1)
      return context.fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects one element for the setting '%s', but found %lld",
                          given.name, static_cast<long long>(elements));
    return quoin_session_set(&session, given.name,
                             given.dtype == QUOIN_DTYPE_F32 ? double(*static_cast<const float *>(given.data))
                                                            : static_cast<double>(integerAt(given, 0)));
  }
  if (number < 0) {
    char names[kErrorBytes / 2] = "";
    for (int32_t i = 0; i < decoder.inputs_count; ++i) {
      size_t used = std::strlen(names);
      std::snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "", decoder.inputs[i].type.name);
    }
    return context.fail(QUOIN_STATUS_NOT_FOUND, "the program has no input '%s'; it has %s", given.name,
                        *names ? names : "none");
  }
  const quoin_tensor_type_t &wanted = decoder.inputs[number].type;
  if (given.dtype != QUOIN_DTYPE_F32 && given.dtype != QUOIN_DTYPE_I32 && given.dtype != QUOIN_DTYPE_I64)
    return context.fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects input '%s' as f32, i32 or i64, but found type %d",
                        given.name, given.dtype);
  int64_t elements = 0;
  if (given.rank < 0 || given.rank > QUOIN_MAX_RANK || !count(given.sizes, given.rank, elements))
    return context.fail(QUOIN_STATUS_INVALID_ARGUMENT,
                        "expects input '%s' of rank 0 to %d and at most %d elements, but found rank %d", given.name,
                        QUOIN_MAX_RANK, QUOIN_MAX_ELEMENTS, given.rank);
  bool real = wanted.dtype == QUOIN_DTYPE_F32, found = given.dtype == QUOIN_DTYPE_F32;
  if (real != found)
    return context.fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects input '%s' of %s, but found %s", given.name,
                        real ? "reals" : "integers", found ? "reals" : "integers");
  if (!fits(given, elements, wanted))
    return context.fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects input '%s' of shape %s, but found %s", given.name,
                        Shape(wanted.sizes, wanted.rank).text, Shape(given.sizes, given.rank).text);
  if (wanted.dtype == QUOIN_DTYPE_I32)
    for (int64_t i = 0; i < elements; ++i)
      if (int64_t v = integerAt(given, i); v != static_cast<int32_t>(v))
        return context.fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects input '%s' of numbers of 32 bits, but found %lld",
                            given.name, static_cast<long long>(v));
  void *to = session.inputs.make(static_cast<size_t>(number), elements, bytesOf(wanted.dtype));
  if (!to)
    return context.outOfMemory();
  for (int64_t i = 0; i < elements; ++i)
    if (real)
      static_cast<float *>(to)[i] = static_cast<const float *>(given.data)[i];
    else if (wanted.dtype == QUOIN_DTYPE_I32)
      static_cast<int32_t *>(to)[i] = static_cast<int32_t>(integerAt(given, i));
    else
      static_cast<int64_t *>(to)[i] = integerAt(given, i);
  return QUOIN_STATUS_OK;
}

bool quoin::rt::isNumberInput(quoin_session_t &session, const char *name, quoin_status_t &status, double value) {
  int32_t number = findInput(*session.decoder, name);
  if (number < 0)
    return false;
  const quoin_tensor_type_t &wanted = session.decoder->inputs[number].type;
  if (wanted.rank != 0) {
    status = session.context()->fail(QUOIN_STATUS_INVALID_ARGUMENT,
                                     "expects input '%s' as a tensor, but found a number", name);
    return true;
  }
  quoin_named_tensor_t given = {};
  given.name = name;
  float real = static_cast<float>(value);
  int64_t whole = 0;
  if (wanted.dtype == QUOIN_DTYPE_F32) {
    given.dtype = QUOIN_DTYPE_F32;
    given.data = &real;
  } else if (!(value == std::floor(value) && std::fabs(value) <= 9007199254740992.0)) {
    status = session.context()->fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects input '%s' of integers, but found %g",
                                     name, value);
    return true;
  } else {
    whole = static_cast<int64_t>(value);
    given.dtype = QUOIN_DTYPE_I64;
    given.data = &whole;
  }
  status = setInput(session, given);
  return true;
}

bool quoin::rt::bindInputs(quoin_session_t &session) {
  const quoin_decoder_t &decoder = *session.decoder;
  for (int32_t i = 0; i < decoder.inputs_count; ++i) {
    NamedTensors::Entry &entry = session.inputs.entries[static_cast<size_t>(i)];
    if (!entry.given && !decoder.inputs[i].optional) {
      session.fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects input '%s', but the request does not give it",
                   decoder.inputs[i].type.name);
      return false;
    }
    // What is optional and not given: a number is 0, a tensor has no rows.
    if (!entry.given) {
      void *to = session.inputs.make(static_cast<size_t>(i), decoder.inputs[i].type.rank == 0, 8);
      if (!to) {
        session.failOutOfMemory();
        return false;
      }
      std::memset(to, 0, 8);
      entry.given = false; // the next request may give it
    }
    session.inputValues[static_cast<size_t>(i)] = entry.tensor;
  }
  session.state.inputs = session.inputValues.data();
  return true;
}

// ---- Outputs
// ----------------------------------------------------------------------------------------------------------

void quoin::rt::giveOutput(quoin_state_t *state, int64_t number, const quoin_tensor_t *value) {
  quoin_session_t &session = *static_cast<quoin_session_t *>(state->self);
  const quoin_decoder_t &decoder = *session.decoder;
  if (number < 0 || number >= decoder.outputs_count)
    return session.fail(QUOIN_STATUS_FAILED, "expects an output below %d, but it is %lld", decoder.outputs_count,
                        static_cast<long long>(number));
  const quoin_tensor_type_t &type = decoder.outputs[number];
  int64_t known = 1;
  for (int32_t i = 0; i < type.rank; ++i)
    known *= type.sizes[i] < 0 ? 1 : type.sizes[i];
  bool open = type.rank > 0 && type.sizes[0] < 0;
  if (open ? value->size % known != 0 : value->size != known)
    return session.fail(QUOIN_STATUS_FAILED, "quoin.output expects a multiple of %lld elements, but found %lld",
                        static_cast<long long>(known), static_cast<long long>(value->size));
  // In another shape it has a number of its own; the last one of a name counts.
  for (int32_t i = 0; i < decoder.outputs_count; ++i)
    if (!std::strcmp(decoder.outputs[i].name, type.name))
      session.outputs.entries[static_cast<size_t>(i)].given = false;
  int64_t bytes = bytesOf(type.dtype);
  void *to = session.outputs.make(static_cast<size_t>(number), value->size, bytes);
  if (!to)
    return session.failOutOfMemory();
  if (value->size)
    std::memcpy(to, value->data, static_cast<size_t>(value->size * bytes));
}

quoin_status_t quoin_session_input(quoin_session_t *session, const quoin_named_tensor_t *input) {
  if (session->phase != Phase::Preparing && session->phase != Phase::Finished)
    return session->context()->fail(QUOIN_STATUS_INVALID_ARGUMENT,
                                    "expects a session that is not running, but it has begun");
  return setInput(*session, *input);
}

size_t quoin_session_outputs(const quoin_session_t *session) {
  return session->phase == Phase::Finished && session->status == QUOIN_STATUS_OK
             ? static_cast<size_t>(session->decoder->outputs_count)
             : 0;
}

quoin_status_t quoin_session_output(const quoin_session_t *session, size_t number, quoin_named_tensor_t *out_output) {
  if (number >= quoin_session_outputs(session))
    return session->context()->fail(QUOIN_STATUS_NOT_FOUND, "expects an output below %zu, but it is %zu",
                                    quoin_session_outputs(session), number);
  const quoin_tensor_type_t &type = session->decoder->outputs[number];
  const NamedTensors::Entry &entry = session->outputs.entries[number];
  *out_output = {type.name, type.dtype, type.rank, {}, nullptr};
  if (!entry.given)
    return QUOIN_STATUS_OK;
  int64_t known = 1;
  for (int32_t i = 0; i < type.rank; ++i)
    known *= type.sizes[i] < 0 ? 1 : type.sizes[i];
  for (int32_t i = 0; i < type.rank; ++i)
    out_output->sizes[i] = type.sizes[i] < 0 ? entry.tensor.size / known : type.sizes[i];
  out_output->data = entry.tensor.data;
  return QUOIN_STATUS_OK;
}
