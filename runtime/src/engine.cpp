// engine.cpp: steps any number of sessions together.
//
//   1. `advance` of every session that does not wait: up to its next call of the model.
//   2. All that wait for a model on rows, then all that wait for the layers of a model: their rows side by side, one
//   pass
//      (apply.cpp, forward.cpp).
//   3. They get their logits and advance, most of them up to a score.
//   4. All that wait for the head: one pass over all their rows (score.cpp); they get the results and advance.
//
// A session's values lie in one arena; what the host makes for the next `advance` is made in the other. Before it
// resumes, the frame's values move there, and the first is empty again.

#include "arithmetic.h"
#include "columns.h"
#include "internal.h"
#include "slots.h"

#include <algorithm>
#include <cstdio>

using namespace quoin::rt;

/// Symbols of masks stay below: formulas then compute in 64 bits without wrapping.
static constexpr int64_t kMostSymbol = int64_t(1) << 40;

// ---- Slots
// ------------------------------------------------------------------------------------------------------------

/// Are the columns that hold for all slots those of the cache?
static bool sameOnce(const Cache &cache, const quoin_forward_t &call, const quoin_program_model_t &table) {
  size_t at = 0;
  for (int32_t c = kFirstColumn; c < table.operands_count; ++c) {
    if (!isOnce(table, c))
      continue;
    auto bytes = static_cast<size_t>(packedBytes(table.operands[c]));
    if (std::memcmp(cache.once.data() + at, call.operand[c - kFirstColumn].data, bytes))
      return false;
    at += bytes;
  }
  return true;
}

/// Are the columns of slot `i` those of the cache?
static bool sameColumns(const Cache &cache, const quoin_forward_t &call, const quoin_program_model_t &table,
                        int64_t i) {
  const uint8_t *own = cache.columns.data() + i * cache.slotBytes;
  for (int32_t c = kFirstColumn; c < table.operands_count; ++c) {
    if (isOnce(table, c))
      continue;
    int64_t bytes = packedBytes(table.operands[c]);
    const auto *given = static_cast<const uint8_t *>(call.operand[c - kFirstColumn].data) + i * bytes;
    if (std::memcmp(own, given, static_cast<size_t>(bytes)))
      return false;
    own += bytes;
  }
  return true;
}

/// How many leading slots of the call the cache holds, up to `end`.
static int64_t sameSlots(const Cache &cache, const quoin_forward_t &call, const quoin_program_model_t &table,
                         int64_t end) {
  if (end > 0 && !sameOnce(cache, call, table))
    return 0;
  for (int64_t i = 0; i < end; ++i) {
    Slot slot = slotOf(call, i);
    auto at = static_cast<size_t>(i);
    bool token = cache.tokenless || (!slot.open && !cache.open[at] && slot.token == cache.tokens[at]);
    if (!token || slot.position != cache.positions[at] || slot.label != cache.labels[at] ||
        !sameColumns(cache, call, table, i))
      return i;
  }
  return std::max<int64_t>(end, 0);
}

int64_t quoin::rt::reusableSlots(Cache &cache, const quoin_forward_t &call, const quoin_program_model_t &table,
                                 int64_t limit) {
  // `then` rows may see all that the cache holds, so none of it may be beyond.
  if (limit > call.length && cache.valid > limit)
    limit = call.length;
  auto *read = static_cast<const int64_t *>(call.read.data);
  auto upToReads = [&](int64_t slots) {
    for (int64_t i = 0; i < call.read.size; ++i)
      slots = std::min(slots, read[i]);
    return slots;
  };
  if (const int32_t *groups = call.sequence->groups) {
    int64_t same = sameSlots(cache, call, table, std::min({cache.valid, limit, call.length}));
    // What the cache holds ends where a group did then. Anywhere else the group of the slot before may have been
    // larger.
    if (same > 0)
      same = groups[same == cache.valid ? same : same - 1];
    return std::max<int64_t>(upToReads(same), 0);
  }
  limit = upToReads(limit);
  limit = std::min(limit, call.length + call.then_ids.size);
  return cache.attach(call, limit, sameSlots(cache, call, table, std::min(cache.valid, limit)));
}

bool quoin::rt::checkColumns(quoin_session_t &session, const quoin_forward_t &call,
                             const quoin_program_model_t &table) {
  int64_t slots = call.length + call.then_ids.size;
  for (int32_t c = kFirstColumn; c < table.operands_count; ++c) {
    int64_t rows = isOnce(table, c) ? 1 : slots, found = call.operand[c - kFirstColumn].size;
    if (found == rows * table.operands[c].width)
      continue;
    session.fail(QUOIN_STATUS_FAILED, "quoin.forward expects %lld rows of column %d, but found %lld",
                 static_cast<long long>(rows), c - kFirstColumn,
                 static_cast<long long>(found / table.operands[c].width));
    return false;
  }
  return true;
}

// ---- Running a decoder
// ------------------------------------------------------------------------------------------------

namespace {

template <typename T> bool moveArray(Arena &to, T *&array, int64_t count) {
  auto *fresh = to.make<std::remove_const_t<T>>(count);
  if (!fresh)
    return false;
  if (count)
    std::memcpy(fresh, array, static_cast<size_t>(count) * sizeof(T));
  array = fresh;
  return true;
}

template <typename T> bool moveTensor(Arena &to, quoin_tensor_t &tensor) {
  auto *elements = static_cast<const T *>(tensor.data);
  bool ok = !elements || moveArray(to, elements, tensor.size);
  tensor.data = const_cast<T *>(elements);
  return ok;
}

bool moveSequence(Arena &to, quoin_sequence_t *&sequence) {
  return moveArray(to, sequence, 1) && moveArray(to, sequence->tokens, sequence->length) &&
         moveArray(to, sequence->labels, sequence->length) && moveArray(to, sequence->open, sequence->length) &&
         (!sequence->order || moveArray(to, sequence->order, sequence->length)) &&
         (!sequence->groups || moveArray(to, sequence->groups, sequence->length + 1)) &&
         (!sequence->positions || moveArray(to, sequence->positions, sequence->length));
}

/// Of a text only what is looked at.
bool moveText(Arena &to, const quoin_sequence_t *&text) {
  auto *kept = const_cast<quoin_sequence_t *>(text); // ours, made by keepText
  bool ok = !kept || (moveArray(to, kept, 1) && moveArray(to, kept->tokens, kept->length) &&
                      moveArray(to, kept->open, kept->length));
  text = kept;
  return ok;
}

bool moveLogits(Arena &to, quoin_logits_t *&logits) {
  return moveArray(to, logits, 1) && moveArray(to, logits->hidden, logits->rows * logits->width) &&
         (!logits->other || moveArray(to, logits->other, logits->rows * logits->width)) &&
         moveTensor<int32_t>(to, logits->tokens) && moveTensor<float>(to, logits->amounts) &&
         moveTensor<int64_t>(to, logits->rows_of) && moveTensor<int64_t>(to, logits->read_at) &&
         moveText(to, logits->text);
}

bool moveValue(Arena &to, quoin_value_t &value, uint8_t kind) {
  auto move = [&](auto *typed, auto &&how) {
    bool ok = how(typed);
    value.u.pointer = typed;
    return ok;
  };
  switch (kind) {
  case QUOIN_KIND_TENSOR8:
    return move(static_cast<uint8_t *>(value.u.pointer), [&](auto *&p) { return moveArray(to, p, value.size); });
  case QUOIN_KIND_TENSOR32:
    return move(static_cast<uint32_t *>(value.u.pointer), [&](auto *&p) { return moveArray(to, p, value.size); });
  case QUOIN_KIND_TENSOR64:
    return move(static_cast<uint64_t *>(value.u.pointer), [&](auto *&p) { return moveArray(to, p, value.size); });
  case QUOIN_KIND_SEQUENCE:
    return move(static_cast<quoin_sequence_t *>(value.u.pointer), [&](auto *&p) { return moveSequence(to, p); });
  case QUOIN_KIND_LOGITS:
    return move(static_cast<quoin_logits_t *>(value.u.pointer), [&](auto *&p) { return moveLogits(to, p); });
  default:
    return true;
  }
}

/// Moves the frame's live values to the other arena, which becomes the active one. A value that stands in the frame
/// twice is moved once: `moved` remembers where each was.
bool moveFrame(quoin_session_t &session) {
  quoin_state_t &state = session.state;
  for (int64_t i = 0; i < state.frame_used; ++i)
    session.moved[static_cast<size_t>(i)] = state.frame[i];
  for (int64_t i = 0; i < state.frame_used; ++i) {
    if (state.kinds[i] == QUOIN_KIND_SCALAR)
      continue;
    int64_t twin = 0;
    const quoin_value_t &was = session.moved[static_cast<size_t>(i)];
    while (state.kinds[twin] != state.kinds[i] || session.moved[static_cast<size_t>(twin)].u.pointer != was.u.pointer ||
           session.moved[static_cast<size_t>(twin)].size != was.size)
      ++twin;
    if (twin < i)
      state.frame[i] = state.frame[twin];
    else if (!moveValue(session.otherArena(), state.frame[i], state.kinds[i]))
      return false;
  }
  session.arena().reset();
  session.active = 1 - session.active;
  return true;
}

bool checkForward(quoin_session_t &session) {
  const quoin_forward_t &call = session.state.forward;
  const quoin_program_t &program = *session.model->program;
  auto refuse = [&](const char *what, int64_t have, int64_t want) {
    session.fail(QUOIN_STATUS_FAILED, "the decoder's forward has %s %lld, but expects at most %lld", what,
                 static_cast<long long>(have), static_cast<long long>(want));
    return false;
  };
  // What the program says, in the interpreter's words; the rest is the compiler's.
  auto broken = [&](int64_t found, const char *expected, int64_t a = 0, int64_t b = 0) {
    char text[128];
    std::snprintf(text, sizeof(text), expected, static_cast<long long>(a), static_cast<long long>(b));
    session.fail(QUOIN_STATUS_FAILED, "quoin.forward expects %s, but found %lld", text, static_cast<long long>(found));
    return false;
  };
  if (!call.sequence || call.length < 0 || call.length > call.sequence->length) {
    session.fail(QUOIN_STATUS_FAILED, "quoin.forward expects a range in [0, %lld), but found [0, %lld)",
                 static_cast<long long>(call.sequence ? call.sequence->length : 0),
                 static_cast<long long>(call.length));
    return false;
  }
  if (call.model < 0 || call.model >= program.models_count)
    return refuse("model", call.model, program.models_count - 1);
  const quoin_program_model_t &table = *session.model->parts[static_cast<size_t>(call.model)].table;
  if (!checkColumns(session, call, table))
    return false;
  for (int32_t i = 0; i < table.results_count; ++i)
    if (int64_t elements = call.read.size * table.results[i].width; elements > QUOIN_MAX_ELEMENTS) {
      session.fail(QUOIN_STATUS_FAILED, "quoin.forward expects a size of at least 0 and at most %d, but found %lld",
                   QUOIN_MAX_ELEMENTS, static_cast<long long>(elements));
      return false;
    }
  if (call.cache < -1 || call.cache >= session.decoder->caches_count)
    return refuse("cache", call.cache, session.decoder->caches_count - 1);
  if (call.cache >= 0 && session.caches[static_cast<size_t>(call.cache)]->model != call.model) {
    session.fail(QUOIN_STATUS_FAILED,
                 "the decoder's forward expects a cache of model %lld, but found one of model %lld",
                 static_cast<long long>(call.model),
                 static_cast<long long>(session.caches[static_cast<size_t>(call.cache)]->model));
    return false;
  }
  if (call.mask < 0 || call.mask >= program.masks_count)
    return refuse("mask", call.mask, program.masks_count - 1);
  if (call.then_positions.size != call.then_ids.size)
    return refuse("positions", call.then_positions.size, call.then_ids.size);
  if (call.then_labels.size && call.then_labels.size != call.then_ids.size)
    return refuse("labels", call.then_labels.size, call.then_ids.size);
  int64_t slots = call.length + call.then_ids.size;
  int64_t valid = call.cache < 0 ? 0 : session.caches[static_cast<size_t>(call.cache)]->valid;
  if (call.from < 0 || call.from > valid)
    return refuse("first row", call.from, valid);
  for (int64_t i = call.length; i < slots; ++i) {
    Slot slot = slotOf(call, i);
    int64_t position = static_cast<const int64_t *>(call.then_positions.data)[i - call.length];
    if (slot.token < 0 || slot.token >= program.vocabulary)
      return broken(slot.token, "tokens below %lld", program.vocabulary);
    if (position < 0)
      return broken(position, "positions of at least 0");
    if (call.then_labels.size)
      if (int64_t label = static_cast<const int64_t *>(call.then_labels.data)[i - call.length]; label != slot.label)
        return broken(label, "labels of 32 bits");
    if (position >= program.positions) {
      session.failRoom("forward", static_cast<uint64_t>(position) + 1);
      return false;
    }
  }
  auto *read = static_cast<const int64_t *>(call.read.data);
  for (int64_t i = 0; i < call.read.size; ++i)
    if (read[i] < call.from || read[i] >= slots)
      return broken(read[i], "to read slots in [%lld, %lld)", call.from, slots);
  for (int64_t symbol : call.symbols)
    if (symbol <= -kMostSymbol || symbol >= kMostSymbol)
      return broken(symbol, "symbols below 2^40 in size");
  return true;
}

} // namespace

void quoin::rt::resume(quoin_session_t &session) {
  session.phase = Phase::Ready;
  quoin_state_t &state = session.state;
  int32_t outcome = session.decoder->advance(&state);
  if (session.phase == Phase::Finished)
    return; // a host function failed and has said why
  if (state.rounds < 0)
    return session.fail(QUOIN_STATUS_FAILED,
                        "expects a run of the model within %lld rounds of the decoder's loops, but found none",
                        static_cast<long long>(session.maxRounds));
  if (state.status || state.frame_used < 0 || state.frame_used > session.decoder->frame_slots)
    return session.fail(QUOIN_STATUS_FAILED, "the decoder '%s' broke off", session.decoder->name);
  switch (outcome) {
  case QUOIN_FORWARD:
    if (!checkForward(session))
      return;
    session.phase = Phase::Forward;
    return traceForward(session);
  case QUOIN_SCORE:
    if (checkScore(session))
      session.phase = Phase::Score;
    return;
  case QUOIN_APPLY:
    if (checkApply(session))
      session.phase = Phase::Apply;
    return;
  case QUOIN_DONE: {
    const quoin_sequence_t *result = state.result;
    if (!result || state.result_from < 0 || state.result_to < state.result_from || state.result_to > result->length)
      return session.fail(QUOIN_STATUS_FAILED, "the decoder '%s' returned positions outside its sequence",
                          session.decoder->name);
    session.phase = Phase::Finished;
    return traceDone(session);
  }
  default:
    return session.fail(QUOIN_STATUS_FAILED, "the decoder '%s' failed", session.decoder->name);
  }
}

void quoin::rt::begin(quoin_session_t &session) {
  const quoin_program_t &program = *session.model->program;
  auto count = static_cast<int64_t>(session.prompt.size());
  if (count + session.maxTokens > program.capacity)
    return session.fail(QUOIN_STATUS_CAPACITY,
                        "expects at most %lld positions (the capacity), but prompt and max_tokens are %lld + %lld",
                        static_cast<long long>(program.capacity), static_cast<long long>(count),
                        static_cast<long long>(session.maxTokens));
  if (!bindInputs(session))
    return;
  Arena &arena = session.arena();
  auto *sequence = arena.make<quoin_sequence_t>(1);
  auto *tokens = arena.make<int32_t>(count), *labels = arena.make<int32_t>(count);
  auto *open = arena.make<uint8_t>(count);
  if (!sequence || !tokens || !labels || !open || (session.trace.fn && !traceBegin(session)))
    return session.failOutOfMemory();
  std::copy(session.prompt.begin(), session.prompt.end(), tokens);
  std::fill_n(labels, count, 0);
  std::fill_n(open, count, uint8_t(0));
  *sequence = {count, 0, tokens, labels, open, 0, nullptr, nullptr, nullptr};

  quoin_state_t &state = session.state;
  state.frame[0].u.pointer = sequence;
  state.frame[0].size = 0;
  state.frame[1].u.integer = session.maxTokens;
  state.frame[1].size = 0;
  state.kinds[0] = QUOIN_KIND_SEQUENCE;
  state.kinds[1] = QUOIN_KIND_SCALAR;
  state.frame_used = 2;
  state.rounds = session.maxRounds;
  resume(session);
}

namespace {

/// Every session that is ready goes on to its next suspension.
void advanceAll(quoin_session_t *const *sessions, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    quoin_session_t &session = *sessions[i];
    if (session.phase != Phase::Ready)
      continue;
    if (moveFrame(session))
      resume(session);
    else
      session.failOutOfMemory();
  }
}

} // namespace

quoin_status_t quoin_sessions_step(quoin_session_t *const *sessions, size_t count) {
  if (count == 0)
    return QUOIN_STATUS_OK;
  DefaultArithmetic arithmetic;
  quoin_model_t &model = *sessions[0]->model;
  for (size_t i = 0; i < count; ++i) {
    quoin_session_t &session = *sessions[i];
    if (session.model != &model)
      return model.context->fail(QUOIN_STATUS_INVALID_ARGUMENT,
                                 "expects sessions of one model, but session %zu has another", i);
    if (session.phase == Phase::Preparing && !session.prompted)
      return model.context->fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects a prompt, but session %zu has none", i);
  }
  for (size_t i = 0; i < count; ++i) {
    // One of those that start with the same text goes ahead; the others find its pages a step later.
    auto waits = [&](const quoin_session_t *other) { return other->starting && waitsForPrefix(*sessions[i], *other); };
    sessions[i]->starting = sessions[i]->phase == Phase::Preparing && std::none_of(sessions, sessions + i, waits);
    if (sessions[i]->starting)
      begin(*sessions[i]);
  }
  advanceAll(sessions, count); // those whose step broke off
  if (quoin_status_t status = runApplies(model, sessions, count))
    return status;
  advanceAll(sessions, count);
  if (quoin_status_t status = runForwards(model, sessions, count))
    return status;
  advanceAll(sessions, count);
  if (quoin_status_t status = runScores(model, sessions, count))
    return status;
  advanceAll(sessions, count);
  return QUOIN_STATUS_OK;
}
