// Metrics.cpp: the page that Prometheus reads, in its text format 0.0.4.

#include "Metrics.h"

#include <algorithm>
#include <cstdio>

using namespace quoin;

void Histogram::add(double value) {
  std::lock_guard lock(mutex);
  ++counts[static_cast<size_t>(std::lower_bound(kBounds.begin(), kBounds.end(), value) - kBounds.begin())];
  sum += value;
  ++all;
}

static std::string decimal(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%.9g", value);
  return text;
}

static std::string head(const std::string &name, const std::string &help, const char *type) {
  return "# HELP " + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
}

std::string Histogram::text(const std::string &name, const std::string &help) const {
  std::lock_guard lock(mutex);
  std::string page = head(name, help, "histogram");
  uint64_t below = 0;
  for (size_t i = 0; i < kBounds.size(); ++i) {
    below += counts[i];
    page += name + "_bucket{le=\"" + decimal(kBounds[i]) + "\"} " + std::to_string(below) + "\n";
  }
  page += name + "_bucket{le=\"+Inf\"} " + std::to_string(all) + "\n";
  return page + name + "_sum " + decimal(sum) + "\n" + name + "_count " + std::to_string(all) + "\n";
}

std::string Metrics::text() const {
  std::string page;
  auto one = [&](const std::string &name, const std::string &help, const char *type, auto value) {
    page += head(name, help, type) + name + " " + std::to_string(value) + "\n";
  };
  one("quoin_queue_length", "Answers that wait for a place in the batch.", "gauge", queued.load());
  one("quoin_sessions", "Answers that are being made.", "gauge", running.load());
  one("quoin_connections", "Open connections.", "gauge", connections.load());
  one("quoin_connections_refused_total", "Connections that found no thread.", "counter", refusedConnections.load());
  one("quoin_connections_closed_total", "Idle connections that were closed to make room for others.", "counter",
      closedConnections.load());
  one("quoin_steps_total", "Steps of the batch.", "counter", steps.load());
  one("quoin_session_steps_total", "Sessions in all steps: divided by the steps, how full the batch is.", "counter",
      sessionSteps.load());
  one("quoin_rows_total", "Rows of the model for answers that have ended: divided by the steps, rows a step.",
      "counter", rows.load());
  one("quoin_forwards_total", "Calls of the model for answers that have ended.", "counter", forwards.load());
  one("quoin_tokens_total", "Tokens of answers: divided by the forwards, tokens a forward.", "counter", tokens.load());
  one("quoin_prompt_tokens_total", "Tokens of prompts.", "counter", promptTokens.load());
  one("quoin_shared_tokens_total", "Tokens of prompts that another session had computed.", "counter",
      sharedTokens.load());
  const uint64_t perForward = forwards.load();
  page += head("quoin_tokens_per_forward", "Tokens of answers by calls of the model, since the start.", "gauge") +
          "quoin_tokens_per_forward " + decimal(perForward ? double(tokens.load()) / double(perForward) : 0) + "\n";
  page += head("quoin_answers_total", "Answers by how they ended.", "counter");
  for (const auto &[how, count] : {std::pair<const char *, uint64_t>{"stop", stopped.load()},
                                   {"length", cut.load()},
                                   {"error", failed.load()},
                                   {"cancelled", cancelled.load()}})
    page += std::string("quoin_answers_total{end=\"") + how + "\"} " + std::to_string(count) + "\n";
  {
    std::lock_guard lock(mutex);
    page += head("quoin_responses_total", "Responses by HTTP status.", "counter");
    for (const auto &[status, count] : responses)
      page += "quoin_responses_total{status=\"" + std::to_string(status) + "\"} " + std::to_string(count) + "\n";
  }
  page += stepSeconds.text("quoin_step_seconds", "Time of a step of the batch.");
  page += waitSeconds.text("quoin_queue_seconds", "Time that answers waited for a place.");
  page += answerSeconds.text("quoin_answer_seconds", "Time from a request to the end of an answer.");
  return page;
}
