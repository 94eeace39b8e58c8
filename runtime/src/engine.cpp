// engine.cpp: steps any number of sessions together.
//
//   1. `advance` of every session that does not wait: up to its next call of the model.
//   2. All that wait for the layers: their rows side by side, one pass (several where there are very many rows).
//   3. They get their logits and advance, most of them up to a score.
//   4. All that wait for the head: one pass over all their rows (score.cpp); they get the results and advance.
//
// A session's values lie in one arena; what the host makes for the next `advance` is made in the other. Before it
// resumes, the frame's values move there, and the first is empty again.

#include "arithmetic.h"
#include "internal.h"

#include <algorithm>
#include <cstdio>

using namespace quoin::rt;

/// Most rows of a pass, unless a single session has more: bounds the scratch memory.
static constexpr int64_t kMostRows = 2048;

/// Symbols of masks stay below: formulas then compute in 64 bits without wrapping.
static constexpr int64_t kMostSymbol = int64_t(1) << 40;

static int64_t wordsFor(int64_t slots) { return (slots + QUOIN_PAGE_SLOTS - 1) / QUOIN_PAGE_SLOTS; }

// ---- Slots
// ------------------------------------------------------------------------------------------------------------

namespace {

struct Slot {
  int32_t token, position, label, open;
};

/// Slot `i` of a call: the sequence, then its `then` rows.
Slot slotOf(const quoin_forward_t &call, int64_t i) {
  if (i < call.length) {
    const quoin_sequence_t &x = *call.sequence;
    int32_t at = x.order ? x.order[i] : int32_t(i);
    return {x.tokens[at], at, x.labels[at], x.open[at]};
  }
  i -= call.length;
  return {static_cast<const int32_t *>(call.then_ids.data)[i],
          int32_t(static_cast<const int64_t *>(call.then_positions.data)[i]),
          call.then_labels.size ? int32_t(static_cast<const int64_t *>(call.then_labels.data)[i]) : 0, 0};
}

} // namespace

/// How many leading slots of the call the cache holds, up to `end`.
static int64_t sameSlots(const Cache &cache, const quoin_forward_t &call, int64_t end) {
  for (int64_t i = 0; i < end; ++i) {
    Slot slot = slotOf(call, i);
    auto at = static_cast<size_t>(i);
    if (slot.open || cache.open[at] || slot.token != cache.tokens[at] || slot.position != cache.positions[at] ||
        slot.label != cache.labels[at])
      return i;
  }
  return std::max<int64_t>(end, 0);
}

int64_t quoin::rt::reusableSlots(Cache &cache, const quoin_forward_t &call, int64_t limit, int64_t pageBytes) {
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
    int64_t same = sameSlots(cache, call, std::min({cache.valid, limit, call.length}));
    // What the cache holds ends where a group did then. Anywhere else the group of the slot before may have been
    // larger.
    if (same > 0)
      same = groups[same == cache.valid ? same : same - 1];
    return std::max<int64_t>(upToReads(same), 0);
  }
  limit = upToReads(limit);
  limit = std::min(limit, call.length + call.then_ids.size);
  return cache.attach(call, limit, sameSlots(cache, call, std::min(cache.valid, limit)), pageBytes);
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

bool moveSequence(Arena &to, quoin_sequence_t *&sequence) {
  return moveArray(to, sequence, 1) && moveArray(to, sequence->tokens, sequence->length) &&
         moveArray(to, sequence->labels, sequence->length) && moveArray(to, sequence->open, sequence->length) &&
         (!sequence->order || moveArray(to, sequence->order, sequence->length)) &&
         (!sequence->groups || moveArray(to, sequence->groups, sequence->length + 1));
}

bool moveLogits(Arena &to, quoin_logits_t *&logits, int64_t hidden) {
  return moveArray(to, logits, 1) && moveArray(to, logits->hidden, logits->rows * hidden) &&
         (!logits->other || moveArray(to, logits->other, logits->rows * hidden));
}

bool moveValue(Arena &to, quoin_value_t &value, uint8_t kind, int64_t hidden) {
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
    return move(static_cast<quoin_logits_t *>(value.u.pointer), [&](auto *&p) { return moveLogits(to, p, hidden); });
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
    else if (!moveValue(session.otherArena(), state.frame[i], state.kinds[i], session.model->program->hidden))
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
  if (call.cache < -1 || call.cache >= session.decoder->caches)
    return refuse("cache", call.cache, session.decoder->caches - 1);
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
  Arena &arena = session.arena();
  auto *sequence = arena.make<quoin_sequence_t>(1);
  auto *tokens = arena.make<int32_t>(count), *labels = arena.make<int32_t>(count);
  auto *open = arena.make<uint8_t>(count);
  if (!sequence || !tokens || !labels || !open || (session.trace.fn && !traceBegin(session)))
    return session.failOutOfMemory();
  std::copy(session.prompt.begin(), session.prompt.end(), tokens);
  std::fill_n(labels, count, 0);
  std::fill_n(open, count, uint8_t(0));
  *sequence = {count, 0, tokens, labels, open, 0, nullptr, nullptr};

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

// ---- The layers
// -------------------------------------------------------------------------------------------------------

namespace {

Cache &cacheOf(quoin_session_t &session) {
  int64_t cache = session.state.forward.cache;
  return *session.caches[cache < 0 ? session.caches.size() - 1 : static_cast<size_t>(cache)];
}

/// Makes what the call needs and writes its slots into the cache. False: no memory, and the session has failed.
bool prepareForward(quoin_session_t &session) {
  const quoin_forward_t &call = session.state.forward;
  Cache &cache = cacheOf(session);
  int64_t slots = call.length + call.then_ids.size;
  Arena &arena = session.otherArena();
  arena.reset();
  auto *logits = arena.make<quoin_logits_t>(1);
  auto *hidden = arena.make<float>(call.read.size * session.model->program->hidden);
  bool room = logits && hidden && cache.reserve(slots, session.model->program->page_bytes);
  if (!room || (call.from < slots && !cache.makeWritable(call.from, slots))) {
    session.failOutOfMemory();
    return false;
  }
  *logits = {call.read.size, hidden, nullptr, 0};
  session.state.logits = logits;
  if (call.from >= slots)
    return true;
  // From here on only the slots before `from` are what they were.
  cache.valid = std::min(cache.valid, call.from);
  for (int64_t i = call.from; i < slots; ++i) {
    Slot slot = slotOf(call, i);
    auto at = static_cast<size_t>(i);
    cache.tokens[at] = slot.token;
    cache.positions[at] = slot.position;
    cache.labels[at] = slot.label;
    cache.open[at] = slot.open;
  }
  for (int64_t i = slots; i < wordsFor(slots) * QUOIN_PAGE_SLOTS; ++i) {
    auto at = static_cast<size_t>(i);
    cache.tokens[at] = cache.positions[at] = cache.labels[at] = cache.open[at] = 0;
  }
  return true;
}

/// The bookkeeping after a call: what stays in the cache, and the counters. The session may resume.
void finishForward(quoin_session_t &session) {
  quoin_state_t &state = session.state;
  const quoin_forward_t &call = state.forward;
  Cache &cache = cacheOf(session);
  int64_t slots = call.length + call.then_ids.size;
  int64_t keep = call.cache < 0 ? 0 : std::clamp<int64_t>(call.keep, 0, slots);
  if (call.from < slots) {
    cache.valid = keep;
    cache.publish(call.length);
    state.rounds = session.maxRounds;
    session.rows += slots - call.from;
    if (session.forwards++ == 0) {
      // Alone it would have run all of them; what a first call has not to run was somebody else's work.
      session.prefillTokens = std::min(static_cast<int64_t>(session.prompt.size()), slots);
      session.sharedTokens = std::min(session.prefillTokens, call.from);
    }
  } else if (keep < slots) {
    cache.valid = std::min(cache.valid, keep); // nothing ran, so what else is there stays true
  }
  state.evaluations += call.evaluation != 0;
  session.phase = Phase::Ready;
}

/// One pass of the layers over the rows of `sessions`, which are prepared.
quoin_status_t runLayers(quoin_model_t &model, quoin_session_t *const *sessions, size_t count) {
  Scratch &s = model.scratch;
  const quoin_program_t &program = *model.program;
  int64_t rows = 0, reads = 0, words = 0, tiles = 0;
  double work = 0; // four bytes of a page take part in one multiplication
  for (size_t i = 0; i < count; ++i) {
    const quoin_forward_t &call = sessions[i]->state.forward;
    int64_t slots = call.length + call.then_ids.size, mine = slots - call.from;
    rows += mine;
    reads += call.read.size;
    words += mine * wordsFor(slots);
    tiles += wordsFor(mine) * wordsFor(slots);
    work += rowsOfWork(mine) * double(slots) * double(program.page_bytes / 256);
  }
  // A row may be read more than once, so there can be more reads than rows.
  int64_t scratch =
      program.scratch_row_bytes * std::max(rows, reads) + program.scratch_worker_bytes * model.context->workers;
  auto size = [](int64_t n) { return static_cast<size_t>(n); };
  if (!s.ids.resize(size(rows)) || !s.positions.resize(size(rows)) || !s.read.resize(size(reads)) ||
      !s.readGroup.resize(size(reads)) || !s.hidden.resize(size(reads)) || !s.groups.resize(count) ||
      !s.words.resize(size(words)) || !s.tiles.resize(size(tiles)) || !s.layers.resize(size(scratch)))
    return model.context->outOfMemory();

  rows = reads = words = tiles = 0;
  for (size_t i = 0; i < count; ++i) {
    quoin_session_t &session = *sessions[i];
    const quoin_forward_t &call = session.state.forward;
    Cache &cache = cacheOf(session);
    quoin_group_t &group = s.groups[i];
    group.first_row = rows;
    group.first_slot = call.from;
    group.slots = call.length + call.then_ids.size;
    group.rows = group.slots - call.from;
    group.pages = cache.pages.data();
    group.positions = cache.positions.data();
    group.labels = cache.labels.data();
    group.open = cache.open.data();
    group.mask = call.mask;
    std::copy_n(call.symbols, QUOIN_MAX_SYMBOLS, group.symbols);
    group.words = s.words.data() + words;
    group.tiles = s.tiles.data() + tiles;
    std::copy_n(cache.tokens.data() + call.from, group.rows, s.ids.data() + rows);
    std::copy_n(cache.positions.data() + call.from, group.rows, s.positions.data() + rows);
    auto *hidden = const_cast<float *>(session.state.logits->hidden); // ours, made by prepareForward
    for (int64_t r = 0; r < call.read.size; ++r, ++reads) {
      s.read[size(reads)] = rows + static_cast<const int64_t *>(call.read.data)[r] - call.from;
      s.readGroup[size(reads)] = static_cast<int64_t>(i);
      s.hidden[size(reads)] = hidden + r * program.hidden;
    }
    rows += group.rows;
    words += group.rows * wordsFor(group.slots);
    tiles += wordsFor(group.rows) * wordsFor(group.slots);
  }

  struct Call {
    const quoin_program_t *program;
    quoin_layers_t layers;
  };
  Call call = {&program,
               {model.weights, s.layers.data(), rows, s.ids.data(), s.positions.data(), reads, s.read.data(),
                s.readGroup.data(), s.hidden.data(), static_cast<int64_t>(count), s.groups.data(), &s.meeting.barrier}};
  work += rowsOfWork(rows) * double(program.layers_work);
  model.context->parallel(
      work / double(std::max<int64_t>(program.layers, 1)), s.meeting,
      [](void *arg, int64_t worker, int64_t workers) {
        auto *made = static_cast<Call *>(arg);
        made->program->layers_step(&made->layers, worker, workers);
      },
      &call);
  return QUOIN_STATUS_OK;
}

/// The layers for all sessions that wait for them.
quoin_status_t runForwards(quoin_model_t &model, quoin_session_t *const *sessions, size_t count) {
  Buffer<quoin_session_t *> &waiting = model.scratch.waiting;
  waiting.clear();
  for (size_t i = 0; i < count; ++i) {
    quoin_session_t &session = *sessions[i];
    if (session.phase != Phase::Forward || !prepareForward(session))
      continue;
    const quoin_forward_t &call = session.state.forward;
    if (call.from >= call.length + call.then_ids.size)
      finishForward(session); // everything is in the cache: no call
    else if (!waiting.push(&session))
      return model.context->outOfMemory();
  }
  for (size_t first = 0, next = 0; first < waiting.size(); first = next) {
    int64_t rows = 0;
    for (; next < waiting.size(); ++next) {
      const quoin_forward_t &call = waiting[next]->state.forward;
      int64_t mine = call.length + call.then_ids.size - call.from;
      if (next > first && rows + mine > kMostRows)
        break;
      rows += mine;
    }
    if (quoin_status_t status = runLayers(model, waiting.data() + first, next - first))
      return status;
    for (size_t i = first; i < next; ++i)
      finishForward(*waiting[i]);
  }
  return QUOIN_STATUS_OK;
}

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
    if (session.phase == Phase::Preparing && session.prompt.empty())
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
  if (quoin_status_t status = runForwards(model, sessions, count))
    return status;
  advanceAll(sessions, count);
  if (quoin_status_t status = runScores(model, sessions, count))
    return status;
  advanceAll(sessions, count);
  return QUOIN_STATUS_OK;
}
