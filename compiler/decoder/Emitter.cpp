//===- Emitter.cpp - writes the body of an advance function -----------------===//

#include "compiler/decoder/Emitter.h"
#include "runtime/include/quoin/program.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::decoder;

//===----------------------------------------------------------------------===//
// Tables of the module
//===----------------------------------------------------------------------===//

ModuleTables::ModuleTables(ModuleOp module, SmallVector<MaskAttr> &masks)
    : module(module), symbols(module), masks(masks) {}

LLVM::GlobalOp ModuleTables::add(Location loc, Type type, StringRef stem, Attribute value) {
  OpBuilder b(module.getContext());
  auto global =
      LLVM::GlobalOp::create(b, loc, type, /*isConstant=*/true, LLVM::Linkage::Private, stem, value, /*alignment=*/16);
  symbols.insert(global, module.getBody()->begin());
  return global;
}

LLVM::GlobalOp ModuleTables::text(StringRef text) {
  LLVM::GlobalOp &global = texts[text];
  if (!global) {
    std::string bytes = text.str();
    bytes.push_back('\0');
    Type type = LLVM::LLVMArrayType::get(IntegerType::get(module.getContext(), 8), bytes.size());
    global = add(module.getLoc(), type, "quoin_text", StringAttr::get(module.getContext(), bytes));
  }
  return global;
}

LLVM::GlobalOp ModuleTables::elements(Location loc, DenseElementsAttr values, Type stored) {
  Type type = LLVM::LLVMArrayType::get(stored, values.getNumElements());
  auto shape = RankedTensorType::get({values.getNumElements()}, stored);
  DenseElementsAttr data;
  if (isa<FloatType>(stored)) {
    data = DenseElementsAttr::get(shape, llvm::to_vector(values.getValues<APFloat>()));
  } else {
    unsigned width = stored.getIntOrFloatBitWidth();
    SmallVector<APInt> wide;
    for (APInt v : values.getValues<APInt>())
      wide.push_back(v.getBitWidth() == 1 ? v.zext(width) : v.sextOrTrunc(width));
    data = DenseElementsAttr::get(shape, wide);
  }
  return add(loc, type, "quoin_elements", data);
}

int64_t ModuleTables::mask(MaskAttr mask) {
  auto found = llvm::find(masks, mask);
  if (found == masks.end()) {
    masks.push_back(mask);
    return static_cast<int64_t>(masks.size()) - 1;
  }
  return found - masks.begin();
}

FailureOr<int64_t> Emitter::model(Operation *op, FlatSymbolRefAttr symbol) const {
  auto found = llvm::find(options.models, symbol.getValue());
  if (found == options.models.end())
    return op->emitOpError("expects a model of the program, but found ") << symbol;
  return found - options.models.begin();
}

//===----------------------------------------------------------------------===//
// Values and memory
//===----------------------------------------------------------------------===//

Emitter::Emitter(LLVM::LLVMFuncOp function, ModuleTables &tables, const DecoderLoweringOptions &options)
    : b(function.getLoc(), function.getContext()), tables(tables), options(options), function(function) {
  MLIRContext *context = function.getContext();
  i1 = b.getI1Type(), i8 = b.getI8Type(), i32 = b.getI32Type(), i64 = b.getI64Type();
  f32 = b.getF32Type(), f64 = b.getF64Type(), pointer = LLVM::LLVMPointerType::get(context);
  Block *first = function.addEntryBlock(b);
  state = first->getArgument(0);
  b.setInsertionPointToStart(first);
  scratchTensors = LLVM::AllocaOp::create(b, pointer, LLVM::LLVMArrayType::get(i8, 64), integer(i32, 1), 16);
  failed = newBlock();
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(failed);
  returnStatus(QUOIN_FAILED);
}

TensorParts Emitter::tensor(Value value) const {
  ArrayRef<Value> p = parts(value);
  return {p[0], p[1], scalarType(cast<RankedTensorType>(value.getType()).getElementType())};
}

SmallVector<Value> Emitter::flat(ValueRange range) const {
  SmallVector<Value> all;
  for (Value v : range)
    llvm::append_range(all, parts(v));
  return all;
}

Value Emitter::integer(Type type, int64_t value) {
  return LLVM::ConstantOp::create(b, type, b.getIntegerAttr(type, value));
}
Value Emitter::null() { return LLVM::ZeroOp::create(b, pointer); }

Value Emitter::at(Value base, int64_t offset) {
  return offset == 0 ? base
                     : LLVM::GEPOp::create(b, pointer, i8, base, ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
}
Value Emitter::load(Type type, Value base, int64_t offset) { return LLVM::LoadOp::create(b, type, at(base, offset)); }
void Emitter::store(Value value, Value base, int64_t offset) { LLVM::StoreOp::create(b, value, at(base, offset)); }

Value Emitter::loadElement(const TensorParts &t, Value index) {
  Type stored = storedType(t.element);
  Value place = LLVM::GEPOp::create(b, pointer, stored, t.data, ArrayRef<LLVM::GEPArg>{index});
  Value value = LLVM::LoadOp::create(b, stored, place);
  return stored == t.element ? value : compare(LLVM::ICmpPredicate::ne, value, integer(stored, 0));
}
void Emitter::storeElement(const TensorParts &t, Value index, Value value) {
  Type stored = storedType(t.element);
  Value place = LLVM::GEPOp::create(b, pointer, stored, t.data, ArrayRef<LLVM::GEPArg>{index});
  if (stored != t.element)
    value = LLVM::ZExtOp::create(b, stored, value);
  LLVM::StoreOp::create(b, value, place);
}

void Emitter::storeTensor(const TensorParts &t, Value base, int64_t offset) {
  store(t.data, base, offset + static_cast<int64_t>(offsetof(quoin_tensor_t, data)));
  store(t.size, base, offset + static_cast<int64_t>(offsetof(quoin_tensor_t, size)));
}
TensorParts Emitter::loadTensor(Type element, Value base, int64_t offset) {
  return {load(pointer, base, offset + static_cast<int64_t>(offsetof(quoin_tensor_t, data))),
          load(i64, base, offset + static_cast<int64_t>(offsetof(quoin_tensor_t, size))), element};
}
Value Emitter::scratch(unsigned slot, const TensorParts &t) {
  Value place = scratch(slot);
  storeTensor(t, place, 0);
  return place;
}

//===----------------------------------------------------------------------===//
// Checks and calls
//===----------------------------------------------------------------------===//

Value Emitter::compare(LLVM::ICmpPredicate predicate, Value lhs, Value rhs) {
  return LLVM::ICmpOp::create(b, predicate, lhs, rhs);
}
Value Emitter::add(Value lhs, Value rhs) { return LLVM::AddOp::create(b, lhs, rhs); }
Value Emitter::sub(Value lhs, Value rhs) { return LLVM::SubOp::create(b, lhs, rhs); }
Value Emitter::mul(Value lhs, Value rhs) { return LLVM::MulOp::create(b, lhs, rhs); }

void Emitter::require(Value ok, StringRef text, Value first, Value second) {
  Block *bad = newBlock(), *good = newBlock();
  LLVM::CondBrOp::create(b, ok, good, bad);
  b.setInsertionPointToStart(bad);
  auto wide = [&](Value v) -> Value {
    if (v.getType() == i64)
      return v;
    return v.getType() == i1 ? Value(LLVM::ZExtOp::create(b, i64, v)) : Value(LLVM::SExtOp::create(b, i64, v));
  };
  Value host = load(pointer, state, offsetof(quoin_state_t, host));
  Value fail = load(pointer, host, offsetof(quoin_host_t, fail));
  Value what = LLVM::AddressOfOp::create(b, tables.text(text));
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()), {pointer, pointer, i64, i64});
  LLVM::CallOp::create(b, type, ValueRange{fail, state, what, wide(first), wide(second)});
  LLVM::BrOp::create(b, ValueRange(), failed);
  b.setInsertionPointToStart(good);
}

void Emitter::requireEqual(Value expected, Value found, const Twine &op, StringRef parts) {
  require(compare(LLVM::ICmpPredicate::eq, expected, found), (op + " expects {0} " + parts + ", but found {1}").str(),
          expected, found);
}

Value Emitter::callHost(size_t member, Type result, ValueRange arguments) {
  Value host = load(pointer, state, offsetof(quoin_state_t, host));
  SmallVector<Value> operands = {load(pointer, host, static_cast<int64_t>(member)), state};
  llvm::append_range(operands, arguments);
  SmallVector<Type> types(ValueRange(operands).drop_front().getTypes());
  auto type = LLVM::LLVMFunctionType::get(result ? result : LLVM::LLVMVoidType::get(b.getContext()), types);
  auto call = LLVM::CallOp::create(b, type, operands);
  Value fine = compare(LLVM::ICmpPredicate::eq, load(i32, state, offsetof(quoin_state_t, status)), integer(i32, 0));
  Block *good = newBlock();
  LLVM::CondBrOp::create(b, fine, good, failed);
  b.setInsertionPointToStart(good);
  return result ? call.getResult() : Value();
}

Value Emitter::allocate(Value bytes) { return callHost(offsetof(quoin_host_t, allocate), pointer, bytes); }

void Emitter::requireSize(Value size, StringRef op) {
  Value limit = constant(QUOIN_MAX_ELEMENTS);
  require(compare(LLVM::ICmpPredicate::ule, size, limit),
          (op + " expects a size of at least 0 and at most {1}, but found {0}").str(), size, limit);
}

TensorParts Emitter::allocateTensor(Type element, Value size, StringRef op) {
  requireSize(size, op);
  return {allocate(mul(size, constant(storedBytes(element)))), size, element};
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

Block *Emitter::newBlock(TypeRange arguments) {
  auto *block = new Block();
  function.getBody().push_back(block);
  for (Type t : arguments)
    block->addArgument(t, b.getLoc());
  return block;
}

Value Emitter::reduce(Value count, ValueRange inits, llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  SmallVector<Type> types = {i64};
  llvm::append_range(types, inits.getTypes());
  Block *head = newBlock(types), *inside = newBlock(), *after = newBlock();
  SmallVector<Value> start = {constant(0)};
  llvm::append_range(start, inits);
  LLVM::BrOp::create(b, start, head);
  b.setInsertionPointToStart(head);
  Value index = head->getArgument(0);
  LLVM::CondBrOp::create(b, compare(LLVM::ICmpPredicate::slt, index, count), inside, after);
  b.setInsertionPointToStart(inside);
  SmallVector<Value> next = body(index, ValueRange(head->getArguments()).drop_front());
  next.insert(next.begin(), add(index, constant(1)));
  LLVM::BrOp::create(b, next, head);
  b.setInsertionPointToStart(after);
  return inits.empty() ? Value() : head->getArgument(1);
}

void Emitter::forEach(Value count, llvm::function_ref<void(Value)> body) {
  reduce(count, {}, [&](Value index, ValueRange) {
    body(index);
    return SmallVector<Value>();
  });
}

void Emitter::copyElements(const TensorParts &from, const TensorParts &to, Value offset) {
  forEach(from.size, [&](Value i) { storeElement(to, add(offset, i), loadElement(from, i)); });
}
