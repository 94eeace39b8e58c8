// ReadRequest.h: the bodies of OpenAI's completions and chat completions, as requests of ours.
#ifndef QUOIN_SERVE_READREQUEST_H
#define QUOIN_SERVE_READREQUEST_H

#include "Job.h"
#include "Scheduler.h"

#include <nlohmann/json.hpp>

namespace quoin {

/// What a body asks for.
struct ApiRequest {
  bool chat = false;
  std::vector<Request> prompts; // one, or several of a completion; without ids where there is a text
  int64_t choices = 1;          // of each prompt
  bool stream = false, usage = false, provisional = false;
  bool maxTokensGiven = false;
  bool seedGiven = false;
  int64_t logprobs = -1; // alternatives; -1: none wanted
  std::vector<std::string> stops;
};

/// Throws ApiError, which names the field.
ApiRequest readRequest(const std::string &body, bool chat, const std::string &model, const ModelFacts &facts);

/// The fields that are taken and mean nothing here, since clients send them by themselves.
const std::vector<std::string> &ignoredFields(bool chat);

} // namespace quoin

#endif
