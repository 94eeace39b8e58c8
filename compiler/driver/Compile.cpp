//===- Compile.cpp - from a checkpoint or a program to an artefact ---------===//

#include "compiler/driver/Compile.h"
#include "compiler/cpu/EmitModel.h"
#include "compiler/cpu/EmitObject.h"
#include "compiler/cuda/Assemble.h"
#include "compiler/cuda/EmitStep.h"
#include "compiler/decoder/DecoderLowering.h"
#include "compiler/decoder/ProgramTable.h"
#include "compiler/driver/FunctionMetadata.h"
#include "compiler/driver/Metadata.h"
#include "compiler/driver/OutputFolder.h"
#include "compiler/driver/ProgramSettings.h"
#include "compiler/driver/TokenizerFiles.h"
#include "compiler/driver/WeightSource.h"
#include "compiler/import/GgufCheckpoint.h"
#include "compiler/import/Import.h"
#include "compiler/import/InputKind.h"
#include "dialects/quoin/Overhang.h"
#include "dialects/stage/StepCalls.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/InitAllDialects.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "passes/Counters.h"
#include "passes/Notes.h"
#include "passes/Passes.h"
#include "passes/Pipeline.h"
#include "runtime/include/quoin/cuda.h"
#include "support/NestedText.h"
#include "support/WholeFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include <cmath>
#include <set>

using namespace mlir;
using namespace quoin;
using decoder::LoweredDecoders;

namespace {

/// The text of the first error and its notes, one line.
class ErrorCollector {
public:
  explicit ErrorCollector(MLIRContext *context)
      : handler(context, [this](Diagnostic &d) {
          if (d.getSeverity() != DiagnosticSeverity::Error || !text.empty())
            return success(d.getSeverity() != DiagnosticSeverity::Remark);
          llvm::raw_string_ostream os(text);
          if (auto loc = dyn_cast<FileLineColLoc>(d.getLocation()))
            os << loc.getFilename().getValue() << ":" << loc.getLine() << ":" << loc.getColumn() << ": ";
          os << d;
          return success();
        }) {}
  std::string text;

private:
  ScopedDiagnosticHandler handler;
};

class Compiler {
public:
  Compiler(const CompileOptions &o, std::string &e)
      : options(o), error(e), context(MLIRContext::Threading::DISABLED), errors(&context) {
    context.loadDialect<QuoinDialect, stage::StageDialect, arith::ArithDialect, cf::ControlFlowDialect,
                        func::FuncDialect, LLVM::LLVMDialect, math::MathDialect, scf::SCFDialect, tensor::TensorDialect,
                        vector::VectorDialect>();
    // Others are there to be parsed: an op of theirs gets the verifier's words, as in every tool, and not the parser's.
    DialectRegistry registry;
    registerAllDialects(registry);
    func::registerInlinerExtension(registry);
    registerBuiltinDialectTranslation(registry);
    registerLLVMDialectTranslation(registry);
    context.appendDialectRegistry(registry);
  }

  bool run();

private:
  bool fail(const Twine &message) {
    error = message.str();
    return false;
  }
  /// Fails with what MLIR said, or else with `what`.
  bool failWith(const Twine &what) { return fail(errors.text.empty() ? what.str() : errors.text); }
  void report(const std::string &what, double done) {
    if (options.progress)
      options.progress(what, done);
  }

  bool load();
  bool chooseDecoders();
  bool findTokenizer();
  std::vector<std::string> inputs();
  bool runPasses();
  bool writeModule();
  bool buildArtifact();
  bool buildFunction(func::FuncOp function);
  bool packWeights(OutputFolder &out, const cpu::WeightPlan &plan, ArtifactDescription &description);
  bool writeProgram(OutputFolder &out, StringRef query);
  bool addCubins(StringRef ptx, decoder::CudaNumbers &numbers);

  /// Folder or GGUF file.
  const std::string &tokenizerFrom() const { return options.tokenizer.empty() ? source : options.tokenizer; }

  /// An artefact is asked for, not the text of a phase.
  bool isCode() const {
    const Phase *to = findPhase(options.to);
    return to && to->isCode();
  }

  int64_t integer(StringRef name, int64_t otherwise) {
    auto attr = module->getOperation()->getAttrOfType<IntegerAttr>(name);
    return attr ? attr.getInt() : otherwise;
  }
  std::string text(StringRef name) {
    auto attr = module->getOperation()->getAttrOfType<StringAttr>(name);
    return attr ? attr.str() : std::string();
  }

  const CompileOptions &options;
  std::string &error;
  MLIRContext context;
  ErrorCollector errors;
  OwningOpRef<ModuleOp> module;
  std::optional<cpu::Target> target; // once stages are made
  std::string source;                // folder of weights, and of the tokenizer unless another is given
  TokenizerFiles tokenizer;
  uint64_t checksum = 0;
};

} // namespace

//===----------------------------------------------------------------------===//
// Input
//===----------------------------------------------------------------------===//

bool Compiler::load() {
  report("import", 0);
  if (llvm::sys::fs::is_directory(options.input) || isGgufFile(options.input)) {
    ImportOptions import;
    import.directory = options.input;
    import.decoders = options.decoders;
    import.architecture = options.architecture;
    import.fill = options.fill;
    import.tokenizer = options.tokenizer;
    import.adapter = options.adapter;
    import.guide = options.guide;
    import.settings = options.settings;
    import.warn = options.warn;
    module = importCheckpoint(context, import, error);
    if (!module)
      return false;
  } else {
    if (!llvm::sys::fs::exists(options.input))
      return fail(whyNoCheckpoint(options.input));
    if (std::string why = whyNoProgram(options.input); !why.empty())
      return fail(why);
    if (!options.architecture.empty() || options.fill || !options.adapter.empty() || !options.guide.empty())
      return fail("expects --architecture, --fill, --adapter and --guide with a checkpoint only: a .mlir file "
                  "says them itself");
    auto text = llvm::MemoryBuffer::getFile(options.input);
    if (!text)
      return fail("cannot read '" + options.input + "': " + text.getError().message());
    if (std::string deep = programTooDeep((*text)->getBuffer()); !deep.empty())
      return fail(options.input + ": " + deep);
    auto sources = std::make_shared<llvm::SourceMgr>();
    sources->AddNewSourceBuffer(std::move(*text), llvm::SMLoc());
    module = parseSourceFile<ModuleOp>(sources, &context);
    if (!module)
      return failWith("cannot parse '" + options.input + "'");
    if (!options.decoders.empty() && !chooseDecoders())
      return false;
    if (!giveSettings(*module, options.settings, error))
      return false;
  }
  source = text(module_attr::source);
  if (source.empty() || !llvm::sys::path::is_absolute(source)) {
    SmallString<128> beside(options.input);
    if (!llvm::sys::fs::is_directory(options.input))
      llvm::sys::path::remove_filename(beside);
    llvm::sys::path::append(beside, source);
    source = beside.empty() ? "." : std::string(beside);
  }
  return findTokenizer();
}

/// Of a program's decoders those that were asked for, in that order.
bool Compiler::chooseDecoders() {
  SmallVector<DecoderOp> all(module->getOps<DecoderOp>()), chosen;
  std::string names;
  for (DecoderOp decoder : all)
    names += (names.empty() ? "'" : ", '") + decoder.getSymName().str() + "'";
  for (const std::string &name : options.decoders) {
    auto found = llvm::find_if(all, [&](DecoderOp decoder) { return decoder.getSymName() == name; });
    if (found == all.end())
      return fail("'--decoder' expects a decoder of '" + options.input + "' (" + (names.empty() ? "none" : names) +
                  "), but found '" + name + "'");
    if (llvm::is_contained(chosen, *found))
      return fail("'--decoder' expects each decoder once, but found '" + name + "' twice");
    chosen.push_back(*found);
  }
  for (DecoderOp decoder : all)
    if (!llvm::is_contained(chosen, decoder))
      decoder.erase();
  for (DecoderOp decoder : chosen)
    decoder->moveBefore(module->getBody(), module->getBody()->end());
  return true;
}

/// A file that cannot be a tokenizer is named before the weights are packed, not after.
bool Compiler::findTokenizer() {
  if (options.withoutTokenizer)
    return true;
  if (!options.tokenizer.empty() && !hasTokenizer(options.tokenizer))
    return fail("'--tokenizer' expects a folder with a tokenizer.json or a vocab.json, or a GGUF file with a "
                "tokenizer, but found '" +
                options.tokenizer + "'");
  return tokenizer.find(tokenizerFrom(), error);
}

/// What the artefact is made of: none of it may lie where the artefact goes.
std::vector<std::string> Compiler::inputs() {
  std::set<std::string> all = {options.input, source, tokenizerFrom()};
  for (WeightOp weight : module->getOps<WeightOp>()) {
    if (weight.isFormula())
      continue;
    SmallString<128> path(*weight.getFile());
    llvm::sys::path::make_absolute(source, path);
    all.insert(std::string(path));
  }
  return {all.begin(), all.end()};
}

//===----------------------------------------------------------------------===//
// Passes
//===----------------------------------------------------------------------===//

static bool hasWholeNumbers(ModuleOp module) {
  for (auto step : module.getOps<stage::StepOp>())
    for (Operation &op : step.getBody().front())
      if (llvm::any_of(stage::weightsOf(&op), [](stage::WeightAttr weight) { return bool(weight.getScaled()); }))
        return true;
  return false;
}

bool Compiler::runPasses() {
  report("passes", 0);
  PassManager pm(&context);
  resetCounters();
  (void)takeNotes();
  PhaseOptions phase;
  phase.level = options.level;
  if (!options.approximate.empty() && !(phase.approximate = parseApproximation(options.approximate, error)))
    return false;
  // Stages answer what the target is asked for.
  if (isCode() || options.to == "stages") {
    std::optional<WeightStorage> weights = parseWeightStorage(options.weights, error);
    std::optional<WeightStorage> head = weights ? parseHeadStorage(options.headWeights, error) : std::nullopt;
    if (!head)
      return false;
    if (options.group && !wholeBits(*weights) && !wholeBits(*head))
      return fail("expects --group with --weights or --head-weights of int8 or int4, but found '" + options.weights +
                  "'");
    if (!(target = cpu::makeTarget(options.targetCpu, error, false, options.target)))
      return false;
    phase.weights = *weights;
    phase.head = *head;
    phase.group = options.group;
    phase.pairs = target->kernels.brain;
    // A function is what was written, whatever passes could make of it.
    if (func::FuncOp function = findFunction(*module); function && failed(planFunction(function)))
      return failWith("the function cannot be compiled");
  }
  if (failed(buildPipeline(pm, options.from, isCode() ? "" : options.to, phase, error)))
    return false;
  if (failed(pm.run(*module)))
    return failWith("the passes failed");
  // What multiplies bytes is asked of a machine only where there are whole numbers.
  if (target && hasWholeNumbers(*module) && !(target = cpu::makeTarget(options.targetCpu, error, true, options.target)))
    return false;
  for (const std::string &text : takeNotes())
    if (options.note)
      options.note(text);
  auto isInexact = [](DecoderOp decoder) { return decoder->hasAttr(module_attr::inexact); };
  if (phase.approximate && llvm::none_of(module->getOps<DecoderOp>(), isInexact))
    return fail("expects a decoder that '" + options.approximate +
                "' can approximate, but every call's stale part is exact or unknown (see the remarks of "
                "quoin-approximate-" +
                (phase.approximate->policy == ApproximationPolicy::AttentionOutput ? "attention" : "cache") + ")");
  return true;
}

/// For `--compile-to` a phase of the IR: the module's text.
bool Compiler::writeModule() {
  std::string text;
  llvm::raw_string_ostream os(text);
  module->print(os);
  os << "\n";
  return writeWholeFile(options.output, text, error);
}

//===----------------------------------------------------------------------===//
// Artefact
//===----------------------------------------------------------------------===//

/// What a weight is of: "layers.3" of "layers.3.q_proj", the weight itself where it is of no layer.
static StringRef layerOf(StringRef symbol) {
  StringRef layer = symbol.rsplit('.').first;
  return layer.empty() ? symbol : layer;
}

/// A line for each layer: how far its matrices are from those that were read.
static void tellErrors(ArrayRef<cpu::QuantizedWeight> all, const std::function<void(const std::string &)> &tell) {
  for (size_t from = 0, to = 0; from < all.size(); from = to) {
    const cpu::QuantizedWeight *worst = &all[from];
    double squares = 0;
    for (; to < all.size() && layerOf(all[to].symbol) == layerOf(all[from].symbol); ++to) {
      squares += all[to].error * all[to].error;
      if (all[to].error > worst->error)
        worst = &all[to];
    }
    auto count = static_cast<double>(to - from);
    tell(llvm::formatv("{0}: {1} matrices of whole numbers, relative error {2:f4}, largest {3:f4} of '@{4}'",
                       layerOf(worst->symbol), to - from, std::sqrt(squares / count), worst->error, worst->symbol)
             .str());
  }
}

bool Compiler::packWeights(OutputFolder &out, const cpu::WeightPlan &plan, ArtifactDescription &description) {
  WeightSource weights(*module, source);
  auto read = [&](StringRef symbol, cpu::SourceTensor &tensor, std::string &message) {
    return weights.read(symbol, tensor, message);
  };
  auto progress = [&](int64_t done, int64_t total) { report("weights", total ? double(done) / double(total) : 1); };
  if (!cpu::writeWeights(plan, out.path("model.qw"), read, progress, checksum, error, &description.quantized))
    return false;
  if (options.tell)
    tellErrors(description.quantized, options.tell);
  return true;
}

/// By decoder: the approximation that made it.
static std::map<std::string, std::string> approximations(ModuleOp module) {
  std::map<std::string, std::string> all;
  for (DecoderOp decoder : module.getOps<DecoderOp>())
    if (auto name = decoder->getAttrOfType<StringAttr>(module_attr::inexact))
      all[decoder.getSymName().str()] = name.str();
  return all;
}

/// Fills in what the lowered parts say.
static void describe(ArtifactDescription &d, const CompileOptions &options, const LoweredDecoders &decoders,
                     ArrayRef<cpu::StepFacts> facts, std::map<std::string, std::string> inexact) {
  d.level = options.level;
  d.weights = options.weights;
  d.arithmetic =
      facts.front().head.vocabulary > 0 && facts.front().head.arithmetic == cpu::Arithmetic::Pairs ? "bf16" : "f32";
  for (const decoder::LoweredDecoder &lowered : decoders.decoders) {
    DecoderDescription described{lowered.name, {}, inexact[lowered.name], {}, {}};
    auto describeTensors = [](const std::vector<decoder::LoweredTensor> &from, std::vector<TensorDescription> &to) {
      for (const decoder::LoweredTensor &t : from)
        to.push_back({t.name,
                      t.dtype == QUOIN_DTYPE_F32   ? "f32"
                      : t.dtype == QUOIN_DTYPE_I32 ? "i32"
                                                   : "i64",
                      t.sizes, t.optional});
    };
    describeTensors(lowered.inputs, described.inputs);
    describeTensors(lowered.outputs, described.outputs);
    for (const decoder::LoweredSetting &s : lowered.settings)
      described.settings.push_back({s.name, s.value, s.type == QUOIN_SETTING_INDEX, s.runTime, s.word, s.words});
    if (d.inexact.empty())
      d.inexact = described.inexact;
    d.decoders.push_back(std::move(described));
  }
  for (const CounterValue &c : counterValues())
    d.counters.emplace_back(c.pass + "." + c.name, c.value);
  // Caches are of one model each, and models run in turn.
  for (const cpu::StepFacts &model : facts) {
    d.pageBytes += model.pageBytes;
    d.scratchRowBytes = std::max(d.scratchRowBytes, model.scratchRowBytes);
    if (model.head.vocabulary > 0)
      d.headScratchRowBytes = std::max(d.headScratchRowBytes, model.head.scratchRowBytes());
    d.barriers += model.barriers;
    d.fusedEpilogues += model.fusedEpilogues;
  }
}

static decoder::ModelNumbers describeModel(StringRef name, const cpu::StepFacts &facts) {
  decoder::ModelNumbers model = decoder::tokenModel(name, facts.hidden);
  model.pageBytes = facts.pageBytes;
  model.stateBytes = facts.stateBytes;
  model.layers = facts.layers;
  bool function = llvm::any_of(facts.columns, [](auto &c) { return c.space == stage::Space::Memory; });
  model.steps = {
      {QUOIN_STEP_LAYERS, function ? 0 : facts.scratchRowBytes, 0, facts.layersWork, cpu::layersStepName(name)}};
  if (function)
    llvm::append_values(model.spaces, QUOIN_SPACE_HOST, QUOIN_SPACE_MEMORY);
  // Spaces are those of `tokenModel`: rows that run, rows that are read, sequences.
  auto column = [&](StringRef what, size_t i, const cpu::StepColumn &c) {
    int32_t type = c.element.isBF16() ? QUOIN_DTYPE_BF16 : c.element.isF32() ? QUOIN_DTYPE_F32 : QUOIN_DTYPE_I32;
    // What models give is of space `host`, too: those of their rows that are read.
    int32_t space = c.space == stage::Space::Sequence ? 2
                    : c.space == stage::Space::Memory ? 4
                    : c.space != stage::Space::Host   ? 0
                    : function                        ? 3
                                                      : 1;
    int64_t packed = c.width * stage::storageBytes(stage::storageOf(c.element));
    return decoder::ColumnNumbers{(what + Twine(i)).str(), c.width, function ? packed : stage::rowBytes(c.width), type,
                                  space};
  };
  for (auto [i, c] : llvm::enumerate(facts.columns))
    model.operands.push_back(column("column", i, c));
  if (facts.head.vocabulary > 0)
    model.steps.push_back({QUOIN_STEP_HEAD, facts.head.scratchRowBytes(), 0, facts.hidden * facts.head.vocabulary,
                           cpu::headStepName(name)});
  // Hidden rows are the first.
  for (size_t i = model.results.size(); i < facts.results.size(); ++i)
    model.results.push_back(column("result", i, facts.results[i]));
  return model;
}

/// Attention by itself: a step, and neither decoders nor weights.
bool Compiler::buildFunction(func::FuncOp function) {
  if (options.cuda)
    return fail("expects decoders and models with --target cuda, but found a function");
  report("function", 0);
  FailureOr<FunctionPlan> plan = planFunction(function);
  FailureOr<stage::StepOp> step = failed(plan) ? FailureOr<stage::StepOp>() : stepOf(function, *plan);
  if (failed(step))
    return failWith("the function cannot be compiled");
  OutputFolder out(options.output);
  if (!out.create({options.input}, error))
    return false;
  OwningOpRef<ModuleOp> program = ModuleOp::create(function.getLoc());
  FailureOr<cpu::StepFacts> facts = cpu::emitModel(*program, *step, {}, target->kernels, positionsOf(*module));
  if (failed(facts))
    return failWith("the function cannot be lowered");
  decoder::FunctionNumbers numbers = functionNumbers(*plan, *target, describeModel(step->getSymName(), *facts));
  if (failed(decoder::emitFunctionTable(*program, numbers)))
    return failWith("the function's table cannot be made");
  StringRef symbol = options.symbol.empty() ? StringRef(decoder::functionQueryFunction) : StringRef(options.symbol);
  std::string json = functionJson(*plan, *target, options.object ? symbol : StringRef());
  std::string header = functionHeader(*plan, symbol);
  module = std::move(program);
  if (!writeProgram(out, decoder::functionQueryFunction) || !out.write("model.h", header, error) ||
      !out.write("model.json", json, error))
    return false;
  report("done", 1);
  return out.commit(error);
}

/// Code of the architectures there are, where it can be made. In haste there is none: drivers compile PTX, too.
bool Compiler::addCubins(StringRef ptx, decoder::CudaNumbers &numbers) {
  if (options.level < 2)
    return true;
  std::string ptxas = cuda::findPtxas();
  if (ptxas.empty()) {
    if (options.note)
      options.note(
          "no ptxas was found (PATH, CUDA_HOME, or PyPI's nvidia-cuda-nvcc): code for GPUs is PTX alone, which "
          "a driver compiles when it loads it");
    return true;
  }
  constexpr int32_t architectures[] = {80, 90};
  auto cubins = cuda::assemble(ptxas, ptx, architectures, error);
  if (!cubins) {
    // An old ptxas is no worse than none.
    if (options.note)
      options.note("code for GPUs is PTX alone: " + error);
    error.clear();
    return true;
  }
  for (auto [architecture, cubin] : llvm::zip_equal(architectures, *cubins))
    numbers.images.push_back({QUOIN_IMAGE_CUBIN, architecture, std::move(cubin)});
  return true;
}

bool Compiler::buildArtifact() {
  if (func::FuncOp function = findFunction(*module))
    return buildFunction(function);
  SmallVector<stage::StepOp> steps(module->getOps<stage::StepOp>());
  if (steps.empty())
    return fail("expects a quoin.model in '" + options.input + "', but found none");
  for (stage::StepOp step : steps)
    if (step.isFunction())
      return fail("expects steps of models beside decoders, but '@" + step.getSymName() + "' is attention by itself");
  if (failed(stage::verifyCalls(*module)))
    return failWith("calls do not fit their steps");

  OutputFolder out(options.output);
  if (!out.create(inputs(), error))
    return false;

  // What decoders say is read before they go.
  const int64_t capacity = capacityOf(*module), positions = positionsOf(*module);
  ArtifactDescription description;
  std::map<std::string, std::string> inexact = approximations(*module);
  description.inexact = text(module_attr::inexact);

  report("decoders", 0);
  LoweredDecoders decoders;
  decoder::DecoderLoweringOptions lowering;
  for (stage::StepOp step : steps)
    lowering.models.push_back(step.getSymName());
  if (failed(decoder::lowerDecoders(*module, lowering, decoders)))
    return failWith("the decoders cannot be lowered");
  if (decoders.decoders.empty())
    return fail("expects a quoin.decoder in '" + options.input + "', but found none");

  report("model", 0);
  SmallVector<BlockMask> masks;
  for (MaskAttr mask : decoders.masks)
    masks.push_back(mask.getFormula());
  std::vector<cpu::StepFacts> facts;
  cpu::WeightPlan plan;
  std::optional<cuda::CudaProgram> gpu;
  if (options.cuda)
    gpu.emplace(&context, target->kernels.brain, masks);
  for (stage::StepOp step : steps) {
    FailureOr<cpu::StepFacts> made = cpu::emitModel(*module, step, masks, target->kernels, positions);
    if (failed(made))
      return failWith("the model cannot be lowered");
    if (gpu && failed(gpu->addModel(step, *made)))
      return failWith("the model cannot be compiled for GPUs");
    plan.merge(made->weights);
    facts.push_back(std::move(*made));
    description.models.push_back(takeInventory(step));
  }
  // The verifier of models has seen to it that all heads score the same tokens. Where nothing does, there is one token.
  // Tokens that the module has beyond those are ids alone.
  int64_t scored = 0;
  for (const cpu::StepFacts &model : facts)
    scored = std::max(scored, model.head.vocabulary);
  int64_t vocabulary = std::max(scored, integer(module_attr::vocabulary, 1));
  if (int64_t fill = integer(module_attr::fill, -1); fill >= vocabulary)
    return fail("expects 'quoin.fill' below the " + Twine(vocabulary) + " tokens there are, but found " + Twine(fill));

  describe(description, options, decoders, facts, std::move(inexact));
  description.weightBytes = plan.bytes();
  description.symbol = options.symbol.empty() ? decoder::queryFunction.str() : options.symbol;
  description.object = options.object;
  description.architecture = text(module_attr::architecture);
  description.triple = target->triple;
  description.features = target->required;
  description.capacity = capacity;
  description.fill = integer(module_attr::fill, -1);
  if (auto stops = module->getOperation()->getAttrOfType<DenseI32ArrayAttr>(module_attr::stop))
    description.stops.assign(stops.asArrayRef().begin(), stops.asArrayRef().end());

  // The tokenizer first: its faults should not wait for the weights.
  if (!options.withoutTokenizer && !tokenizer.copy(out, options.warn, error))
    return false;
  if (!packWeights(out, plan, description))
    return false;

  decoder::ProgramNumbers table;
  table.targetFeatures = target->required;
  table.vocabulary = vocabulary;
  table.unscored = scored ? vocabulary - scored : 0;
  for (auto [step, of] : llvm::zip_equal(steps, facts))
    table.models.push_back(describeModel(step.getSymName(), of));
  table.capacity = capacity;
  table.positions = positions;
  table.weightsBytes = plan.bytes();
  table.weightsChecksum = checksum;
  table.stops = description.stops;
  table.fill = static_cast<int32_t>(description.fill);
  if (gpu) {
    report("cuda", 0);
    std::optional<std::string> ptx = gpu->makePtx(error);
    if (!ptx)
      return failWith(error);
    table.cuda.models = std::move(gpu->models);
    if (!addCubins(*ptx, table.cuda))
      return false;
    table.cuda.images.push_back({QUOIN_IMAGE_PTX, 80, std::move(*ptx)});
  }
  if (failed(decoder::emitProgramTable(*module, table, decoders)))
    return failWith("the program table cannot be made");
  for (Operation &op : llvm::make_early_inc_range(module->getOps()))
    if (isa<QuoinDialect, stage::StageDialect>(op.getDialect()))
      op.erase();
  if (!writeProgram(out, decoder::queryFunction) || !out.write("model.h", metadataHeader(description), error) ||
      !out.write("model.json", metadataJson(description), error))
    return false;
  report("done", 1);
  return out.commit(error);
}

bool Compiler::writeProgram(OutputFolder &out, StringRef query) {
  report("code", 0);
  if (failed(cpu::lowerToLLVM(*module)))
    return failWith("the program cannot be lowered to LLVM");
  cpu::Effort effort = options.level < 2 ? cpu::Effort::haste : cpu::Effort::speed;
  // A linker of others' takes one object. Four parts are what a small machine has cores for, and each costs a little.
  auto objects =
      cpu::emitObjects(*module, *target, {query}, error, options.symbol, effort, /*parts=*/options.object ? 1 : 4);
  if (!objects)
    return false;
  if (options.object)
    return out.write("model.o", objects->front(), error);
  report("link", 0);
  return cpu::linkShared(*objects, out.path("model.so"), error);
}

bool Compiler::run() {
  // What can be said of the output is said before any work.
  if (isCode() && !OutputFolder(options.output).check({options.input}, error))
    return false;
  if (!load())
    return false;
  if (!runPasses())
    return false;
  return isCode() ? buildArtifact() : writeModule();
}

bool quoin::compile(const CompileOptions &options, std::string &error) { return Compiler(options, error).run(); }
