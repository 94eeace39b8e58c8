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

static void addSemantic(OpPassManager &pm, const PhaseOptions &options) {
  pm.addPass(createInlineCallsPass());
  pm.addPass(createVerifyMasksPass());
  if (options.level == 0)
    return;
  pm.addPass(createUnifyMasksPass());
  pm.addPass(createCanonicalizer());
  pm.addPass(createCSEPass());
}

static void addCached(OpPassManager &pm, const PhaseOptions &options) {
  if (options.approximate)
    pm.addNestedPass<DecoderOp>(
        createApproximateCachePass({options.approximate->policy, options.approximate->refresh}));
  pm.addNestedPass<DecoderOp>(createInferCachePass());
}

static void addScheduled(OpPassManager &pm, const PhaseOptions &options) {
  if (options.level > 0) {
    pm.addNestedPass<DecoderOp>(createFuseCommitPass());
    pm.addNestedPass<DecoderOp>(createPermuteTokensPass());
    pm.addNestedPass<DecoderOp>(createFuseScorePass());
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

LogicalResult quoin::buildPipeline(OpPassManager &pm, StringRef from, StringRef to, const PhaseOptions &options,
                                   std::string &error) {
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
  ArrayRef<Phase> chosen = ArrayRef(table).slice(*first, *last - *first);
  if (options.approximate && llvm::none_of(chosen, [](const Phase &p) { return p.addPasses == addCached; })) {
    error = "expects phases that lead to 'cached' with an approximation, but they leave it out";
    return failure();
  }
  for (const Phase &phase : chosen)
    phase.addPasses(pm, options);
  return success();
}

StringRef quoin::stringifyPolicy(ApproximationPolicy policy) {
  switch (policy) {
  case ApproximationPolicy::Dual:
    return "dual";
  case ApproximationPolicy::SubBlock:
    return "sub-block";
  case ApproximationPolicy::BlockExternal:
    return "block-external";
  }
  llvm_unreachable("all policies have names");
}

std::optional<Approximation> quoin::parseApproximation(StringRef text, std::string &error) {
  auto [name, rest] = text.split(',');
  Approximation result;
  using Policy = ApproximationPolicy;
  const Policy *policy = nullptr;
  static const Policy all[] = {Policy::Dual, Policy::SubBlock, Policy::BlockExternal};
  for (const Policy &p : all)
    if (stringifyPolicy(p) == name)
      policy = &p;
  if (!policy) {
    error = ("expects 'dual', 'sub-block' or 'block-external', but found '" + name + "'").str();
    return std::nullopt;
  }
  result.policy = *policy;
  bool given = rest.consume_front("refresh=");
  if (name.size() != text.size() && (!given || rest.getAsInteger(10, result.refresh) || result.refresh < 1)) {
    error = ("expects 'refresh=N' of at least 1 after the policy, but found '" + text + "'").str();
    return std::nullopt;
  }
  if (*policy == Policy::BlockExternal && result.refresh == 0) {
    error = "expects 'block-external' with ',refresh=N', but found no interval";
    return std::nullopt;
  }
  return result;
}

namespace {
struct PipelineOptions : PassPipelineOptions<PipelineOptions> {
  Option<std::string> from{*this, "from", llvm::cl::desc("the phase that the program is in; empty: as written")};
  Option<std::string> to{*this, "to", llvm::cl::desc("the phase to reach; empty: the last")};
  Option<int> level{*this, "level", llvm::cl::desc("0: as many calls as published, 2: all exact passes"),
                    llvm::cl::init(2)};
  Option<std::string> approximate{*this, "approximate",
                                  llvm::cl::desc("dual, sub-block or block-external, with ',refresh=N'; empty: exact")};
};
} // namespace

void quoin::registerQuoinPipeline() {
  static PassPipelineRegistration<PipelineOptions> registration(
      "quoin-pipeline", "the passes between two phases of the compiler",
      [](OpPassManager &pm, const PipelineOptions &options) {
        std::string error;
        PhaseOptions chosen{options.level, std::nullopt};
        bool good =
            options.approximate.empty() || (chosen.approximate = parseApproximation(options.approximate, error));
        if (!good || failed(buildPipeline(pm, options.from, options.to, chosen, error)))
          llvm::report_fatal_error(llvm::StringRef(error), /*gen_crash_diag=*/false);
      });
}
