// forward.cpp: the layers of each model, once for all sessions that wait for it.
//
//   1. Each session's slots that run are written into its cache, and room is made for what the call gives.
//   2. Operands of the step are gathered: rows of all sessions side by side, a group each. There are several passes
//      where there are very many rows.
//   3. Results go to where each session wants them, and its cache keeps what the call says.

#include "columns.h"
#include "edit.h"
#include "slots.h"

#include <algorithm>
#include <cstring>

using namespace quoin::rt;

/// Most rows of a pass, unless a single session has more: bounds the scratch memory.
static constexpr int64_t kMostForwardRows = 2048;

static int64_t wordsFor(int64_t slots) { return (slots + QUOIN_PAGE_SLOTS - 1) / QUOIN_PAGE_SLOTS; }

namespace {

/// The model that the session waits for.
const Part &partOf(const quoin_session_t &session) {
  return session.model->parts[static_cast<size_t>(session.state.forward.model)];
}

Cache &cacheOf(quoin_session_t &session) {
  const quoin_forward_t &call = session.state.forward;
  int64_t cache = call.cache < 0 ? session.decoder->caches_count + call.model : call.cache;
  return *session.caches[static_cast<size_t>(cache)];
}

/// The slots that stay for later calls.
int64_t keptSlots(const quoin_forward_t &call) {
  return call.cache < 0 ? 0 : std::clamp<int64_t>(call.keep, 0, call.length + call.then_ids.size);
}

/// Of what the model gives: the first that is not what its head scores.
int32_t firstResult(const quoin_session_t &session) { return partOf(session).head ? 1 : 0; }

/// What the cache compares later calls with: columns of the slots that run, and of all slots.
void keepColumns(Cache &cache, const quoin_forward_t &call, const quoin_program_model_t &table, int64_t slots) {
  size_t once = 0, at = 0;
  for (int32_t c = kFirstColumn; c < table.operands_count; ++c) {
    auto bytes = static_cast<size_t>(packedBytes(table.operands[c]));
    const auto *from = static_cast<const uint8_t *>(call.operand[c - kFirstColumn].data);
    if (isOnce(table, c)) {
      std::memcpy(cache.once.data() + once, from, bytes);
      once += bytes;
      continue;
    }
    for (auto i = static_cast<size_t>(call.from); i < static_cast<size_t>(slots); ++i)
      std::memcpy(cache.columns.data() + i * static_cast<size_t>(cache.slotBytes) + at, from + i * bytes, bytes);
    at += bytes;
  }
}

/// Makes what the call needs and writes its slots into the cache. False: no memory, and the session has failed.
bool prepareForward(quoin_session_t &session) {
  quoin_forward_t &call = session.state.forward;
  Cache &cache = cacheOf(session);
  bool recurs = cache.stateBytes > 0 && call.from < call.length + call.then_ids.size;
  // Rows from the last checkpoint on run again, bit by bit as before.
  const void *state = nullptr;
  if (recurs)
    call.from = call.cache < 0 ? 0 : cache.goBackTo(call.from, state);
  int64_t slots = call.length + call.then_ids.size;
  Arena &arena = session.otherArena();
  arena.reset();
  int64_t width = partOf(session).hidden;
  auto *logits = arena.make<quoin_logits_t>(1);
  auto *hidden = arena.make<float>(call.read.size * width);
  auto *places = arena.make<int64_t>(call.read.size);
  const quoin_program_model_t &table = *partOf(session).table;
  bool room = logits && hidden && places && cache.reserve(slots);
  if (recurs && keptSlots(call) > call.from)
    room &= cache.makeState() != nullptr;
  for (int32_t i = 0, first = firstResult(session); room && first + i < table.results_count; ++i) {
    int64_t elements = call.read.size * table.results[first + i].width;
    session.state.forward.result[i] = {arena.make<float>(elements), elements};
    room = session.state.forward.result[i].data;
  }
  if (!room || (call.from < slots && !cache.makeWritable(call.from, slots))) {
    session.failOutOfMemory();
    return false;
  }
  *logits = {call.read.size, hidden, nullptr, 0, width, call.model, {}, {}, {}, 0, {places, call.read.size}, nullptr};
  for (int64_t i = 0; i < call.read.size; ++i)
    places[i] = placeOf(call, static_cast<const int64_t *>(call.read.data)[i]);
  if (!keepText(session, *call.sequence, *logits)) {
    session.failOutOfMemory();
    return false;
  }
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
  keepColumns(cache, call, table, slots);
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
  int64_t slots = call.length + call.then_ids.size, keep = keptSlots(call);
  if (call.from < slots) {
    if (cache.stateBytes > 0 && keep > call.from)
      cache.keepState(keep);
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
  state.evaluations += call.evaluation == QUOIN_EVALUATION_OWN;
  session.draftEvaluations += call.evaluation == QUOIN_EVALUATION_DRAFT;
  session.phase = Phase::Ready;
}

/// One pass of a model's layers over the rows of `sessions`, which are prepared and wait for it.
quoin_status_t runLayers(quoin_model_t &model, const Part &part, quoin_session_t *const *sessions, size_t count) {
  Scratch &s = model.scratch;
  SpaceSizes sizes;
  int64_t words = 0, tiles = 0;
  double work = 0; // four bytes of a page take part in one multiplication
  for (size_t i = 0; i < count; ++i) {
    const quoin_forward_t &call = sessions[i]->state.forward;
    int64_t slots = call.length + call.then_ids.size, mine = slots - call.from;
    sizes.rows += mine;
    sizes.reads += call.read.size;
    ++sizes.sequences;
    words += mine * wordsFor(slots);
    tiles += wordsFor(mine) * wordsFor(slots);
    work += rowsOfWork(mine) * double(slots) * double(part.pageBytes / 256);
  }
  // A row may be read more than once, so there can be more reads than rows.
  int64_t scratch =
      part.layers->row_bytes * std::max(sizes.rows, sizes.reads) + part.layers->worker_bytes * model.context->workers;
  auto size = [](int64_t n) { return static_cast<size_t>(n); };
  StepColumns columns;
  if (!columns.make(*part.table, sizes, s) || !s.read.resize(size(sizes.reads)) ||
      !s.readGroup.resize(size(sizes.reads)) || !s.groups.resize(count) || !s.words.resize(size(words)) ||
      !s.tiles.resize(size(tiles)) || !s.layers.resize(size(scratch)))
    return model.context->outOfMemory();

  // Ends of rows are 0, for kernels that look at whole vectors.
  const quoin_program_model_t &table = *part.table;
  if (table.operands_count > kFirstColumn)
    std::memset(s.columns.data(), 0, s.columns.size());
  int64_t rows = 0, reads = 0;
  words = tiles = 0;
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
    group.state = group.state_out = nullptr;
    group.state_rows = 0;
    if (cache.stateBytes > 0) {
      if (call.from > 0)
        cache.goBackTo(call.from, group.state); // where prepareForward went
      if (int64_t keep = keptSlots(call); keep > call.from) {
        group.state_out = cache.makeState(); // which prepareForward made
        group.state_rows = keep - call.from;
      }
    }
    std::copy_n(cache.tokens.data() + call.from, group.rows, static_cast<int32_t *>(columns.at(0, rows)));
    std::copy_n(cache.positions.data() + call.from, group.rows, static_cast<int32_t *>(columns.at(1, rows)));
    for (int32_t c = kFirstColumn; c < table.operands_count; ++c) {
      auto bytes = size(packedBytes(table.operands[c]));
      const auto *from = static_cast<const uint8_t *>(call.operand[c - kFirstColumn].data);
      if (isOnce(table, c))
        std::memcpy(columns.at(c, static_cast<int64_t>(i)), from, bytes);
      else
        for (int64_t r = 0; r < group.rows; ++r)
          std::memcpy(columns.at(c, rows + r), from + size(call.from + r) * bytes, bytes);
    }
    int32_t others = firstResult(session);
    auto *hidden = const_cast<float *>(session.state.logits->hidden); // ours, made by prepareForward
    for (int64_t r = 0; r < call.read.size; ++r, ++reads) {
      s.read[size(reads)] = rows + static_cast<const int64_t *>(call.read.data)[r] - call.from;
      s.readGroup[size(reads)] = static_cast<int64_t>(i);
      for (int32_t c = 0; c < table.results_count; ++c) {
        float *to = c < others ? hidden : static_cast<float *>(call.result[c - others].data);
        const_cast<void **>(columns.results[c].row)[reads] = to + r * table.results[c].width;
      }
    }
    rows += group.rows;
    words += group.rows * wordsFor(group.slots);
    tiles += wordsFor(group.rows) * wordsFor(group.slots);
  }

  struct Call {
    const Part *part;
    quoin_layers_t layers;
  };
  Call call = {&part,
               {model.weights, s.layers.data(), rows, reads, s.read.data(), s.readGroup.data(),
                static_cast<int64_t>(count), s.groups.data(), columns.operands, columns.results, &s.meeting.barrier,
                nullptr, nullptr}};
  work += rowsOfWork(rows) * double(part.layers->work);
  model.context->parallel(
      work / double(std::max(part.table->layers, 1)), s.meeting,
      [](void *arg, int64_t worker, int64_t workers) {
        auto *made = static_cast<Call *>(arg);
        made->part->layers->run(&made->layers, worker, workers);
      },
      &call);
  return QUOIN_STATUS_OK;
}

/// The layers of one model for all sessions that wait for them.
quoin_status_t runModel(quoin_model_t &model, size_t which, quoin_session_t *const *sessions, size_t count) {
  Buffer<quoin_session_t *> &waiting = model.scratch.waiting;
  waiting.clear();
  for (size_t i = 0; i < count; ++i) {
    quoin_session_t &session = *sessions[i];
    if (session.phase != Phase::Forward || static_cast<size_t>(session.state.forward.model) != which ||
        !prepareForward(session))
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
      if (next > first && rows + mine > kMostForwardRows)
        break;
      rows += mine;
    }
    if (quoin_status_t status = runLayers(model, model.parts[which], waiting.data() + first, next - first))
      return status;
    for (size_t i = first; i < next; ++i)
      finishForward(*waiting[i]);
  }
  return QUOIN_STATUS_OK;
}

} // namespace

quoin_status_t quoin::rt::runForwards(quoin_model_t &model, quoin_session_t *const *sessions, size_t count) {
  for (size_t which = 0; which < model.parts.size(); ++which)
    if (quoin_status_t status = runModel(model, which, sessions, count))
      return status;
  return QUOIN_STATUS_OK;
}
