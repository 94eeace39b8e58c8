//===- Import.cpp - from a checkpoint's folder to a module -----------------===//

#include "compiler/import/Import.h"
#include "compiler/import/DecoderCatalogue.h"
#include "compiler/import/Decoders.h"
#include "compiler/import/Families.h"
#include "compiler/import/FillToken.h"
#include "compiler/import/Guide.h"
#include "compiler/import/InputKind.h"
#include "compiler/import/JsonFile.h"
#include "compiler/import/KeyMeanings.h"
#include "compiler/import/ModelWeights.h"
#include "dialects/quoin/QuoinDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "support/JsonText.h"
#include <algorithm>
#include <cstdlib>
#include <filesystem>

using namespace mlir;
using namespace quoin;
namespace fs = std::filesystem;

/// The attributes that let the module run alone.
static std::string moduleAttributes(const ModelDescription &model, int64_t capacity, std::optional<int64_t> fill,
                                    const std::vector<int32_t> &stopIds, const ImportOptions &options) {
  std::error_code ignored;
  std::string source = options.source;
  if (source.empty())
    source = fs::weakly_canonical(fs::absolute(options.directory, ignored), ignored).string();
  std::string text =
      "quoin.architecture = " + mlirString(model.family) + ", quoin.source = " + mlirString(source) + ",\n    ";
  // Models of rows alone have no tokens.
  if (model.vocabulary)
    text += "quoin.vocabulary = " + std::to_string(model.vocabulary) + " : index, ";
  text += "quoin.capacity = " + std::to_string(capacity) + " : index, ";
  if (fill)
    text += "quoin.fill = " + std::to_string(*fill) + " : i32, ";
  std::string stop;
  for (int32_t id : stopIds)
    stop += (stop.empty() ? ": " : ", ") + std::to_string(id);
  return text + "quoin.stop = array<i32" + stop + ">";
}

/// generation_config.json has the stop ids, else config.json.
static std::optional<std::vector<int32_t>> readStopIds(ConfigReader &config, const std::string &directory,
                                                       int64_t vocabulary, std::string &error) {
  std::string path = (fs::path(directory) / "generation_config.json").string();
  // A link that leads nowhere is a mistake, not an absent file.
  if (isJsonFileThere(path)) {
    ConfigReader generation(path);
    std::vector<int32_t> ids = generation.ids("eos_token_id", vocabulary);
    if (generation.failed()) {
      error = generation.error();
      return std::nullopt;
    }
    if (generation.has("eos_token_id"))
      return ids;
  }
  std::vector<int32_t> ids = config.ids("eos_token_id", vocabulary);
  if (!config.failed())
    return ids;
  error = config.error();
  return std::nullopt;
}

/// One line for keys that nobody knows.
static void nameUnknownKeys(const ConfigReader &config, const ModelDescription &model,
                            const std::function<void(const std::string &)> &warn) {
  std::vector<std::string> unknown = unknownKeys(config, model.keys);
  if (!unknown.empty())
    warn(config.path() + ": the model does not read " + std::to_string(unknown.size()) +
         (unknown.size() == 1 ? " key, '" : " keys, such as '") + shortened(unknown[0], 200) + "'");
}

namespace {

/// A folder and what its template says of it.
struct Described {
  std::optional<CheckpointFiles> files;
  std::string filesError; // why there are none
  std::shared_ptr<const Template> family;
  std::optional<ModelDescription> model;
};

} // namespace

/// What config.json has to say comes before what is wrong with the weights.
static Described describeFolder(ConfigReader &config, const ImportOptions &options, std::string &error) {
  Described d;
  d.files = CheckpointFiles::open(options.directory, d.filesError);
  CheckpointFiles *files = d.files ? &*d.files : nullptr;
  d.family = findFamily(options.architecture, config, files, error);
  if (d.family)
    d.model = describeModel(d.family, config, files, error, options.settings, options.tokenizer);
  return d;
}

/// Parses a text made of a user's template, so that what is wrong with it is said of the line that the user wrote.
static bool checkText(const std::string &text, size_t modelLine, const ModelDescription &model, std::string &error) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  if (parseImported(context, text, error))
    return true;
  static constexpr std::string_view mark = "\"model.mlir\":";
  size_t at = error.find(mark);
  size_t line = at == std::string::npos ? 0 : std::strtoull(error.c_str() + at + mark.size(), nullptr, 10);
  size_t colon = error.find(": ", at == std::string::npos ? 0 : at);
  if (line >= modelLine && line - modelLine < model.origins.size() && colon != std::string::npos) {
    const LineOrigin &origin = model.origins[line - modelLine];
    error = origin.from->name() + ":" + std::to_string(origin.line) + error.substr(colon);
  }
  return false;
}

/// What was asked of a decoder that the family's text holds itself.
static bool checkOwn(const ModelDescription &model, const ImportOptions &options, std::string &error) {
  for (const std::string &name : options.decoders)
    if (name != model.program || options.decoders.size() > 1) {
      error = "'--decoder' expects '" + model.program + "', which family '" + model.family +
              "' comes with, but found '" + shortened(name, 200) + "'";
      return false;
    }
  std::string known;
  for (const std::string &name : model.ownSettings)
    known += (known.empty() ? "" : ", ") + name;
  for (const auto &[key, value] : options.settings)
    if (std::find(model.ownSettings.begin(), model.ownSettings.end(), key) == model.ownSettings.end()) {
      error = "'--set' expects a setting of the decoder (" + (known.empty() ? "none" : known) + "), but found '" +
              shortened(key, 200) + "'";
      return false;
    }
  return true;
}

std::optional<std::string> quoin::importText(const ImportOptions &options, std::string &error) {
  error.clear();
  error = whyNoCheckpoint(options.directory);
  if (!error.empty())
    return std::nullopt;
  auto warn = [&](const std::string &line) {
    if (options.warn)
      options.warn(line);
  };
  ConfigReader config((fs::path(options.directory) / "config.json").string());
  if (config.failed()) {
    error = config.error();
    return std::nullopt;
  }
  Described d = describeFolder(config, options, error);
  if (!d.model)
    return std::nullopt;
  const ModelDescription &model = *d.model;
  std::vector<std::string> names = options.decoders;
  if (!model.program.empty() && !checkOwn(model, options, error))
    return std::nullopt;
  if (!model.program.empty())
    names.clear();
  else if (names.empty() && model.decoder.empty()) {
    error = config.path() + ": expects '--decoder' with one of " + knownDecoders() +
            ", as the config does not say how the model decodes";
    return std::nullopt;
  }
  std::vector<std::pair<std::string, std::string>> settings = options.settings;
  if (names.empty() && model.program.empty()) {
    names.push_back(model.decoder);
    for (const auto &[key, value] : model.settings) {
      const std::string &name = key;
      if (std::none_of(settings.begin(), settings.end(), [&](const auto &given) { return given.first == name; }))
        settings.emplace_back(name, textOf(value));
    }
  }
  bool needsFill = (!model.program.empty() && !model.fillKey.empty()) ||
                   std::any_of(names.begin(), names.end(), [](const std::string &name) {
                     const DecoderSpec *decoder = findDecoder(name);
                     return decoder && decoder->needsFill;
                   });
  std::optional<int64_t> fill =
      findFillToken(options.directory, model, config, options.fill, needsFill, options.tokenizer, error);
  std::optional<std::vector<int32_t>> stop;
  if (error.empty())
    stop = readStopIds(config, options.directory, model.vocabulary, error);
  if (!stop)
    return std::nullopt;
  std::optional<Guide> guide;
  if (!findGuide(options, model, names, settings, guide, error))
    return std::nullopt;
  ProgramText program;
  int64_t capacity = guide ? std::min(model.capacity, guide->model.capacity) : model.capacity;
  DecoderContext context{capacity, model.block, model.window, model.vocabulary, fill};
  if (model.program.empty() && !addDecoders(names, settings, context, program, error))
    return std::nullopt;
  if (!d.files) {
    error = d.filesError;
    return std::nullopt;
  }
  for (const std::string &line : model.warnings)
    warn(line);
  std::optional<Adapter> adapter;
  if (!options.adapter.empty() && !(adapter = Adapter::open(options.adapter, warn, error)))
    return std::nullopt;
  std::optional<std::string> weights = weightsText(model, *d.files, adapter ? &*adapter : nullptr, "", warn, error);
  std::optional<std::string> guideText = weights && guide ? guide->text(warn, error) : std::optional<std::string>("");
  if (!weights || !guideText)
    return std::nullopt;
  nameUnknownKeys(config, model, warn);
  std::string head = program.aliases() + "\nmodule attributes {\n    " +
                     moduleAttributes(model, capacity, fill, *stop, options) + "} {\n\n" +
                     indent(program.operations() + "\n", 2);
  std::string text = head + indent(model.text + "\n" + *guideText + *weights, 2) + "\n}\n";
  size_t modelLine = 1 + static_cast<size_t>(std::count(head.begin(), head.end(), '\n'));
  if (options.architecture.ends_with(".mlir.in") && !checkText(text, modelLine, model, error))
    return std::nullopt;
  return text;
}

OwningOpRef<ModuleOp> quoin::parseImported(MLIRContext &context, std::string_view text, std::string &error) {
  context.loadDialect<QuoinDialect, arith::ArithDialect, cf::ControlFlowDialect, func::FuncDialect,
                      linalg::LinalgDialect, math::MathDialect, scf::SCFDialect, tensor::TensorDialect>();
  error.clear();
  ScopedDiagnosticHandler keep(&context, [&](Diagnostic &diagnostic) {
    if (error.empty() && diagnostic.getSeverity() == DiagnosticSeverity::Error) {
      llvm::raw_string_ostream os(error);
      os << diagnostic.getLocation() << ": " << diagnostic;
      error = shortened(error.substr(0, error.find('\n')), 1000); // some print the op, too
    }
    return success();
  });
  return parseSourceString<ModuleOp>(text, ParserConfig(&context), "model.mlir");
}

OwningOpRef<ModuleOp> quoin::importCheckpoint(MLIRContext &context, const ImportOptions &options, std::string &error) {
  std::optional<std::string> text = importText(options, error);
  return text ? parseImported(context, *text, error) : OwningOpRef<ModuleOp>();
}

bool quoin::parseSetting(std::string_view text, std::pair<std::string, std::string> &setting, std::string &error) {
  size_t at = text.find('=');
  if (at == 0 || at == std::string_view::npos) {
    error = "'--set' expects key=value, but found '" + std::string(text) + "'";
    return false;
  }
  setting = {std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
  return true;
}

std::vector<std::string> quoin::decoderNames() {
  std::vector<std::string> names;
  for (const DecoderSpec &d : decoderCatalogue())
    names.emplace_back(d.name);
  return names;
}
