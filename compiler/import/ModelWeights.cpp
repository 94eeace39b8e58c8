//===- ModelWeights.cpp - the tensors that a template names ----------------===//
//
//   1. Every weight has its tensor, of its shape; what the config denies is not there, or a bias of zeros.
//   2. What nothing reads is no layer that the config does not count, and no bias of a weight that is read.
//   3. The rest is counted in one line, but for what the template says to ignore.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/ModelWeights.h"
#include "support/JsonText.h"
#include <algorithm>

using namespace quoin;

namespace {

class WeightsWriter {
public:
  WeightsWriter(const ModelDescription &description, const CheckpointFiles &checkpoint, Adapter *changes,
                std::string where, std::string &message)
      : model(description), files(checkpoint), adapter(changes), folder(std::move(where)), error(message),
        read(description.compared) {}
  std::optional<std::string> run(const std::function<void(const std::string &)> &warn);

private:
  bool weight(const TensorRequest &request);
  bool adapted(const TensorRequest &request, const std::string &type, const std::string &file);
  bool replaced(const TensorRequest &request);
  bool refuseUnusedParts();
  const CheckpointFiles::Tensor *require(const TensorRequest &request, std::string &file);
  bool absent(const TensorRequest &request);
  bool refuseUncountedLayers();
  bool ignores(const std::string &name) const;
  bool refuseUnreadBiases();
  bool isZero(const std::string &name);
  std::string unread() const;

  const ModelDescription &model;
  const CheckpointFiles &files;
  Adapter *adapter;
  std::string folder;
  std::string &error;
  std::set<std::string> read; // tensors that the model has, or that were compared with one of those
  struct Counter {
    std::string key; // of config.json, which counts the loop
    size_t experts;  // where `*` stood in the name
  };
  std::map<std::string, Counter> counters; // of those in loops
  std::string text;
};

/// Does a name fit a pattern in which `*` stands for anything? One way back is enough: to the last `*`.
bool fits(std::string_view name, std::string_view pattern) {
  size_t n = 0, p = 0, star = std::string_view::npos, mark = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

bool WeightsWriter::isZero(const std::string &name) {
  std::string ignored;
  const CheckpointFiles::Tensor *tensor = files.find(name);
  return files.require(name, tensor->shape, ignored) && files.allZero(name, ignored);
}

/// The tensor of a weight, or the first of those that `*` counts; `file` has all of them, or is the index that says
/// where.
const CheckpointFiles::Tensor *WeightsWriter::require(const TensorRequest &request, std::string &file) {
  size_t star = request.tensor.find('*');
  if (star == std::string::npos) {
    const CheckpointFiles::Tensor *found = files.require(request.tensor, request.shape, error);
    if (found) {
      file = found->file;
      read.insert(request.tensor);
      counters.emplace(request.tensor, Counter{request.key, star});
    }
    return found;
  }
  const std::vector<int64_t> each(request.shape.begin() + 1, request.shape.end());
  const CheckpointFiles::Tensor *first = nullptr;
  for (int64_t i = 0; i < request.shape[0]; ++i) {
    std::string name = request.tensor;
    name.replace(star, 1, std::to_string(i));
    const CheckpointFiles::Tensor *found = files.require(name, each, error);
    if (!found)
      return nullptr;
    if (first && found->dtype != first->dtype) {
      error = files.directory() + ": expects tensors '" + request.tensor + "' of one type, but found " +
              shortened(first->spelled) + " and " + shortened(found->spelled) + " in '" + name + "'";
      return nullptr;
    }
    file = first && file != found->file ? CheckpointFiles::indexName : found->file;
    first = first ? first : found;
    read.insert(name);
    counters.emplace(name, Counter{request.key, star});
  }
  return first;
}

/// A weight's type.
std::string typeText(const std::vector<int64_t> &shape, DType dtype) {
  std::string type = "tensor<";
  for (int64_t size : shape)
    type += std::to_string(size) + "x";
  return type + (dtype == DType::F32 ? "f32>" : dtype == DType::BF16 ? "bf16>" : "f16>");
}

std::string weightLine(const std::string &symbol, const std::string &type, const std::string &file,
                       const std::string &tensor) {
  return "quoin.weight @" + symbol + " : " + type + " from " + mlirString(file) + " tensor " + mlirString(tensor);
}

bool WeightsWriter::weight(const TensorRequest &request) {
  std::string file;
  const CheckpointFiles::Tensor *found = require(request, file);
  if (!found)
    return false;
  if (!folder.empty())
    file = folder + "/" + file;
  std::vector<int64_t> shape = request.weightShape();
  std::string form;
  if (shape != request.shape) {
    for (int64_t size : request.shape)
      form += (form.empty() ? " stored [" : ", ") + std::to_string(size);
    form += "]";
  }
  if (request.rows)
    form += " at_row " + std::to_string(request.rows->first);
  if (request.transposed) {
    form += " transposed";
    std::swap(shape.front(), shape.back());
  }
  if (adapter && adapter->has(request.tensor)) {
    if (!form.empty()) {
      error = adapter->file() + ": expects tensors of the model that are read whole, but of '" +
              shortened(request.tensor, 200) + "' some rows are a weight";
      return false;
    }
    return replaced(request) || (error.empty() && adapted(request, typeText(shape, found->dtype), file));
  }
  text += weightLine(request.symbol, typeText(shape, found->dtype), file, request.tensor) + form + "\n";
  return true;
}

/// The adapter's tensor in place of the checkpoint's. False without an error if it has none.
bool WeightsWriter::replaced(const TensorRequest &request) {
  const Adapter::Part *part = adapter->replacement(request.tensor);
  if (!part)
    return false;
  if (part->shape != request.shape)
    error = adapter->file() + ": tensor '" + shortened(part->tensor, 200) + "' expects shape " +
            typeText(request.shape, part->dtype) + ", but found " + typeText(part->shape, part->dtype);
  // PEFT would change the one and keep the other.
  else if (model.text.find("head @" + request.symbol + " ") != std::string::npos &&
           model.text.find(" by @" + request.symbol + " ") != std::string::npos)
    error = adapter->file() + ": tensor '" + shortened(part->tensor, 200) +
            "' expects an embedding and a head of their own, but the model's are one";
  text += weightLine(request.symbol, typeText(part->shape, part->dtype), adapter->file(), part->tensor) + "\n";
  return error.empty();
}

/// The tensor with what the adapter adds.
bool WeightsWriter::adapted(const TensorRequest &request, const std::string &type, const std::string &file) {
  const Adapter::LowRank &change = *adapter->change(request.tensor);
  int64_t rank = change.down.shape[0];
  if (request.shape.size() != 2 || change.down.shape[1] != request.shape[1] || change.up.shape[0] != request.shape[0]) {
    error = adapter->file() + ": tensor '" + shortened(change.down.tensor, 200) + "' expects " +
            "a matrix of the model of " + std::to_string(change.up.shape[0]) + " by " +
            std::to_string(change.down.shape[1]) + ", but '" + shortened(request.tensor, 200) + "' is " + type;
    return false;
  }
  const std::string name = request.symbol + ".adapter.";
  text += weightLine(request.symbol, type, file, request.tensor) + " {quoin.adapter = [@" + name + "a, @" + name +
          "b, " + realText(change.scale) + "]}\n";
  text += weightLine(name + "a", typeText({rank, request.shape[1]}, change.down.dtype), adapter->file(),
                     change.down.tensor) +
          "\n";
  text +=
      weightLine(name + "b", typeText({request.shape[0], rank}, change.up.dtype), adapter->file(), change.up.tensor) +
      "\n";
  return true;
}

/// What the model has no place for would silently be left out.
bool WeightsWriter::refuseUnusedParts() {
  if (!adapter)
    return true;
  for (const auto &[name, counter] : counters)
    if (counter.experts != std::string::npos && adapter->has(name)) {
      error = adapter->file() + ": expects no adapter of experts, which is not supported, but found one of '" +
              shortened(name, 200) + "'";
      return false;
    }
  std::string unused = adapter->unused();
  if (!unused.empty())
    error = adapter->file() + ": tensor '" + shortened(unused, 200) +
            "' expects a module that the model reads, but there is none of that name";
  return unused.empty();
}

bool WeightsWriter::absent(const TensorRequest &request) {
  if (!files.find(request.tensor))
    return true;
  bool bias = request.tensor.ends_with(".bias");
  if (bias && isZero(request.tensor))
    return true;
  error = "config.json: '" + request.key + "' expects no tensor '" + shortened(request.tensor, 200) + "'" +
          (bias ? " other than zeros" : "") + ", but the checkpoint has it";
  return false;
}

/// Does the template say that it may be there unread?
bool WeightsWriter::ignores(const std::string &name) const {
  return std::any_of(model.ignored.begin(), model.ignored.end(),
                     [&](const auto &pattern) { return fits(name, pattern); });
}

/// A layer that config.json does not count would silently be left out: a tensor that has the name of one that is read
/// but for a number, unless the template ignores it.
bool WeightsWriter::refuseUncountedLayers() {
  for (const auto &[name, tensor] : files.all()) {
    if (read.count(name) || ignores(name))
      continue;
    for (size_t at = name.find_first_of("0123456789"); at != std::string::npos;) {
      size_t end = std::min(name.find_first_not_of("0123456789", at), name.size());
      bool whole = at > 0 && (name[at - 1] == '.' || name[at - 1] == '_') && end < name.size() && name[end] == '.';
      auto counted = whole ? counters.find(name.substr(0, at) + "0" + name.substr(end)) : counters.end();
      if (counted != counters.end()) {
        const Counter &counter = counted->second;
        if (counter.key.empty() || counter.experts == at)
          error = files.directory() + ": expects no tensor '" + shortened(name, 200) +
                  "', as config.json counts fewer of the kind, but the checkpoint has it";
        else
          error = "config.json: '" + counter.key + "' expects as many layers as the checkpoint has, but found " +
                  (model.layers ? std::to_string(*model.layers) : "fewer") + " and tensor '" + shortened(name, 200) +
                  "'";
        return false;
      }
      at = name.find_first_of("0123456789", end);
    }
  }
  return true;
}

/// A bias beside a weight that is read is added to its products, by whoever wrote the file.
bool WeightsWriter::refuseUnreadBiases() {
  for (const auto &[name, tensor] : files.all()) {
    if (read.count(name) || !name.ends_with(".bias") ||
        !read.count(name.substr(0, name.size() - std::string_view(".bias").size()) + ".weight"))
      continue;
    if (isZero(name))
      continue;
    error = files.directory() + ": expects no tensor '" + shortened(name, 200) +
            "' other than zeros, as the family adds none there, but the checkpoint has it";
    return false;
  }
  return true;
}

/// One line for all tensors that the model has no place for.
std::string WeightsWriter::unread() const {
  size_t count = 0;
  const std::string *first = nullptr;
  for (const auto &[name, tensor] : files.all())
    if (!read.count(name) && !ignores(name)) {
      first = first ? first : &name;
      ++count;
    }
  if (!count)
    return "";
  return files.directory() + ": the model does not read " + std::to_string(count) +
         (count == 1 ? " tensor of the checkpoint, '" : " tensors of the checkpoint, such as '") +
         shortened(*first, 200) + "'";
}

std::optional<std::string> WeightsWriter::run(const std::function<void(const std::string &)> &warn) {
  for (const TensorRequest &request : model.tensors)
    if (!(request.symbol.empty() ? absent(request) : weight(request)))
      return std::nullopt;
  if (!refuseUncountedLayers() || !refuseUnreadBiases() || !refuseUnusedParts())
    return std::nullopt;
  if (std::string line = unread(); !line.empty())
    warn(line);
  return text;
}

} // namespace

std::optional<std::string> quoin::weightsText(const ModelDescription &model, const CheckpointFiles &files,
                                              Adapter *adapter, const std::string &folder,
                                              const std::function<void(const std::string &)> &warn,
                                              std::string &error) {
  error.clear();
  return WeightsWriter(model, files, adapter, folder, error).run(warn);
}

std::string quoin::mlirString(const std::string &text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string result = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte >= ' ' && byte < 0x7f && c != '"' && c != '\\')
      result += c;
    else
      result += {'\\', digits[byte >> 4], digits[byte & 15]};
  }
  return result + "\"";
}
