// RunBatch.cpp: runs requests, some of them at a time: when a session is finished, the next request takes its place.

#include "Display.h"
#include "TraceFile.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>

using namespace quoin;
using json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

namespace {

/// ASCII only: a text may hold characters that some readers take for the end of a line.
std::string dump(const json &value) { return value.dump(-1, ' ', true, json::error_handler_t::replace); }

/// A place of the batch.
struct Place {
  RequestSession own;
  size_t request = 0;
  bool busy = false;
  Clock::time_point begun = {};
  TraceFile *trace = nullptr; // null: not wanted
  Display *display = nullptr;

  quoin_session_t *session() const { return own.session.get(); }
};

std::vector<TraceRecord::Change> changes(const quoin_change_t *change, size_t count) {
  std::vector<TraceRecord::Change> list;
  for (size_t i = 0; i < count; ++i)
    list.push_back({change[i].position, change[i].token, double(change[i].confidence)});
  return list;
}

int32_t listen(void *self, const quoin_event_t *event) {
  auto &place = *static_cast<Place *>(self);
  if (place.trace)
    place.trace->add(place.request,
                     {event->evaluation, event->forward, changes(event->filled, event->filled_count),
                      changes(event->edited, event->edited_count), event->committed_from, event->committed_to});
  if (place.display)
    place.display->event(*event);
  return 0;
}

class Runner {
public:
  Runner(quoin_context_t *context, const Options &options, std::vector<Request> &requests)
      : context(context), options(options), requests(requests) {
    model = loadModel(context, options.out);
    tokenizer = quoin_model_tokenizer(model.get());
  }

  /// False if a request failed.
  bool run();

  std::vector<Outcome> *outcomes = nullptr; // not null: answers go there instead of being printed

private:
  void expect(quoin_status_t status) {
    if (status != QUOIN_STATUS_OK)
      throw Failure{quoin_context_last_error(context)};
  }
  void encodePrompt(Request &request);
  void prepare(Place &place, size_t index);
  void check();
  void finish(Place &place);
  void settle(size_t index, std::string text);
  std::string answer(const quoin_result_t &result, int64_t drafts, double seconds);
  void statistics(const quoin_result_t &result, double seconds);

  quoin_context_t *context;
  const Options &options;
  std::vector<Request> &requests;
  ModelPtr model;
  quoin_tokenizer_t *tokenizer;
  std::unique_ptr<Display> display;
  std::unique_ptr<TraceFile> trace;
  std::vector<std::optional<std::string>> done; // answers that wait for those before them
  size_t printed = 0;
};

void Runner::encodePrompt(Request &request) {
  if (!request.text && request.conversation.empty())
    return;
  if (!tokenizer)
    throw Failure{"'" + options.out + "' has no tokenizer; give ids"};
  request.ids = promptOf(tokenizer, request, context).ids;
}

/// What the decoder gave by name; what it never gave is left out.
static std::vector<RequestTensor> outputsOf(const quoin_session_t *session) {
  std::vector<RequestTensor> outputs;
  for (size_t i = 0, count = quoin_session_outputs(session); i < count; ++i) {
    quoin_named_tensor_t given;
    if (quoin_session_output(session, i, &given) != QUOIN_STATUS_OK || !given.data)
      continue;
    RequestTensor output;
    output.name = given.name;
    output.shape.assign(given.sizes, given.sizes + given.rank);
    int64_t elements = 1;
    for (int64_t size : output.shape)
      elements *= size;
    auto copy = [&](const auto *data, auto &to) { to.assign(data, data + elements); };
    if (given.dtype == QUOIN_DTYPE_F32) {
      copy(static_cast<const float *>(given.data), output.reals);
    } else if (given.dtype == QUOIN_DTYPE_I32) {
      output.kind = RequestTensor::Kind::I32;
      copy(static_cast<const int32_t *>(given.data), output.integers);
    } else {
      output.kind = RequestTensor::Kind::I64;
      copy(static_cast<const int64_t *>(given.data), output.integers);
    }
    outputs.push_back(std::move(output));
  }
  return outputs;
}

/// Makes the place ready for its next request.
void Runner::prepare(Place &place, size_t index) {
  place.own.prepare(context, model.get(), requests[index], options.maxRounds);
  place.request = index;
  place.busy = true;
}

std::string Runner::answer(const quoin_result_t &result, int64_t drafts, double seconds) {
  std::string text = decode(tokenizer, result.ids, result.shown, true);
  if (!options.json) {
    for (size_t i = 0; !tokenizer && i < result.shown; ++i)
      text += (i ? "," : "") + std::to_string(result.ids[i]);
    return text + "\n";
  }
  json fields = {{"ids", std::vector<int32_t>(result.ids, result.ids + result.count)},
                 {"text", text},
                 {"stop", result.stopped ? "stop" : "length"},
                 {"evaluations", result.evaluations},
                 {"forwards", result.forwards},
                 {"prefill_tokens", result.prefill_tokens},
                 {"shared_tokens", result.shared_tokens},
                 {"rows", result.rows},
                 {"seconds", seconds},
                 {"tokens_per_second", seconds > 0 ? double(result.count) / seconds : 0.0}};
  if (drafts > 0)
    fields["draft_evaluations"] = drafts;
  return dump(fields) + "\n";
}

void Runner::statistics(const quoin_result_t &result, double seconds) {
  double tokens = double(result.count);
  std::fprintf(stderr, "%zu tokens in %.2f s: %.1f tokens per second, %lld forwards, %.2f tokens per forward\n",
               result.count, seconds, seconds > 0 ? tokens / seconds : 0.0, static_cast<long long>(result.forwards),
               result.forwards ? tokens / double(result.forwards) : 0.0);
}

/// The answer of a request is there, or its error: prints all that is due.
void Runner::settle(size_t index, std::string text) {
  done[index] = std::move(text);
  for (; printed < done.size() && done[printed]; ++printed) {
    std::string due = std::move(*done[printed]);
    if (const Request &request = requests[printed]; !request.error.empty()) {
      due = reportError(request, request.error);
      if (!options.json)
        continue;
    }
    std::fputs(due.c_str(), stdout);
    std::fflush(stdout);
  }
}

void Runner::finish(Place &place) {
  Request &request = requests[place.request];
  place.busy = false;
  if (quoin_session_status(place.session()) != QUOIN_STATUS_OK) {
    request.error = quoin_session_error(place.session());
    if (options.single || outcomes)
      throw Failure{request.where + request.error};
    return settle(place.request, "");
  }
  quoin_result_t result;
  expect(quoin_session_result(place.session(), &result));
  double seconds = std::chrono::duration<double>(Clock::now() - place.begun).count();
  if (trace)
    trace->end(place.request, result.forwards);
  if (outcomes) {
    (*outcomes)[place.request] = {
        {result.ids, result.ids + result.shown}, result.evaluations, result.forwards, result.rows, seconds};
    return;
  }
  if (!options.outputs.empty()) {
    writeOutputs(options.outputs, {result.ids, result.ids + result.count}, outputsOf(place.session()));
    if (!options.json)
      return;
  }
  if (place.display) {
    place.display->finish(result);
    return statistics(result, seconds);
  }
  settle(place.request, answer(result, quoin_session_draft_evaluations(place.session()), seconds));
}

/// Whatever a request can be refused for is found before the first of them does any work or prints.
void Runner::check() {
  Place trial;
  for (size_t i = 0; i < requests.size(); ++i) {
    if (requests[i].error.empty())
      try {
        encodePrompt(requests[i]);
        prepare(trial, i);
        expect(quoin_session_begin(trial.session()));
        quoin_session_cancel(trial.session());
      } catch (const Failure &failure) {
        requests[i].error = failure.text;
      }
    if (!requests[i].error.empty() && (options.single || outcomes))
      throw Failure{requests[i].where + requests[i].error};
  }
}

bool Runner::run() {
  check();
  if (!options.trace.empty())
    trace = std::make_unique<TraceFile>(options.trace, [this](int32_t id) {
      return tokenizer ? decode(tokenizer, &id, 1, false) : std::to_string(id) + " ";
    });
  if (options.single && !options.json && tokenizer && !outcomes && options.outputs.empty()) {
    quoin_model_info_t info;
    quoin_model_info(model.get(), &info);
    std::vector<int32_t> stops(info.stops, info.stops + info.stops_count);
    display = std::make_unique<Display>(tokenizer, requests[0], requests[0].stops.value_or(stops), options.showSteps);
  }
  done.resize(requests.size());
  std::vector<Place> places(std::min(static_cast<size_t>(options.batch), requests.size()));
  std::vector<quoin_session_t *> running;
  for (size_t next = 0;;) {
    running.clear();
    for (Place &place : places) {
      for (; !place.busy && next < requests.size() && !requests[next].error.empty(); ++next)
        settle(next, "");
      if (!place.busy && next < requests.size()) {
        place.trace = trace.get();
        place.display = display.get();
        place.begun = Clock::now();
        prepare(place, next++);
        if (trace)
          trace->begin(place.request, place.own.decoder, requests[place.request].ids);
        bool heard = place.trace || place.display;
        expect(quoin_session_listen(place.session(), heard ? listen : nullptr, &place));
      }
      if (place.busy)
        running.push_back(place.session());
    }
    if (running.empty())
      break;
    expect(quoin_sessions_step(running.data(), running.size()));
    for (Place &place : places)
      if (place.busy && quoin_session_finished(place.session()))
        finish(place);
  }
  if (trace)
    trace->finish();
  return std::all_of(requests.begin(), requests.end(), [](const Request &request) { return request.error.empty(); });
}

} // namespace

std::vector<Outcome> quoin::collect(quoin_context_t *context, const Options &options, std::vector<Request> requests) {
  std::vector<Outcome> outcomes(requests.size());
  Runner runner(context, options, requests);
  runner.outcomes = &outcomes;
  runner.run();
  return outcomes;
}

bool quoin::runBatch(quoin_context_t *context, const Options &options, std::vector<Request> requests) {
  return Runner(context, options, requests).run();
}
