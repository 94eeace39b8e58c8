// Running.cpp: see Running.h.

#include "Running.h"

#include <algorithm>

using namespace quoin;
using Clock = std::chrono::steady_clock;

ApiError quoin::errorOf(quoin_status_t status, const std::string &text) {
  switch (status) {
  case QUOIN_STATUS_CAPACITY:
    return {400, text, "", "context_length_exceeded"};
  case QUOIN_STATUS_OUT_OF_MEMORY:
    return {503, text, "", "out_of_memory"};
  case QUOIN_STATUS_INVALID_ARGUMENT:
  case QUOIN_STATUS_NOT_FOUND:
  case QUOIN_STATUS_FAILED:
    return {400, text, "", "refused_by_decoder"};
  default:
    return {500, text, "", "internal_error"};
  }
}

int32_t Running::hear(void *self, const quoin_event_t *event) {
  static_cast<Running *>(self)->note(*event);
  return 0;
}

int32_t Running::score(void *self, const quoin_scores_t *rows) {
  auto &running = *static_cast<Running *>(self);
  if (running.own.edits.any())
    editScores(&running.own.edits, rows);
  running.chances->see(*rows);
  return 0;
}

void Running::note(const quoin_event_t &event) {
  if (chances)
    chances->see(event);
  const int64_t end = std::max(event.committed_to, event.prompt_length), from = event.prompt_length + noted;
  heard.push_back({{}, event.forward + 1, event.evaluation + 1});
  if (end > from) {
    heard.back().ids.assign(event.tokens + from, event.tokens + end);
    noted = end - event.prompt_length;
  }
  if (job->provisional)
    cells = Cells{{event.tokens + end, event.tokens + std::max(event.length, end)},
                  {event.open + end, event.open + std::max(event.length, end)}};
}

bool Running::begin(JobPtr next) {
  job = std::move(next);
  settled.reset();
  chances.reset();
  heard.clear();
  waiting.clear();
  cells.reset();
  fresh = {};
  noted = tokens = 0;
  settledBytes = shownBytes = 0;
  const Request &request = job->request;
  try {
    own.prepare(loaded.context.get(), loaded.model.get(), request);
  } catch (const Failure &failure) {
    fail({400, failure.text, "", "invalid_request"});
    return false;
  }
  settled = std::make_unique<SettledText>(
      loaded.tokenizer,
      request.stops.value_or(std::vector(loaded.info.stops, loaded.info.stops + loaded.info.stops_count)),
      request.maxTokens);
  stop = std::make_unique<StopText>(job->stops);
  if (job->logprobs >= 0) {
    chances = std::make_unique<Chances>(job->logprobs, loaded.info.fill);
    quoin_session_edit(session(), score, this);
  }
  quoin_session_listen(session(), hear, this);
  if (quoin_status_t status = quoin_session_begin(session()); status != QUOIN_STATUS_OK) {
    fail(errorOf(status, quoin_session_error(session())));
    return false;
  }
  metrics.waitSeconds.add(std::chrono::duration<double>(Clock::now() - job->submitted).count());
  job->tell([](Progress &progress) { progress.started = true; });
  return true;
}

/// The next token of the answer. False if it ends before.
bool Running::take(int32_t id) {
  const int64_t index = settled->taken();
  std::string text = settled->settle(&id, 1);
  if (settled->ended())
    return false;
  ++tokens;
  if (chances) {
    TokenChance chance;
    if (!chances->of(static_cast<int64_t>(job->request.ids.size()) + index, id, chance)) {
      fail({400,
            "the decoder does not say which scores the token at position " + std::to_string(index) +
                " of the answer was chosen by, so there are no logprobs",
            "logprobs", "unsupported_value"});
      return false;
    }
    chance.from = settledBytes;
    chance.to = settledBytes + text.size();
    waiting.push_back(std::move(chance));
  }
  settledBytes += text.size();
  show(stop->take(text));
  return !stop->found();
}

void Running::show(const std::string &text) {
  fresh.text += text;
  shownBytes += text.size();
  release(false);
}

/// Chances go with the text of their tokens.
void Running::release(bool last) {
  while (!waiting.empty() && (waiting.front().from < shownBytes || (waiting.front().to <= shownBytes && !last))) {
    fresh.chances.push_back(std::move(waiting.front()));
    waiting.pop_front();
  }
}

void Running::flush(const std::optional<Answered> &answered, const std::optional<ApiError> &error) {
  if (cells) {
    std::vector<ProvisionalToken> list(cells->tokens.size());
    for (size_t i = 0; i < list.size(); ++i)
      list[i] = {cells->open[i] != 0, cells->open[i] ? "" : decode(loaded.tokenizer, &cells->tokens[i], 1, true)};
    fresh.provisional = std::move(list);
    cells.reset();
  }
  if (fresh.empty() && !answered && !error)
    return;
  job->tell([&](Progress &progress) {
    if (!fresh.empty())
      progress.add(std::move(fresh));
    progress.answered = answered;
    progress.error = error;
  });
  fresh = {};
}

void Running::free() {
  quoin_session_cancel(session());
  job.reset();
}

void Running::fail(const ApiError &error) {
  ++metrics.failed;
  cells.reset();
  flush({}, error);
  if (own.session)
    free();
  job.reset();
}

void Running::drop() {
  ++metrics.cancelled;
  free();
}

void Running::answer(const char *reason, int64_t forwards, int64_t evaluations, int64_t shared) {
  ++(reason[0] == 's' ? metrics.stopped : metrics.cut);
  metrics.tokens += static_cast<uint64_t>(tokens);
  metrics.forwards += static_cast<uint64_t>(forwards);
  metrics.promptTokens += job->request.ids.size();
  metrics.sharedTokens += static_cast<uint64_t>(shared);
  metrics.answerSeconds.add(std::chrono::duration<double>(Clock::now() - job->submitted).count());
  cells.reset();
  flush(Answered{reason, tokens, evaluations, forwards, shared});
  free();
}

void Running::afterStep() {
  std::vector<Heard> news = std::move(heard);
  heard.clear();
  for (const Heard &one : news)
    for (int32_t id : one.ids) {
      if (take(id))
        continue;
      if (!job)
        return;
      if (stop->found())
        return answer("stop", one.forwards, one.evaluations, 0);
    }
  if (quoin_session_finished(session()))
    return finish();
  flush();
}

void Running::finish() {
  if (quoin_status_t status = quoin_session_status(session()); status != QUOIN_STATUS_OK)
    return fail(errorOf(status, quoin_session_error(session())));
  quoin_result_t result;
  quoin_session_result(session(), &result);
  metrics.rows += static_cast<uint64_t>(result.rows);
  for (size_t i = static_cast<size_t>(settled->taken()); i < result.shown; ++i)
    if (!take(result.ids[i])) {
      if (!job)
        return;
      break;
    }
  if (!stop->found())
    show(stop->take(settled->rest()));
  if (!stop->found())
    show(stop->rest());
  bool stopped = stop->found() || result.stopped;
  release(true);
  answer(stopped ? "stop" : "length", result.forwards, result.evaluations, result.shared_tokens);
}
