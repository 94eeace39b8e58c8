//===- EmitStep.cpp - the steps of models as launches ------------------------===//

#include "compiler/cuda/EmitStep.h"
#include "compiler/cpu/StepEmitter.h"
#include "compiler/cuda/CudaKernels.h"
#include "compiler/cuda/DistributeLanes.h"
#include "compiler/cuda/EmitPtx.h"
#include "compiler/cuda/Intrinsics.h"
#include "runtime/include/quoin/cuda.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::cuda;
using namespace quoin::cpu;
using namespace quoin::stage;
using decoder::CudaLaunch;

/// More blocks than any GPU runs at once.
static constexpr int64_t mostBlocks = 8192;
/// Places of one stage.
static constexpr size_t mostConstants = 64;

static KernelOptions optionsFor(bool brain) {
  KernelOptions options;
  options.x86 = false;
  options.brain = brain;
  options.threads = true;
  return options;
}

CudaProgram::CudaProgram(MLIRContext *context, bool brain, ArrayRef<BlockMask> theMasks)
    : module(ModuleOp::create(UnknownLoc::get(context))), kb(*module, optionsFor(brain)), masks(theMasks) {}

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

namespace {
class StageEmitter : public StepEmitter {
public:
  StageEmitter(KernelBuilder &builder, const StepFacts &theFacts, ArrayRef<BlockMask> theMasks, ArrayRef<Val> a,
               Val worker, Val workers, SmallVectorImpl<int64_t> &theConstants)
      : StepEmitter(builder, theFacts, theMasks, a[0], worker, workers), parameters(a.drop_front()),
        constants(theConstants) {}

  /// Products have a launch each.
  void emitProduct(ProductOp op) { kb.call(productKernel(kb, linearShape(op)), productArguments(op, worker, workers)); }

protected:
  Val place(int64_t bytes) override {
    constants.push_back(bytes);
    return parameters[std::min(constants.size() - 1, parameters.size() - 1)];
  }
  Val behind(Val base, int64_t bytes) override { return kb.at(base, place(bytes)); }

private:
  ArrayRef<Val> parameters;
  SmallVectorImpl<int64_t> &constants;
};

/// How a launch's grid grows.
struct Grid {
  int32_t with = QUOIN_GRID_ROWS;
  int64_t each = 1, blocks = 1;
};

int32_t gridOf(Space space) {
  return space == Space::Row ? QUOIN_GRID_ROWS : space == Space::Sequence ? QUOIN_GRID_GROUPS : QUOIN_GRID_READS;
}

Grid gridOf(Operation *stage) {
  return llvm::TypeSwitch<Operation *, Grid>(stage)
      .Case([](MasksOp) { return Grid{QUOIN_GRID_ROWS, 8, 1}; })
      .Case([](stage::EachRowOp op) { return Grid{gridOf(op.getSpace()), 1, 1}; })
      .Case([](ProductOp op) {
        return Grid{gridOf(op.getOutput().getType().getSpace()), rowsAtOnce, linearShape(op).tiles()};
      })
      .Case([](QuantizeOp op) { return Grid{gridOf(op.getOutput().getType().getSpace()), 1, 1}; })
      .Case([](AttendOp op) {
        return Grid{op.getRows() ? QUOIN_GRID_READS : QUOIN_GRID_ROWS, 4, static_cast<int64_t>(op.getHeads())};
      })
      .Case([](ExpertsOp) { return Grid{QUOIN_GRID_ROWS, 1, 16}; })
      .Case([](stage::ScanOp op) { return Grid{QUOIN_GRID_GROUPS, 1, static_cast<int64_t>(op.getHeads())}; })
      .Default([](Operation *) { return Grid{}; });
}

/// Bytes of shared memory of a function and those that it calls.
int64_t sharedBytes(LLVM::LLVMFuncOp f) {
  SymbolTable symbols(f->getParentOfType<ModuleOp>());
  llvm::SmallPtrSet<Operation *, 16> seen;
  int64_t bytes = 0;
  std::function<void(LLVM::LLVMFuncOp)> visit = [&](LLVM::LLVMFuncOp each) {
    if (!seen.insert(each).second)
      return;
    each.walk([&](Operation *op) {
      if (auto address = dyn_cast<LLVM::AllocaOp>(op)) {
        auto size = address.getArraySize().getDefiningOp<arith::ConstantOp>();
        bytes += size ? roundUp(cast<IntegerAttr>(size.getValue()).getInt(), 64) : 0;
      }
      if (auto call = dyn_cast<LLVM::CallOp>(op))
        visit(symbols.lookup<LLVM::LLVMFuncOp>(*call.getCallee()));
    });
  };
  visit(f);
  return bytes;
}
} // namespace

FailureOr<CudaLaunch> CudaProgram::launch(Operation *stage, StringRef name, Body body) {
  std::string own = (name + "_" + Twine(kernels.size())).str();
  SmallVector<Type> types{kb.ptr};
  types.append(mostConstants, kb.i64);
  SmallVector<int64_t> constants;
  LLVM::LLVMFuncOp f =
      kb.function(own, types, [&](ArrayRef<Val> arguments) { body(arguments, constants); }, /*exported=*/true);
  if (constants.size() > mostConstants)
    return LogicalResult(stage->emitOpError("expects at most ")
                         << mostConstants << " places on a GPU, but found " << constants.size());
  constexpr int64_t most = int64_t(48) << 10;
  if (int64_t bytes = sharedBytes(f); bytes > most)
    return LogicalResult(stage->emitOpError("expects at most ")
                         << most << " bytes of shared memory on a GPU, but found " << bytes);
  types.resize(constants.size() + 1);
  f.getBody().front().eraseArguments(static_cast<unsigned>(types.size()), mostConstants - constants.size());
  f.setFunctionType(LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(kb.b.getContext()), types));
  std::string text;
  llvm::raw_string_ostream os(text);
  f.print(os);
  text.erase(0, text.find('('));
  auto [known, fresh] = kernels.try_emplace(text, own);
  if (!fresh)
    f.erase();
  CudaLaunch made;
  made.kernel = known->second;
  made.constants.assign(constants.begin(), constants.end());
  made.threads = static_cast<int32_t>(teamThreads);
  Grid grid = gridOf(stage);
  made.grid = grid.with;
  made.each = grid.each;
  made.blocks = std::max<int64_t>(grid.blocks, 1);
  made.most = mostBlocks;
  return made;
}

/// The block's number, or how many there are.
static Val block(KernelBuilder &kb, StringRef name) {
  return kb.extend(kb.i64, kb.wrap(intrinsic(kb.b, kb.loc, kb.i32, name, {})), false);
}

FailureOr<CudaLaunch> CudaProgram::launchStage(Operation *stage, const StepFacts &facts) {
  return launch(stage, stage->getName().stripDialect(), [&](ArrayRef<Val> a, SmallVectorImpl<int64_t> &constants) {
    Val worker = block(kb, "llvm.nvvm.read.ptx.sreg.ctaid.x"), workers = block(kb, "llvm.nvvm.read.ptx.sreg.nctaid.x");
    StageEmitter emitter(kb, facts, masks, a, worker, workers, constants);
    if (auto product = dyn_cast<ProductOp>(stage))
      return emitter.emitProduct(product);
    emitter.emit(stage);
  });
}

LogicalResult CudaProgram::addModel(StepOp step, const StepFacts &facts) {
  std::vector<decoder::CudaStep> &steps = models.emplace_back();
  decoder::CudaStep &layers = steps.emplace_back();
  layers.job = QUOIN_STEP_LAYERS;
  layers.rowBytes = facts.scratchRowBytes;
  for (auto stage : step.getBody().getOps<StageOpInterface>()) {
    if (stage->hasTrait<OpTrait::IsTerminator>())
      continue;
    FailureOr<CudaLaunch> made = launchStage(stage, facts);
    if (failed(made))
      return failure();
    layers.launches.push_back(std::move(*made));
  }
  HeadOp end = step.getHead();
  if (!end)
    return success();
  decoder::CudaStep &head = steps.emplace_back();
  head.job = QUOIN_STEP_HEAD;
  head.rowBytes = facts.head.scratchRowBytes();
  struct Part {
    LLVM::LLVMFuncOp (*kernel)(KernelBuilder &, const HeadShape &);
    Grid grid;
  };
  for (const Part &part : {Part{headRows, {}}, Part{headChunks, {QUOIN_GRID_ROWS, rowsAtOnce, facts.head.chunks()}},
                           Part{headResults, {}}}) {
    FailureOr<CudaLaunch> made = launch(end, "head", [&](ArrayRef<Val> a, SmallVectorImpl<int64_t> &) {
      kb.call(part.kernel(kb, facts.head),
              {a[0], block(kb, "llvm.nvvm.read.ptx.sreg.ctaid.x"), block(kb, "llvm.nvvm.read.ptx.sreg.nctaid.x")});
    });
    if (failed(made))
      return failure();
    made->grid = part.grid.with;
    made->each = part.grid.each;
    made->blocks = part.grid.blocks;
    head.launches.push_back(std::move(*made));
  }
  return success();
}

std::optional<std::string> CudaProgram::makePtx(std::string &error) {
  std::vector<StringRef> names;
  for (const auto &[text, name] : kernels)
    names.push_back(name);
  if (failed(distributeLanes(*module))) {
    error = "the kernels cannot be divided among threads";
    return std::nullopt;
  }
  return emitPtx(*module, names, error);
}
