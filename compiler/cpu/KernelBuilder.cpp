//===- KernelBuilder.cpp - memory, control and arithmetic of kernels -------===//

#include "compiler/cpu/KernelBuilder.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"

using namespace mlir;
using namespace quoin::cpu;

KernelBuilder::KernelBuilder(ModuleOp m, KernelOptions o) : b(m.getContext()), loc(m.getLoc()), options(o), module(m) {
  b.getContext()
      ->loadDialect<LLVM::LLVMDialect, scf::SCFDialect, arith::ArithDialect, vector::VectorDialect,
                    x86vector::X86VectorDialect>();
  i1 = b.getI1Type();
  i8 = b.getI8Type();
  i16 = b.getI16Type();
  i32 = b.getI32Type();
  i64 = b.getI64Type();
  f32 = b.getF32Type();
  ptr = LLVM::LLVMPointerType::get(b.getContext());
  v16f = vec(f32);
  v16i = vec(i32);
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

LLVM::LLVMFuncOp KernelBuilder::function(StringRef name, ArrayRef<Type> arguments,
                                         function_ref<void(ArrayRef<Val>)> body, bool exported) {
  // Names of kernels never meet those of a program.
  std::string full = exported ? name.str() : ("kernel." + name).str();
  if (auto known = module.lookupSymbol<LLVM::LLVMFuncOp>(full))
    return known;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(module.getBody());
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()), arguments);
  auto f = LLVM::LLVMFuncOp::create(b, loc, full, type, exported ? LLVM::Linkage::External : LLVM::Linkage::Internal);
  Block *entry = f.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  Vals values;
  for (BlockArgument a : entry->getArguments())
    values.push_back(wrap(a));
  body(values);
  LLVM::ReturnOp::create(b, loc, ValueRange());
  return f;
}

void KernelBuilder::call(LLVM::LLVMFuncOp callee, ArrayRef<Val> arguments) {
  SmallVector<Value> values(arguments.begin(), arguments.end());
  LLVM::CallOp::create(b, loc, callee, values);
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

Val KernelBuilder::constant(Type type, double value) {
  Attribute element = b.getFloatAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    return wrap(arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, element)));
  return wrap(arith::ConstantOp::create(b, loc, cast<TypedAttr>(element)));
}

Val KernelBuilder::integer(Type type, int64_t value) {
  Attribute element = b.getIntegerAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    return wrap(arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, element)));
  return wrap(arith::ConstantOp::create(b, loc, cast<TypedAttr>(element)));
}

Val KernelBuilder::iota(int64_t step) {
  SmallVector<int32_t> values;
  for (int64_t i = 0; i < lanes; ++i)
    values.push_back(static_cast<int32_t>(i * step));
  return wrap(arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vec(i32), ArrayRef<int32_t>(values))));
}

Val KernelBuilder::firstLanes(int64_t count) {
  SmallVector<bool> flags;
  for (int64_t i = 0; i < lanes; ++i)
    flags.push_back(i < count);
  return wrap(arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vec(i1), ArrayRef<bool>(flags))));
}

Val KernelBuilder::table(DenseElementsAttr numbers) {
  OpBuilder::InsertionGuard guard(b);
  auto type = LLVM::LLVMArrayType::get(numbers.getElementType(), static_cast<uint64_t>(numbers.getNumElements()));
  auto line = RankedTensorType::get({numbers.getNumElements()}, numbers.getElementType());
  LLVM::GlobalOp global;
  for (auto other : module.getOps<LLVM::GlobalOp>())
    if (other.getValueOrNull() == Attribute(numbers.reshape(line)))
      global = other;
  if (!global) {
    OpBuilder::InsertionGuard inner(b);
    b.setInsertionPointToStart(module.getBody());
    std::string name = "kernel.table" + std::to_string(llvm::range_size(module.getOps<LLVM::GlobalOp>()));
    global = LLVM::GlobalOp::create(b, loc, type, /*isConstant=*/true, LLVM::Linkage::Internal, name,
                                    numbers.reshape(line), /*alignment=*/64);
  }
  return wrap(LLVM::AddressOfOp::create(b, loc, global));
}

Val KernelBuilder::null() { return wrap(LLVM::ZeroOp::create(b, loc, ptr)); }

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Val KernelBuilder::at(Val base, Val bytes) {
  return wrap(LLVM::GEPOp::create(b, loc, ptr, i8, base, ValueRange{bytes}));
}

Val KernelBuilder::at(Val base, int64_t bytes) { return bytes ? at(base, index(bytes)) : base; }

static unsigned elementBytes(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isIntOrFloat() ? std::max(1u, element.getIntOrFloatBitWidth() / 8) : 8;
}

Val KernelBuilder::load(Type type, Val address, unsigned alignment) {
  return wrap(LLVM::LoadOp::create(b, loc, type, address, alignment ? alignment : elementBytes(type)));
}

void KernelBuilder::store(Val value, Val address, unsigned alignment) {
  LLVM::StoreOp::create(b, loc, value, address, alignment ? alignment : elementBytes(value.type()));
}

Val KernelBuilder::loadFloats(Val address, int64_t count) {
  if (count == lanes)
    return load(v16f, address);
  return wrap(LLVM::MaskedLoadOp::create(b, loc, v16f, address, firstLanes(count), constant(v16f, 0),
                                         b.getI32IntegerAttr(4), UnitAttr()));
}

void KernelBuilder::storeFloats(Val value, Val address, int64_t count) {
  if (count == lanes)
    return store(value, address);
  LLVM::MaskedStoreOp::create(b, loc, value, address, firstLanes(count), b.getI32IntegerAttr(4));
}

Val KernelBuilder::loadHalves(Val address, int64_t count) {
  if (count == lanes)
    return load(vec(i16), address);
  return wrap(LLVM::MaskedLoadOp::create(b, loc, vec(i16), address, firstLanes(count), integer(vec(i16), 0),
                                         b.getI32IntegerAttr(2), UnitAttr()));
}

void KernelBuilder::storeHalves(Val value, Val address, int64_t count) {
  if (count == lanes)
    return store(value, address);
  LLVM::MaskedStoreOp::create(b, loc, value, address, firstLanes(count), b.getI32IntegerAttr(2));
}

void KernelBuilder::storeHalves(Val value, Val address, Val which) {
  LLVM::MaskedStoreOp::create(b, loc, cast(vec(i16, 2 * lanes), value), address, cast(vec(i1, 2 * lanes), which),
                              b.getI32IntegerAttr(2));
}

Val KernelBuilder::stack(int64_t bytes) {
  OpBuilder::InsertionGuard guard(b);
  auto f = b.getInsertionBlock()->getParentOp();
  if (!isa<LLVM::LLVMFuncOp>(f))
    f = f->getParentOfType<LLVM::LLVMFuncOp>();
  b.setInsertionPointToStart(&cast<LLVM::LLVMFuncOp>(f).getBody().front());
  return wrap(LLVM::AllocaOp::create(b, loc, ptr, i8, index(bytes), 64));
}

void KernelBuilder::atomicMin(Val address, Val value) {
  LLVM::AtomicRMWOp::create(b, loc, LLVM::AtomicBinOp::min, address, value, LLVM::AtomicOrdering::monotonic);
}

void KernelBuilder::prefetch(Val address) {
  // To the second-level cache: what is fetched is a tile, far more than the first level holds.
  LLVM::Prefetch::create(b, loc, address, b.getI32IntegerAttr(0), b.getI32IntegerAttr(2), b.getI32IntegerAttr(1));
}

static void forget(KernelBuilder &kb, ValueRange operands, StringRef constraints) {
  LLVM::InlineAsmOp::create(kb.b, kb.loc, TypeRange(), operands, /*asm_string=*/"", constraints,
                            /*has_side_effects=*/true, /*is_align_stack=*/false, LLVM::TailCallKind::None,
                            /*asm_dialect=*/LLVM::AsmDialectAttr(), /*operand_attrs=*/ArrayAttr());
}

void KernelBuilder::forgetLoads() { forget(*this, {}, "~{memory}"); }
void KernelBuilder::forgetLoads(Val memory) { forget(*this, memory.value, "r,~{memory}"); }

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

static SmallVector<Value> plain(ArrayRef<Val> values) { return SmallVector<Value>(values.begin(), values.end()); }

template <typename Range> static Vals wrapAll(KernelBuilder &kb, Range &&values) {
  Vals out;
  for (Value v : values)
    out.push_back(kb.wrap(v));
  return out;
}

void KernelBuilder::loop(Val from, Val to, int64_t step, function_ref<void(Val)> body) {
  loopBy(from, to, index(step), body);
}

void KernelBuilder::loopBy(Val from, Val to, Val step, function_ref<void(Val)> body) {
  auto f = scf::ForOp::create(b, loc, from, to, step);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(f.getBody());
  body(wrap(f.getInductionVar()));
}

Vals KernelBuilder::loop(Val from, Val to, int64_t step, ArrayRef<Val> carried,
                         function_ref<Vals(Val, ArrayRef<Val>)> body) {
  auto f = scf::ForOp::create(b, loc, from, to, index(step), plain(carried));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(f.getBody());
  Vals next = body(wrap(f.getInductionVar()), wrapAll(*this, f.getRegionIterArgs()));
  if (!carried.empty())
    scf::YieldOp::create(b, loc, plain(next));
  return wrapAll(*this, f.getResults());
}

Vals KernelBuilder::loopWhile(ArrayRef<Val> carried, function_ref<Val(ArrayRef<Val>)> condition,
                              function_ref<Vals(ArrayRef<Val>)> body) {
  SmallVector<Type> types;
  for (Val v : carried)
    types.push_back(v.type());
  auto w = scf::WhileOp::create(b, loc, types, plain(carried));
  OpBuilder::InsertionGuard guard(b);
  SmallVector<Location> locs(types.size(), loc);
  Block *before = b.createBlock(&w.getBefore(), {}, types, locs);
  Val go = condition(wrapAll(*this, before->getArguments()));
  scf::ConditionOp::create(b, loc, go, before->getArguments());
  Block *after = b.createBlock(&w.getAfter(), {}, types, locs);
  scf::YieldOp::create(b, loc, plain(body(wrapAll(*this, after->getArguments()))));
  return wrapAll(*this, w.getResults());
}

void KernelBuilder::when(Val condition, function_ref<void()> then, function_ref<void()> otherwise) {
  auto op = scf::IfOp::create(b, loc, condition, static_cast<bool>(otherwise));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  then();
  if (otherwise) {
    b.setInsertionPointToStart(op.elseBlock());
    otherwise();
  }
}

Vals KernelBuilder::choose(Val condition, function_ref<Vals()> then, function_ref<Vals()> otherwise) {
  // The types are known only once the first branch is written: write it aside, then move it in.
  Block *thenBlock = new Block, *elseBlock = new Block;
  SmallVector<Type> types;
  OpBuilder::InsertionGuard guard(b);
  auto point = b.saveInsertionPoint();
  // A detached block has no function, so `stack` may not be used inside.
  b.setInsertionPointToStart(thenBlock);
  Vals first = then();
  for (Val v : first)
    types.push_back(v.type());
  scf::YieldOp::create(b, loc, plain(first));
  b.setInsertionPointToStart(elseBlock);
  scf::YieldOp::create(b, loc, plain(otherwise()));
  b.restoreInsertionPoint(point);
  OperationState state(loc, scf::IfOp::getOperationName());
  state.addOperands(condition.value);
  state.addTypes(types);
  state.addRegion()->push_back(thenBlock);
  state.addRegion()->push_back(elseBlock);
  auto op = cast<scf::IfOp>(b.create(state));
  return wrapAll(*this, op.getResults());
}
