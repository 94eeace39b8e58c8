// session.cpp: requests: what they ask for, how they are driven, and what came out.

#include "arithmetic.h"
#include "columns.h"
#include "internal.h"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstring>

using namespace quoin::rt;

quoin_session_t::quoin_session_t(quoin_model_t *model, const quoin_decoder_t *decoder)
    : model(model), decoder(decoder), arenas{Arena(&context()->memory), Arena(&context()->memory)},
      prompt(&context()->memory), stops(&context()->memory), settings(&context()->memory), inputs(&context()->memory),
      inputValues(&context()->memory), frame(&context()->memory), moved(&context()->memory), kinds(&context()->memory),
      outputs(&context()->memory), caches(&context()->memory), trace(&context()->memory),
      textTokens(&context()->memory), textOpen(&context()->memory) {}

quoin_session_t::~quoin_session_t() {
  for (Cache *cache : caches)
    context()->destroy(cache);
}

void quoin_session_t::fail(quoin_status_t code, const char *format, ...) {
  if (status != QUOIN_STATUS_OK)
    return; // the first failure is the reason
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(error, sizeof(error), format, arguments);
  va_end(arguments);
  status = code;
  state.status = code;
  phase = Phase::Finished;
  context()->fail(code, "%s", error);
}

void quoin_session_t::failRoom(const char *what, uint64_t length, int64_t more) {
  const quoin_program_t &program = *model->program;
  char needs[48];
  std::snprintf(needs, sizeof(needs), more ? "%llu + %lld" : "%llu", static_cast<unsigned long long>(length),
                static_cast<long long>(more));
  fail(QUOIN_STATUS_CAPACITY,
       "quoin.%s expects at most %lld positions (the capacity of %lld and %lld beyond it), but needs %s", what,
       static_cast<long long>(program.positions), static_cast<long long>(program.capacity),
       static_cast<long long>(program.positions - program.capacity), needs);
}

static quoin_status_t makeSession(quoin_session_t &session) {
  const quoin_program_t &program = *session.model->program;
  const quoin_decoder_t &decoder = *session.decoder;
  quoin_context_t &context = *session.context();
  auto slots = static_cast<size_t>(std::max(decoder.frame_slots, 2));
  const quoin::rt::Buffer<quoin::rt::Part> &parts = session.model->parts;
  auto own = static_cast<size_t>(decoder.caches_count), caches = own + parts.size();
  if (!session.frame.resize(slots) || !session.moved.resize(slots) || !session.kinds.resize(slots) ||
      !session.settings.resize(2 * static_cast<size_t>(decoder.settings_count)) || !session.caches.reserve(caches) ||
      !session.inputs.prepare(static_cast<size_t>(decoder.inputs_count)) ||
      !session.inputValues.resize(static_cast<size_t>(decoder.inputs_count)) ||
      !session.outputs.prepare(static_cast<size_t>(decoder.outputs_count)))
    return context.outOfMemory();
  for (size_t i = 0; i < caches; ++i) {
    auto part = i < own ? static_cast<size_t>(decoder.caches[i].model) : i - own;
    auto *cache =
        context.make<Cache>(&context.memory, static_cast<int64_t>(part), parts[part].pageBytes, parts[part].stateBytes);
    if (!cache || !session.caches.push(cache)) // the room is there
      return context.outOfMemory();
    if (i < own && decoder.caches[i].shared)
      cache->index = &session.model->index;
    cache->tokenless = i < own && decoder.caches[i].tokenless;
    const quoin_program_model_t &table = *parts[part].table;
    int64_t once = 0;
    for (int32_t c = kFirstColumn; c < table.operands_count; ++c)
      (isOnce(table, c) ? once : cache->slotBytes) += packedBytes(table.operands[c]);
    if (!cache->once.resize(static_cast<size_t>(once)))
      return context.outOfMemory();
    cache->decoder = &decoder;
    cache->number = static_cast<int64_t>(i);
  }
  std::fill(session.frame.begin(), session.frame.end(), quoin_value_t{});
  std::fill(session.kinds.begin(), session.kinds.end(), uint8_t(QUOIN_KIND_SCALAR));
  session.state.host = &kHost;
  session.state.self = &session;
  session.state.frame = session.frame.data();
  session.state.kinds = session.kinds.data();
  session.state.settings = session.settings.data();
  session.state.fill = program.fill;
  return quoin_session_set_defaults(&session);
}

quoin_status_t quoin_session_create(quoin_model_t *model, const char *decoder, quoin_session_t **out_session) {
  const quoin_program_t &program = *model->program;
  const quoin_decoder_t *found = decoder ? nullptr : program.decoders;
  for (int32_t i = 0; decoder && i < program.decoders_count; ++i)
    if (!std::strcmp(program.decoders[i].name, decoder))
      found = &program.decoders[i];
  if (!found) {
    char names[kErrorBytes / 2] = "";
    for (int32_t i = 0; i < program.decoders_count; ++i) {
      size_t used = std::strlen(names);
      std::snprintf(names + used, sizeof(names) - used, "%s'%s'", i ? ", " : "", program.decoders[i].name);
    }
    return model->context->fail(QUOIN_STATUS_NOT_FOUND, "the model has no decoder '%s'; it has %s", decoder, names);
  }
  auto *session = model->context->make<quoin_session_t>(model, found);
  if (!session)
    return model->context->outOfMemory();
  quoin_status_t status = makeSession(*session);
  if (status != QUOIN_STATUS_OK)
    model->context->destroy(session);
  else
    *out_session = session;
  return status;
}

void quoin_session_destroy(quoin_session_t *session) {
  if (session)
    session->context()->destroy(session);
}

// ---- Preparing
// --------------------------------------------------------------------------------------------------------

quoin_status_t quoin::rt::checkIdle(quoin_session_t &session) {
  if (session.phase == Phase::Preparing || session.phase == Phase::Finished)
    return QUOIN_STATUS_OK;
  return session.context()->fail(QUOIN_STATUS_INVALID_ARGUMENT,
                                 "expects a session that is not running, but it has begun");
}

quoin_status_t quoin_session_prompt(quoin_session_t *session, const int32_t *ids, size_t count) {
  quoin_context_t &context = *session->context();
  const quoin_program_t &program = *session->model->program;
  if (quoin_status_t status = checkIdle(*session))
    return status;
  if (count == 0 && !session->decoder->inputs_count && !session->decoder->outputs_count)
    return context.fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects a prompt of at least one token, but it is empty");
  if (count > static_cast<uint64_t>(program.capacity))
    return context.fail(QUOIN_STATUS_CAPACITY, "expects a prompt of at most %lld tokens (the capacity), but it has %zu",
                        static_cast<long long>(program.capacity), count);
  for (size_t i = 0; i < count; ++i)
    if (ids[i] < 0 || ids[i] >= program.vocabulary)
      return context.fail(QUOIN_STATUS_INVALID_ARGUMENT,
                          "expects ids in [0, %lld) (the vocabulary), but id %zu of the prompt is %d",
                          static_cast<long long>(program.vocabulary), i, ids[i]);
  if (!session->prompt.assign(ids, count))
    return context.outOfMemory();
  session->prompted = true;
  session->outputs.clear();
  session->textTokens.clear();
  session->textOpen.clear();
  session->trace.read.clear();
  session->phase = Phase::Preparing;
  session->status = QUOIN_STATUS_OK;
  session->error[0] = 0;
  session->forwards = session->draftEvaluations = 0;
  session->prefillTokens = session->sharedTokens = session->rows = 0;
  quoin_state_t &state = session->state;
  state.resume = state.evaluations = state.frame_used = 0;
  state.status = 0;
  state.forward = {};
  state.score = {};
  state.apply = {};
  state.logits = nullptr;
  state.result = nullptr;
  state.result_from = state.result_to = 0;
  for (Arena &arena : session->arenas)
    arena.reset();
  // What a mask lets stay valid is only known within one run.
  for (Cache *cache : session->caches)
    cache->valid = 0;
  return QUOIN_STATUS_OK;
}

quoin_status_t quoin_session_set_max_tokens(quoin_session_t *session, int64_t max_tokens) {
  if (quoin_status_t status = checkIdle(*session))
    return status;
  if (max_tokens < 1 || max_tokens > INT32_MAX)
    return session->context()->fail(QUOIN_STATUS_INVALID_ARGUMENT,
                                    "expects max_tokens of at least 1 and below 2^31, but it is %lld",
                                    static_cast<long long>(max_tokens));
  session->maxTokens = max_tokens;
  return QUOIN_STATUS_OK;
}

quoin_status_t quoin_session_set_stops(quoin_session_t *session, const int32_t *ids, size_t count) {
  if (quoin_status_t status = checkIdle(*session))
    return status;
  return session->stops.assign(ids, count) ? QUOIN_STATUS_OK : session->context()->outOfMemory();
}

quoin_status_t quoin_session_set_max_rounds(quoin_session_t *session, int64_t max_rounds) {
  if (quoin_status_t status = checkIdle(*session))
    return status;
  if (max_rounds < 1)
    return session->context()->fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects at least 1 round, but found %lld",
                                    static_cast<long long>(max_rounds));
  session->maxRounds = max_rounds;
  return QUOIN_STATUS_OK;
}

quoin_status_t quoin_session_set_seed(quoin_session_t *session, uint64_t seed) {
  if (quoin_status_t status = checkIdle(*session))
    return status;
  session->seed = seed;
  return QUOIN_STATUS_OK;
}

quoin_status_t quoin_session_listen(quoin_session_t *session, quoin_event_fn fn, void *self) {
  if (quoin_status_t status = checkIdle(*session))
    return status;
  session->trace.fn = fn;
  session->trace.self = self;
  return QUOIN_STATUS_OK;
}

// ---- Running
// ----------------------------------------------------------------------------------------------------------

quoin_status_t quoin_session_begin(quoin_session_t *session) {
  if (session->phase != Phase::Preparing || !session->prompted)
    return session->context()->fail(QUOIN_STATUS_INVALID_ARGUMENT,
                                    "expects a session with a prompt that has not begun");
  DefaultArithmetic arithmetic;
  begin(*session);
  return session->status;
}

int32_t quoin_session_finished(const quoin_session_t *session) { return session->phase == Phase::Finished; }

quoin_status_t quoin_session_status(const quoin_session_t *session) { return session->status; }

const char *quoin_session_error(const quoin_session_t *session) { return session->error; }

void quoin_session_cancel(quoin_session_t *session) {
  if (session->phase != Phase::Finished)
    session->fail(QUOIN_STATUS_CANCELLED, "cancelled by the host");
}

quoin_status_t quoin_session_result(const quoin_session_t *session, quoin_result_t *out_result) {
  if (session->phase != Phase::Finished)
    return session->context()->fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects a session that is finished, but it is not");
  if (session->status != QUOIN_STATUS_OK)
    return session->context()->fail(session->status, "%s", session->error);
  const quoin_state_t &state = session->state;
  quoin_result_t result = {};
  result.ids = state.result->tokens + state.result_from;
  result.count = static_cast<size_t>(state.result_to - state.result_from);
  const int32_t *end = result.ids + result.count;
  const int32_t *stop = std::find_first_of(result.ids, end, session->stops.begin(), session->stops.end());
  result.stopped = stop != end;
  result.shown = std::min(static_cast<size_t>(stop - result.ids), static_cast<size_t>(session->maxTokens));
  result.evaluations = state.evaluations;
  result.forwards = session->forwards;
  result.prefill_tokens = session->prefillTokens;
  result.shared_tokens = session->sharedTokens;
  result.rows = session->rows;
  *out_result = result;
  return QUOIN_STATUS_OK;
}

int64_t quoin_session_draft_evaluations(const quoin_session_t *session) {
  return session->phase == Phase::Finished && session->status == QUOIN_STATUS_OK ? session->draftEvaluations : 0;
}

quoin_status_t quoin_generate(quoin_session_t *session, quoin_event_fn fn, void *self) {
  if (fn)
    if (quoin_status_t status = quoin_session_listen(session, fn, self))
      return status;
  while (session->phase != Phase::Finished)
    if (quoin_status_t status = quoin_sessions_step(&session, 1))
      return status;
  return session->status;
}
