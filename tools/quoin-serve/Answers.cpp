// Answers.cpp: see Answers.h.

#include "Answers.h"

#include <algorithm>

using namespace quoin;
using json = nlohmann::ordered_json;

std::string quoin::dumpJson(const json &value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

static json textOrNull(const std::string &text) { return text.empty() ? json() : json(text); }

json quoin::errorObject(const ApiError &error) {
  const char *type = error.status == 401   ? "authentication_error"
                     : error.status == 429 ? "rate_limit_error"
                     : error.status >= 500 ? "server_error"
                                           : "invalid_request_error";
  return {{"error",
           {{"message", error.message},
            {"type", type},
            {"param", textOrNull(error.param)},
            {"code", textOrNull(error.code)}}}};
}

/// JSON has no infinity; OpenAI's servers write so for what cannot be.
static double bounded(double logprob) { return std::max(logprob, -9999.0); }

/// A token of half a character has no bytes of its own in what it decodes to.
static json bytesOf(const std::string &text) {
  if (text.find("\ufffd") != std::string::npos)
    return {};
  json bytes = json::array();
  for (unsigned char byte : text)
    bytes.push_back(byte);
  return bytes;
}

static json chatChance(int32_t token, double logprob, const TokenText &tokenText) {
  std::string text = tokenText(token);
  json bytes = bytesOf(text);
  return {{"token", std::move(text)}, {"logprob", bounded(logprob)}, {"bytes", std::move(bytes)}};
}

static json chatChances(const std::vector<TokenChance> &chances, const TokenText &tokenText) {
  json content = json::array();
  for (const TokenChance &chance : chances) {
    json one = chatChance(chance.token, chance.logprob, tokenText);
    one["top_logprobs"] = json::array();
    for (const auto &[token, logprob] : chance.likeliest)
      one["top_logprobs"].push_back(chatChance(token, logprob, tokenText));
    content.push_back(std::move(one));
  }
  return {{"content", std::move(content)}, {"refusal", nullptr}};
}

static size_t charactersOf(const std::string &text, size_t bytes) {
  size_t count = 0;
  for (size_t i = 0; i < std::min(bytes, text.size()); ++i)
    count += (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
  return count;
}

static json textChances(const ChoiceText &choice, const TokenText &tokenText) {
  json tokens = json::array(), logprobs = json::array(), tops = json::array(), offsets = json::array();
  for (const TokenChance &chance : choice.chances) {
    tokens.push_back(tokenText(chance.token));
    logprobs.push_back(bounded(chance.logprob));
    json top = json::object();
    for (const auto &[token, logprob] : chance.likeliest)
      top[tokenText(token)] = bounded(logprob);
    tops.push_back(std::move(top));
    size_t from = chance.from < choice.bytes ? 0 : chance.from - choice.bytes;
    offsets.push_back(choice.characters + charactersOf(choice.text, from));
  }
  return {{"tokens", std::move(tokens)},
          {"token_logprobs", std::move(logprobs)},
          {"top_logprobs", std::move(tops)},
          {"text_offset", std::move(offsets)}};
}

json quoin::usageOf(const AnswerHead &head, const std::vector<ChoiceText> &choices) {
  int64_t tokens = 0, forwards = 0, evaluations = 0, shared = 0;
  for (const ChoiceText &choice : choices)
    if (choice.answered) {
      tokens += choice.answered->tokens;
      forwards += choice.answered->forwards;
      evaluations += choice.answered->evaluations;
      shared += choice.answered->shared;
    }
  return {{"prompt_tokens", head.promptTokens},
          {"completion_tokens", tokens},
          {"total_tokens", head.promptTokens + tokens},
          {"prompt_tokens_details", {{"cached_tokens", shared}}},
          {"forwards", forwards},
          {"evaluations", evaluations},
          {"tokens_per_forward", forwards ? double(tokens) / double(forwards) : 0.0},
          {"seed", head.seed}};
}

static json headOf(const AnswerHead &head, const char *object) {
  return {{"id", head.id},
          {"object", object},
          {"created", head.created},
          {"model", head.model},
          {"choices", json::array()}};
}

json quoin::wholeAnswer(const AnswerHead &head, const std::vector<ChoiceText> &choices, bool chances,
                        const TokenText &tokenText) {
  json answer = headOf(head, head.chat ? "chat.completion" : "text_completion");
  for (size_t i = 0; i < choices.size(); ++i) {
    const ChoiceText &choice = choices[i];
    json one = {{"index", i}};
    if (head.chat)
      one["message"] = {{"role", "assistant"}, {"content", choice.text}, {"refusal", nullptr}};
    else
      one["text"] = choice.text;
    one["logprobs"] = !chances    ? json()
                      : head.chat ? chatChances(choice.chances, tokenText)
                                  : textChances(choice, tokenText);
    one["finish_reason"] = choice.answered->reason;
    answer["choices"].push_back(std::move(one));
  }
  answer["usage"] = usageOf(head, choices);
  return answer;
}

json quoin::chunkHead(const AnswerHead &head) {
  return headOf(head, head.chat ? "chat.completion.chunk" : "text_completion");
}

json quoin::chunkOf(const AnswerHead &head, size_t index, const ChoiceText &fresh, bool first, bool chances,
                    const TokenText &tokenText) {
  json chunk = chunkHead(head), one = {{"index", index}};
  if (head.chat) {
    one["delta"] = json::object();
    if (first)
      one["delta"] = {{"role", "assistant"}, {"content", ""}};
    else if (!fresh.text.empty())
      one["delta"]["content"] = fresh.text;
  } else {
    one["text"] = fresh.text;
  }
  one["logprobs"] = !chances || fresh.chances.empty() ? json()
                    : head.chat                       ? chatChances(fresh.chances, tokenText)
                                                      : textChances(fresh, tokenText);
  one["finish_reason"] = fresh.answered ? json(fresh.answered->reason) : json();
  chunk["choices"].push_back(std::move(one));
  return chunk;
}

json quoin::provisionalChunk(const AnswerHead &head, size_t index, const std::vector<ProvisionalToken> &tokens) {
  json chunk = chunkHead(head), list = json::array();
  for (const ProvisionalToken &token : tokens)
    list.push_back(token.open ? json() : json(token.text));
  chunk["quoin"] = {{"index", index}, {"provisional", std::move(list)}};
  return chunk;
}
