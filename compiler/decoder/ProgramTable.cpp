//===- ProgramTable.cpp - the constant data that describes a program --------===//

#include "compiler/decoder/ProgramTable.h"
#include "compiler/decoder/Emitter.h"
#include "runtime/include/quoin/program.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::decoder;

namespace {

/// A field's value and where the C compiler puts it.
struct Field {
  size_t offset;
  Value value;
};

class TableBuilder {
public:
  explicit TableBuilder(ModuleOp module)
      : module(module), symbols(module), texts(module, masks), b(module.getLoc(), module.getContext()),
        pointer(LLVM::LLVMPointerType::get(module.getContext())) {}

  LogicalResult build(const ProgramNumbers &numbers, const LoweredDecoders &decoders);

private:
  Value i64(int64_t v) { return LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(v)); }
  Value i32(int32_t v) { return LLVM::ConstantOp::create(b, b.getI32Type(), b.getI32IntegerAttr(v)); }
  Value f64(double v) { return LLVM::ConstantOp::create(b, b.getF64Type(), b.getF64FloatAttr(v)); }
  Value null() { return LLVM::ZeroOp::create(b, pointer); }
  Value text(StringRef s) { return LLVM::AddressOfOp::create(b, texts.text(s)); }
  Value function(StringRef name, Type type);
  Value address(LLVM::GlobalOp global) { return global ? Value(LLVM::AddressOfOp::create(b, global)) : null(); }

  /// A struct's value, after checking that LLVM lays it out as C does.
  Value structure(ArrayRef<Field> fields, size_t bytes);
  /// A constant array; `element(i)` makes the i-th inside its initialiser. Null if it is empty.
  LLVM::GlobalOp array(StringRef name, size_t count, llvm::function_ref<Value(size_t)> element);

  Value setting(const LoweredSetting &s);
  Value decoder(const LoweredDecoder &d, LLVM::GlobalOp settings);
  Value program(const ProgramNumbers &n, const LoweredDecoders &all, LLVM::GlobalOp decoders, LLVM::GlobalOp stops);
  void query(LLVM::GlobalOp program);

  ModuleOp module;
  SymbolTable symbols;
  SmallVector<MaskAttr> masks;
  ModuleTables texts;
  ImplicitLocOpBuilder b;
  Type pointer;
  bool layoutsAgree = true;
};

} // namespace

//===----------------------------------------------------------------------===//
// Pieces
//===----------------------------------------------------------------------===//

/// The address of a function, declared if it is not there; null without a name.
Value TableBuilder::function(StringRef name, Type type) {
  if (name.empty())
    return null();
  auto found = symbols.lookup<LLVM::LLVMFuncOp>(name);
  if (!found) {
    OpBuilder free(module.getContext());
    found = LLVM::LLVMFuncOp::create(free, module.getLoc(), name, type);
    symbols.insert(found, module.getBody()->begin());
  }
  return LLVM::AddressOfOp::create(b, found);
}

Value TableBuilder::structure(ArrayRef<Field> fields, size_t bytes) {
  SmallVector<Type> types;
  size_t end = 0;
  for (const Field &f : fields) {
    Type type = f.value.getType();
    size_t size = type == pointer ? sizeof(void *) : type.getIntOrFloatBitWidth() / 8;
    layoutsAgree &= llvm::alignTo(end, size) == f.offset;
    end = f.offset + size;
    types.push_back(type);
  }
  layoutsAgree &= llvm::alignTo(end, sizeof(int64_t)) == bytes;
  Value made = LLVM::UndefOp::create(b, LLVM::LLVMStructType::getLiteral(b.getContext(), types));
  for (auto [i, f] : llvm::enumerate(fields))
    made = LLVM::InsertValueOp::create(b, made, f.value, static_cast<int64_t>(i));
  return made;
}

LLVM::GlobalOp TableBuilder::array(StringRef name, size_t count, llvm::function_ref<Value(size_t)> element) {
  if (count == 0)
    return {};
  OpBuilder::InsertionGuard guard(b);
  b.clearInsertionPoint();
  auto global = LLVM::GlobalOp::create(b, pointer, /*isConstant=*/true, LLVM::Linkage::Internal, name, Attribute(), 16);
  symbols.insert(global);
  b.createBlock(&global.getInitializerRegion());
  Value first = element(0);
  auto type = LLVM::LLVMArrayType::get(first.getType(), count);
  Value all = LLVM::UndefOp::create(b, type);
  for (size_t i = 0; i < count; ++i)
    all = LLVM::InsertValueOp::create(b, all, i == 0 ? first : element(i), static_cast<int64_t>(i));
  LLVM::ReturnOp::create(b, all);
  global.setGlobalType(type);
  return global;
}

//===----------------------------------------------------------------------===//
// The tables
//===----------------------------------------------------------------------===//

Value TableBuilder::setting(const LoweredSetting &s) {
  return structure({{offsetof(quoin_setting_t, name), text(s.name)},
                    {offsetof(quoin_setting_t, value), f64(s.value)},
                    {offsetof(quoin_setting_t, type), i32(s.type)},
                    {offsetof(quoin_setting_t, run_time), i32(s.runTime)}},
                   sizeof(quoin_setting_t));
}

Value TableBuilder::decoder(const LoweredDecoder &d, LLVM::GlobalOp settings) {
  auto advance = LLVM::LLVMFunctionType::get(b.getI32Type(), {pointer});
  return structure({{offsetof(quoin_decoder_t, name), text(d.name)},
                    {offsetof(quoin_decoder_t, advance), function(d.function, advance)},
                    {offsetof(quoin_decoder_t, settings), address(settings)},
                    {offsetof(quoin_decoder_t, settings_count), i32(static_cast<int32_t>(d.settings.size()))},
                    {offsetof(quoin_decoder_t, frame_slots), i32(d.frameSlots)},
                    {offsetof(quoin_decoder_t, caches), i32(d.caches)},
                    {offsetof(quoin_decoder_t, exact), i32(d.exact)},
                    {offsetof(quoin_decoder_t, shared_caches), i64(d.sharedCaches)}},
                   sizeof(quoin_decoder_t));
}

Value TableBuilder::program(const ProgramNumbers &n, const LoweredDecoders &all, LLVM::GlobalOp decoders,
                            LLVM::GlobalOp stops) {
  auto step =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()), {pointer, b.getI64Type(), b.getI64Type()});
  return structure({{offsetof(quoin_program_t, abi_version), i32(QUOIN_ABI_VERSION)},
                    {offsetof(quoin_program_t, struct_size), i32(sizeof(quoin_program_t))},
                    {offsetof(quoin_program_t, target_features), text(n.targetFeatures)},
                    {offsetof(quoin_program_t, hidden), i64(n.hidden)},
                    {offsetof(quoin_program_t, vocabulary), i64(n.vocabulary)},
                    {offsetof(quoin_program_t, layers), i64(n.layers)},
                    {offsetof(quoin_program_t, capacity), i64(n.capacity)},
                    {offsetof(quoin_program_t, positions), i64(n.positions)},
                    {offsetof(quoin_program_t, page_bytes), i64(n.pageBytes)},
                    {offsetof(quoin_program_t, layers_work), i64(n.layersWork)},
                    {offsetof(quoin_program_t, weights_bytes), i64(n.weightsBytes)},
                    {offsetof(quoin_program_t, weights_checksum), i64(static_cast<int64_t>(n.weightsChecksum))},
                    {offsetof(quoin_program_t, scratch_row_bytes), i64(n.scratchRowBytes)},
                    {offsetof(quoin_program_t, scratch_worker_bytes), i64(n.scratchWorkerBytes)},
                    {offsetof(quoin_program_t, head_scratch_row_bytes), i64(n.headScratchRowBytes)},
                    {offsetof(quoin_program_t, head_scratch_worker_bytes), i64(n.headScratchWorkerBytes)},
                    {offsetof(quoin_program_t, decoders), address(decoders)},
                    {offsetof(quoin_program_t, stops), address(stops)},
                    {offsetof(quoin_program_t, decoders_count), i32(static_cast<int32_t>(all.decoders.size()))},
                    {offsetof(quoin_program_t, stops_count), i32(static_cast<int32_t>(n.stops.size()))},
                    {offsetof(quoin_program_t, fill), i32(n.fill)},
                    {offsetof(quoin_program_t, masks_count), i32(static_cast<int32_t>(all.masks.size()))},
                    {offsetof(quoin_program_t, layers_step), function(n.layersStep, step)},
                    {offsetof(quoin_program_t, head_step), function(n.headStep, step)}},
                   sizeof(quoin_program_t));
}

void TableBuilder::query(LLVM::GlobalOp program) {
  b.clearInsertionPoint();
  auto type = LLVM::LLVMFunctionType::get(pointer, {b.getI32Type()});
  auto function = LLVM::LLVMFuncOp::create(b, queryFunction, type);
  symbols.insert(function);
  Block *entry = function.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  Value known = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::uge, entry->getArgument(0), i32(QUOIN_ABI_VERSION));
  Value there = LLVM::AddressOfOp::create(b, program);
  LLVM::ReturnOp::create(b, Value(LLVM::SelectOp::create(b, known, there, null())));
}

LogicalResult TableBuilder::build(const ProgramNumbers &numbers, const LoweredDecoders &all) {
  SmallVector<LLVM::GlobalOp> settings;
  for (const LoweredDecoder &d : all.decoders)
    settings.push_back(
        array("quoin_settings." + d.name, d.settings.size(), [&](size_t i) { return setting(d.settings[i]); }));
  LLVM::GlobalOp decoders =
      array("quoin_decoders", all.decoders.size(), [&](size_t i) { return decoder(all.decoders[i], settings[i]); });
  LLVM::GlobalOp stops = array("quoin_stops", numbers.stops.size(), [&](size_t i) { return i32(numbers.stops[i]); });
  query(array("quoin_program", 1, [&](size_t) { return program(numbers, all, decoders, stops); }));
  if (!layoutsAgree)
    return module.emitError("expects the layouts of the target's structs to be those of program.h");
  return success();
}

LogicalResult quoin::decoder::emitProgramTable(ModuleOp module, const ProgramNumbers &numbers,
                                               const LoweredDecoders &decoders) {
  module.getContext()->loadDialect<LLVM::LLVMDialect>();
  if (module.lookupSymbol(queryFunction))
    return module.emitError("expects a module without '") << queryFunction << "'";
  return TableBuilder(module).build(numbers, decoders);
}
