//===- DistributeLanes.cpp - vectors of 16 lanes become 16 threads ----------===//
//
// Steps, of each function:
//   1. order: where an access follows one of the other kind, reads after writes or writes after reads, the threads meet
//      in between. Control flow is the same in all threads, since conditions are numbers, so all of them get there.
//   2. distribute: every value of a vector type becomes its own lane's number. Ops that work lane by lane stay as they
//      are. Accesses move to the lane's element, masks become conditions, shuffles exchange numbers between threads,
//      and sixteen flags become a number by a ballot.
//
// Vectors of fewer lanes, as trees of reductions have them, are in the first threads; what the others hold is not read.
// Of 32 half-words, which stores of pairs have, each thread has two.
//
//===----------------------------------------------------------------------===//

#include "compiler/cuda/DistributeLanes.h"
#include "compiler/cuda/Intrinsics.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin::cuda;

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

namespace {
struct Effects {
  bool reads = false, writes = false;
  void add(Effects other) {
    reads |= other.reads;
    writes |= other.writes;
  }
  /// Must what follows wait for what was before?
  bool isBefore(Effects next) const { return (writes && next.reads) || (reads && next.writes); }
};

class Order {
public:
  explicit Order(ModuleOp m) : symbols(m) {}

  void run(LLVM::LLVMFuncOp f) {
    Effects pending;
    walk(f.getBody().front(), pending);
  }

private:
  Effects effectsOf(Operation *op) {
    if (isa<LLVM::LoadOp, LLVM::MaskedLoadOp>(op))
      return {true, false};
    if (isa<LLVM::StoreOp, LLVM::MaskedStoreOp>(op))
      return {false, true};
    if (isa<LLVM::AtomicRMWOp>(op))
      return {true, true};
    Effects all;
    if (auto call = dyn_cast<LLVM::CallOp>(op)) {
      auto callee = symbols.lookup<LLVM::LLVMFuncOp>(*call.getCallee());
      auto [known, fresh] = ofFunction.try_emplace(callee);
      if (fresh) {
        for (Block &block : callee.getBody())
          for (Operation &inner : block)
            all.add(effectsOf(&inner));
        return ofFunction[callee] = all;
      }
      return known->second;
    }
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Operation &inner : block)
          all.add(effectsOf(&inner));
    return all;
  }

  /// Calls are as regions: the caller sees to it that what they read is there.
  void walk(Block &block, Effects &pending) {
    for (Operation &op : llvm::make_early_inc_range(block)) {
      Effects own = effectsOf(&op);
      if (pending.isBefore(own)) {
        OpBuilder b(&op);
        meet(b, op.getLoc());
        pending = {};
      }
      bool loops = isa<LoopLikeOpInterface>(op);
      for (Region &region : op.getRegions())
        for (Block &inner : region) {
          // What an iteration does comes behind what the one before did.
          Effects before = loops ? own : pending;
          walk(inner, before);
        }
      pending.add(own);
    }
  }

  SymbolTable symbols;
  DenseMap<Operation *, Effects> ofFunction;
};

//===----------------------------------------------------------------------===//
// Distribution
//===----------------------------------------------------------------------===//

bool isVector(Type type) { return isa<VectorType>(type); }

/// What a thread holds of a vector.
Type laneType(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  if (!vector)
    return type;
  // Two half-words, or the flags of two.
  if (vector.getNumElements() == 2 * teamThreads)
    return IntegerType::get(type.getContext(), 32);
  return vector.getElementType();
}

class Distribution {
public:
  Distribution(ModuleOp m, LLVM::LLVMFuncOp f, int64_t &number)
      : module(m), function(f), b(f.getContext()), shared(number) {}

  LogicalResult run();

private:
  using Change = std::function<void()>;
  /// What replaces an op that does not work lane by lane; nothing for others. Types are still those of vectors.
  FailureOr<Change> change(Operation *op);
  FailureOr<Change> change(LLVM::BitcastOp op);
  FailureOr<Change> change(vector::ShuffleOp op);
  FailureOr<Change> change(arith::ConstantOp op);
  FailureOr<Change> change(LLVM::MaskedStoreOp op);
  FailureOr<Change> change(LLVM::AllocaOp op);

  /// The number of the thread, as i32.
  Value lane() {
    if (!laneNumber) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(&function.getBody().front());
      laneNumber = intrinsic(b, function.getLoc(), b.getI32Type(), "llvm.nvvm.read.ptx.sreg.tid.x", {});
    }
    return laneNumber;
  }
  Value integer(Type type, int64_t value) {
    return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, value)).getResult();
  }
  Value i32(int64_t value) { return integer(b.getI32Type(), value); }
  /// The address of the lane's element.
  Value own(Value base, Type element) {
    int64_t bytes = element.getIntOrFloatBitWidth() / 8;
    Value offset = arith::MulIOp::create(b, loc, lane(), i32(bytes));
    return LLVM::GEPOp::create(b, loc, base.getType(), b.getI8Type(), base, ValueRange{offset});
  }
  static unsigned alignmentOf(Type element) { return element.getIntOrFloatBitWidth() / 8; }
  Value isLane(arith::CmpIPredicate predicate, int64_t number) {
    return arith::CmpIOp::create(b, loc, predicate, lane(), i32(number));
  }
  void replace(Operation *op, Value with) {
    op->getResult(0).replaceAllUsesWith(with);
    op->erase();
  }
  /// A change that builds in front of the op and replaces it.
  template <typename Op> Change replacing(Op op, std::function<Value()> make) {
    return [this, op, make = std::move(make)]() mutable {
      b.setInsertionPoint(op);
      loc = op.getLoc();
      replace(op, make());
    };
  }

  ModuleOp module;
  LLVM::LLVMFuncOp function;
  OpBuilder b;
  Location loc = UnknownLoc::get(b.getContext());
  int64_t &shared;
  Value laneNumber;
};
} // namespace

FailureOr<Distribution::Change> Distribution::change(arith::ConstantOp op) {
  auto dense = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!dense)
    return Change();
  Type element = laneType(op.getType());
  if (dense.isSplat())
    return replacing(op, [=, this]() -> Value {
      return arith::ConstantOp::create(b, loc, cast<TypedAttr>(dense.getSplatValue<Attribute>())).getResult();
    });
  if (!element.isInteger(32) && !element.isInteger(1))
    return LogicalResult(op.emitOpError("expects numbers of i1 or i32 that differ by lanes, but found ")
                         << op.getType());
  return replacing(op, [=, this]() -> Value {
    SmallVector<int64_t> all;
    for (const APInt &number : dense.getValues<APInt>())
      all.push_back(number.getSExtValue());
    Value made = integer(element, all[0]);
    // Steps and leading flags are what kernels have: others would do, too.
    if (element.isInteger(32)) {
      int64_t step = all[1] - all[0];
      bool even = true;
      for (size_t i = 0; i < all.size(); ++i)
        even &= all[i] == all[0] + step * static_cast<int64_t>(i);
      if (even) {
        Value scaled = arith::MulIOp::create(b, loc, lane(), i32(step));
        return arith::AddIOp::create(b, loc, scaled, i32(all[0]));
      }
    }
    for (size_t i = 1; i < all.size(); ++i)
      if (all[i] != all[i - 1])
        made = arith::SelectOp::create(b, loc, isLane(arith::CmpIPredicate::sge, static_cast<int64_t>(i)),
                                       integer(element, all[i]), made);
    return made;
  });
}

FailureOr<Distribution::Change> Distribution::change(vector::ShuffleOp op) {
  SmallVector<int64_t> from(op.getMask());
  int64_t first = op.getV1VectorType().getNumElements();
  bool same = true, moved = true, both = false;
  for (auto [i, index] : llvm::enumerate(from)) {
    same &= index == static_cast<int64_t>(i);
    moved &= index == from[0] + static_cast<int64_t>(i);
    both |= index >= first;
  }
  // Operands are asked for when the time comes: they are replaced, too.
  if (same && !both)
    return replacing(op, [=]() mutable -> Value { return op.getV1(); });
  return replacing(op, [=, this]() mutable -> Value {
    Value source;
    if (moved && !both) {
      source = arith::AndIOp::create(b, loc, arith::AddIOp::create(b, loc, lane(), i32(from[0])), i32(teamThreads - 1));
    } else {
      // Sixteen places of four bits.
      uint64_t places = 0;
      for (auto [i, index] : llvm::enumerate(from))
        places |= static_cast<uint64_t>(index >= first ? index - first : index) << (4 * i);
      Value at = arith::ExtUIOp::create(b, loc, b.getI64Type(), arith::ShLIOp::create(b, loc, lane(), i32(2)));
      Value shifted = arith::ShRUIOp::create(b, loc, integer(b.getI64Type(), static_cast<int64_t>(places)), at);
      source =
          arith::AndIOp::create(b, loc, arith::TruncIOp::create(b, loc, b.getI32Type(), shifted), i32(teamThreads - 1));
    }
    Value a = fromThread(b, loc, op.getV1(), source);
    if (!both)
      return a;
    int64_t second = 0;
    for (auto [i, index] : llvm::enumerate(from))
      second |= int64_t(index >= first) << i;
    Value bit = arith::AndIOp::create(b, loc, arith::ShRUIOp::create(b, loc, i32(second), lane()), i32(1));
    Value isSecond = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, bit, i32(0));
    return arith::SelectOp::create(b, loc, isSecond, fromThread(b, loc, op.getV2(), source), a);
  });
}

FailureOr<Distribution::Change> Distribution::change(LLVM::BitcastOp op) {
  Type type = op.getArg().getType();
  auto from = dyn_cast<VectorType>(type), to = dyn_cast<VectorType>(op.getType());
  if (!from && !to)
    return Change();
  if (from && to) {
    if (from.getNumElements() == to.getNumElements())
      return Change();
    // Pairs of half-words.
    if (laneType(from).isInteger(32) && laneType(to).isInteger(32))
      return replacing(op, [=]() mutable -> Value { return op.getArg(); });
  } else if (from && from.getElementType().isInteger(1) && from.getNumElements() == teamThreads) {
    return replacing(op, [=, this]() mutable -> Value {
      Value x = op.getArg();
      Value all = intrinsic(b, loc, b.getI32Type(), "llvm.nvvm.vote.ballot.sync", {i32(teamMask), x});
      return arith::TruncIOp::create(b, loc, b.getI16Type(), all);
    });
  } else if (to && to.getElementType().isInteger(1)) {
    // A flag, or the two of a pair.
    bool pair = to.getNumElements() == 2 * teamThreads;
    if (pair || to.getNumElements() == teamThreads)
      return replacing(op, [=, this]() mutable -> Value {
        Value x = op.getArg();
        Value all = pair ? x : arith::ExtUIOp::create(b, loc, b.getI32Type(), x).getResult();
        Value by = pair ? arith::ShLIOp::create(b, loc, lane(), i32(1)).getResult() : lane();
        Value own = arith::AndIOp::create(b, loc, arith::ShRUIOp::create(b, loc, all, by), i32(pair ? 3 : 1));
        return pair ? own : arith::TruncIOp::create(b, loc, b.getI1Type(), own).getResult();
      });
  }
  return LogicalResult(op.emitOpError("expects a cast that each lane can do by itself, but found ")
                       << type << " to " << op.getType());
}

FailureOr<Distribution::Change> Distribution::change(LLVM::MaskedStoreOp op) {
  auto type = cast<VectorType>(op.getValue().getType());
  bool pair = type.getNumElements() == 2 * teamThreads;
  Type element = type.getElementType();
  return Change([=, this]() mutable {
    b.setInsertionPoint(op);
    loc = op.getLoc();
    auto storeIf = [&](Value condition, Value value, Value at) {
      auto branch = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/false);
      OpBuilder inside = branch.getThenBodyBuilder();
      LLVM::StoreOp::create(inside, loc, value, at, alignmentOf(element));
    };
    if (!pair) {
      storeIf(op.getMask(), op.getValue(), own(op.getData(), element));
    } else {
      Value base = own(op.getData(), b.getI32Type());
      for (int64_t half = 0; half < 2; ++half) {
        Value bit = arith::AndIOp::create(b, loc, op.getMask(), i32(1 + half));
        Value bits = arith::ShRUIOp::create(b, loc, op.getValue(), i32(16 * half));
        Value at = LLVM::GEPOp::create(b, loc, base.getType(), b.getI8Type(), base, ArrayRef<LLVM::GEPArg>{half * 2});
        storeIf(arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, bit, i32(0)),
                arith::TruncIOp::create(b, loc, b.getI16Type(), bits), at);
      }
    }
    op.erase();
  });
}

/// Memory of the block: functions do not call themselves, so each of them has its own.
FailureOr<Distribution::Change> Distribution::change(LLVM::AllocaOp op) {
  APInt bytes;
  if (!matchPattern(op.getArraySize(), m_ConstantInt(&bytes)))
    return LogicalResult(op.emitOpError("expects a stack of known size"));
  return replacing(op, [=, this]() mutable -> Value {
    LLVM::GlobalOp global;
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(module.getBody());
      auto type = LLVM::LLVMArrayType::get(b.getI8Type(), bytes.getZExtValue());
      global = LLVM::GlobalOp::create(b, loc, type, /*isConstant=*/false, LLVM::Linkage::Internal,
                                      "shared" + std::to_string(shared++), Attribute(), /*alignment=*/64, sharedSpace);
    }
    Value address = LLVM::AddressOfOp::create(b, loc, global);
    return LLVM::AddrSpaceCastOp::create(b, loc, LLVM::LLVMPointerType::get(b.getContext()), address);
  });
}

FailureOr<Distribution::Change> Distribution::change(Operation *op) {
  using Result = FailureOr<Change>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case<arith::ConstantOp, vector::ShuffleOp, LLVM::BitcastOp, LLVM::MaskedStoreOp, LLVM::AllocaOp>(
          [&](auto o) { return change(o); })
      .Case([&](vector::BroadcastOp o) -> Result { return replacing(o, [=]() mutable { return o.getSource(); }); })
      .Case([&](vector::ExtractOp o) -> Result {
        if (o.getStaticPosition().size() != 1 || o.hasDynamicPosition())
          return LogicalResult(o.emitOpError("expects a lane that is known"));
        return replacing(o, [=, this]() mutable -> Value {
          return fromThread(b, loc, o.getSource(), i32(o.getStaticPosition()[0]));
        });
      })
      .Case([&](vector::InsertOp o) -> Result {
        if (o.getStaticPosition().size() != 1 || o.hasDynamicPosition())
          return LogicalResult(o.emitOpError("expects a lane that is known"));
        return replacing(o, [=, this]() mutable -> Value {
          return arith::SelectOp::create(b, loc, isLane(arith::CmpIPredicate::eq, o.getStaticPosition()[0]),
                                         o.getValueToStore(), o.getDest());
        });
      })
      .Case([&](LLVM::LoadOp o) -> Result {
        if (!isVector(o.getType()))
          return Change();
        Type element = cast<VectorType>(o.getType()).getElementType();
        return replacing(o, [=, this]() mutable -> Value {
          return LLVM::LoadOp::create(b, loc, element, own(o.getAddr(), element), alignmentOf(element));
        });
      })
      .Case([&](LLVM::StoreOp o) -> Result {
        auto type = dyn_cast<VectorType>(o.getValue().getType());
        if (!type)
          return Change([=, this]() mutable {
            // All threads have the number, and one stores it.
            b.setInsertionPoint(o);
            loc = o.getLoc();
            auto branch = scf::IfOp::create(b, loc, isLane(arith::CmpIPredicate::eq, 0), /*withElseRegion=*/false);
            o->moveBefore(branch.thenBlock(), branch.thenBlock()->begin());
          });
        Type element = type.getElementType();
        return Change([=, this]() mutable {
          b.setInsertionPoint(o);
          loc = o.getLoc();
          LLVM::StoreOp::create(b, loc, o.getValue(), own(o.getAddr(), element), alignmentOf(element));
          o.erase();
        });
      })
      .Case([&](LLVM::MaskedLoadOp o) -> Result {
        Type element = cast<VectorType>(o.getType()).getElementType();
        return replacing(o, [=, this]() mutable -> Value {
          Value address = own(o.getData(), element);
          auto branch = scf::IfOp::create(b, loc, TypeRange{element}, o.getMask(), /*withElseRegion=*/true);
          OpBuilder inside = branch.getThenBodyBuilder(), outside = branch.getElseBodyBuilder();
          Value loaded = LLVM::LoadOp::create(inside, loc, element, address, alignmentOf(element));
          scf::YieldOp::create(inside, loc, loaded);
          scf::YieldOp::create(outside, loc, o.getPassThru());
          return branch.getResult(0);
        });
      })
      .Case([&](LLVM::FMulAddOp o) -> Result {
        // Fused wherever it stands: bits do not depend on what the machine likes.
        return replacing(
            o, [=, this]() mutable -> Value { return LLVM::FMAOp::create(b, loc, o.getA(), o.getB(), o.getC()); });
      })
      .Case<LLVM::Prefetch, LLVM::InlineAsmOp>([&](Operation *o) -> Result {
        if (auto text = dyn_cast<LLVM::InlineAsmOp>(o); text && !text.getAsmString().empty())
          return LogicalResult(o->emitOpError("expects no assembly of another machine"));
        return Change([=] { o->erase(); });
      })
      .Default([&](Operation *o) -> Result {
        if (isa_and_present<vector::VectorDialect>(o->getDialect()))
          return LogicalResult(o->emitOpError("expects an op that each lane can do by itself"));
        return Change();
      });
}

LogicalResult Distribution::run() {
  SmallVector<Change> changes;
  WalkResult walked = function.walk([&](Operation *op) {
    FailureOr<Change> made = change(op);
    if (failed(made))
      return WalkResult::interrupt();
    if (*made)
      changes.push_back(std::move(*made));
    return WalkResult::advance();
  });
  if (walked.wasInterrupted())
    return failure();
  auto retype = [](ValueRange values) {
    for (Value v : values)
      v.setType(laneType(v.getType()));
  };
  function.walk([&](Operation *op) {
    retype(op->getResults());
    for (Region &region : op->getRegions())
      for (Block &block : region)
        retype(block.getArguments());
  });
  for (Change &each : changes)
    each();
  return success();
}

LogicalResult quoin::cuda::distributeLanes(ModuleOp module) {
  SmallVector<LLVM::LLVMFuncOp> all;
  for (auto f : module.getOps<LLVM::LLVMFuncOp>())
    if (!f.isExternal())
      all.push_back(f);
  Order order(module);
  for (LLVM::LLVMFuncOp f : all)
    order.run(f);
  int64_t shared = 0;
  for (LLVM::LLVMFuncOp f : all)
    if (failed(Distribution(module, f, shared).run()))
      return failure();
  return success();
}
