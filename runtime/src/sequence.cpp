// sequence.cpp: the functions that decoders call: sequences, choices and random numbers.
//
// A sequence is a value: each operation makes a new one in the session's arena and shares the arrays it does not
// change.

#include "sample.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <numeric>

using namespace quoin::rt;

namespace {

quoin_session_t &sessionOf(quoin_state_t *state) { return *static_cast<quoin_session_t *>(state->self); }

/// Between two suspensions nothing is given back, so a loop that makes values and never calls the model is stopped
/// before it takes all memory: after a gigabyte, or some thousand copies of the longest sequence.
bool mayHoldMore(quoin_session_t &session) {
  constexpr int64_t bytesOfPosition = sizeof(int32_t) + sizeof(int32_t) + sizeof(uint8_t);
  int64_t most = (int64_t(1) << 30) + 4096 * bytesOfPosition * session.model->program->positions;
  if (session.arena().held() <= static_cast<uint64_t>(most))
    return true;
  session.fail(QUOIN_STATUS_FAILED,
               "expects a run of the model before the decoder's values take %lld bytes, but found none",
               static_cast<long long>(most));
  return false;
}

template <typename T> T *make(quoin_state_t *state, int64_t count) {
  if (!mayHoldMore(sessionOf(state)))
    return nullptr;
  T *made = sessionOf(state).arena().make<T>(count);
  if (!made)
    sessionOf(state).failOutOfMemory();
  return made;
}

/// An empty tensor is what a function returns that fails.
template <typename T> T *makeTensor(quoin_state_t *state, int64_t count, quoin_tensor_t *out) {
  T *made = make<T>(state, count);
  *out = {made, made ? count : 0};
  return made;
}

// Errors say what the interpreter says (dialects/reference), the name of the op included.

bool checkRange(quoin_state_t *state, const char *what, const quoin_sequence_t *x, int64_t from, int64_t to) {
  if (from >= 0 && from <= to && to <= x->length)
    return true;
  sessionOf(state).fail(QUOIN_STATUS_FAILED, "quoin.%s expects a range in [0, %lld), but found [%lld, %lld)", what,
                        static_cast<long long>(x->length), static_cast<long long>(from), static_cast<long long>(to));
  return false;
}

bool checkPosition(quoin_state_t *state, const char *what, const quoin_sequence_t *x, int64_t position) {
  if (position >= 0 && position < x->length)
    return true;
  sessionOf(state).fail(QUOIN_STATUS_FAILED, "quoin.%s expects positions in [0, %lld), but found %lld", what,
                        static_cast<long long>(x->length), static_cast<long long>(position));
  return false;
}

bool checkToken(quoin_state_t *state, const char *what, int32_t token) {
  int64_t vocabulary = sessionOf(state).model->program->vocabulary;
  if (token >= 0 && token < vocabulary)
    return true;
  sessionOf(state).fail(QUOIN_STATUS_FAILED, "quoin.%s expects tokens below %lld, but found %d", what,
                        static_cast<long long>(vocabulary), token);
  return false;
}

bool checkSize(quoin_state_t *state, const char *what, const char *parts, const quoin_tensor_t *expected,
               const quoin_tensor_t *found) {
  if (expected->size == found->size)
    return true;
  sessionOf(state).fail(QUOIN_STATUS_FAILED, "quoin.%s expects %lld %s, but found %lld", what,
                        static_cast<long long>(expected->size), parts, static_cast<long long>(found->size));
  return false;
}

bool checkFill(quoin_state_t *state, const char *what) {
  if (state->fill >= 0)
    return true;
  sessionOf(state).fail(QUOIN_STATUS_FAILED, "quoin.%s expects a module with 'quoin.fill', but found none", what);
  return false;
}

bool checkLabel(quoin_state_t *state, const char *what, int64_t label) {
  if (label == static_cast<int32_t>(label))
    return true;
  sessionOf(state).fail(QUOIN_STATUS_FAILED, "quoin.%s expects labels of 32 bits, but found %lld", what,
                        static_cast<long long>(label));
  return false;
}

/// A position that may change.
bool checkOpenToChange(quoin_state_t *state, const char *what, const quoin_sequence_t *x, int64_t position) {
  if (position >= x->committed)
    return true;
  sessionOf(state).fail(QUOIN_STATUS_FAILED,
                        "quoin.%s expects positions from %lld on (the others are final), but found %lld", what,
                        static_cast<long long>(x->committed), static_cast<long long>(position));
  return false;
}

/// Where a sequence may be cut or lengthened.
bool checkPlace(quoin_state_t *state, const char *what, const char *parts, const quoin_sequence_t *x, int64_t at) {
  if (at >= x->committed && at <= x->length)
    return true;
  sessionOf(state).fail(QUOIN_STATUS_FAILED, "quoin.%s expects %s in [%lld, %lld], but found %lld", what, parts,
                        static_cast<long long>(x->committed), static_cast<long long>(x->length),
                        static_cast<long long>(at));
  return false;
}

/// A copy of the struct; the arrays are shared.
quoin_sequence_t *share(quoin_state_t *state, const quoin_sequence_t *x) {
  auto *y = make<quoin_sequence_t>(state, 1);
  if (y)
    *y = *x;
  return y;
}

template <typename T> bool copyArray(quoin_state_t *state, T *&array, int64_t had, int64_t length) {
  T *fresh = make<T>(state, length);
  if (!fresh)
    return false;
  std::copy_n(array, had, fresh);
  array = fresh;
  return true;
}

/// A token's position is its place, until `append` says another.
constexpr int32_t kOwnPlace = -1;

/// A longer sequence; what is new stands at its places, and is otherwise left to the caller.
quoin_sequence_t *lengthen(quoin_state_t *state, const char *what, const quoin_sequence_t *x, int64_t by) {
  const quoin_program_t &program = *sessionOf(state).model->program;
  if (by < 0) {
    sessionOf(state).fail(QUOIN_STATUS_FAILED, "quoin.%s expects a size of at least 0 and at most %d, but found %lld",
                          what, QUOIN_MAX_ELEMENTS, static_cast<long long>(by));
    return nullptr;
  }
  if (by > program.positions - x->length) {
    sessionOf(state).failRoom(what, static_cast<uint64_t>(x->length), by);
    return nullptr;
  }
  quoin_sequence_t *y = share(state, x);
  if (!y || !copyArray(state, y->tokens, x->length, x->length + by) ||
      !copyArray(state, y->labels, x->length, x->length + by) ||
      !copyArray(state, y->open, x->length, x->length + by) ||
      (y->positions && !copyArray(state, y->positions, x->length, x->length + by)))
    return nullptr;
  if (y->positions)
    std::fill_n(y->positions + x->length, by, kOwnPlace);
  y->length += by;
  return y;
}

void *allocate(quoin_state_t *state, int64_t bytes) { return make<char>(state, bytes); }

void fail(quoin_state_t *state, const char *what, int64_t a, int64_t b) {
  char text[kErrorBytes] = "";
  size_t used = 0;
  bool named = false;
  auto number = [&](const char *format, auto value) {
    int written = std::snprintf(text + used, sizeof(text) - used, format, value);
    used = std::min(used + static_cast<size_t>(std::max(written, 0)), sizeof(text) - 1);
    named = true;
  };
  while (*what && used + 1 < sizeof(text)) {
    if (!std::strncmp(what, "{}", 2)) {
      named = true;
      what += 2;
    } else if (!std::strncmp(what, "{0f}", 4)) {
      double real;
      std::memcpy(&real, &a, sizeof(real));
      number("%f", real);
      what += 4;
    } else if (!std::strncmp(what, "{0}", 3) || !std::strncmp(what, "{1}", 3)) {
      number("%lld", static_cast<long long>(what[1] == '0' ? a : b));
      what += 3;
    } else {
      text[used++] = *what++;
    }
  }
  text[used] = 0;
  if (named)
    sessionOf(state).fail(QUOIN_STATUS_FAILED, "%s", text);
  else
    sessionOf(state).fail(QUOIN_STATUS_FAILED, "%s (%lld, %lld)", text, static_cast<long long>(a),
                          static_cast<long long>(b));
}

int64_t reuse(quoin_state_t *state, const quoin_forward_t *call, int64_t limit) {
  quoin_session_t &session = sessionOf(state);
  if (call->cache < -1 || call->cache >= session.decoder->caches_count) {
    session.fail(QUOIN_STATUS_FAILED, "expects a cache below %d, but it is %lld", session.decoder->caches_count,
                 static_cast<long long>(call->cache));
    return 0;
  }
  if (!checkRange(state, "reuse", call->sequence, 0, call->length))
    return 0;
  if (call->cache < 0)
    return 0;
  Cache &cache = *session.caches[static_cast<size_t>(call->cache)];
  const quoin_program_model_t &table = *session.model->parts[static_cast<size_t>(cache.model)].table;
  return checkColumns(session, *call, table) ? reusableSlots(cache, *call, table, limit) : 0;
}

int64_t firstOpen(quoin_state_t *state, const quoin_sequence_t *x, int64_t from, int64_t to) {
  if (!checkRange(state, "first_open", x, from, to))
    return 0;
  return std::find(x->open + from, x->open + to, 1) - x->open;
}

int64_t findStop(quoin_state_t *state, const quoin_sequence_t *x, int64_t from, int64_t to) {
  if (!checkRange(state, "find_stop", x, from, to))
    return 0;
  const Buffer<int32_t> &stops = sessionOf(state).stops;
  int64_t at = from;
  while (at < to && (x->open[at] || std::find(stops.begin(), stops.end(), x->tokens[at]) == stops.end()))
    ++at;
  return at;
}

void open(quoin_state_t *state, const quoin_sequence_t *x, int64_t from, int64_t to, quoin_tensor_t *out) {
  *out = {};
  if (!checkRange(state, "open", x, from, to))
    return;
  auto *positions = makeTensor<int64_t>(state, std::count(x->open + from, x->open + to, 1), out);
  if (!positions)
    return;
  for (int64_t i = from; i < to; ++i)
    if (x->open[i])
      *positions++ = i;
}

void tokens(quoin_state_t *state, const quoin_sequence_t *x, const quoin_tensor_t *at, quoin_tensor_t *out) {
  *out = {};
  auto *positions = static_cast<const int64_t *>(at->data);
  for (int64_t i = 0; i < at->size; ++i)
    if (!checkPosition(state, "tokens", x, positions[i]))
      return;
  auto *result = makeTensor<int32_t>(state, at->size, out);
  if (!result)
    return;
  for (int64_t i = 0; i < at->size; ++i)
    result[i] = x->tokens[positions[i]];
}

void labels(quoin_state_t *state, const quoin_sequence_t *x, const quoin_tensor_t *at, quoin_tensor_t *out) {
  *out = {};
  auto *positions = static_cast<const int64_t *>(at->data);
  for (int64_t i = 0; i < at->size; ++i)
    if (!checkPosition(state, "labels", x, positions[i]))
      return;
  auto *result = makeTensor<int64_t>(state, at->size, out);
  if (!result)
    return;
  for (int64_t i = 0; i < at->size; ++i)
    result[i] = x->labels[positions[i]];
}

quoin_sequence_t *extend(quoin_state_t *state, const quoin_sequence_t *x, int64_t by, int64_t label) {
  quoin_sequence_t *y = lengthen(state, "extend", x, by);
  if (!y || (by > 0 && !checkFill(state, "extend")))
    return nullptr;
  if (!checkLabel(state, "extend", label))
    return nullptr;
  std::fill(y->tokens + x->length, y->tokens + y->length, state->fill);
  std::fill(y->labels + x->length, y->labels + y->length, static_cast<int32_t>(label));
  std::fill(y->open + x->length, y->open + y->length, uint8_t(1));
  return y;
}

/// append and insert: known tokens before position `at`.
quoin_sequence_t *putIn(quoin_state_t *state, const char *what, const quoin_sequence_t *x, int64_t at,
                        const quoin_tensor_t *ids, int64_t label) {
  quoin_sequence_t *y = lengthen(state, what, x, ids->size);
  if (!y)
    return nullptr;
  auto *values = static_cast<const int32_t *>(ids->data);
  for (int64_t i = 0; i < ids->size; ++i)
    if (!checkToken(state, what, values[i]))
      return nullptr;
  if (!checkLabel(state, what, label) || !checkPlace(state, what, "a place", x, at))
    return nullptr;
  auto put = [&](auto *array, auto *from, auto value) {
    std::copy(from + at, from + x->length, array + at + ids->size);
    std::fill_n(array + at, ids->size, value);
  };
  put(y->tokens, x->tokens, 0);
  std::copy_n(values, ids->size, y->tokens + at);
  put(y->labels, x->labels, static_cast<int32_t>(label));
  put(y->open, x->open, uint8_t(0));
  if (y->positions) // they go with their tokens
    put(y->positions, x->positions, kOwnPlace);
  return y;
}

quoin_sequence_t *append(quoin_state_t *state, const quoin_sequence_t *x, const quoin_tensor_t *ids,
                         const quoin_tensor_t *at, int64_t label) {
  if (at && !checkSize(state, "append", "positions", ids, at))
    return nullptr;
  quoin_sequence_t *y = putIn(state, "append", x, x->length, ids, label);
  if (!y || !at)
    return y;
  if (!y->positions) {
    y->positions = make<int32_t>(state, y->length);
    if (!y->positions)
      return nullptr;
    std::fill_n(y->positions, y->length, kOwnPlace);
  }
  auto *given = static_cast<const int64_t *>(at->data);
  for (int64_t i = 0; i < at->size; ++i) {
    if (given[i] < 0) {
      sessionOf(state).fail(QUOIN_STATUS_FAILED, "quoin.append expects positions of at least 0, but found %lld",
                            static_cast<long long>(given[i]));
      return nullptr;
    }
    if (given[i] >= sessionOf(state).model->program->positions) {
      sessionOf(state).failRoom("append", static_cast<uint64_t>(given[i]) + 1);
      return nullptr;
    }
    y->positions[x->length + i] = static_cast<int32_t>(given[i]);
  }
  return y;
}

quoin_sequence_t *insert(quoin_state_t *state, const quoin_sequence_t *x, int64_t at, const quoin_tensor_t *ids,
                         int64_t label) {
  return putIn(state, "insert", x, at, ids, label);
}

quoin_sequence_t *truncate(quoin_state_t *state, const quoin_sequence_t *x, int64_t to) {
  if (!checkPlace(state, "truncate", "a length", x, to))
    return nullptr;
  quoin_sequence_t *y = share(state, x);
  if (y)
    y->length = to;
  return y;
}

quoin_sequence_t *relabel(quoin_state_t *state, const quoin_sequence_t *x, const quoin_tensor_t *at,
                          const quoin_tensor_t *given, const quoin_tensor_t *where) {
  if (!checkSize(state, "relabel", "labels", at, given) || (where && !checkSize(state, "relabel", "flags", at, where)))
    return nullptr;
  quoin_sequence_t *y = share(state, x);
  if (!y || !copyArray(state, y->labels, x->length, x->length))
    return nullptr;
  auto *positions = static_cast<const int64_t *>(at->data), *values = static_cast<const int64_t *>(given->data);
  auto *flags = where ? static_cast<const uint8_t *>(where->data) : nullptr;
  for (int64_t i = 0; i < at->size; ++i) {
    if (!checkPosition(state, "relabel", x, positions[i]))
      return nullptr;
    if (flags && !flags[i])
      continue;
    if (!checkLabel(state, "relabel", values[i]) || !checkOpenToChange(state, "relabel", x, positions[i]))
      return nullptr;
    y->labels[positions[i]] = static_cast<int32_t>(values[i]);
  }
  return y;
}

quoin_sequence_t *reopen(quoin_state_t *state, const quoin_sequence_t *x, int64_t from, int64_t to) {
  if (!checkRange(state, "reopen", x, from, to) || (to > from && !checkFill(state, "reopen")))
    return nullptr;
  quoin_sequence_t *y = share(state, x);
  if (!y || !copyArray(state, y->tokens, x->length, x->length) || !copyArray(state, y->open, x->length, x->length))
    return nullptr;
  std::fill(y->tokens + from, y->tokens + to, state->fill);
  std::fill(y->open + from, y->open + to, uint8_t(1));
  y->reopened = 1;
  y->committed = 0; // it is another sequence, of which nothing is final
  return y;
}

/// fill and edit: `wanted` is the open bit of the positions that take a token. The fill token is never an answer, and
/// what is committed takes none.
quoin_sequence_t *put(quoin_state_t *state, const char *what, uint8_t wanted, const quoin_sequence_t *x,
                      const quoin_tensor_t *at, const quoin_tensor_t *ids, const quoin_tensor_t *where) {
  if (!checkSize(state, what, "ids", at, ids) || (where && !checkSize(state, what, "flags", at, where)))
    return nullptr;
  quoin_sequence_t *y = share(state, x);
  if (!y || !copyArray(state, y->tokens, x->length, x->length) || !copyArray(state, y->open, x->length, x->length))
    return nullptr;
  auto *positions = static_cast<const int64_t *>(at->data);
  auto *values = static_cast<const int32_t *>(ids->data);
  auto *flags = where ? static_cast<const uint8_t *>(where->data) : nullptr;
  for (int64_t i = 0; i < at->size; ++i) {
    if (!checkPosition(state, what, x, positions[i]))
      return nullptr;
    if ((flags && !flags[i]) || y->open[positions[i]] != wanted || values[i] == state->fill)
      continue;
    if (!checkToken(state, what, values[i]))
      return nullptr;
    if (!checkOpenToChange(state, what, x, positions[i]))
      return nullptr;
    y->tokens[positions[i]] = values[i];
    y->open[positions[i]] = 0;
  }
  return y;
}

quoin_sequence_t *fill(quoin_state_t *state, const quoin_sequence_t *x, const quoin_tensor_t *at,
                       const quoin_tensor_t *ids, const quoin_tensor_t *where) {
  return put(state, "fill", 1, x, at, ids, where);
}

quoin_sequence_t *edit(quoin_state_t *state, const quoin_sequence_t *x, const quoin_tensor_t *at,
                       const quoin_tensor_t *ids, const quoin_tensor_t *where) {
  return put(state, "edit", 0, x, at, ids, where);
}

quoin_sequence_t *commit(quoin_state_t *state, const quoin_sequence_t *x, int64_t to) {
  if (!checkRange(state, "commit", x, 0, to))
    return nullptr;
  const uint8_t *stop = x->open + std::max(x->committed, to);
  const uint8_t *open = std::find<const uint8_t *>(x->open + x->committed, stop, 1);
  if (open != stop) {
    sessionOf(state).fail(QUOIN_STATUS_FAILED,
                          "quoin.commit expects known positions below %lld, but position %lld is open",
                          static_cast<long long>(to), static_cast<long long>(open - x->open));
    return nullptr;
  }
  quoin_sequence_t *y = share(state, x);
  if (y)
    y->committed = std::max(y->committed, to);
  return y;
}

/// Ties are broken by position, so the sort is stable and needs no memory of its own.
quoin_sequence_t *permute(quoin_state_t *state, const quoin_sequence_t *x, int64_t length, int64_t key,
                          const quoin_tensor_t *keys, int64_t grouped, const quoin_tensor_t *positions,
                          quoin_tensor_t *out_slots, int64_t *out_known) {
  *out_slots = {};
  *out_known = 0;
  if (!checkRange(state, "permute_tokens", x, 0, length))
    return nullptr;
  quoin_sequence_t *y = share(state, x);
  auto *slots = makeTensor<int64_t>(state, positions->size, out_slots);
  auto *order = make<int32_t>(state, x->length), *place = make<int32_t>(state, x->length);
  if (!y || !slots || !order || !place)
    return nullptr;
  auto *given = static_cast<const int64_t *>(keys->data);
  auto keyOf = [&](int32_t i) {
    return key == QUOIN_ORDER_OPEN ? x->open[i] : key == QUOIN_ORDER_LABEL ? x->labels[i] : given[i];
  };
  std::iota(order, order + x->length, 0);
  std::sort(order, order + length,
            [&](int32_t a, int32_t b) { return keyOf(a) != keyOf(b) ? keyOf(a) < keyOf(b) : a < b; });
  *out_known = std::find_if(order, order + length, [&](int32_t i) { return x->open[i] != 0; }) - order;
  if (grouped) {
    if (!(y->groups = make<int32_t>(state, x->length + 1)))
      return nullptr;
    for (int64_t i = 0; i < length; ++i)
      y->groups[i] = i && keyOf(order[i - 1]) == keyOf(order[i]) ? y->groups[i - 1] : static_cast<int32_t>(i);
    std::fill(y->groups + length, y->groups + x->length + 1, static_cast<int32_t>(length));
    *out_known = y->groups[*out_known];
  }
  for (int64_t i = 0; i < length; ++i)
    place[order[i]] = static_cast<int32_t>(i);
  auto *wanted = static_cast<const int64_t *>(positions->data);
  for (int64_t i = 0; i < positions->size; ++i) {
    if (!checkPosition(state, "permute_tokens", x, wanted[i]))
      return nullptr;
    slots[i] = wanted[i] < length ? place[wanted[i]] : wanted[i];
  }
  y->order = order;
  return y;
}

void top(quoin_state_t *state, const quoin_tensor_t *values, int64_t n, const quoin_tensor_t *where,
         quoin_tensor_t *out) {
  *out = {};
  if (where && !checkSize(state, "top", "flags", values, where))
    return;
  if (n < 0) {
    sessionOf(state).fail(QUOIN_STATUS_FAILED, "quoin.top expects a count of at least 0, but found %lld",
                          static_cast<long long>(n));
    return;
  }
  auto *flags = makeTensor<uint8_t>(state, values->size, out);
  auto *order = make<int64_t>(state, values->size);
  if (!flags || !order)
    return;
  auto *value = static_cast<const float *>(values->data);
  auto *allowed = where ? static_cast<const uint8_t *>(where->data) : nullptr;
  int64_t candidates = 0;
  for (int64_t i = 0; i < values->size; ++i) {
    flags[i] = 0;
    if (!allowed || allowed[i])
      order[candidates++] = i;
  }
  n = std::min(n, candidates);
  std::partial_sort(order, order + n, order + candidates, [&](int64_t a, int64_t b) {
    bool aNaN = std::isnan(value[a]), bNaN = std::isnan(value[b]);
    if (aNaN != bNaN)
      return bNaN; // NaN counts as lowest
    return !aNaN && value[a] != value[b] ? value[a] > value[b] : a < b;
  });
  for (int64_t i = 0; i < n; ++i)
    flags[order[i]] = 1;
}

void uniform(quoin_state_t *state, int64_t stream, const quoin_tensor_t *at, int64_t evaluation, quoin_tensor_t *out) {
  auto *result = makeTensor<float>(state, at->size, out);
  if (!result)
    return;
  auto *positions = static_cast<const int64_t *>(at->data);
  for (int64_t i = 0; i < at->size; ++i) {
    Random random{sessionOf(state).seed, uint32_t(evaluation), uint32_t(positions[i]), uint32_t(stream)};
    // The nearest float may be 1, which the programs must never see.
    result[i] = std::min(float(random.uniform(0)), std::nextafter(1.0f, 0.0f));
  }
}

} // namespace

const quoin_host_t quoin::rt::kHost = {allocate, fail,   reuse,  firstOpen, findStop, open,    tokens,
                                       extend,   append, insert, truncate,  labels,   relabel, reopen,
                                       fill,     edit,   commit, top,       permute,  uniform, giveOutput};
