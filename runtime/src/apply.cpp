// apply.cpp: models without a head on the rows of tensors, once for all sessions that wait for them.
//
//   1. Rows of all sessions are put side by side, a column an operand of the model.
//   2. One pass of the step. Every row is read, so results come for all of them, each where its session wants it.

#include "columns.h"

#include <algorithm>

using namespace quoin::rt;

/// Most rows of a pass, unless a single session has more.
static constexpr int64_t kMostAppliedRows = 4096;

static int64_t rowsOf(const quoin_session_t &session, const Part &part) {
  return session.state.apply.operand[0].size / part.table->operands[kFirstColumn].width;
}

bool quoin::rt::checkApply(quoin_session_t &session) {
  const quoin_apply_t &call = session.state.apply;
  const quoin_program_t &program = *session.model->program;
  auto refuse = [&](const char *what, int64_t found, int64_t expected) {
    session.fail(QUOIN_STATUS_FAILED, "the decoder's apply has %s %lld, but expects %lld", what,
                 static_cast<long long>(found), static_cast<long long>(expected));
    return false;
  };
  if (call.model < 0 || call.model >= program.models_count)
    return refuse("model", call.model, program.models_count - 1);
  const Part &part = session.model->parts[static_cast<size_t>(call.model)];
  if (part.head || part.table->operands_count <= kFirstColumn)
    return refuse("a model of tokens,", call.model, -1);
  for (int32_t i = kFirstColumn; i < part.table->operands_count; ++i) {
    const quoin_column_t &column = part.table->operands[i];
    int64_t size = call.operand[i - kFirstColumn].size, rows = rowsOf(session, part);
    if (size != rows * column.width)
      return refuse("elements", size, rows * column.width);
  }
  for (int32_t i = 0; i < part.table->results_count; ++i)
    if (int64_t elements = rowsOf(session, part) * part.table->results[i].width; elements > QUOIN_MAX_ELEMENTS) {
      session.fail(QUOIN_STATUS_FAILED, "quoin.apply expects a size of at least 0 and at most %d, but found %lld",
                   QUOIN_MAX_ELEMENTS, static_cast<long long>(elements));
      return false;
    }
  return true;
}

/// Makes the results in the arena of the next `advance`.
static bool prepare(quoin_session_t &session, const Part &part) {
  Arena &arena = session.otherArena();
  arena.reset();
  int64_t rows = rowsOf(session, part);
  for (int32_t i = 0; i < part.table->results_count; ++i) {
    int64_t elements = rows * part.table->results[i].width;
    session.state.apply.result[i] = {arena.make<float>(elements), elements};
    if (!session.state.apply.result[i].data)
      return false;
  }
  return true;
}

/// One pass over the rows of `sessions`, which are prepared.
static quoin_status_t runRows(quoin_model_t &model, const Part &part, quoin_session_t *const *sessions, size_t count) {
  Scratch &s = model.scratch;
  const quoin_program_model_t &table = *part.table;
  int64_t rows = 0;
  for (size_t i = 0; i < count; ++i)
    rows += rowsOf(*sessions[i], part);
  auto size = [](int64_t n) { return static_cast<size_t>(n); };
  StepColumns columns;
  int64_t scratch = part.layers->row_bytes * rows + part.layers->worker_bytes * model.context->workers;
  if (!columns.make(table, {rows, rows, 0}, s) || !s.read.resize(size(rows)) || !s.readGroup.resize(size(rows)) ||
      !s.groups.resize(count) || !s.layers.resize(size(scratch)))
    return model.context->outOfMemory();
  for (int64_t r = 0; r < rows; ++r) {
    s.read[size(r)] = r;
    s.readGroup[size(r)] = 0;
  }
  // Ids and positions are nothing here, but kernels may look at them; so are the ends of rows.
  std::memset(s.columns.data(), 0, s.columns.size());
  rows = 0;
  for (size_t i = 0; i < count; ++i) {
    const quoin_apply_t &call = sessions[i]->state.apply;
    int64_t mine = rowsOf(*sessions[i], part);
    // The rows of a session are a sequence; there are no keys and masks.
    s.groups[i] = {};
    s.groups[i].first_row = rows;
    s.groups[i].rows = s.groups[i].slots = mine;
    for (int32_t c = kFirstColumn; c < table.operands_count; ++c) {
      auto bytes = size(table.operands[c].width) * sizeof(float);
      const auto *from = static_cast<const uint8_t *>(call.operand[c - kFirstColumn].data);
      for (int64_t r = 0; r < mine; ++r)
        std::memcpy(columns.at(c, rows + r), from + size(r) * bytes, bytes);
    }
    for (int32_t c = 0; c < table.results_count; ++c)
      for (int64_t r = 0; r < mine; ++r)
        const_cast<void **>(columns.results[c].row)[rows + r] =
            static_cast<float *>(call.result[c].data) + r * table.results[c].width;
    rows += mine;
  }
  struct Call {
    const Part *part;
    quoin_layers_t layers;
  };
  Call call = {&part,
               {model.weights, s.layers.data(), rows, rows, s.read.data(), s.readGroup.data(),
                static_cast<int64_t>(count), s.groups.data(), columns.operands, columns.results, &s.meeting.barrier,
                nullptr, nullptr}};
  model.context->parallel(
      rowsOfWork(rows) * double(part.layers->work), s.meeting,
      [](void *arg, int64_t worker, int64_t workers) {
        auto *made = static_cast<Call *>(arg);
        made->part->layers->run(&made->layers, worker, workers);
      },
      &call);
  return QUOIN_STATUS_OK;
}

static quoin_status_t runPart(quoin_model_t &model, size_t which, quoin_session_t *const *sessions, size_t count) {
  const Part &part = model.parts[which];
  Buffer<quoin_session_t *> &waiting = model.scratch.waiting;
  waiting.clear();
  for (size_t i = 0; i < count; ++i) {
    quoin_session_t &session = *sessions[i];
    if (session.phase != Phase::Apply || static_cast<size_t>(session.state.apply.model) != which)
      continue;
    if (!prepare(session, part))
      session.failOutOfMemory();
    else if (rowsOf(session, part) == 0)
      session.phase = Phase::Ready;
    else if (!waiting.push(&session))
      return model.context->outOfMemory();
  }
  for (size_t first = 0, next = 0; first < waiting.size(); first = next) {
    int64_t rows = 0;
    for (; next < waiting.size(); ++next) {
      int64_t mine = rowsOf(*waiting[next], part);
      if (next > first && rows + mine > kMostAppliedRows)
        break;
      rows += mine;
    }
    if (quoin_status_t status = runRows(model, part, waiting.data() + first, next - first))
      return status;
    for (size_t i = first; i < next; ++i) {
      waiting[i]->state.rounds = waiting[i]->maxRounds;
      waiting[i]->phase = Phase::Ready;
    }
  }
  return QUOIN_STATUS_OK;
}

quoin_status_t quoin::rt::runApplies(quoin_model_t &model, quoin_session_t *const *sessions, size_t count) {
  for (size_t which = 0; which < model.parts.size(); ++which)
    if (!model.parts[which].head)
      if (quoin_status_t status = runPart(model, which, sessions, count))
        return status;
  return QUOIN_STATUS_OK;
}
