//===- Pipeline.cpp - the phase table --------------------------------------===//

#include "passes/Pipeline.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
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
  if (options.approximate && options.approximate->policy == ApproximationPolicy::AttentionOutput)
    pm.addPass(createApproximateAttentionPass({options.approximate->refresh}));
  else if (options.approximate)
    pm.addNestedPass<DecoderOp>(
        createApproximateCachePass({options.approximate->policy, options.approximate->refresh}));
  pm.addNestedPass<DecoderOp>(createInferCachePass());
}

static void addScheduled(OpPassManager &pm, const PhaseOptions &options) {
  pm.addNestedPass<ModelOp>(createExpandSpellingsPass());
  if (options.level > 0) {
    pm.addPass(createFoldWeightsPass());
    pm.addNestedPass<DecoderOp>(createFuseCommitPass());
    pm.addNestedPass<DecoderOp>(createPermuteTokensPass());
    pm.addNestedPass<DecoderOp>(createFuseScorePass());
    pm.addNestedPass<ModelOp>(createPruneRowsPass());
    pm.addNestedPass<func::FuncOp>(createPermuteRowsPass());
    pm.addPass(createCanonicalizer());
    pm.addPass(createCSEPass());
  }
  pm.addNestedPass<DecoderOp>(createOutlineStepsPass());
}

static void addStages(OpPassManager &pm, const PhaseOptions &options) {
  pm.addPass(createLowerToStagesPass());
  WeightStorage wide = wideStorage(options.weights);
  pm.addNestedPass<stage::StepOp>(createPlaceEndsPass({wide}));
  pm.addNestedPass<stage::StepOp>(createFuseRowsPass());
  if (int64_t bits = wholeBits(options.weights), head = wholeBits(options.head); bits || head)
    pm.addNestedPass<stage::StepOp>(createQuantizePass({bits, options.group, head}));
  pm.addNestedPass<stage::StepOp>(createAssignStoragePass({wide, options.pairs}));
  pm.addNestedPass<stage::StepOp>(createJoinProductsPass());
  pm.addPass(createPackWeightsPass());
  pm.addNestedPass<stage::StepOp>(createPlaceBuffersPass());
  pm.addNestedPass<stage::StepOp>(createPlaceBarriersPass());
}

static const Phase table[] = {
    {"semantic", "what the paper says: stateless calls, no functions in decoders", addSemantic},
    {"cached", "calls run what the masks do not prove unchanged; same tokens, as many calls as published", addCached},
    {"scheduled", "same tokens, fewer calls and rows; decoders suspend at every call", addScheduled},
    {"stages", "models are steps of stages, with places, stored types and the layout of the weight file", addStages},
    {"cpu", "machine code for a CPU", nullptr},
};

ArrayRef<Phase> quoin::phases() { return table; }

ArrayRef<Phase> quoin::phasesOfIR() {
  return ArrayRef(table).take_while([](const Phase &p) { return !p.isCode(); });
}

const Phase *quoin::findPhase(StringRef name) {
  const Phase *found = llvm::find_if(table, [&](const Phase &p) { return p.name == name; });
  return found == std::end(table) ? nullptr : found;
}

LogicalResult quoin::buildPipeline(OpPassManager &pm, StringRef from, StringRef to, const PhaseOptions &options,
                                   std::string &error) {
  auto find = [&](StringRef name, size_t absent) -> FailureOr<size_t> {
    if (name.empty())
      return absent;
    ArrayRef<Phase> known = phasesOfIR();
    for (auto [i, phase] : llvm::enumerate(known))
      if (phase.name == name)
        return i + 1;
    error = "expects a phase out of ";
    llvm::raw_string_ostream os(error);
    llvm::interleaveComma(known, os, [&](const Phase &p) { os << '\'' << p.name << '\''; });
    os << ", but found '" << name << "'";
    return failure();
  };
  FailureOr<size_t> first = find(from, 0), last = find(to, phasesOfIR().size());
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
  case ApproximationPolicy::AttentionOutput:
    return "attention-output";
  }
  llvm_unreachable("all policies have names");
}

std::optional<Approximation> quoin::parseApproximation(StringRef text, std::string &error) {
  auto [name, rest] = text.split(',');
  Approximation result;
  using Policy = ApproximationPolicy;
  const Policy *policy = nullptr;
  static const Policy all[] = {Policy::Dual, Policy::SubBlock, Policy::BlockExternal, Policy::AttentionOutput};
  for (const Policy &p : all)
    if (stringifyPolicy(p) == name)
      policy = &p;
  if (!policy) {
    error = ("expects 'dual', 'sub-block', 'block-external' or 'attention-output', but found '" + name + "'").str();
    return std::nullopt;
  }
  result.policy = *policy;
  bool given = rest.consume_front("refresh=");
  if (name.size() != text.size() && (!given || rest.getAsInteger(10, result.refresh) || result.refresh < 1)) {
    error = ("expects 'refresh=N' of at least 1 after the policy, but found '" + text + "'").str();
    return std::nullopt;
  }
  if ((*policy == Policy::BlockExternal || *policy == Policy::AttentionOutput) && result.refresh == 0) {
    error = ("expects '" + name + "' with ',refresh=N', but found no interval").str();
    return std::nullopt;
  }
  return result;
}

std::optional<WeightStorage> quoin::parseWeightStorage(StringRef text, std::string &error) {
  if (text == "keep")
    return WeightStorage::Keep;
  if (text == "f32")
    return WeightStorage::F32;
  if (text == "bf16")
    return WeightStorage::BF16;
  if (text == "int8")
    return WeightStorage::Int8;
  if (text == "int4")
    return WeightStorage::Int4;
  error = ("expects weights 'keep', 'f32', 'bf16', 'int8' or 'int4', but found '" + text + "'").str();
  return std::nullopt;
}

std::optional<WeightStorage> quoin::parseHeadStorage(StringRef text, std::string &error) {
  if (text == "keep" || text == "int8" || text == "int4")
    return parseWeightStorage(text, error);
  error = ("expects the head 'keep', 'int8' or 'int4', but found '" + text + "'").str();
  return std::nullopt;
}

namespace {
struct PipelineOptions : PassPipelineOptions<PipelineOptions> {
  Option<std::string> from{*this, "from", llvm::cl::desc("the phase that the program is in; empty: as written")};
  Option<std::string> to{*this, "to", llvm::cl::desc("the phase to reach; empty: the last")};
  Option<int> level{*this, "level", llvm::cl::desc("0: as many calls as published, else all exact passes"),
                    llvm::cl::init(2)};
  Option<std::string> approximate{
      *this, "approximate",
      llvm::cl::desc("dual, sub-block, block-external or attention-output, with ',refresh=N'; empty: exact")};
  Option<std::string> weights{*this, "weights",
                              llvm::cl::desc("what matrices are stored as: keep, f32, bf16, int8 or int4"),
                              llvm::cl::init("keep")};
  Option<int64_t> group{*this, "group", llvm::cl::desc("numbers of int8 or int4 that share a scale: 32, 64 or 128")};
  Option<std::string> head{*this, "head", llvm::cl::desc("what the head's matrix is stored as: keep, int8 or int4"),
                           llvm::cl::init("keep")};
  Option<bool> pairs{*this, "pairs", llvm::cl::desc("the target multiplies pairs of bf16 faster than f32")};
};
} // namespace

void quoin::registerQuoinPipeline() {
  static PassPipelineRegistration<PipelineOptions> registration(
      "quoin-pipeline", "the passes between two phases of the compiler",
      [](OpPassManager &pm, const PipelineOptions &options) {
        std::string error;
        std::optional<WeightStorage> weights = parseWeightStorage(options.weights, error);
        std::optional<WeightStorage> head = parseHeadStorage(options.head, error);
        PhaseOptions chosen{options.level,
                            std::nullopt,
                            weights.value_or(WeightStorage::Keep),
                            options.group,
                            head.value_or(WeightStorage::Keep),
                            options.pairs};
        bool good =
            options.approximate.empty() || (chosen.approximate = parseApproximation(options.approximate, error));
        if (!weights || !head || !good || failed(buildPipeline(pm, options.from, options.to, chosen, error)))
          llvm::report_fatal_error(llvm::StringRef(error), /*gen_crash_diag=*/false);
      });
}
