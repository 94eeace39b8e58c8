// ReadRequest.cpp: see ReadRequest.h. What cannot be done as it is asked for is refused by its name, not left out.

#include "ReadRequest.h"
#include "Limits.h"

#include "support/JsonText.h"
#include "tools/quoin-run/RequestJson.h"

#include <algorithm>
#include <cmath>

using namespace quoin;
using json = nlohmann::ordered_json;

namespace {

std::string shownValue(const json &value) {
  return shortened(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

[[noreturn]] void refuse(const std::string &field, const std::string &expects, const json &found,
                         const char *code = "invalid_value") {
  throw ApiError{400, "'" + field + "' expects " + expects + ", but found " + shownValue(found), field, code};
}

constexpr int64_t kExact = int64_t(1) << 53; // whole numbers up to here are numbers of JSON

bool readBool(const json &value, const std::string &field) {
  if (!value.is_boolean())
    refuse(field, "true or false", value, "invalid_type");
  return value.get<bool>();
}

int64_t readWhole(const json &value, const std::string &field, int64_t low, int64_t high) {
  const std::string range = "a whole number from " + std::to_string(low) + " to " + std::to_string(high);
  // JSON has one kind of numbers: 3.0 is 3.
  double real = value.is_number() ? value.get<double>() : NAN;
  if (!(real == std::floor(real) && std::fabs(real) <= 9e15))
    refuse(field, range, value, "invalid_type");
  auto whole = static_cast<int64_t>(real);
  if (whole < low || whole > high)
    refuse(field, range, value);
  return whole;
}

double readReal(const json &value, const std::string &field, double low, double high) {
  char range[80];
  std::snprintf(range, sizeof(range), "a number from %g to %g", low, high);
  if (!value.is_number())
    refuse(field, range, value, "invalid_type");
  double real = value.get<double>();
  if (!(real >= low && real <= high))
    refuse(field, range, value);
  return real;
}

/// Reads the fields of a body, one after the other, into what requestOf takes.
class BodyReader {
public:
  BodyReader(bool chat, const std::string &model, const ModelFacts &facts) : model(model), facts(facts) {
    asked.chat = chat;
  }

  ApiRequest read(const json &body);

private:
  void field(const std::string &key, const json &value);
  bool chatField(const std::string &key, const json &value);
  bool textField(const std::string &key, const json &value);
  bool commonField(const std::string &key, const json &value);
  void messages(const json &value);
  void prompts(const json &value);
  void stops(const json &value);
  void own(const json &value);
  void templateVariables(const json &value);
  void bias(const json &value);

  const std::string &model;
  const ModelFacts &facts;
  ApiRequest asked;
  json line = json::object(); // of a request of ours, without its prompt
  json settings = json::object();
  json variables = json::object();
  std::vector<json> sources; // {"prompt": ..}, {"ids": ..} or {"messages": ..}
  bool wantsChances = false;
  int64_t alternatives = 0;
  bool alternativesGiven = false;
};

/// The text of a message: itself, or its parts one after the other.
json contentOf(const json &content, const std::string &where) {
  if (content.is_string() || content.is_null())
    return content;
  if (!content.is_array())
    refuse(where, "a text or a list of parts", content, "invalid_type");
  std::string text;
  for (const json &part : content) {
    if (!part.is_object() || part.value("type", json()) != "text" || !part.contains("text") ||
        !part["text"].is_string() || part.size() != 2)
      refuse(where, "parts {\"type\": \"text\", \"text\": ..}", part, "unsupported_value");
    text += part["text"].get<std::string>();
  }
  return text;
}

void BodyReader::messages(const json &value) {
  if (!value.is_array() || value.empty())
    refuse("messages", "a list of at least one message", value);
  json list = json::array();
  for (size_t i = 0; i < value.size(); ++i) {
    const std::string where = "messages[" + std::to_string(i) + "]";
    const json &message = value[i];
    if (!message.is_object())
      refuse(where, "an object", message, "invalid_type");
    json made = json::object();
    for (const auto &[key, member] : message.items()) {
      if (key == "role") {
        static const char *const roles[] = {"system", "developer", "user", "assistant", "tool"};
        if (!member.is_string() || std::find(std::begin(roles), std::end(roles), member) == std::end(roles))
          refuse(where + ".role", "one of system, developer, user, assistant, tool", member);
        made[key] = member == "developer" ? json("system") : member; // the newer name of the same
      } else if (key == "content") {
        made[key] = contentOf(member, where + ".content");
      } else if (key == "name" || key == "reasoning_content" || key == "tool_call_id") {
        if (!member.is_string() && !member.is_null())
          refuse(where + "." + key, "a text", member, "invalid_type");
        made[key] = member;
      } else if (!member.is_null()) { // what answers have in other fields is null here
        throw ApiError{400, "a message has no field '" + shortened(key) + "' that is known here", where,
                       "unknown_parameter"};
      }
    }
    if (!made.contains("role"))
      throw ApiError{400, where + " expects a role, but has none", where, "missing_required_parameter"};
    if (!made.contains("content") || (made["content"].is_null() && made["role"] != "assistant"))
      throw ApiError{400, where + " expects a content, but has none", where, "missing_required_parameter"};
    if (made["content"].is_null())
      made["content"] = "";
    list.push_back(std::move(made));
  }
  sources.push_back({{"messages", std::move(list)}});
}

void BodyReader::prompts(const json &value) {
  auto ids = [&](const json &list) {
    for (const json &id : list)
      readWhole(id, "prompt", 0, facts.vocabulary - 1);
    if (list.empty())
      refuse("prompt", "at least one token", list);
    sources.push_back({{"ids", list.get<std::vector<int32_t>>()}});
  };
  auto text = [&](const json &one) { sources.push_back({{"prompt", one}}); };
  if (value.is_string())
    return text(value);
  if (!value.is_array() || value.empty() || (!value[0].is_number() && value.size() > kMostPrompts))
    refuse("prompt", "a text, a list of texts, a list of ids or a list of such lists", value);
  if (value[0].is_number())
    return ids(value);
  for (const json &one : value) {
    if (one.type() != value[0].type() || !(one.is_string() || one.is_array()))
      refuse("prompt", "a text, a list of texts, a list of ids or a list of such lists", value);
    one.is_string() ? text(one) : ids(one);
  }
}

void BodyReader::stops(const json &value) {
  const std::string expects = "a text or a list of at most " + std::to_string(kMostStops) + " texts, each of 1 to " +
                              std::to_string(kLongestStop) + " bytes";
  const json list = value.is_string() ? json::array({value}) : value;
  if (!list.is_array() || list.size() > kMostStops)
    refuse("stop", expects, value);
  for (const json &one : list) {
    if (!one.is_string() || one.get_ref<const std::string &>().empty() ||
        one.get_ref<const std::string &>().size() > kLongestStop)
      refuse("stop", expects, value);
    asked.stops.push_back(one.get<std::string>());
  }
}

void BodyReader::bias(const json &value) {
  if (!value.is_object())
    refuse("logit_bias", "an object of ids and numbers", value, "invalid_type");
  for (const auto &[id, amount] : value.items())
    readReal(amount, "logit_bias", -100, 100);
  line["logit_bias"] = value;
}

/// `quoin`: what these models have and OpenAI's do not. Names that are none of the fields are settings of the decoder.
void BodyReader::own(const json &value) {
  if (!value.is_object())
    refuse("quoin", "an object", value, "invalid_type");
  for (const auto &[key, member] : value.items()) {
    const std::string where = "quoin." + shortened(key);
    auto setting = [&](const std::string &name, const json &amount) {
      if (!amount.is_number() && !amount.is_string() && !amount.is_boolean())
        refuse(where, "a number or a word", amount, "invalid_type");
      settings[name] = amount;
    };
    if (member.is_null())
      continue;
    if (key == "decoder") {
      auto has = [&](const ModelFacts::Decoder &decoder) { return member == decoder.name; };
      if (std::none_of(facts.decoders.begin(), facts.decoders.end(), has)) {
        std::string names;
        for (const ModelFacts::Decoder &decoder : facts.decoders)
          names += (names.empty() ? "" : ", ") + decoder.name;
        refuse(where, "one of " + names, member);
      }
      line["decoder"] = member;
    } else if (key == "provisional") {
      asked.provisional = readBool(member, where);
    } else if (key == "stop_token_ids") {
      if (!member.is_array())
        refuse(where, "a list of ids", member, "invalid_type");
      for (const json &id : member)
        readWhole(id, where, 0, facts.vocabulary - 1);
      line["stop"] = member.get<std::vector<int32_t>>();
    } else if (key == "repetition_penalty") {
      line[key] = readReal(member, where, 0.01, 100);
    } else if (key == "settings") {
      if (!member.is_object())
        refuse(where, "an object", member, "invalid_type");
      for (const auto &[name, amount] : member.items())
        if (!amount.is_null())
          setting(name, amount);
    } else {
      setting(key, member);
    }
  }
}

void BodyReader::templateVariables(const json &value) {
  if (!value.is_object())
    refuse("chat_template_kwargs", "an object", value, "invalid_type");
  static const char *const taken[] = {"messages",
                                      "prompt",
                                      "chat",
                                      "system",
                                      "ids",
                                      "max_tokens",
                                      "stop",
                                      "seed",
                                      "decoder",
                                      "settings",
                                      "temperature",
                                      "top_k",
                                      "top_p",
                                      "logit_bias",
                                      "presence_penalty",
                                      "frequency_penalty",
                                      "repetition_penalty"};
  for (const auto &[key, member] : value.items()) {
    if (std::find(std::begin(taken), std::end(taken), key) != std::end(taken))
      throw ApiError{400, "'chat_template_kwargs' expects variables of the template, but has '" + key + "'",
                     "chat_template_kwargs", "invalid_value"};
    variables[key] = member;
  }
}

bool BodyReader::chatField(const std::string &key, const json &value) {
  if (key == "messages")
    messages(value);
  else if (key == "max_completion_tokens")
    line["max_tokens"] = readWhole(value, key, 1, INT32_MAX), asked.maxTokensGiven = true;
  else if (key == "logprobs")
    wantsChances = readBool(value, key);
  else if (key == "top_logprobs")
    alternatives = readWhole(value, key, 0, kMostLogprobs), alternativesGiven = true;
  else if (key == "chat_template_kwargs")
    templateVariables(value);
  else if (key == "response_format") {
    if (!value.is_object() || value != json({{"type", "text"}}))
      refuse(key, "{\"type\": \"text\"}", value, "unsupported_value");
  } else if (key == "tools" || key == "functions") {
    if (!value.is_array() || !value.empty())
      refuse(key, "nothing or an empty list, since calls of tools are not read from answers", value,
             "unsupported_value");
  } else if (key == "tool_choice" || key == "function_call") {
    if (value != "none" && value != "auto")
      refuse(key, "'none' or 'auto'", value, "unsupported_value");
  } else if (key == "modalities") {
    if (value != json::array({"text"}))
      refuse(key, "[\"text\"]", value, "unsupported_value");
  } else {
    return false;
  }
  return true;
}

bool BodyReader::textField(const std::string &key, const json &value) {
  if (key == "prompt") {
    prompts(value);
  } else if (key == "logprobs") {
    wantsChances = true;
    alternatives = readWhole(value, key, 0, kMostLogprobs);
  } else if (key == "echo") {
    if (value != false)
      refuse(key, "false", value, "unsupported_value");
  } else if (key == "best_of") {
    if (readWhole(value, key, 1, kMostChoices) != 1)
      refuse(key, "1", value, "unsupported_value");
  } else if (key == "suffix") {
    if (value != "")
      refuse(key, "nothing", value, "unsupported_value");
  } else {
    return false;
  }
  return true;
}

bool BodyReader::commonField(const std::string &key, const json &value) {
  if (key == "model") {
    if (!value.is_string())
      refuse(key, "a text", value, "invalid_type");
    if (value != model)
      throw ApiError{404, "there is no model '" + shortened(value.get<std::string>()) + "' here, but '" + model + "'",
                     "model", "model_not_found"};
  } else if (key == "max_tokens") {
    if (!asked.maxTokensGiven)
      line["max_tokens"] = readWhole(value, key, 1, INT32_MAX);
    asked.maxTokensGiven = true;
  } else if (key == "temperature") {
    settings[key] = readReal(value, key, 0, 2);
  } else if (key == "top_p") {
    settings[key] = readReal(value, key, 0, 1);
  } else if (key == "n") {
    asked.choices = readWhole(value, key, 1, kMostChoices);
  } else if (key == "stop") {
    stops(value);
  } else if (key == "stream") {
    asked.stream = readBool(value, key);
  } else if (key == "stream_options") {
    if (!value.is_object())
      refuse(key, "an object", value, "invalid_type");
    for (const auto &[name, option] : value.items())
      if (name == "include_usage" && !option.is_null())
        asked.usage = readBool(option, key + "." + name);
      else if (name != "include_usage" && name != "include_obfuscation")
        throw ApiError{400, "'stream_options' has no field '" + shortened(name) + "'", key, "unknown_parameter"};
  } else if (key == "seed") {
    // Negative ones are those of 64 bits; 3.0 is 3.
    if (value.is_number_unsigned())
      line[key] = value.get<uint64_t>();
    else
      line[key] = static_cast<uint64_t>(value.is_number_integer() ? value.get<int64_t>()
                                                                  : readWhole(value, key, -kExact, kExact));
    asked.seedGiven = true;
  } else if (key == "logit_bias") {
    bias(value);
  } else if (key == "presence_penalty" || key == "frequency_penalty") {
    line[key] = readReal(value, key, -2, 2);
  } else if (key == "quoin") {
    own(value);
  } else {
    const std::vector<std::string> &ignored = ignoredFields(asked.chat);
    return std::find(ignored.begin(), ignored.end(), key) != ignored.end();
  }
  return true;
}

void BodyReader::field(const std::string &key, const json &value) {
  if (value.is_null()) // clients write null for what they leave out
    return;
  if ((asked.chat ? chatField(key, value) : textField(key, value)) || commonField(key, value))
    return;
  throw ApiError{400,
                 std::string(asked.chat ? "a chat completion" : "a completion") + " has no field '" + shortened(key) +
                     "' that is known here",
                 shortened(key), "unknown_parameter"};
}

ApiRequest BodyReader::read(const json &body) {
  for (const auto &[key, value] : body.items())
    field(key, value);
  for (const char *needed : {"model", asked.chat ? "messages" : "prompt"})
    if (!body.contains(needed) || body[needed].is_null())
      throw ApiError{400, std::string("expects '") + needed + "', but there is none", needed,
                     "missing_required_parameter"};
  if (alternativesGiven && !wantsChances)
    throw ApiError{400, "'top_logprobs' expects logprobs to be true, but it is not", "top_logprobs", "invalid_value"};
  if (wantsChances)
    asked.logprobs = alternatives;
  if (asked.provisional && !asked.stream)
    throw ApiError{400, "'provisional' expects a stream, but 'stream' is not true", "provisional", "invalid_value"};
  if (!settings.empty())
    line["settings"] = settings;
  for (const json &source : sources) {
    json whole = line;
    whole.update(source);
    if (asked.chat)
      whole.update(variables);
    asked.prompts.push_back(requestOf(whole, {}));
    checkBias(asked.prompts.back(), facts.vocabulary);
  }
  return std::move(asked);
}

} // namespace

const std::vector<std::string> &quoin::ignoredFields(bool chat) {
  static const std::vector<std::string> both = {"user"};
  static const std::vector<std::string> ofChat = {
      "user", "metadata", "store", "service_tier", "parallel_tool_calls", "safety_identifier", "prompt_cache_key"};
  return chat ? ofChat : both;
}

ApiRequest quoin::readRequest(const std::string &body, bool chat, const std::string &model, const ModelFacts &facts) {
  try {
    return BodyReader(chat, model, facts).read(readObject(body, "the body"));
  } catch (const Failure &failure) {
    throw ApiError{400, failure.text, "", "invalid_request"};
  }
}
