//===- Pipeline.cpp - the phase table --------------------------------------===//

#include "passes/Pipeline.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace quoin;

/// Upstream's canonicaliser without the pattern that gives a loop-carried tensor the size of its initial value: a
/// decoder's tensors may grow from step to step.
static std::unique_ptr<Pass> createCanonicalizer() {
  static const std::string disabled[] = {"(anonymous namespace)::ForOpTensorCastFolder"};
  return createCanonicalizerPass(GreedyRewriteConfig(), disabled);
}

static void addSemantic(OpPassManager &pm, int level) {
  pm.addPass(createInlineCallsPass());
  pm.addPass(createVerifyMasksPass());
  if (level == 0)
    return;
  pm.addPass(createUnifyMasksPass());
  pm.addPass(createCanonicalizer());
  pm.addPass(createCSEPass());
}

static void addCached(OpPassManager &pm, int level) { pm.addNestedPass<DecoderOp>(createInferCachePass()); }

static void addScheduled(OpPassManager &pm, int level) {
  if (level > 0) {
    pm.addNestedPass<DecoderOp>(createFuseCommitPass());
    pm.addNestedPass<DecoderOp>(createPermuteTokensPass());
    pm.addNestedPass<ModelOp>(createPruneRowsPass());
    pm.addPass(createCanonicalizer());
    pm.addPass(createCSEPass());
  }
  pm.addNestedPass<DecoderOp>(createOutlineStepsPass());
}

static const Phase table[] = {
    {"semantic", "what the paper says: stateless calls, no functions in decoders", addSemantic},
    {"cached", "calls run what the masks do not prove unchanged; same tokens, as many calls as published", addCached},
    {"scheduled", "same tokens, fewer calls and rows; decoders suspend at every call", addScheduled},
};

ArrayRef<Phase> quoin::phases() { return table; }

LogicalResult quoin::buildPipeline(OpPassManager &pm, StringRef from, StringRef to, int level, std::string &error) {
  auto find = [&](StringRef name, size_t absent) -> FailureOr<size_t> {
    if (name.empty())
      return absent;
    for (auto [i, phase] : llvm::enumerate(table))
      if (phase.name == name)
        return i + 1;
    error = "expects a phase out of ";
    llvm::raw_string_ostream os(error);
    llvm::interleaveComma(table, os, [&](const Phase &p) { os << '\'' << p.name << '\''; });
    os << ", but found '" << name << "'";
    return failure();
  };
  FailureOr<size_t> first = find(from, 0), last = find(to, std::size(table));
  if (failed(first) || failed(last))
    return failure();
  if (*first > *last) {
    error = ("expects phases in their order, but '" + to + "' comes before '" + from + "'").str();
    return failure();
  }
  for (const Phase &phase : ArrayRef(table).slice(*first, *last - *first))
    phase.addPasses(pm, level);
  return success();
}

namespace {
struct PipelineOptions : PassPipelineOptions<PipelineOptions> {
  Option<std::string> from{*this, "from", llvm::cl::desc("the phase that the program is in; empty: as written")};
  Option<std::string> to{*this, "to", llvm::cl::desc("the phase to reach; empty: the last")};
  Option<int> level{*this, "level", llvm::cl::desc("0: as many calls as published, 2: all exact passes"),
                    llvm::cl::init(2)};
};
} // namespace

void quoin::registerQuoinPipeline() {
  static PassPipelineRegistration<PipelineOptions> registration(
      "quoin-pipeline", "the passes between two phases of the compiler",
      [](OpPassManager &pm, const PipelineOptions &options) {
        std::string error;
        if (failed(buildPipeline(pm, options.from, options.to, options.level, error)))
          llvm::report_fatal_error(llvm::StringRef(error), /*gen_crash_diag=*/false);
      });
}
