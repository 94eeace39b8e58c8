//===- Adapter.cpp - a LoRA adapter's folder -------------------------------===//
//
//   1. adapter_config.json: keys that change what an adapter means have a value that we compute, or are refused.
//   2. adapter_model.safetensors: pairs of matrices, and tensors that stand for themselves.
//   3. Each pair fits the rank and the targets of the config, and gets its scale.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/Adapter.h"
#include "compiler/import/KeyMeanings.h"
#include "support/JsonText.h"
#include <algorithm>
#include <cmath>
#include <filesystem>

using namespace quoin;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr const char *configName = "adapter_config.json";
constexpr const char *tensorsName = "adapter_model.safetensors";
/// What PEFT puts before the names of the model's own modules.
constexpr std::string_view prefix = "base_model.model.";
constexpr std::string_view downEnd = ".lora_A.weight", upEnd = ".lora_B.weight";

/// Keys that have to be absent or off: what they change we do not compute.
constexpr const char *otherMethods[] = {"use_dora",
                                        "lora_bias",
                                        "layer_replication",
                                        "loftq_config",
                                        "eva_config",
                                        "corda_config",
                                        "use_qalora",
                                        "trainable_token_indices",
                                        "target_parameters",
                                        "arrow_config",
                                        "alora_invocation_tokens"};

/// Keys that say nothing about the numbers, or which modules there are, as the tensors do.
constexpr const char *ofTraining[] = {"auto_mapping",
                                      "base_model_name_or_path",
                                      "inference_mode",
                                      "lora_dropout",
                                      "megatron_config",
                                      "megatron_core",
                                      "revision",
                                      "task_type",
                                      "peft_version",
                                      "qalora_group_size",
                                      "ensure_weight_tying",
                                      "exclude_modules",
                                      "layers_pattern",
                                      "layers_to_transform"};

constexpr const char *keysRead[] = {
    "peft_type",      "r",    "lora_alpha",     "use_rslora",      "rank_pattern",     "alpha_pattern",
    "target_modules", "bias", "fan_in_fan_out", "modules_to_save", "init_lora_weights"};

/// Is it the module, or its last parts?
bool endsWithModule(std::string_view module, std::string_view name) {
  return module == name || (module.ends_with(name) && module[module.size() - name.size() - 1] == '.');
}

class AdapterReader {
public:
  AdapterReader(const std::string &from, std::string &message)
      : folder(from), config((fs::path(from) / configName).string()), error(message) {}

  bool readConfig(const std::function<void(const std::string &)> &warn);
  bool readTensors(std::map<std::string, Adapter::LowRank> &changes,
                   std::map<std::string, Adapter::Part> &replacements);
  std::string path() const { return (fs::path(folder) / tensorsName).string(); }

private:
  bool failed() {
    if (config.failed())
      error = config.error();
    return config.failed();
  }
  bool refuse(const std::string &tensor, const std::string &expected) {
    error = path() + ": tensor '" + shortened(tensor, 200) + "' expects " + expected;
    return false;
  }
  bool readPatterns(const char *key, double low);
  std::optional<double> patternOf(const char *key, std::string_view module) const;
  bool isTarget(std::string_view module) const;
  bool finish(const std::string &module, Adapter::LowRank &pair);

  std::string folder;
  ConfigReader config;
  std::string &error;
  int64_t rank = 0;
  double alpha = 0;
  bool byRoot = false;
};

bool AdapterReader::readPatterns(const char *key, double low) {
  const json *patterns = config.find(key);
  if (!patterns)
    return true;
  if (!patterns->is_object()) {
    config.fail(key, "an object");
    return !failed();
  }
  ConfigReader inner = config.below(key);
  for (const auto &[name, value] : patterns->items()) {
    (void)inner.real(name, low, 1e6);
    // Anything else would be a regular expression.
    bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    });
    if (!plain)
      inner.fail(name, "a module's name, or its last parts, as the key (patterns are not supported)");
  }
  config.take(inner);
  return !failed();
}

bool AdapterReader::readConfig(const std::function<void(const std::string &)> &warn) {
  if (failed())
    return false;
  if (config.text("peft_type") != "LORA")
    config.fail("peft_type", "'LORA'");
  rank = config.integer("r", 1, 65536);
  alpha = config.real("lora_alpha", -1e6, 1e6);
  byRoot = config.flag("use_rslora", false);
  // PEFT takes no notice of it for modules that are linear, as ours all are.
  if (config.flag("fan_in_fan_out", false))
    warn(config.path() + ": 'fan_in_fan_out' means nothing to linear modules");
  std::string bias = config.text("bias", "none");
  if (bias != "none" && bias != "all" && bias != "lora_only")
    config.fail("bias", "'none', 'all' or 'lora_only'");
  for (const char *key : otherMethods)
    if (const json *value = config.find(key); value && !isOff(*value))
      config.fail(key, "null (not supported)");
  // These change the model that the adapter is for.
  if (const json *value = config.find("init_lora_weights");
      value && !value->is_boolean() && *value != "gaussian" && *value != "orthogonal")
    config.fail("init_lora_weights", "true, false or 'gaussian' (with others the model is changed, too)");
  const json *targets = config.find("target_modules");
  bool good = !targets || targets->is_string() ||
              (targets->is_array() &&
               std::all_of(targets->begin(), targets->end(), [](const json &each) { return each.is_string(); }));
  if (!good)
    config.fail("target_modules", "a list of names, or a pattern");
  if (failed() || !readPatterns("rank_pattern", 1) || !readPatterns("alpha_pattern", -1e6))
    return false;
  for (const auto &[key, value] : config.all().items())
    if (!isIn(otherMethods, key) && !isIn(ofTraining, key) && !isIn(keysRead, key) && !value.is_null())
      warn(config.path() + ": the adapter's key '" + shortened(key, 200) + "' is not read");
  return true;
}

std::optional<double> AdapterReader::patternOf(const char *key, std::string_view module) const {
  if (const json *patterns = config.find(key))
    for (const auto &[name, value] : patterns->items())
      if (endsWithModule(module, name))
        return value.get<double>();
  return std::nullopt;
}

/// A pattern we believe: only what has tensors is changed.
bool AdapterReader::isTarget(std::string_view module) const {
  const json *targets = config.find("target_modules");
  return !targets || targets->is_string() || std::any_of(targets->begin(), targets->end(), [&](const json &each) {
    return endsWithModule(module, each.get_ref<const std::string &>());
  });
}

bool AdapterReader::finish(const std::string &module, Adapter::LowRank &pair) {
  for (auto [own, other, end] : {std::tuple(&pair.down, &pair.up, downEnd), std::tuple(&pair.up, &pair.down, upEnd)})
    if (own->tensor.empty())
      return refuse(other->tensor, "'" + std::string(prefix) + shortened(module, 200) + std::string(end) +
                                       "' beside it, but there is none");
  if (!isTarget(module))
    return refuse(pair.down.tensor, "a module that 'target_modules' names, but it names others");
  double rows = patternOf("rank_pattern", module).value_or(static_cast<double>(rank));
  if (static_cast<double>(pair.down.shape[0]) != rows)
    return refuse(pair.down.tensor, "the rank " + std::to_string(static_cast<int64_t>(rows)) + " of " + configName +
                                        ", but found " + std::to_string(pair.down.shape[0]));
  if (pair.up.shape[1] != pair.down.shape[0])
    return refuse(pair.up.tensor, "the rank " + std::to_string(pair.down.shape[0]) + " of '" + pair.down.tensor +
                                      "', but found " + std::to_string(pair.up.shape[1]));
  double times = patternOf("alpha_pattern", module).value_or(alpha);
  pair.scale = times / (byRoot ? std::sqrt(rows) : rows);
  return true;
}

bool AdapterReader::readTensors(std::map<std::string, Adapter::LowRank> &changes,
                                std::map<std::string, Adapter::Part> &replacements) {
  std::unique_ptr<SafetensorsFile> file = SafetensorsFile::open(path(), error);
  if (!file)
    return false;
  std::map<std::string, Adapter::LowRank> pairs; // by module
  for (const std::string &name : file->names()) {
    const TensorView &tensor = *file->find(name);
    if (!name.starts_with(prefix))
      return refuse(name, "a name that begins with '" + std::string(prefix) + "'");
    if (tensor.dtype != DType::F32 && tensor.dtype != DType::BF16 && tensor.dtype != DType::F16)
      return refuse(name, "elements F32, BF16 or F16, but found " + shortened(tensor.spelled));
    std::string own = name.substr(prefix.size());
    Adapter::Part part{name, tensor.dtype, tensor.shape};
    bool down = own.ends_with(downEnd), up = own.ends_with(upEnd);
    if (!down && !up) {
      if (own.find("lora_") != std::string::npos)
        return refuse(name, "'..lora_A.weight' or '..lora_B.weight' (nothing else of an adapter is supported)");
      replacements.emplace(own, std::move(part));
      continue;
    }
    if (tensor.shape.size() != 2)
      return refuse(name, "a matrix, but it has " + std::to_string(tensor.shape.size()) + " dimensions");
    Adapter::LowRank &pair = pairs[own.substr(0, own.size() - (down ? downEnd : upEnd).size())];
    (down ? pair.down : pair.up) = std::move(part);
  }
  for (auto &[module, pair] : pairs) {
    if (!finish(module, pair))
      return false;
    changes.emplace(module + ".weight", std::move(pair));
  }
  if (!changes.empty() || !replacements.empty())
    return true;
  error = path() + ": expects tensors of an adapter, but found none";
  return false;
}

} // namespace

std::optional<Adapter> Adapter::open(const std::string &directory, const std::function<void(const std::string &)> &warn,
                                     std::string &error) {
  std::error_code ignored;
  if (!fs::is_directory(directory, ignored)) {
    error = "'--adapter' expects a folder with an adapter_config.json, but found '" + shortened(directory, 200) + "'";
    return std::nullopt;
  }
  Adapter adapter;
  AdapterReader reader(directory, error);
  if (!reader.readConfig(warn) || !reader.readTensors(adapter.changes, adapter.replacements))
    return std::nullopt;
  adapter.path = fs::weakly_canonical(fs::absolute(reader.path(), ignored), ignored).string();
  return adapter;
}

const Adapter::LowRank *Adapter::change(const std::string &tensor) {
  auto it = changes.find(tensor);
  if (it == changes.end())
    return nullptr;
  used.insert(tensor);
  return &it->second;
}

const Adapter::Part *Adapter::replacement(const std::string &tensor) {
  auto it = replacements.find(tensor);
  if (it == replacements.end())
    return nullptr;
  used.insert(tensor);
  return &it->second;
}

std::string Adapter::unused() const {
  for (const auto &[tensor, pair] : changes)
    if (!used.count(tensor))
      return pair.down.tensor;
  for (const auto &[tensor, part] : replacements)
    if (!used.count(tensor))
      return part.tensor;
  return "";
}
