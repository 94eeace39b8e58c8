// ChatTemplate.cpp - what `transformers` does around a template: which one is taken, and what it is given.

#include "runtime/tokenizer/ChatTemplate.h"
#include "runtime/tokenizer/StrictJson.h"
#include "runtime/tokenizer/Unicode.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <exception>

using namespace quoin;
using Json = nlohmann::ordered_json;

/// As deep as the values of templates may nest.
static constexpr size_t mostValueDepth = 200;

/// What the families that state no template were trained on.
static constexpr std::string_view chatML = R"({%- for message in messages -%}
{%- if message.content is not string -%}
{{- raise_exception('ChatML takes texts only, and the checkpoint states no template of its own') -}}
{%- endif -%}
{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%})";

ChatTemplate::ChatTemplate(const TokenizerConfig &config, bool knowsChatML) {
  for (const TokenizerConfig::Template &each : config.templates) {
    Entry entry{each.name, each.file, nullptr, ""};
    entry.parsed = jinja::Template::parse(each.text, entry.error);
    entries.push_back(std::move(entry));
  }
  stated = !entries.empty();
  unnamed = config.templateUnnamed;
  if (!stated && knowsChatML) {
    Entry entry{"default", "ChatML", nullptr, ""};
    entry.parsed = jinja::Template::parse(chatML, entry.error);
    entries.push_back(std::move(entry));
    unnamed = true;
  }
  for (const auto &[key, token] : config.named)
    tokens.emplace_back(key, token.content);
}

std::vector<std::string> ChatTemplate::problems() const {
  std::vector<std::string> lines;
  for (const Entry &entry : entries) {
    const std::string where = "the chat template" + (unnamed ? "" : " '" + forMessage(entry.name) + "'") + " of '" +
                              forMessage(entry.file) + "': ";
    if (!entry.parsed)
      lines.push_back(where + entry.error);
    else
      for (const std::string &line : entry.parsed->unsupported())
        lines.push_back(where + line);
  }
  return lines;
}

const ChatTemplate::Entry *ChatTemplate::choose(bool tools, std::string &error) const {
  if (entries.empty()) {
    error = "expects a chat template, but the checkpoint states none and its tokenizer has no ChatML tokens; give a "
            "plain prompt";
    return nullptr;
  }
  if (unnamed)
    return &entries[0];
  auto named = [&](std::string_view name) -> const Entry * {
    for (const Entry &entry : entries)
      if (entry.name == name)
        return &entry;
    return nullptr;
  };
  const Entry *chosen = tools ? named("tool_use") : nullptr;
  if (!chosen)
    chosen = named("default");
  if (!chosen)
    error = "expects a chat template with the name 'default', but found '" + forMessage(entries[0].name) + "'" +
            (entries.size() > 1 ? " and others" : "");
  return chosen;
}

/// A message as templates get it: what is null is not there, and reasoning goes by all of its names.
static Json plainMessage(const Json &message) {
  Json out = Json::object();
  const Json *reasoning = nullptr;
  for (const char *key : {"reasoning_content", "thinking", "reasoning"})
    if (auto found = message.find(key); !reasoning && found != message.end() && !found->is_null())
      reasoning = &*found;
  if (reasoning)
    out["thinking"] = *reasoning;
  for (const auto &[key, value] : message.items())
    if (!value.is_null())
      out[key] = value;
  if (reasoning)
    out["reasoning_content"] = *reasoning;
  return out;
}

static bool readMessages(const Json &request, Json &messages, std::string &error) {
  auto found = request.find("messages");
  if (found == request.end() || !found->is_array() || found->empty()) {
    error = "expects a list of at least one message as 'messages', but found " +
            (found == request.end() ? "none" : forMessage(found->dump(-1, ' ', false, Json::error_handler_t::replace)));
    return false;
  }
  messages = Json::array();
  for (const Json &message : *found) {
    if (!message.is_object()) {
      error = "expects objects as 'messages', but found " +
              forMessage(message.dump(-1, ' ', false, Json::error_handler_t::replace));
      return false;
    }
    messages.push_back(plainMessage(message));
  }
  return true;
}

ChatTemplate::Outcome ChatTemplate::render(std::string_view text, std::string &out, std::string &error,
                                           std::vector<std::string> *unread, std::time_t now) const {
  // Copies of values go as deep as they nest.
  if (const size_t depth = jsonDepth(text); depth > mostValueDepth) {
    error =
        "expects JSON nested at most " + std::to_string(mostValueDepth) + " deep, but found " + std::to_string(depth);
    return Outcome::BadRequest;
  }
  try {
    const Json request = Json::parse(text, nullptr, false);
    Json messages;
    if (!request.is_object()) {
      error = std::string("expects a JSON object with 'messages', but ") +
              (request.is_discarded() ? "the text is no JSON in UTF-8"
                                      : "it is a JSON " + std::string(request.type_name()));
      return Outcome::BadRequest;
    }
    if (!readMessages(request, messages, error))
      return Outcome::BadRequest;
    auto tools = request.find("tools");
    const Entry *entry = choose(tools != request.end() && !tools->is_null(), error);
    if (!entry)
      return Outcome::NoTemplate;
    const std::string where = stated ? "the chat template of '" + forMessage(entry->file) + "': " : "";
    if (!entry->parsed) {
      error = where + entry->error;
      return Outcome::Refused;
    }
    Json variables = Json::object();
    for (const auto &[key, token] : tokens)
      variables[key] = token;
    variables["tools"] = nullptr;
    variables["documents"] = nullptr;
    variables["add_generation_prompt"] = true;
    for (const auto &[key, value] : request.items()) {
      if (key == "continue_final_message" && value != false) {
        error = "'continue_final_message' is not supported";
        return Outcome::BadRequest;
      }
      variables[key] = value;
      if (unread && key != "messages" && !value.is_null() && !entry->parsed->reads(key))
        unread->push_back(key);
    }
    variables["messages"] = std::move(messages);
    if (entry->parsed->render(variables, out, error, {}, now))
      return Outcome::Done;
    error = where + error;
  } catch (const std::exception &) {
    error = "expects enough memory for a conversation of " + std::to_string(text.size()) + " bytes, but there is not";
  }
  return Outcome::Refused;
}
