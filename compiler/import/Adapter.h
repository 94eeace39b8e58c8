//===- Adapter.h - a LoRA adapter's folder ---------------------------------===//
//
// A folder as PEFT writes it: adapter_config.json and adapter_model.safetensors. Each module of the model that it
// adapts has two matrices, A [rank, in] and B [out, rank]: the weight becomes W + scale B A, where the scale is alpha /
// rank, or alpha / sqrt(rank) with `use_rslora`. What it has beside them (biases, modules that were trained whole)
// takes the place of the model's tensor of that name.
//
// Nothing of it is passed over: a key that changes what an adapter means, and a tensor that the model has no place for,
// are errors by name.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_IMPORT_ADAPTER_H
#define QUOIN_COMPILER_IMPORT_ADAPTER_H

#include "support/Safetensors.h"
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace quoin {

class Adapter {
public:
  /// One tensor of the adapter.
  struct Part {
    std::string tensor; // its name in the file
    DType dtype = DType::F32;
    std::vector<int64_t> shape;
  };
  struct LowRank {
    Part down, up;
    double scale = 0;
  };

  /// Reads a folder, or fails with a message; `warn` is told, a line each, of keys that nobody knows.
  static std::optional<Adapter> open(const std::string &directory, const std::function<void(const std::string &)> &warn,
                                     std::string &error);

  /// What is added to a tensor of the model, and what takes its place; null: nothing. Who asks uses it.
  const LowRank *change(const std::string &tensor);
  const Part *replacement(const std::string &tensor);
  /// Does it have anything for this tensor of the model?
  bool has(const std::string &tensor) const { return changes.count(tensor) || replacements.count(tensor); }

  /// A tensor of the file that nobody used; empty: there is none.
  std::string unused() const;
  /// The absolute path of the tensors' file.
  const std::string &file() const { return path; }

private:
  std::string path;
  std::map<std::string, LowRank> changes; // by the model's tensor
  std::map<std::string, Part> replacements;
  std::set<std::string> used; // tensors of the model
};

} // namespace quoin

#endif
