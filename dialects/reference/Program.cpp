//===- Program.cpp - loads a module and runs requests ----------------------===//

#include "dialects/reference/Program.h"
#include "dialects/quoin/Overhang.h"
#include "dialects/reference/Machine.h"
#include "dialects/reference/NamedValues.h"
#include "dialects/stage/StepCalls.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace mlir;
using namespace quoin;
using namespace quoin::ref;

Program::Program(ModuleOp moduleOp, Weights loaded) : module(moduleOp), weights(std::move(loaded)) {
  if (auto fillAttr = module->getAttrOfType<IntegerAttr>(module_attr::fill))
    fillToken = static_cast<int32_t>(fillAttr.getInt());
  if (auto capacityAttr = module->getAttrOfType<IntegerAttr>(module_attr::capacity))
    mostAsked = capacityAttr.getInt(), mostPositions = mostAsked + overhang(module, mostAsked);
  if (auto vocabularyAttr = module->getAttrOfType<IntegerAttr>(module_attr::vocabulary))
    tokens = vocabularyAttr.getInt();
  if (auto stopAttr = module->getAttrOfType<DenseI32ArrayAttr>(module_attr::stop))
    stopTokens.assign(stopAttr.asArrayRef().begin(), stopAttr.asArrayRef().end());
}

std::unique_ptr<Program> Program::load(ModuleOp module, const Options &options) {
  std::string folder;
  if (auto source = module->getAttrOfType<StringAttr>(module_attr::source))
    folder = source.str();
  if (failed(stage::verifyCalls(module)))
    return nullptr;
  FailureOr<Weights> weights = Weights::load(module, options.folder.value_or(folder));
  if (failed(weights))
    return nullptr;
  return std::unique_ptr<Program>(new Program(module, std::move(*weights)));
}

/// The op of this name, or the only one if the name is empty. Null after an error.
static Operation *findOne(ModuleOp module, StringRef name, StringRef kind, function_ref<bool(Operation &)> isOne) {
  SmallVector<Operation *> all;
  for (Operation &op : module.getOps())
    if (isOne(op))
      all.push_back(&op);
  for (Operation *op : all)
    if (SymbolTable::getSymbolName(op) == name)
      return op;
  if (name.empty() && all.size() == 1)
    return all.front();
  InFlightDiagnostic error = emitError(module.getLoc());
  if (name.empty())
    error << "expects " << (all.empty() ? "a " : "the name of one ") << kind << ", but found " << all.size();
  else
    error << "expects a " << kind << " named '" << name << "', but found ";
  if (!name.empty() && all.empty())
    error << "none";
  llvm::interleaveComma(all, error, [&](Operation *op) {
    error << (name.empty() ? " '" : "'") << SymbolTable::getSymbolName(op).getValue() << "'";
  });
  return nullptr;
}

static double valueOf(Attribute setting) {
  if (auto real = dyn_cast<FloatAttr>(setting))
    return real.getValueAsDouble();
  auto integer = dyn_cast<IntegerAttr>(setting);
  return integer ? static_cast<double>(integer.getInt()) : 0;
}

static std::string print(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g", value);
  return text;
}

/// What every sampler takes, whatever the decoder lists.
static constexpr StringLiteral samplerSettings[] = {"temperature", "top_k", "top_p"};

static SmallVector<StringRef> knownSettings(DecoderOp decoder) {
  SmallVector<StringRef> names;
  auto add = [&](StringRef name) {
    if (!llvm::is_contained(names, name))
      names.push_back(name);
  };
  for (NamedAttribute s : decoder.getSettings())
    add(s.getName());
  if (auto fixed = decoder->getAttrOfType<DictionaryAttr>("fixed"))
    for (NamedAttribute s : fixed)
      add(s.getName());
  llvm::for_each(samplerSettings, add);
  return names;
}

/// The input of this name, or null.
static InputOp inputOf(const Program &program, StringRef name) {
  for (auto op : program.getModule().getOps<InputOp>())
    if (op.getSymName() == name)
      return op;
  return {};
}

/// Why a setting's number is no value of an input, or nothing.
static std::string whyNoNumber(InputOp input, double value) {
  NamedValues given;
  bool real = input.getType().isF32();
  if (isa<RankedTensorType>(input.getType()))
    return "expects input '" + input.getSymName().str() + "' as a tensor, but found a number";
  given.kind = real ? NamedValues::Kind::F32 : NamedValues::Kind::I64;
  if (!real && (value != std::floor(value) || std::fabs(value) > 9007199254740992.0))
    return "expects input '" + input.getSymName().str() + "' of integers, but found " + print(value);
  real ? given.reals.push_back(value) : given.integers.push_back(static_cast<int64_t>(value));
  return whyNoInput(input, given);
}

/// Inputs that are missing, that nobody takes, or that are something else.
static LogicalResult checkInputs(const Program &program, DecoderOp decoder, const Request &request) {
  auto error = [&] { return emitError(decoder.getLoc()); };
  std::string names;
  for (auto op : program.getModule().getOps<InputOp>()) {
    std::string name = op.getSymName().str();
    names += (names.empty() ? "" : ", ") + name;
    auto given = request.inputs.find(name);
    if (given == request.inputs.end()) {
      if (!op.getOptional() && !request.settings.count(name))
        return error() << "expects input '" << name << "', but the request does not give it";
      continue;
    }
    if (std::string why = whyNoInput(op, given->second); !why.empty())
      return error() << why;
  }
  for (const auto &[name, given] : request.inputs)
    if (!inputOf(program, name))
      return error() << "the program has no input '" << name << "'; it has " << (names.empty() ? "none" : names);
  return success();
}

/// Everything about a request that can be wrong before any work.
static LogicalResult check(const Program &program, DecoderOp decoder, const Request &request) {
  auto error = [&] { return emitError(decoder.getLoc()); };
  if (request.prompt.empty() && !program.hasNamedValues())
    return error() << "expects a prompt of at least 1 token, but found none";
  if (static_cast<int64_t>(request.prompt.size()) > program.capacity())
    return error() << "expects a prompt of at most " << program.capacity() << " tokens (the capacity), but found "
                   << request.prompt.size();
  for (int32_t token : request.prompt)
    if (token < 0 || (program.vocabulary() && token >= program.vocabulary()))
      return error() << "expects tokens below " << program.vocabulary() << ", but found " << token;
  if (request.maxTokens < 1)
    return error() << "expects max_tokens of at least 1, but found " << request.maxTokens;
  auto prompt = static_cast<int64_t>(request.prompt.size());
  if (request.maxTokens > program.capacity() - prompt)
    return error() << "expects at most " << program.capacity()
                   << " positions (the capacity), but prompt and max_tokens are " << prompt << " + "
                   << request.maxTokens;
  for (const auto &[name, value] : request.settings) {
    // Settings of the decoder, and those that became numbers in its text.
    Attribute attr = decoder.getSettings().get(name);
    auto fixed = decoder->getAttrOfType<DictionaryAttr>("fixed");
    bool may = isRunTimeSetting(decoder, name) && attr;
    if (InputOp input = attr ? InputOp() : inputOf(program, name)) {
      if (std::string why = whyNoNumber(input, value); !why.empty())
        return error() << why;
      continue;
    }
    if (auto word = dyn_cast_if_present<WordAttr>(attr))
      return error() << "expects the setting '" << name << "' to be one of " << word.list() << ", but it is '"
                     << print(value) << "'";
    if (!attr && fixed)
      attr = fixed.get(name);
    if (may || (!attr && llvm::is_contained(samplerSettings, name)))
      continue;
    if (!attr)
      return error() << "the decoder '" << decoder.getSymName() << "' has no setting '" << name << "'; it has "
                     << llvm::join(knownSettings(decoder), ", ");
    double compiled = valueOf(attr);
    if (value != compiled && static_cast<float>(value) != compiled)
      return error() << "the setting '" << name << "' is fixed as " << print(compiled)
                     << " in the module, but the request wants " << print(value);
  }
  auto sampler = request.settings.find("temperature");
  if (sampler != request.settings.end() && !(sampler->second >= 0))
    return error() << "expects a temperature of at least 0, but found " << print(sampler->second);
  return success();
}

bool Program::hasNamedValues() const {
  ModuleOp all = module;
  if (!all.getOps<InputOp>().empty())
    return true;
  return all.walk([](OutputOp) { return WalkResult::interrupt(); }).wasInterrupted();
}

/// Words that are no setting's, or that it does not take.
static LogicalResult checkWords(const Program &program, DecoderOp decoder, const Request &request) {
  auto error = [&] { return emitError(decoder.getLoc()); };
  for (const auto &[name, given] : request.words) {
    Attribute attr = decoder.getSettings().get(name);
    auto word = dyn_cast_if_present<WordAttr>(attr);
    if (!attr && !inputOf(program, name) && !llvm::is_contained(knownSettings(decoder), name))
      return error() << "the decoder '" << decoder.getSymName() << "' has no setting '" << name << "'; it has "
                     << llvm::join(knownSettings(decoder), ", ");
    if (!word)
      return error() << "expects the setting '" << name << "' to be a number, but it is '" << given << "'";
    auto found = word.find(given);
    if (!found)
      return error() << "expects the setting '" << name << "' to be one of " << word.list() << ", but it is '" << given
                     << "'";
    if (!isRunTimeSetting(decoder, name) && *found != *word.find(word.getValue()))
      return error() << "the setting '" << name << "' is fixed in the module, but the request wants '" << given << "'";
  }
  return success();
}

/// What was given as an input of one element and has the name of a setting.
static LogicalResult takeSettings(const Program &program, DecoderOp decoder, Request &request) {
  for (auto at = request.inputs.begin(); at != request.inputs.end();) {
    const auto &[name, given] = *at;
    if (inputOf(program, name) || !llvm::is_contained(knownSettings(decoder), name)) {
      ++at;
      continue;
    }
    size_t elements = given.reals.size() + given.integers.size();
    if (elements != 1)
      return emitError(decoder.getLoc()) << "expects one element for the setting '" << name << "', but found "
                                         << elements;
    request.settings[name] = given.reals.empty() ? static_cast<double>(given.integers[0]) : given.reals[0];
    at = request.inputs.erase(at);
  }
  return success();
}

FailureOr<Result> Program::run(StringRef name, const Request &asked) const {
  auto decoder =
      cast_or_null<DecoderOp>(findOne(module, name, "decoder", [](Operation &op) { return isa<DecoderOp>(op); }));
  Request request = asked;
  if (!decoder || failed(takeSettings(*this, decoder, request)) || failed(checkWords(*this, decoder, request)) ||
      failed(check(*this, decoder, request)) || failed(checkInputs(*this, decoder, request)))
    return failure();
  return Machine(*this, decoder, request).run();
}

FailureOr<Matrix> Program::logits(StringRef name, ArrayRef<int32_t> ids, const BlockMask &mask) const {
  Operation *model = findOne(module, name, "model with a head",
                             [&](Operation &op) { return op.hasTrait<IsModel>() && headOf(&op, weights).weight; });
  if (!model)
    return failure();
  if (size_t columns = columnsOf(model).size())
    return emitError(model->getLoc()) << "expects a model that takes ids alone, but it takes " << columns
                                      << (columns == 1 ? " column" : " columns") << " besides";
  if (!mask.symbols().empty())
    return emitError(model->getLoc()) << "expects a mask without symbols, but found '" << mask.symbols().front() << "'";
  ModelCall call;
  call.mask = mask;
  for (auto [i, id] : llvm::enumerate(ids)) {
    call.slots.push_back({id, static_cast<int64_t>(i), false, 0});
    call.read.push_back(static_cast<int64_t>(i));
  }
  FailureOr<Matrix> hidden = runModel(model, weights, call, nullptr);
  if (failed(hidden))
    return failure();
  return scoreVocabulary(headOf(model, weights), *hidden);
}
