//===- ProgramTable.cpp - the constant data that describes a program --------===//

#include "compiler/decoder/ProgramTable.h"
#include "compiler/decoder/Emitter.h"
#include "runtime/include/quoin/cuda.h"

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
  LogicalResult build(const FunctionNumbers &numbers);

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

  Value setting(const LoweredSetting &s, LLVM::GlobalOp words);
  Value cache(const LoweredCache &c);
  SmallVector<Field> tensor(const LoweredTensor &t, size_t at);
  /// The tables that a decoder's one points to.
  struct DecoderTables {
    LLVM::GlobalOp settings, caches, inputs, outputs;
  };
  DecoderTables tablesOf(const LoweredDecoder &d);
  Value decoder(const LoweredDecoder &d, const DecoderTables &tables);
  LLVM::GlobalOp columns(StringRef name, ArrayRef<ColumnNumbers> all);
  LLVM::GlobalOp steps(const ModelNumbers &m);
  LLVM::GlobalOp models(ArrayRef<ModelNumbers> all);
  LLVM::GlobalOp cudaSteps(ArrayRef<CudaStep> all, const std::string &name);
  LLVM::GlobalOp cuda(const CudaNumbers &n);
  Value program(const ProgramNumbers &n, const LoweredDecoders &all, LLVM::GlobalOp models, LLVM::GlobalOp decoders,
                LLVM::GlobalOp stops, LLVM::GlobalOp cuda);
  LLVM::GlobalOp tensors(StringRef name, ArrayRef<LoweredTensor> all);
  /// The function `name`, which gives this address to hosts that are new enough.
  void query(StringRef name, LLVM::GlobalOp program);
  LogicalResult check();

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
  size_t end = 0, widest = 1;
  for (const Field &f : fields) {
    Type type = f.value.getType();
    size_t size = type == pointer ? sizeof(void *) : type.getIntOrFloatBitWidth() / 8;
    layoutsAgree &= llvm::alignTo(end, size) == f.offset;
    end = f.offset + size;
    widest = std::max(widest, size);
    types.push_back(type);
  }
  layoutsAgree &= llvm::alignTo(end, widest) == bytes;
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

Value TableBuilder::setting(const LoweredSetting &s, LLVM::GlobalOp words) {
  return structure({{offsetof(quoin_setting_t, name), text(s.name)},
                    {offsetof(quoin_setting_t, value), f64(s.value)},
                    {offsetof(quoin_setting_t, number), f64(s.number)},
                    {offsetof(quoin_setting_t, words), address(words)},
                    {offsetof(quoin_setting_t, type), i32(s.type)},
                    {offsetof(quoin_setting_t, run_time), i32(s.runTime)},
                    {offsetof(quoin_setting_t, words_count), i32(static_cast<int32_t>(s.words.size()))},
                    {offsetof(quoin_setting_t, reserved), i32(0)}},
                   sizeof(quoin_setting_t));
}

Value TableBuilder::cache(const LoweredCache &c) {
  return structure({{offsetof(quoin_cache_t, model), i32(c.model)},
                    {offsetof(quoin_cache_t, shared), i32(c.shared)},
                    {offsetof(quoin_cache_t, tokenless), i32(c.tokenless)},
                    {offsetof(quoin_cache_t, reserved), i32(0)}},
                   sizeof(quoin_cache_t));
}

/// The fields of a quoin_tensor_type_t that lies at `at` of a struct.
SmallVector<Field> TableBuilder::tensor(const LoweredTensor &t, size_t at) {
  SmallVector<Field> fields = {{at + offsetof(quoin_tensor_type_t, name), text(t.name)},
                               {at + offsetof(quoin_tensor_type_t, dtype), i32(t.dtype)},
                               {at + offsetof(quoin_tensor_type_t, rank), i32(static_cast<int32_t>(t.sizes.size()))}};
  for (size_t i = 0; i < QUOIN_MAX_RANK; ++i)
    fields.push_back(
        {at + offsetof(quoin_tensor_type_t, sizes) + i * sizeof(int64_t), i64(i < t.sizes.size() ? t.sizes[i] : 0)});
  fields.push_back({at + offsetof(quoin_tensor_type_t, ends_at), i64(t.endsAt)});
  return fields;
}

TableBuilder::DecoderTables TableBuilder::tablesOf(const LoweredDecoder &d) {
  DecoderTables t;
  SmallVector<LLVM::GlobalOp> words;
  for (const LoweredSetting &s : d.settings)
    words.push_back(
        array("quoin_words." + d.name + "." + s.name, s.words.size(), [&](size_t i) { return text(s.words[i]); }));
  t.settings =
      array("quoin_settings." + d.name, d.settings.size(), [&](size_t i) { return setting(d.settings[i], words[i]); });
  t.caches = array("quoin_caches." + d.name, d.caches.size(), [&](size_t i) { return cache(d.caches[i]); });
  t.inputs = array("quoin_inputs." + d.name, d.inputs.size(), [&](size_t i) {
    SmallVector<Field> fields = tensor(d.inputs[i], offsetof(quoin_input_t, type));
    fields.push_back({offsetof(quoin_input_t, optional), i32(d.inputs[i].optional)});
    fields.push_back({offsetof(quoin_input_t, reserved), i32(0)});
    return structure(fields, sizeof(quoin_input_t));
  });
  t.outputs = tensors("quoin_outputs." + d.name, d.outputs);
  return t;
}

LLVM::GlobalOp TableBuilder::tensors(StringRef name, ArrayRef<LoweredTensor> all) {
  return array(name, all.size(), [&](size_t i) { return structure(tensor(all[i], 0), sizeof(quoin_tensor_type_t)); });
}

Value TableBuilder::decoder(const LoweredDecoder &d, const DecoderTables &tables) {
  auto advance = LLVM::LLVMFunctionType::get(b.getI32Type(), {pointer});
  return structure({{offsetof(quoin_decoder_t, name), text(d.name)},
                    {offsetof(quoin_decoder_t, advance), function(d.function, advance)},
                    {offsetof(quoin_decoder_t, settings), address(tables.settings)},
                    {offsetof(quoin_decoder_t, caches), address(tables.caches)},
                    {offsetof(quoin_decoder_t, inputs), address(tables.inputs)},
                    {offsetof(quoin_decoder_t, outputs), address(tables.outputs)},
                    {offsetof(quoin_decoder_t, inputs_count), i32(static_cast<int32_t>(d.inputs.size()))},
                    {offsetof(quoin_decoder_t, outputs_count), i32(static_cast<int32_t>(d.outputs.size()))},
                    {offsetof(quoin_decoder_t, settings_count), i32(static_cast<int32_t>(d.settings.size()))},
                    {offsetof(quoin_decoder_t, caches_count), i32(static_cast<int32_t>(d.caches.size()))},
                    {offsetof(quoin_decoder_t, frame_slots), i32(d.frameSlots)},
                    {offsetof(quoin_decoder_t, exact), i32(d.exact)}},
                   sizeof(quoin_decoder_t));
}

LLVM::GlobalOp TableBuilder::columns(StringRef name, ArrayRef<ColumnNumbers> all) {
  return array(name, all.size(), [&](size_t i) {
    return structure({{offsetof(quoin_column_t, name), text(all[i].name)},
                      {offsetof(quoin_column_t, width), i64(all[i].width)},
                      {offsetof(quoin_column_t, row_bytes), i64(all[i].rowBytes)},
                      {offsetof(quoin_column_t, type), i32(all[i].type)},
                      {offsetof(quoin_column_t, space), i32(all[i].space)}},
                     sizeof(quoin_column_t));
  });
}

LLVM::GlobalOp TableBuilder::steps(const ModelNumbers &m) {
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()), {pointer, b.getI64Type(), b.getI64Type()});
  return array("quoin_steps." + m.name, m.steps.size(), [&](size_t i) {
    const StepNumbers &s = m.steps[i];
    return structure({{offsetof(quoin_step_t, job), i32(s.job)},
                      {offsetof(quoin_step_t, how), i32(QUOIN_RUN_SPMD)},
                      {offsetof(quoin_step_t, row_bytes), i64(s.rowBytes)},
                      {offsetof(quoin_step_t, worker_bytes), i64(s.workerBytes)},
                      {offsetof(quoin_step_t, work), i64(s.work)},
                      {offsetof(quoin_step_t, run), function(s.function, type)}},
                     sizeof(quoin_step_t));
  });
}

LLVM::GlobalOp TableBuilder::models(ArrayRef<ModelNumbers> all) {
  struct Tables {
    LLVM::GlobalOp operands, results, spaces, states, steps;
    size_t kept = 0;
  };
  SmallVector<Tables> tables;
  for (const ModelNumbers &m : all) {
    Tables t;
    t.operands = columns("quoin_operands." + m.name, m.operands);
    t.results = columns("quoin_results." + m.name, m.results);
    t.spaces = array("quoin_spaces." + m.name, m.spaces.size(), [&](size_t i) {
      return structure({{offsetof(quoin_space_t, kind), i32(m.spaces[i])}, {offsetof(quoin_space_t, reserved), i32(0)}},
                       sizeof(quoin_space_t));
    });
    SmallVector<std::pair<int32_t, int64_t>, 2> kept;
    if (m.pageBytes > 0)
      kept.push_back({QUOIN_KEPT_PAGES, m.pageBytes});
    if (m.stateBytes > 0)
      kept.push_back({QUOIN_KEPT_STATE, m.stateBytes});
    t.kept = kept.size();
    t.states = array("quoin_states." + m.name, kept.size(), [&](size_t i) {
      return structure({{offsetof(quoin_kept_t, kind), i32(kept[i].first)},
                        {offsetof(quoin_kept_t, reserved), i32(0)},
                        {offsetof(quoin_kept_t, bytes), i64(kept[i].second)}},
                       sizeof(quoin_kept_t));
    });
    t.steps = steps(m);
    tables.push_back(t);
  }
  auto count = [&](size_t n) { return i32(static_cast<int32_t>(n)); };
  return array("quoin_models", all.size(), [&](size_t i) {
    const ModelNumbers &m = all[i];
    return structure({{offsetof(quoin_program_model_t, name), text(m.name)},
                      {offsetof(quoin_program_model_t, operands), address(tables[i].operands)},
                      {offsetof(quoin_program_model_t, results), address(tables[i].results)},
                      {offsetof(quoin_program_model_t, spaces), address(tables[i].spaces)},
                      {offsetof(quoin_program_model_t, states), address(tables[i].states)},
                      {offsetof(quoin_program_model_t, steps), address(tables[i].steps)},
                      {offsetof(quoin_program_model_t, operands_count), count(m.operands.size())},
                      {offsetof(quoin_program_model_t, results_count), count(m.results.size())},
                      {offsetof(quoin_program_model_t, spaces_count), count(m.spaces.size())},
                      {offsetof(quoin_program_model_t, states_count), count(tables[i].kept)},
                      {offsetof(quoin_program_model_t, steps_count), count(m.steps.size())},
                      {offsetof(quoin_program_model_t, layers), i32(static_cast<int32_t>(m.layers))}},
                     sizeof(quoin_program_model_t));
  });
}

LLVM::GlobalOp TableBuilder::cudaSteps(ArrayRef<CudaStep> all, const std::string &name) {
  SmallVector<LLVM::GlobalOp> launches;
  for (auto [number, step] : llvm::enumerate(all)) {
    std::string own = name + "." + std::to_string(number);
    SmallVector<LLVM::GlobalOp> constants;
    for (auto [i, launch] : llvm::enumerate(step.launches))
      constants.push_back(array("quoin_cuda_constants." + own + "." + std::to_string(i), launch.constants.size(),
                                [&, &of = launch](size_t c) { return i64(of.constants[c]); }));
    launches.push_back(array("quoin_cuda_launches." + own, step.launches.size(), [&, &of = step](size_t i) {
      const CudaLaunch &l = of.launches[i];
      return structure({{offsetof(quoin_cuda_launch_t, kernel), text(l.kernel)},
                        {offsetof(quoin_cuda_launch_t, constants), address(constants[i])},
                        {offsetof(quoin_cuda_launch_t, constants_count), i32(static_cast<int32_t>(l.constants.size()))},
                        {offsetof(quoin_cuda_launch_t, threads), i32(l.threads)},
                        {offsetof(quoin_cuda_launch_t, shared_bytes), i32(l.sharedBytes)},
                        {offsetof(quoin_cuda_launch_t, grid), i32(l.grid)},
                        {offsetof(quoin_cuda_launch_t, each), i64(l.each)},
                        {offsetof(quoin_cuda_launch_t, blocks), i64(l.blocks)},
                        {offsetof(quoin_cuda_launch_t, most), i64(l.most)}},
                       sizeof(quoin_cuda_launch_t));
    }));
  }
  return array("quoin_cuda_steps." + name, all.size(), [&](size_t i) {
    return structure({{offsetof(quoin_cuda_step_t, launches), address(launches[i])},
                      {offsetof(quoin_cuda_step_t, launches_count), i32(static_cast<int32_t>(all[i].launches.size()))},
                      {offsetof(quoin_cuda_step_t, job), i32(all[i].job)},
                      {offsetof(quoin_cuda_step_t, row_bytes), i64(all[i].rowBytes)}},
                     sizeof(quoin_cuda_step_t));
  });
}

/// Null where there is no code.
LLVM::GlobalOp TableBuilder::cuda(const CudaNumbers &n) {
  if (n.images.empty())
    return {};
  SmallVector<LLVM::GlobalOp> steps;
  for (auto [i, all] : llvm::enumerate(n.models))
    steps.push_back(cudaSteps(all, std::to_string(i)));
  LLVM::GlobalOp modelTable = array("quoin_cuda_models", n.models.size(), [&](size_t i) {
    return structure({{offsetof(quoin_cuda_model_t, steps), address(steps[i])},
                      {offsetof(quoin_cuda_model_t, steps_count), i32(static_cast<int32_t>(n.models[i].size()))},
                      {offsetof(quoin_cuda_model_t, reserved), i32(0)}},
                     sizeof(quoin_cuda_model_t));
  });
  LLVM::GlobalOp images = array("quoin_cuda_images", n.images.size(), [&](size_t i) {
    const CudaImage &image = n.images[i];
    int64_t bytes = static_cast<int64_t>(image.data.size()) + (image.kind == QUOIN_IMAGE_PTX);
    return structure({{offsetof(quoin_cuda_image_t, kind), i32(image.kind)},
                      {offsetof(quoin_cuda_image_t, architecture), i32(image.architecture)},
                      {offsetof(quoin_cuda_image_t, data), text(image.data)},
                      {offsetof(quoin_cuda_image_t, bytes), i64(bytes)}},
                     sizeof(quoin_cuda_image_t));
  });
  return array("quoin_cuda", 1, [&](size_t) {
    return structure({{offsetof(quoin_cuda_t, struct_size), i32(sizeof(quoin_cuda_t))},
                      {offsetof(quoin_cuda_t, images_count), i32(static_cast<int32_t>(n.images.size()))},
                      {offsetof(quoin_cuda_t, images), address(images)},
                      {offsetof(quoin_cuda_t, models), address(modelTable)}},
                     sizeof(quoin_cuda_t));
  });
}

Value TableBuilder::program(const ProgramNumbers &n, const LoweredDecoders &all, LLVM::GlobalOp models,
                            LLVM::GlobalOp decoders, LLVM::GlobalOp stops, LLVM::GlobalOp cuda) {
  return structure({{offsetof(quoin_program_t, abi_version), i32(QUOIN_ABI_VERSION)},
                    {offsetof(quoin_program_t, struct_size), i32(sizeof(quoin_program_t))},
                    {offsetof(quoin_program_t, target_features), text(n.targetFeatures)},
                    {offsetof(quoin_program_t, vocabulary), i64(n.vocabulary)},
                    {offsetof(quoin_program_t, capacity), i64(n.capacity)},
                    {offsetof(quoin_program_t, positions), i64(n.positions)},
                    {offsetof(quoin_program_t, weights_bytes), i64(n.weightsBytes)},
                    {offsetof(quoin_program_t, weights_checksum), i64(static_cast<int64_t>(n.weightsChecksum))},
                    {offsetof(quoin_program_t, models), address(models)},
                    {offsetof(quoin_program_t, decoders), address(decoders)},
                    {offsetof(quoin_program_t, stops), address(stops)},
                    {offsetof(quoin_program_t, models_count), i32(static_cast<int32_t>(n.models.size()))},
                    {offsetof(quoin_program_t, decoders_count), i32(static_cast<int32_t>(all.decoders.size()))},
                    {offsetof(quoin_program_t, stops_count), i32(static_cast<int32_t>(n.stops.size()))},
                    {offsetof(quoin_program_t, masks_count), i32(static_cast<int32_t>(all.masks.size()))},
                    {offsetof(quoin_program_t, fill), i32(n.fill)},
                    {offsetof(quoin_program_t, unscored), i32(static_cast<int32_t>(n.unscored))},
                    {offsetof(quoin_program_t, cuda), address(cuda)}},
                   sizeof(quoin_program_t));
}

void TableBuilder::query(StringRef name, LLVM::GlobalOp program) {
  b.clearInsertionPoint();
  auto type = LLVM::LLVMFunctionType::get(pointer, {b.getI32Type()});
  auto function = LLVM::LLVMFuncOp::create(b, name, type);
  symbols.insert(function);
  Block *entry = function.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  Value known = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::uge, entry->getArgument(0), i32(QUOIN_ABI_VERSION));
  Value there = LLVM::AddressOfOp::create(b, program);
  LLVM::ReturnOp::create(b, Value(LLVM::SelectOp::create(b, known, there, null())));
}

LogicalResult TableBuilder::build(const ProgramNumbers &numbers, const LoweredDecoders &all) {
  SmallVector<DecoderTables> tables;
  for (const LoweredDecoder &d : all.decoders)
    tables.push_back(tablesOf(d));
  LLVM::GlobalOp decoders =
      array("quoin_decoders", all.decoders.size(), [&](size_t i) { return decoder(all.decoders[i], tables[i]); });
  LLVM::GlobalOp stops = array("quoin_stops", numbers.stops.size(), [&](size_t i) { return i32(numbers.stops[i]); });
  LLVM::GlobalOp modelTable = models(numbers.models), gpu = cuda(numbers.cuda);
  query(queryFunction,
        array("quoin_program", 1, [&](size_t) { return program(numbers, all, modelTable, decoders, stops, gpu); }));
  return check();
}

LogicalResult TableBuilder::build(const FunctionNumbers &n) {
  auto numbers = [&](StringRef name, ArrayRef<int32_t> all) {
    return array(name, all.size(), [&](size_t i) { return i32(all[i]); });
  };
  LLVM::GlobalOp arguments = tensors("quoin_arguments", n.arguments), results = tensors("quoin_results", n.results),
                 queryLabels = numbers("quoin_query_labels", n.queryLabelValues),
                 keyLabels = numbers("quoin_key_labels", n.keyLabelValues), order = numbers("quoin_order", n.order),
                 model = models(n.model);
  auto count = [&](size_t number) { return i32(static_cast<int32_t>(number)); };
  query(functionQueryFunction, array("quoin_function", 1, [&](size_t) {
          SmallVector<Field> fields = {
              {offsetof(quoin_function_program_t, abi_version), i32(QUOIN_ABI_VERSION)},
              {offsetof(quoin_function_program_t, struct_size), i32(sizeof(quoin_function_program_t))},
              {offsetof(quoin_function_program_t, target_features), text(n.targetFeatures)},
              {offsetof(quoin_function_program_t, name), text(n.name)},
              {offsetof(quoin_function_program_t, arguments), address(arguments)},
              {offsetof(quoin_function_program_t, results), address(results)},
              {offsetof(quoin_function_program_t, arguments_count), count(n.arguments.size())},
              {offsetof(quoin_function_program_t, results_count), count(n.results.size())},
              {offsetof(quoin_function_program_t, lengths_count), i32(n.lengths)},
              {offsetof(quoin_function_program_t, symbols_count), count(n.symbols.size())},
              {offsetof(quoin_function_program_t, query), i32(n.query)},
              {offsetof(quoin_function_program_t, key), i32(n.key)},
              {offsetof(quoin_function_program_t, value), i32(n.value)},
              {offsetof(quoin_function_program_t, query_labels), i32(n.queryLabels)},
              {offsetof(quoin_function_program_t, key_labels), i32(n.keyLabels)},
              {offsetof(quoin_function_program_t, query_offsets), i32(n.queryOffsets)},
              {offsetof(quoin_function_program_t, key_offsets), i32(n.keyOffsets)}};
          for (size_t i = 0; i < QUOIN_MAX_SYMBOLS; ++i)
            fields.push_back({offsetof(quoin_function_program_t, symbol) + i * sizeof(int32_t),
                              i32(i < n.symbols.size() ? n.symbols[i] : -1)});
          fields.append({{offsetof(quoin_function_program_t, labelled), i32(n.labelled)},
                         {offsetof(quoin_function_program_t, query_label_values), address(queryLabels)},
                         {offsetof(quoin_function_program_t, key_label_values), address(keyLabels)},
                         {offsetof(quoin_function_program_t, order), address(order)},
                         {offsetof(quoin_function_program_t, model), address(model)}});
          return structure(fields, sizeof(quoin_function_program_t));
        }));
  return check();
}

LogicalResult TableBuilder::check() {
  if (!layoutsAgree)
    return module.emitError("expects the layouts of the target's structs to be those of program.h");
  return success();
}

ModelNumbers quoin::decoder::tokenModel(StringRef name, int64_t hidden) {
  ModelNumbers model;
  model.name = name.str();
  model.spaces = {QUOIN_SPACE_ROW, QUOIN_SPACE_READ, QUOIN_SPACE_SEQUENCE};
  model.operands = {{"ids", 1, 4, QUOIN_DTYPE_I32, 0}, {"positions", 1, 4, QUOIN_DTYPE_I32, 0}};
  if (hidden > 0)
    model.results = {{"hidden", hidden, (hidden * 4 + 7) / 8 * 8, QUOIN_DTYPE_F32, 1}};
  return model;
}

LogicalResult quoin::decoder::emitProgramTable(ModuleOp module, const ProgramNumbers &numbers,
                                               const LoweredDecoders &decoders) {
  module.getContext()->loadDialect<LLVM::LLVMDialect>();
  if (module.lookupSymbol(queryFunction))
    return module.emitError("expects a module without '") << queryFunction << "'";
  return TableBuilder(module).build(numbers, decoders);
}

LogicalResult quoin::decoder::emitFunctionTable(ModuleOp module, const FunctionNumbers &numbers) {
  module.getContext()->loadDialect<LLVM::LLVMDialect>();
  if (module.lookupSymbol(functionQueryFunction))
    return module.emitError("expects a module without '") << functionQueryFunction << "'";
  return TableBuilder(module).build(numbers);
}
