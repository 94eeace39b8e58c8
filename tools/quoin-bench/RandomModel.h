//===- RandomModel.h - a model of a given shape with random weights --------===//
//
// Speed does not depend on what the weights say, so a benchmark needs a config.json only: the checkpoint is made up in
// a temporary folder, compiled like any other, and removed with the artefact.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_TOOLS_BENCH_RANDOMMODEL_H
#define QUOIN_TOOLS_BENCH_RANDOMMODEL_H

#include "tools/quoin-bench/TemporaryFolder.h"
#include <memory>
#include <string>

namespace quoin::bench {

class RandomModel {
public:
  /// Leaves the artefact in the folder `keep` if that is not "". Null with `error` set if the config is none that we
  /// import, or a step of the compiler fails.
  static std::unique_ptr<RandomModel> compile(const std::string &config, const std::string &weights,
                                              const std::string &keep, std::string &error);
  std::string folder() const { return artefact; }

private:
  RandomModel() = default;
  std::unique_ptr<TemporaryFolder> temporary;
  std::string artefact;
};

} // namespace quoin::bench

#endif
