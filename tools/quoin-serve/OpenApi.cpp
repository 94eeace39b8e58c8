// OpenApi.cpp: the description of the API. Its schemas say what ReadRequest.cpp takes, no more and no less.

#include "Api.h"
#include "Limits.h"

using namespace quoin;
using json = nlohmann::ordered_json;

static json reference(const std::string &name) { return {{"$ref", "#/components/schemas/" + name}}; }

static json content(const json &schema, const char *type = "application/json") {
  return {{type, {{"schema", schema}}}};
}

static json failed(const char *what) { return {{"description", what}, {"content", content(reference("Error"))}}; }

/// Fields may be null, which means that they are not there.
static json orNull(json schema) { return {{"anyOf", json::array({std::move(schema), {{"type", "null"}}})}}; }

static json realFrom(double low, double high) { return {{"type", "number"}, {"minimum", low}, {"maximum", high}}; }
static json wholeFrom(int64_t low, int64_t high) { return {{"type", "integer"}, {"minimum", low}, {"maximum", high}}; }
static json listOf(json items, int64_t least, int64_t most = 0) {
  json list = {{"type", "array"}, {"items", std::move(items)}, {"minItems", least}};
  if (most)
    list["maxItems"] = most;
  return list;
}

/// A pattern of the numbers below `end`, without zeros before them, which the names of `logit_bias` are.
static std::string numbersBelow(int64_t end) {
  const std::string digits = std::to_string(end - 1); // the last one
  std::string pattern = "^(0";
  auto add = [&](const std::string &more) { pattern += "|" + more; };
  auto rest = [](size_t count) { return count ? "[0-9]{" + std::to_string(count) + "}" : std::string(); };
  for (size_t length = 1; length < digits.size(); ++length)
    add("[1-9]" + rest(length - 1));
  for (size_t i = 0; i < digits.size(); ++i) { // as the last up to here, then less
    const char low = i == 0 ? '1' : '0';
    if (digits[i] > low)
      add(digits.substr(0, i) + "[" + low + "-" + static_cast<char>(digits[i] - 1) + "]" + rest(digits.size() - i - 1));
  }
  if (digits != "0")
    add(digits);
  return pattern + ")$";
}

static json common(const std::string &model, const ModelFacts &facts) {
  json names = json::array();
  for (const ModelFacts::Decoder &decoder : facts.decoders)
    names.push_back(decoder.name);
  const json stop = {{"type", "string"}, {"minLength", 1}, {"maxLength", kLongestStop / 4}};
  json settings = {{"temperature", orNull(realFrom(0, 1e9))},
                   {"top_k", orNull(wholeFrom(0, INT32_MAX))},
                   {"top_p", orNull(realFrom(0, 1))}};
  for (const ModelFacts::Decoder &decoder : facts.decoders)
    for (const ModelFacts::Decoder::Setting &setting : decoder.settings)
      // Flags are numbers, which may be written as what they are.
      settings[setting.name] = {
          {"type", setting.word ? json::array({"string", "null"}) : json::array({"number", "boolean", "null"})}};
  json own = {{"decoder", orNull({{"type", "string"}, {"enum", names}})},
              {"provisional", {{"type", json::array({"boolean", "null"})}}},
              {"stop_token_ids", orNull(listOf(wholeFrom(0, facts.vocabulary - 1), 0))},
              {"repetition_penalty", orNull(realFrom(0.01, 100))}};
  own.update(settings);
  own["settings"] = orNull({{"type", "object"}, {"properties", settings}, {"additionalProperties", false}});
  json fields = {
      {"model", {{"type", "string"}, {"enum", json::array({model})}}},
      {"max_tokens", orNull(wholeFrom(1, facts.capacity))},
      {"temperature", orNull(realFrom(0, 2))},
      {"top_p", orNull(realFrom(0, 1))},
      {"n", orNull(wholeFrom(1, kMostChoices))},
      {"stop", {{"anyOf", json::array({stop, listOf(stop, 0, static_cast<int64_t>(kMostStops)), {{"type", "null"}}})}}},
      {"stream", {{"type", json::array({"boolean", "null"})}}},
      {"stream_options",
       orNull({{"type", "object"},
               {"properties",
                {{"include_usage", {{"type", json::array({"boolean", "null"})}}}, {"include_obfuscation", json(true)}}},
               {"additionalProperties", false}})},
      {"seed", orNull(wholeFrom(INT64_MIN, INT64_MAX))},
      {"logit_bias", orNull({{"type", "object"},
                             {"propertyNames", {{"pattern", numbersBelow(facts.vocabulary)}}},
                             {"additionalProperties", realFrom(-100, 100)}})},
      {"presence_penalty", orNull(realFrom(-2, 2))},
      {"frequency_penalty", orNull(realFrom(-2, 2))},
      {"quoin", orNull({{"type", "object"},
                        {"description", "What these decoders have, settings of a decoder among it."},
                        {"properties", own},
                        {"additionalProperties", {{"type", "null"}}}})}};
  return fields;
}

/// What one field asks of another: it is `no` (or not there), or `needed` is true.
static json needs(const std::string &field, const json &no, const char *needed) {
  json without = {{"properties", {{field, no}}}};
  json with = {{"properties", {{needed, {{"const", true}}}}}, {"required", json::array({needed})}};
  return {{"anyOf", json::array({std::move(without), std::move(with)})}};
}

/// Provisional tokens are of streams.
static json needsStream() {
  return needs("quoin", {{"properties", {{"provisional", {{"enum", json::array({false, nullptr})}}}}}}, "stream");
}

static json chatRequest(const std::string &model, const ModelFacts &facts) {
  const json part = {{"type", "object"},
                     {"properties", {{"type", {{"const", "text"}}}, {"text", {{"type", "string"}}}}},
                     {"required", json::array({"type", "text"})},
                     {"additionalProperties", false}};
  const json text = {{"anyOf", json::array({{{"type", "string"}}, listOf(part, 0)})}};
  const json note = {{"type", json::array({"string", "null"})}};
  json message = {
      {"type", "object"},
      {"properties",
       {{"role", {{"type", "string"}, {"enum", json::array({"system", "developer", "user", "assistant", "tool"})}}},
        {"content", text},
        {"name", note},
        {"reasoning_content", note},
        {"tool_call_id", note}}},
      {"required", json::array({"role", "content"})},
      {"additionalProperties", {{"type", "null"}}}};
  json fields = common(model, facts);
  fields["messages"] = listOf(message, 1);
  fields["max_completion_tokens"] = orNull(wholeFrom(1, facts.capacity));
  fields["logprobs"] = {{"type", json::array({"boolean", "null"})}};
  fields["top_logprobs"] = orNull(wholeFrom(0, kMostLogprobs));
  fields["chat_template_kwargs"] = orNull({{"type", "object"}});
  fields["response_format"] = orNull({{"const", {{"type", "text"}}}});
  for (const char *name : {"tools", "functions"})
    fields[name] = orNull(json{{"type", "array"}, {"maxItems", 0}});
  for (const char *name : {"tool_choice", "function_call"})
    fields[name] = {{"enum", json::array({"none", "auto", nullptr})}};
  fields["modalities"] = {{"enum", json::array({json::array({"text"}), nullptr})}};
  for (const std::string &name : ignoredFields(true))
    fields[name] = json(true);
  return {{"type", "object"},
          {"properties", fields},
          {"required", json::array({"model", "messages"})},
          {"allOf", json::array({needs("top_logprobs", {{"type", "null"}}, "logprobs"), needsStream()})},
          {"additionalProperties", {{"type", "null"}}}};
}

static json textRequest(const std::string &model, const ModelFacts &facts) {
  const json ids = listOf(wholeFrom(0, facts.vocabulary - 1), 1), text = {{"type", "string"}, {"minLength", 1}};
  json fields = common(model, facts);
  fields["prompt"] = {{"anyOf", json::array({text, listOf(text, 1, kMostPrompts), ids, listOf(ids, 1, kMostPrompts)})}};
  fields["logprobs"] = orNull(wholeFrom(0, kMostLogprobs));
  fields["echo"] = {{"enum", json::array({false, nullptr})}};
  fields["best_of"] = {{"enum", json::array({1, nullptr})}};
  fields["suffix"] = {{"enum", json::array({"", nullptr})}};
  for (const std::string &name : ignoredFields(false))
    fields[name] = json(true);
  return {{"type", "object"},
          {"properties", fields},
          {"required", json::array({"model", "prompt"})},
          {"allOf", json::array({needsStream()})},
          {"additionalProperties", {{"type", "null"}}}};
}

static json objectOf(json properties, bool closed = false) {
  json required = json::array();
  for (const auto &[name, schema] : properties.items())
    required.push_back(name);
  json object = {{"type", "object"}, {"properties", std::move(properties)}, {"required", std::move(required)}};
  if (closed)
    object["additionalProperties"] = false;
  return object;
}

static json answerSchema(bool chat) {
  const json text = {{"type", "string"}}, whole = {{"type", "integer"}, {"minimum", 0}};
  json choice = {{"index", whole}};
  if (chat)
    choice["message"] = objectOf({{"role", {{"const", "assistant"}}}, {"content", text}});
  else
    choice["text"] = text;
  choice["logprobs"] = {{"type", json::array({"object", "null"})}};
  choice["finish_reason"] = {{"enum", json::array({"stop", "length"})}};
  return objectOf({{"id", text},
                   {"object", {{"const", chat ? "chat.completion" : "text_completion"}}},
                   {"created", whole},
                   {"model", text},
                   {"choices", listOf(objectOf(choice), 1)},
                   {"usage", reference("Usage")}});
}

static json completion(bool chat) {
  json answered = content(reference(chat ? "ChatCompletion" : "Completion"));
  answered["text/event-stream"] = json::object(); // with `stream`: chunks, then [DONE]
  return {{"post",
           {{"operationId", chat ? "createChatCompletion" : "createCompletion"},
            {"summary", chat ? "Answers a conversation" : "Goes on from a text"},
            {"requestBody",
             {{"required", true}, {"content", content(reference(chat ? "ChatRequest" : "CompletionRequest"))}}},
            {"responses",
             {{"200", {{"description", "The answer"}, {"content", answered}}},
              {"400", failed("The request cannot be, as a whole or for this model")},
              {"401", failed("The key is missing or unknown")},
              {"404", failed("There is no such model")},
              {"413", failed("The body is too large")},
              {"429", failed("The queue is full")},
              {"500", failed("An error of the server's")},
              {"503", failed("The server is stopping, or has no memory")},
              {"504", failed("It took longer than the server allows")}}}}}};
}

static json getter(const char *id, const char *summary, const json &answer, bool keyed) {
  json responses = {{"200", {{"description", summary}, {"content", answer}}}};
  if (keyed)
    responses["401"] = failed("The key is missing or unknown");
  else if (std::string(id) == "getHealth")
    responses["503"] = {{"description", "The server is stopping"}, {"content", answer}};
  json get = {{"operationId", id}, {"summary", summary}, {"responses", responses}};
  if (!keyed)
    get["security"] = json::array();
  return {{"get", get}};
}

std::string quoin::openApi(const std::string &model, const ModelFacts &facts, bool keys) {
  const json text = {{"type", "string"}}, whole = {{"type", "integer"}, {"minimum", 0}};
  json oneModel = objectOf({{"id", text}, {"object", {{"const", "model"}}}, {"created", whole}, {"owned_by", text}});
  json named = getter("getModel", "A model", content(reference("Model")), true);
  named["get"]["parameters"] = json::array(
      {{{"name", "model"}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}, {"minLength", 1}}}}});
  named["get"]["responses"]["404"] = failed("There is no such model");
  json description = {
      {"openapi", "3.1.0"},
      {"info", {{"title", "quoin-serve"}, {"version", "1"}}},
      {"paths",
       {{"/v1/chat/completions", completion(true)},
        {"/v1/completions", completion(false)},
        {"/v1/models",
         getter("listModels", "The models",
                content(objectOf({{"object", {{"const", "list"}}}, {"data", listOf(reference("Model"), 1)}})), true)},
        {"/v1/models/{model}", named},
        {"/health", getter("getHealth", "Whether it takes requests",
                           content(objectOf({{"status", {{"enum", json::array({"ok", "stopping"})}}}})), false)},
        {"/metrics", getter("getMetrics", "Counters for Prometheus", content(text, "text/plain"), false)}}},
      {"components",
       {{"schemas",
         {{"ChatRequest", chatRequest(model, facts)},
          {"CompletionRequest", textRequest(model, facts)},
          {"ChatCompletion", answerSchema(true)},
          {"Completion", answerSchema(false)},
          {"Model", oneModel},
          {"Usage", objectOf({{"prompt_tokens", whole},
                              {"completion_tokens", whole},
                              {"total_tokens", whole},
                              {"prompt_tokens_details", objectOf({{"cached_tokens", whole}})},
                              {"forwards", whole},
                              {"evaluations", whole},
                              {"tokens_per_forward", {{"type", "number"}, {"minimum", 0}}},
                              {"seed", whole}})},
          {"Error", objectOf({{"error", objectOf({{"message", text},
                                                  {"type", text},
                                                  {"param", {{"type", json::array({"string", "null"})}}},
                                                  {"code", {{"type", json::array({"string", "null"})}}}})}})}}}}}};
  if (keys) {
    description["components"]["securitySchemes"] = {{"key", {{"type", "http"}, {"scheme", "bearer"}}}};
    description["security"] = json::array({{{"key", json::array()}}});
  }
  return description.dump(1);
}
