//===- StepTimer.h - one denoise step of a compiled program, timed ---------===//
//
// Loads an artefact the way the runtime does and calls its `layers_step` and `head_step` on made-up rows behind a
// made-up prefix, so that a step is timed alone: no decoder, no session, no tokenizer.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_TOOLS_BENCH_STEPTIMER_H
#define QUOIN_TOOLS_BENCH_STEPTIMER_H

#include "runtime/include/quoin/program.h"
#include <memory>
#include <string>

namespace quoin::bench {

/// A loaded artefact: its program, its mapped weights and its model.json.
class LoadedProgram {
public:
  /// Null with `error` set if the folder is no artefact.
  static std::unique_ptr<LoadedProgram> open(const std::string &folder, std::string &error);
  ~LoadedProgram();
  const quoin_program_t &program() const { return *table; }
  /// The first model with a head: the one that is timed. Null if there is none.
  const quoin_program_model_t *model() const;
  const uint8_t *weights() const { return mapped; }
  const std::string &metadata() const { return json; }

private:
  LoadedProgram() = default;
  void *library = nullptr;
  const quoin_program_t *table = nullptr;
  uint8_t *mapped = nullptr;
  size_t mappedBytes = 0;
  std::string json;
};

struct StepTime {
  double seconds = 0; // median of the repetitions, layers and head
  double best = 0;
};

/// Times a step of `rows` rows, all of them read and scored, behind `prefix` cached slots.
StepTime timeStep(const LoadedProgram &program, int64_t rows, int64_t prefix, int threads, double budgetSeconds);

} // namespace quoin::bench

#endif
