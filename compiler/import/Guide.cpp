//===- Guide.cpp - the second model of a decoder ---------------------------===//

#include "compiler/import/Guide.h"
#include "compiler/import/DecoderCatalogue.h"
#include "compiler/import/Families.h"
#include "compiler/import/InputKind.h"
#include "compiler/import/KeyMeanings.h"
#include "compiler/import/ModelWeights.h"
#include "support/JsonText.h"
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

using namespace quoin;
namespace fs = std::filesystem;

/// A text of one model with other names: @model is @guide, and weights get `prefix` before theirs.
static std::string renamed(const std::string &text, const std::string &prefix) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    size_t sign = text.find('@', at), end = sign == std::string::npos ? sign : sign + 1;
    if (sign == std::string::npos) {
      out.append(text, at);
      break;
    }
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_' ||
                                 text[end] == '.' || text[end] == '$'))
      ++end;
    std::string name = text.substr(sign + 1, end - sign - 1);
    out.append(text, at, sign + 1 - at).append(name == "model" ? "guide" : prefix + name);
    at = end;
  }
  return out;
}

std::optional<std::string> Guide::text(const std::function<void(const std::string &)> &warn, std::string &error) const {
  if (folder.empty())
    return renamed(model.text, "") + "\n";
  std::optional<std::string> weights = weightsText(model, *files, nullptr, folder, warn, error);
  if (!weights)
    return std::nullopt;
  return renamed(model.text + "\n" + *weights, "guide.") + "\n";
}

/// How many of its own layers guide a model.
static int64_t layersOf(const std::vector<std::pair<std::string, std::string>> &settings) {
  for (const auto &[key, value] : settings)
    if (auto parsed = nlohmann::json::parse(value, nullptr, false);
        key == "guide_layers" && parsed.is_number_unsigned())
      return parsed.get<int64_t>();
  return 1; // also where the value is none: whoever reads settings says so
}

static bool ownLayers(const ImportOptions &options, const ModelDescription &model, int64_t layers, Guide &guide,
                      std::string &error) {
  ConfigReader config((fs::path(options.directory) / "config.json").string());
  bool known = !model.layersKey.empty() && model.layers && config.has(model.layersKey);
  if (!known || layers > *model.layers) {
    error = known ? "setting 'guide_layers' expects at most the model's " + std::to_string(*model.layers) +
                        " layers, but found " + std::to_string(layers)
                  : "a decoder of two models expects '--guide' with a checkpoint, as nothing says which layers guide "
                    "this one";
    return false;
  }
  config.replace(model.layersKey, layers);
  std::string ignored;
  std::optional<CheckpointFiles> files = CheckpointFiles::open(options.directory, ignored);
  std::shared_ptr<const Template> family = findFamily(options.architecture, config, files ? &*files : nullptr, error);
  std::optional<ModelDescription> described =
      family ? describeModel(family, config, files ? &*files : nullptr, error) : std::nullopt;
  if (!described) {
    error = "'--guide' expects a checkpoint, as the first layers alone are no model: " + error;
    return false;
  }
  guide.model = std::move(*described);
  return true;
}

static bool otherCheckpoint(const ImportOptions &options, const ModelDescription &model, Guide &guide,
                            std::string &error) {
  if (!(error = whyNoCheckpoint(options.guide)).empty())
    return false;
  ConfigReader config((fs::path(options.guide) / "config.json").string());
  if (config.failed()) {
    error = config.error();
    return false;
  }
  if (!(guide.files = CheckpointFiles::open(options.guide, error)))
    return false;
  std::shared_ptr<const Template> family = findFamily("", config, &*guide.files, error);
  std::optional<ModelDescription> described =
      family ? describeModel(family, config, &*guide.files, error) : std::nullopt;
  if (!described)
    return false;
  if (described->vocabulary != model.vocabulary) {
    error = config.path() + ": a guide expects the model's " + std::to_string(model.vocabulary) + " ids, but found " +
            std::to_string(described->vocabulary);
    return false;
  }
  if (described->window) {
    error = config.path() + ": a guide expects a model that sees all positions, but found a window of " +
            std::to_string(*described->window);
    return false;
  }
  std::vector<std::string> unknown = unknownKeys(config, described->keys);
  for (const std::string &line : described->warnings)
    if (options.warn)
      options.warn(line);
  if (!unknown.empty() && options.warn)
    options.warn(config.path() + ": the model does not read '" + shortened(unknown[0], 200) + "'");
  std::error_code ignored;
  guide.folder = fs::weakly_canonical(fs::absolute(options.guide, ignored), ignored).string();
  guide.model = std::move(*described);
  return true;
}

bool quoin::findGuide(const ImportOptions &options, const ModelDescription &model,
                      const std::vector<std::string> &decoders,
                      const std::vector<std::pair<std::string, std::string>> &settings, std::optional<Guide> &guide,
                      std::string &error) {
  bool guided = std::any_of(decoders.begin(), decoders.end(), [](const std::string &name) {
    const DecoderSpec *decoder = findDecoder(name);
    return decoder && decoder->guided;
  });
  if (!guided) {
    if (!options.guide.empty())
      error = "'--guide' expects a decoder of two models, but found " +
              (decoders.empty() ? "none" : "'" + shortened(decoders[0]) + "'");
    return options.guide.empty();
  }
  guide.emplace();
  if (options.guide.empty())
    return ownLayers(options, model, layersOf(settings), *guide, error);
  return otherCheckpoint(options, model, *guide, error);
}
