//===- ModelTemplate.cpp - a family's template over a checkpoint -----------===//

#include "compiler/import/ModelTemplate.h"
#include "compiler/import/Families.h"
#include "compiler/import/FillToken.h"
#include "compiler/import/KeyMeanings.h"
#include "compiler/import/ProgramSettings.h"
#include "compiler/import/RotaryConfig.h"
#include "support/JsonText.h"
#include <algorithm>
#include <cmath>
#include <filesystem>

using namespace quoin;
using nlohmann::json;

namespace {

/// No size of a model reaches these.
constexpr int64_t maxIndex = int64_t(1) << 40;
constexpr int64_t maxSize = (int64_t(1) << 31) - 1;
constexpr int64_t maxVocabulary = int64_t(1) << 24;
constexpr int64_t maxCapacity = int64_t(1) << 24;
constexpr double maxReal = 1e30;
/// Its keys are those of a file beside config.json.
constexpr const char *generationObject = "generation_config";
constexpr size_t maxListed = 4096; // elements of a list in config.json, at any depth

/// A scalar or a list of them; nothing for objects, for more than `left` elements, and what else has no value in
/// templates.
std::optional<TemplateValue> valueOf(const json &value, size_t &left) {
  if (left == 0)
    return std::nullopt;
  --left;
  if (value.is_boolean())
    return TemplateValue{value.get<bool>()};
  if (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
    return std::nullopt;
  if (value.is_number_integer())
    return TemplateValue{value.get<int64_t>()};
  if (value.is_number_float() && std::isfinite(value.get<double>()))
    return TemplateValue{value.get<double>()};
  if (value.is_string())
    return TemplateValue{value.get<std::string>()};
  if (!value.is_array())
    return std::nullopt;
  TemplateList list;
  for (const json &element : value) {
    std::optional<TemplateValue> each = valueOf(element, left);
    if (!each)
      return std::nullopt;
    list.push_back(std::move(*each));
  }
  return TemplateValue{std::move(list)};
}

/// Names of models, and ids that stop, are those at the top of config.json.
bool mayDifferInside(std::string_view key) {
  return key == "model_type" || key == "eos_token_id" || isWithoutMeaning(key);
}

/// A text, whatever stands there: who needs it asks for it.
std::string modelType(const ConfigReader &config) {
  const json *type = config.find("model_type");
  return type && type->is_string() ? type->get<std::string>() : "";
}

class Describer : public TemplateHost {
public:
  Describer(ConfigReader &reader, const CheckpointFiles *checkpoint, CheckpointFiles *more = nullptr,
            const GivenSettings &given = {}, std::string tokenizerFolder = "")
      : config(reader), files(checkpoint), growing(more), settings(given), tokenizer(std::move(tokenizerFolder)) {}

  bool run(const Statement &s, TemplateRun &run, std::string &error) override;
  std::optional<TemplateValue> call(const std::string &function, const TemplateList &arguments,
                                    std::string &error) override;
  std::shared_ptr<const Template> include(const std::string &name, std::string &error) override {
    return familyText(name, error);
  }
  std::string refusal(const std::string &key, const std::string &rule) override;
  void warn(const std::string &line) override {
    if (model.warnings.size() < 100)
      model.warnings.push_back(shortened(line, 400));
  }

  ModelDescription model;

  bool expectScalingRead(std::string &error);

private:
  bool readConfig(const Statement &s, TemplateRun &run, std::string &error);
  bool readKey(const Statement &s, const std::string &path, const std::string &name, TemplateRun &run,
               std::string &error);
  void readList(ConfigReader &at, const std::string &key, TemplateValue &value);
  void readIndices(ConfigReader &at, const std::string &key, int64_t low, int64_t high, TemplateValue &value);
  bool readRotaryOf(const Statement &s, const std::string &name, TemplateRun &run, std::string &error);
  bool number(const Statement &s, TemplateRun &run, int64_t low, int64_t high, int64_t &into, std::string &error);
  bool decoder(const Statement &s, TemplateRun &run, std::string &error);
  bool program(const Statement &s, TemplateRun &run, std::string &error);
  static bool shapeAs(const Expression &text, TensorRequest &request, TemplateRun &run, std::string &error);
  bool weight(const Statement &s, TemplateRun &run, std::string &error);
  bool addFiles(const Statement &s, TemplateRun &run, std::string &error);
  std::optional<TemplateValue> sameTensors(const std::string &one, const TemplateList &arguments, std::string &error);
  ConfigReader *object(const std::string &path, std::string &key);
  ConfigReader generation() const;
  bool failed(ConfigReader &at, std::string &error);

  ConfigReader &config;
  const CheckpointFiles *files;
  CheckpointFiles *growing; // the same where files may come to it
  ProgramSettings settings;
  std::string tokenizer;                     // its folder, where that is another than config.json's
  std::map<std::string, ConfigReader> inner; // objects of config.json by their path
  std::string scalingKind;                   // of rotary embeddings, whose block is an object of this path
  static constexpr const char *scalingPath = "rotary";
  std::set<std::string, std::less<>> scalingKeys; // that were read there
  std::map<std::string, std::string> keyOf;       // the key that a name has its value of
  std::set<std::string, std::less<>> symbols;
  int comparisons = 0; // each reads two tensors
};

/// What generation_config.json has, as an object of config.json.
ConfigReader Describer::generation() const {
  std::filesystem::path file = std::filesystem::path(config.path()).replace_filename("generation_config.json");
  std::error_code ignored;
  // A link that leads nowhere is a mistake, not an absent file.
  bool isThere = std::filesystem::exists(std::filesystem::symlink_status(file, ignored));
  return config.has(generationObject) || !isThere ? config.below(generationObject) : ConfigReader(file.string());
}

/// The reader that holds the last key of a path; the first one counts as read.
ConfigReader *Describer::object(const std::string &path, std::string &key) {
  std::string top = path.substr(0, path.find('.'));
  size_t last = path.rfind('.');
  key = last == std::string::npos ? path : path.substr(last + 1);
  if (top == scalingPath && inner.count(top))
    scalingKeys.insert(key);
  else
    model.keys.insert(top);
  ConfigReader *at = &config;
  for (size_t end = path.find('.'), from = 0; end != std::string::npos; from = end + 1, end = path.find('.', from)) {
    std::string name = path.substr(0, end);
    auto known = inner.find(name);
    if (known == inner.end())
      known =
          inner.emplace(name, name == generationObject ? generation() : at->below(path.substr(from, end - from))).first;
    at = &known->second;
  }
  return at;
}

/// Takes over a reader's error.
bool Describer::failed(ConfigReader &at, std::string &error) {
  if (&at != &config)
    config.take(at);
  if (config.failed())
    error = alone = config.error();
  return config.failed();
}

std::string Describer::refusal(const std::string &path, const std::string &rule) {
  std::string key;
  ConfigReader &at = *object(path, key);
  at.fail(key, shortened(rule, 400));
  failed(at, alone);
  return alone;
}

void Describer::readList(ConfigReader &at, const std::string &key, TemplateValue &value) {
  const json *list = at.find(key);
  size_t left = maxListed;
  std::optional<TemplateValue> read = list && list->is_array() ? valueOf(*list, left) : std::nullopt;
  if (read)
    value = std::move(*read);
  else
    at.fail(key, "a list of at most " + std::to_string(maxListed) + " numbers, texts or flags");
}

void Describer::readIndices(ConfigReader &at, const std::string &key, int64_t low, int64_t high, TemplateValue &value) {
  const json *list = at.find(key);
  TemplateList read;
  for (const json &each : list && list->is_array() && list->size() <= maxListed ? *list : json::array()) {
    int64_t number = each.is_number_integer() ? each.get<int64_t>() : low - 1;
    if (number < low || number > high)
      break;
    read.push_back({number});
  }
  if (!list || !list->is_array() || read.size() != list->size())
    at.fail(key, "a list of at most " + std::to_string(maxListed) + " integers from " + std::to_string(low) + " to " +
                     std::to_string(high));
  value = TemplateValue{std::move(read)};
}

/// Plain ones only; or scaled ones, too, whose block is read as `rotary.KEY`. Of a head size and positions, the
/// library's text makes of it what every family needs.
bool Describer::readRotaryOf(const Statement &s, const std::string &name, TemplateRun &run, std::string &error) {
  std::optional<RotaryScaling> scaling;
  std::vector<std::pair<std::string, TemplateValue>> shape;
  if (s.scaled || s.from)
    scaling = {inner.count("rope_parameters.sliding_attention") != 0};
  if (s.from) {
    std::optional<int64_t> head = run.index(*s.from, error), positions = head ? run.index(*s.to, error) : std::nullopt;
    if (!positions)
      return false;
    if (*head < 2 || *head > 65536 || *head % 2 != 0 || *positions < 1) {
      error = run.at("expects an even head size up to 65536 and positions, but found " + std::to_string(*head) +
                     " and " + std::to_string(*positions));
      return false;
    }
    shape = {{"head_dim", {*head}}, {"positions", {*positions}}};
  }
  Rotary rotary = readRotary(config, scaling);
  for (const char *known : rotaryKeys())
    model.keys.insert(known);
  if (failed(config, error))
    return false;
  scalingKind = rotary.kind;
  if (rotary.block)
    inner.insert_or_assign(scalingPath, *rotary.block);
  run.define(name, {rotary.base});
  run.define("rotary_kind", {rotary.kind});
  if (s.scaled)
    return true;
  shape.push_back({"theta", {rotary.base}});
  return run.runText("rotary-frequencies", shape, {"frequencies", "magnitude", "query_scale", "query_scale_from"},
                     error) &&
         expectScalingRead(error);
}

/// Fails where the block of a scaling has a number that nobody read.
bool Describer::expectScalingRead(std::string &error) {
  auto block = inner.find(scalingPath);
  if (block == inner.end())
    return true;
  for (const auto &[key, value] : block->second.all().items())
    if (!value.is_null() && !isCommonToScalings(key) && !scalingKeys.count(key))
      block->second.fail(key, "null, as '" + scalingKind + "' has no such key");
  return !failed(block->second, error);
}

bool Describer::readKey(const Statement &s, const std::string &path, const std::string &name, TemplateRun &run,
                        std::string &error) {
  std::string key;
  ConfigReader &at = *object(path, key);
  TemplateValue value;
  keyOf[name] = path;
  if (s.word == "rotary") {
    if (&at != &config) {
      error = run.at("expects 'rotary' of a key at the top of config.json, but found '" + shortened(path) + "'");
      return false;
    }
    return readRotaryOf(s, name, run, error);
  }
  if (!at.has(key) && s.otherwise) {
    std::optional<TemplateValue> otherwise = run.evaluate(*s.otherwise, error);
    if (!otherwise)
      return false;
    if (s.word == "real" && otherwise->isNumber())
      otherwise = TemplateValue{otherwise->real()};
    const char *const kinds[] = {"flag", "index", "real", "text", "list"};
    if (s.word != kinds[otherwise->it.index()]) {
      error = run.at("expects a default of kind " + s.word + ", but found " + kindOf(*otherwise) + ", " +
                     describe(*otherwise));
      return false;
    }
    run.define(name, std::move(*otherwise));
    return true;
  }
  double low = s.word == "real" ? -maxReal : 0, high = s.word == "real" ? maxReal : static_cast<double>(maxIndex);
  for (auto [bound, into] : {std::pair(&s.from, &low), std::pair(&s.to, &high)})
    if (*bound) {
      std::optional<TemplateValue> limit = run.evaluate(**bound, error);
      if (!limit)
        return false;
      if (!limit->isNumber() || std::abs(limit->real()) > maxReal ||
          ((s.word == "index" || s.indices) &&
           (!limit->as<int64_t>() || std::abs(limit->real()) > static_cast<double>(maxIndex)))) {
        error = run.at("expects a bound of kind " + (s.indices ? "index" : s.word) +
                       ", at most 2^40 for an index, but found " + describe(*limit));
        return false;
      }
      *into = limit->real();
    }
  if (s.word == "index")
    value.it = at.integer(key, static_cast<int64_t>(low), static_cast<int64_t>(high));
  else if (s.word == "real")
    value.it = at.real(key, low, high);
  else if (s.word == "flag")
    value.it = at.flag(key);
  else if (s.word == "text")
    value.it = at.text(key);
  else if (s.indices)
    readIndices(at, key, static_cast<int64_t>(low), static_cast<int64_t>(high), value);
  else
    readList(at, key, value);
  run.define(name, std::move(value));
  return !failed(at, error);
}

bool Describer::readConfig(const Statement &s, TemplateRun &run, std::string &error) {
  for (size_t i = 0; i < s.names.size(); ++i)
    if (!readKey(s, s.names[i], s.as[i], run, error))
      return false;
  return true;
}

bool Describer::number(const Statement &s, TemplateRun &run, int64_t low, int64_t high, int64_t &into,
                       std::string &error) {
  std::optional<int64_t> value = run.index(*s.expressions[0], error);
  if (value && (*value < low || *value > high)) {
    error = run.at("expects an index from " + std::to_string(low) + " to " + std::to_string(high) + ", but found " +
                   std::to_string(*value));
    return false;
  }
  into = value.value_or(low);
  return value.has_value();
}

bool Describer::decoder(const Statement &s, TemplateRun &run, std::string &error) {
  std::optional<TemplateValue> name = run.evaluate(*s.from, error);
  if (!name)
    return false;
  if (!name->as<std::string>()) {
    error = run.at("expects a decoder's name, but found " + std::string(kindOf(*name)) + ", " + describe(*name));
    return false;
  }
  model.decoder = *name->as<std::string>();
  model.settings.clear();
  for (size_t i = 0; i < s.names.size(); ++i) {
    std::optional<TemplateValue> value = run.evaluate(*s.expressions[i], error);
    if (!value)
      return false;
    model.settings.emplace_back(s.names[i], std::move(*value));
  }
  return true;
}

/// The shape behind `as`, of as many elements.
bool Describer::shapeAs(const Expression &text, TensorRequest &request, TemplateRun &run, std::string &error) {
  std::optional<TemplateValue> shape = run.evaluate(text, error);
  if (!shape)
    return false;
  const TemplateList *sizes = shape->as<TemplateList>();
  int64_t before = 1, after = 1;
  for (size_t i = 0; i < request.shape.size(); ++i)
    before *= i == 0 && request.rows ? request.rows->second - request.rows->first : request.shape[i];
  for (const TemplateValue &size : sizes ? *sizes : TemplateList()) {
    const int64_t *n = size.as<int64_t>();
    if (!n || *n < 1 || *n > before / after)
      break;
    after *= *n;
    request.as.push_back(*n);
  }
  if (sizes && !sizes->empty() && sizes->size() <= 3 && request.as.size() == sizes->size() && after == before)
    return true;
  error = run.at("expects a shape of 1 to 3 sizes with " + std::to_string(before) + " elements, but found " +
                 describe(*shape));
  return false;
}

bool Describer::program(const Statement &s, TemplateRun &run, std::string &error) {
  std::optional<TemplateValue> name = run.evaluate(*s.expressions[0], error);
  if (!name)
    return false;
  const std::string *text = name->as<std::string>();
  if (!text || text->empty() || !model.program.empty()) {
    error = run.at("expects one decoder's name, but found " + describe(*name));
    return false;
  }
  model.program = *text;
  run.define("settings", {settings.text()});
  return true;
}

bool Describer::weight(const Statement &s, TemplateRun &run, std::string &error) {
  TensorRequest request;
  std::optional<std::string> symbol = run.write(s.texts[0], error);
  std::optional<std::string> tensor = symbol ? run.write(s.texts[1], error) : std::nullopt;
  std::optional<TemplateValue> shape = tensor ? run.evaluate(*s.expressions[0], error) : std::nullopt;
  if (!shape)
    return false;
  bool plain = !symbol->empty() && std::all_of(symbol->begin(), symbol->end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '$';
  });
  if (!plain || ((*symbol)[0] >= '0' && (*symbol)[0] <= '9')) {
    error = run.at("expects a symbol of letters, digits, '_', '.' and '$', but found '" + shortened(*symbol) + "'");
    return false;
  }
  if (!symbols.insert(*symbol).second) {
    error = run.at("expects each symbol once, but found '@" + shortened(*symbol) + "' again");
    return false;
  }
  if (shortened(*tensor, tensor->size()) != *tensor || tensor->size() > 1000) {
    error =
        run.at("expects a tensor's name on one line, of at most 1000 bytes, but found '" + shortened(*tensor) + "'");
    return false;
  }
  const TemplateList *sizes = shape->as<TemplateList>();
  for (const TemplateValue &size : sizes ? *sizes : TemplateList()) {
    const int64_t *n = size.as<int64_t>();
    if (n && *n >= 1 && *n <= maxSize)
      request.shape.push_back(*n);
  }
  if (!sizes || sizes->empty() || sizes->size() > 4 || request.shape.size() != sizes->size()) {
    error = run.at("expects a shape of 1 to 4 sizes from 1 to 2^31 - 1, but found " + describe(*shape));
    return false;
  }
  if (std::count(tensor->begin(), tensor->end(), '*') > (request.shape.size() > 1 ? 1 : 0)) {
    error = run.at("expects '*' at most once, in the name of a tensor of at least two dimensions, but found '" +
                   shortened(*tensor) + "'");
    return false;
  }
  if (s.from) {
    std::optional<int64_t> from = run.index(*s.from, error), to = from ? run.index(*s.to, error) : std::nullopt;
    if (!to)
      return false;
    if (*from < 0 || *from >= *to || *to > request.shape[0]) {
      error = run.at("expects rows within the tensor's " + std::to_string(request.shape[0]) + ", but found " +
                     std::to_string(*from) + " to " + std::to_string(*to));
      return false;
    }
    request.rows = {*from, *to};
  }
  if (s.expressions.size() > 1 && !shapeAs(*s.expressions[1], request, run, error))
    return false;
  request.transposed = s.transposed;
  if ((!request.as.empty() || request.rows || request.transposed) && tensor->find('*') != std::string::npos) {
    error =
        run.at("expects 'rows', 'as' and 'transposed' of one tensor, but found '*' in '" + shortened(*tensor) + "'");
    return false;
  }
  if (request.transposed && request.weightShape().size() != 2) {
    error = run.at("expects a matrix to transpose, but found " + describe(*shape));
    return false;
  }
  request.symbol = std::move(*symbol);
  request.tensor = std::move(*tensor);
  if (auto key = keyOf.find(run.loop()); key != keyOf.end())
    request.key = key->second;
  model.tensors.push_back(std::move(request));
  return true;
}

bool Describer::addFiles(const Statement &s, TemplateRun &run, std::string &error) {
  for (const TemplateText &text : s.texts) {
    std::optional<std::string> name = run.write(text, error);
    if (!name)
      return false;
    model.files.push_back(*name);
    if (growing && !growing->add(*name, alone)) {
      error = alone;
      return false;
    }
  }
  return true;
}

bool Describer::run(const Statement &s, TemplateRun &run, std::string &error) {
  int64_t value = 0;
  switch (s.kind) {
  case StatementKind::Config:
    return readConfig(s, run, error);
  case StatementKind::Vocabulary:
    return number(s, run, 2, maxVocabulary, model.vocabulary, error);
  case StatementKind::Capacity:
    return number(s, run, 1, maxCapacity, model.capacity, error);
  case StatementKind::Layers:
  case StatementKind::HeadSize:
  case StatementKind::Window:
    if (!number(s, run, 1, maxSize, value, error))
      return false;
    (s.kind == StatementKind::Layers     ? model.layers
     : s.kind == StatementKind::HeadSize ? model.headSize
                                         : model.window) = value;
    if (auto key = keyOf.find("layers"); s.kind == StatementKind::Layers && key != keyOf.end())
      model.layersKey = key->second;
    return true;
  case StatementKind::Fill: {
    model.keys.insert(s.names[0]);
    model.fillKey = s.names[0];
    model.publishedFill.reset();
    if (s.otherwise)
      model.publishedFill = run.index(*s.otherwise, error);
    return !s.otherwise || model.publishedFill;
  }
  case StatementKind::Block: {
    std::string key;
    ConfigReader &at = *object(s.names[0], key);
    // A list or zero here would be another family's key of the same name.
    if (at.has(key))
      model.block = at.integer(key, 1, model.capacity ? model.capacity : maxCapacity);
    return !failed(at, error);
  }
  case StatementKind::Inside:
    if (s.names[0].find('.') != std::string::npos) {
      error = run.at("expects 'inside' of a key at the top of config.json, but found '" + shortened(s.names[0]) + "'");
      return false;
    }
    config.spread(s.names[0], mayDifferInside);
    return !failed(config, error);
  case StatementKind::Decoder:
    return decoder(s, run, error);
  case StatementKind::Program:
    return program(s, run, error);
  case StatementKind::Setting:
    if (!settings.declare(s, run, error))
      return false;
    model.ownSettings.push_back(s.names[0]);
    return true;
  case StatementKind::Weight:
    return weight(s, run, error);
  case StatementKind::Absent: {
    std::optional<std::string> tensor = run.write(s.texts[0], error);
    std::optional<std::string> key = tensor ? run.write(s.texts[1], error) : std::nullopt;
    if (key)
      model.tensors.push_back({"", std::move(*tensor), {}, {}, {}, false, std::move(*key)});
    return key.has_value();
  }
  case StatementKind::File:
    return addFiles(s, run, error);
  case StatementKind::Ignore:
    for (const TemplateText &text : s.texts) {
      std::optional<std::string> pattern = run.write(text, error);
      if (!pattern)
        return false;
      if (std::find(model.ignored.begin(), model.ignored.end(), *pattern) != model.ignored.end())
        continue;
      if (model.ignored.size() == 100 || pattern->size() > 200) {
        error = run.at("expects at most 100 patterns to ignore, of at most 200 bytes");
        return false;
      }
      model.ignored.push_back(std::move(*pattern));
    }
    return true;
  default: // `family` and `recognise` were read before
    return true;
  }
}

std::optional<TemplateValue> Describer::sameTensors(const std::string &one, const TemplateList &arguments,
                                                    std::string &error) {
  const std::string *other = arguments[1].as<std::string>();
  const TemplateList *sizes = arguments[2].as<TemplateList>();
  std::vector<int64_t> shape;
  for (const TemplateValue &size : sizes ? *sizes : TemplateList())
    if (const int64_t *n = size.as<int64_t>())
      shape.push_back(*n);
  if (!other || !sizes || shape.size() != sizes->size()) {
    error = "expects two tensors and a shape for 'same', but found " + describe(TemplateValue{arguments});
    return std::nullopt;
  }
  if (!files)
    return TemplateValue{false};
  if (++comparisons > 8) {
    error = "expects 'same' at most 8 times";
    return std::nullopt;
  }
  for (const std::string *name : {&one, other}) {
    if (!files->require(*name, shape, alone))
      return std::nullopt;
    model.compared.insert(*name);
  }
  bool same = files->sameNumbers(one, *other, alone);
  return alone.empty() ? std::optional(TemplateValue{same}) : std::nullopt;
}

std::optional<TemplateValue> Describer::call(const std::string &function, const TemplateList &arguments,
                                             std::string &error) {
  if (function == "tokens")
    return TemplateValue{
        countTokens(tokenizer.empty() ? std::filesystem::path(config.path()).parent_path().string() : tokenizer)};
  const std::string *name = arguments[0].as<std::string>();
  if (!name) {
    error = "expects a name for '" + function + "', but found " + describe(arguments[0]);
    return std::nullopt;
  }
  if (function == "given" || function == "is" || function == "raw") {
    std::string key;
    ConfigReader &at = *object(*name, key);
    const json *value = at.find(key);
    if (function == "given")
      return TemplateValue{value != nullptr};
    if (function == "raw")
      return TemplateValue{value ? value->dump(-1, ' ', false, json::error_handler_t::replace) : ""};
    size_t left = maxListed;
    std::optional<TemplateValue> known = value ? valueOf(*value, left) : std::nullopt;
    return TemplateValue{known && equal(*known, arguments[1])};
  }
  if (function == "same")
    return sameTensors(*name, arguments, error);
  const CheckpointFiles::Tensor *tensor = files ? files->find(*name) : nullptr;
  if (function == "has")
    return TemplateValue{tensor != nullptr};
  TemplateList shape;
  if (tensor)
    for (int64_t n : tensor->shape)
      shape.push_back({n});
  return TemplateValue{std::move(shape)};
}

} // namespace

std::optional<ModelDescription> quoin::describeModel(const std::shared_ptr<const Template> &family,
                                                     ConfigReader &config, CheckpointFiles *files, std::string &error,
                                                     const GivenSettings &given, const std::string &tokenizer) {
  Describer describer(config, files, files, given, tokenizer);
  TemplateRun run(describer);
  run.define("model_type", {modelType(config)});
  run.define("scored", {int64_t(0)}); // see models/dense.mlir.in
  if (!run.expand(family, error) || !describer.expectScalingRead(error))
    return std::nullopt;
  ModelDescription &model = describer.model;
  // A request without a prompt asks for 64 tokens unless it says otherwise, whatever the text makes of that.
  if (!model.program.empty())
    model.capacity = std::max<int64_t>(model.capacity, 64);
  for (auto [said, what] : {std::pair(model.vocabulary, "vocabulary"), std::pair(model.capacity, "capacity")})
    if (!said && model.program.empty()) {
      error = family->name() + ": expects a statement '" + what + "', but there is none";
      return std::nullopt;
    }
  std::vector<std::string> names = family->families();
  model.family = names.empty() ? family->name() : names[0];
  model.text = run.text();
  model.origins = run.origins();
  refuseOtherModels(config, {model.layers.value_or(0), model.capacity, model.headSize}, model.keys);
  if (config.failed()) {
    error = config.error();
    return std::nullopt;
  }
  return std::move(model);
}

std::optional<bool> quoin::holds(const std::shared_ptr<const Template> &family, const Statement &recognition,
                                 ConfigReader &config, const CheckpointFiles *files, std::string &error) {
  Describer describer(config, files);
  TemplateRun run(describer);
  run.define("model_type", {modelType(config)});
  std::string message;
  std::optional<TemplateValue> value = recognition.expressions[0]->evaluate(run, message);
  const bool *flag = value ? value->as<bool>() : nullptr;
  if (flag)
    return *flag;
  error = !describer.failure().empty()
              ? describer.failure()
              : family->name() + ":" + std::to_string(recognition.line) + ": " + (value ? "expects a flag" : message);
  return std::nullopt;
}
