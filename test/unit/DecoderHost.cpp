// DecoderHost.cpp: compiles decoders of a text, and a small host with a fake model to run them on.

#include "DecoderHost.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "passes/Passes.h"
#include "llvm/Support/TargetSelect.h"
#include <algorithm>
#include <cstring>
#include <numeric>

using namespace mlir;
using namespace quoin::test;

//===----------------------------------------------------------------------===//
// Compiling
//===----------------------------------------------------------------------===//

static const char modelText[] = R"(
quoin.weight @embed : tensor<50x4xf32> from "m.safetensors" tensor "embed"
quoin.weight @head : tensor<50x4xf32> from "m.safetensors" tensor "head"
quoin.model @m head @head {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @embed : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
)";

CompiledDecoders::CompiledDecoders(MLIRContext &context, const std::string &text, Passes passes) {
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &d) {
    if (diagnostic.empty() && d.getSeverity() == DiagnosticSeverity::Error)
      diagnostic = d.str();
    return success();
  });
  DialectRegistry registry;
  registry.insert<QuoinDialect, arith::ArithDialect, cf::ControlFlowDialect, func::FuncDialect, math::MathDialect,
                  scf::SCFDialect, tensor::TensorDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  context.appendDialectRegistry(registry);

  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text + modelText, &context);
  if (!module)
    return;
  PassManager pm(&context);
  if (passes == Passes::CacheAndOutline)
    pm.addNestedPass<DecoderOp>(createInferCachePass());
  if (passes != Passes::None)
    pm.addNestedPass<DecoderOp>(createOutlineStepsPass());
  if (failed(pm.run(*module)) || failed(decoder::lowerDecoders(*module, {{"m"}}, lowered)))
    return;
  for (Operation &op : llvm::make_early_inc_range(*module->getBody()))
    if (isa<ModelOp, WeightOp>(op))
      op.erase();
  decoder::ProgramNumbers numbers;
  numbers.models = {decoder::tokenModel("m", hiddenWidth)};
  numbers.models[0].steps = {{QUOIN_STEP_LAYERS, 0, 77, 0, ""}};
  numbers.vocabulary = vocabulary;
  numbers.capacity = 1000;
  numbers.weightsChecksum = 0xfedcba9876543210;
  numbers.targetFeatures = "avx2,fma";
  numbers.stops = {7, 9};
  numbers.fill = fillToken;
  if (failed(decoder::emitProgramTable(*module, numbers, lowered)))
    return;

  auto llvmContext = std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> ir = translateModuleToLLVMIR(*module, *llvmContext);
  if (!ir)
    return;
  for (llvm::Function &f : *ir)
    f.addFnAttr("no-builtins"); // as the compiler does: no library to call
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  // Nothing of this process is visible to the code: a call of a library would not resolve.
  jit = llvm::cantFail(llvm::orc::LLJITBuilder()
                           .setLinkProcessSymbolsByDefault(false)
                           .setPlatformSetUp(llvm::orc::setUpInactivePlatform)
                           .create());
  ir->setDataLayout(jit->getDataLayout());
  llvm::cantFail(jit->addIRModule({std::move(ir), std::move(llvmContext)}));
  auto symbol = jit->lookup(decoder::queryFunction);
  if (!symbol) {
    diagnostic = llvm::toString(symbol.takeError());
    return;
  }
  query = symbol->toPtr<const quoin_program_t *(*)(uint32_t)>();
  program = query(QUOIN_ABI_VERSION);
}

//===----------------------------------------------------------------------===//
// The fake model
//===----------------------------------------------------------------------===//

uint32_t quoin::test::mix(uint32_t a, uint32_t b) {
  uint32_t h = (a ^ (b * 0x9e3779b1u)) * 0x85ebca6bu;
  return h ^ (h >> 13);
}
uint32_t quoin::test::rowHash(const std::vector<Slot> &slots, size_t query,
                              const std::function<bool(size_t, size_t)> &see) {
  uint32_t h = mix(1, static_cast<uint32_t>(slots[query].position));
  for (size_t k = 0; k < slots.size(); ++k)
    if (see(query, k))
      h = mix(mix(h, static_cast<uint32_t>(slots[k].token)), static_cast<uint32_t>(slots[k].position));
  return h & 0xffffff; // exact in a float
}
int32_t quoin::test::tokenOf(uint32_t hash) { return 1 + static_cast<int32_t>(hash % (vocabulary - 1)); }
float quoin::test::confidenceOf(uint32_t hash) { return static_cast<float>(mix(hash, 5) % 1000) / 1000.0f; }
uint32_t quoin::test::drawHash(uint32_t hash, int64_t evaluation, int64_t position) {
  return mix(mix(hash, static_cast<uint32_t>(evaluation)), static_cast<uint32_t>(position)) & 0xffffff;
}

//===----------------------------------------------------------------------===//
// The host's functions
//===----------------------------------------------------------------------===//

static Session &sessionOf(quoin_state_t *s) { return *static_cast<Session *>(s->self); }
template <typename T> static T *make(quoin_state_t *s, int64_t n) {
  return static_cast<T *>(sessionOf(s).allocate(n * static_cast<int64_t>(sizeof(T))));
}
template <typename T> static T *elements(const quoin_tensor_t &t) { return static_cast<T *>(t.data); }

static void fail(quoin_state_t *s, const char *what, int64_t a, int64_t b) {
  double real;
  std::memcpy(&real, &a, sizeof(real));
  std::string text = what;
  bool named = false;
  for (auto &[place, number] : {std::pair<std::string, std::string>{"{}", ""},
                                {"{0f}", std::to_string(real)},
                                {"{0}", std::to_string(a)},
                                {"{1}", std::to_string(b)}})
    if (size_t at = text.find(place); at != std::string::npos) {
      text.replace(at, place.size(), number);
      named = true;
    }
  sessionOf(s).error = named ? text : text + " (" + std::to_string(a) + ", " + std::to_string(b) + ")";
  s->status = 1;
}
static bool inRange(quoin_state_t *s, const quoin_sequence_t *x, int64_t from, int64_t to) {
  if (0 <= from && from <= to && to <= x->length)
    return true;
  fail(s, "range ({0}, {1})", from, to);
  return false;
}
static quoin_sequence_t *copy(quoin_state_t *s, const quoin_sequence_t *x, int64_t more = 0) {
  auto *y = make<quoin_sequence_t>(s, 1);
  *y = *x;
  y->length += more;
  y->tokens = make<int32_t>(s, y->length);
  y->labels = make<int32_t>(s, y->length);
  y->open = make<uint8_t>(s, y->length);
  std::copy_n(x->tokens, x->length, y->tokens);
  std::copy_n(x->labels, x->length, y->labels);
  std::copy_n(x->open, x->length, y->open);
  return y;
}

static std::vector<Slot> slotsOf(const quoin_forward_t &call) {
  std::vector<Slot> slots;
  for (int64_t i = 0; i < call.length; ++i) {
    int64_t at = call.sequence->order ? call.sequence->order[i] : i;
    slots.push_back({call.sequence->tokens[at], at, call.sequence->labels[at], call.sequence->open[at]});
  }
  for (int64_t i = 0; i < call.then_ids.size; ++i)
    slots.push_back({elements<int32_t>(call.then_ids)[i], elements<int64_t>(call.then_positions)[i],
                     call.then_labels.size ? elements<int64_t>(call.then_labels)[i] : 0, 0});
  return slots;
}

static int64_t reuse(quoin_state_t *s, const quoin_forward_t *call, int64_t limit) {
  std::vector<Slot> slots = slotsOf(*call), &cache = sessionOf(s).caches[static_cast<size_t>(call->cache)];
  if (limit > call->length && static_cast<int64_t>(cache.size()) > limit)
    limit = call->length;
  for (int64_t i = 0; i < call->read.size; ++i)
    limit = std::min(limit, elements<int64_t>(call->read)[i]);
  int64_t v = 0;
  while (v < limit && static_cast<size_t>(v) < std::min(slots.size(), cache.size())) {
    const Slot &a = slots[static_cast<size_t>(v)], &b = cache[static_cast<size_t>(v)];
    if (a.open || a.token != b.token || a.position != b.position || a.label != b.label)
      break;
    ++v;
  }
  return v;
}

static quoin_sequence_t *write(quoin_state_t *s, const quoin_sequence_t *x, const quoin_tensor_t *at,
                               const quoin_tensor_t *ids, const quoin_tensor_t *where, uint8_t open) {
  quoin_sequence_t *y = copy(s, x);
  for (int64_t i = 0; i < at->size; ++i) {
    int64_t p = elements<int64_t>(*at)[i];
    if (!inRange(s, x, p, p + 1))
      return nullptr;
    if ((where && !elements<uint8_t>(*where)[i]) || x->open[p] != open)
      continue;
    y->tokens[p] = elements<int32_t>(*ids)[i];
    y->open[p] = 0;
  }
  return y;
}

static const quoin_host_t host = {
    [](quoin_state_t *s, int64_t bytes) { return sessionOf(s).allocate(bytes); },
    fail,
    reuse,
    [](quoin_state_t *s, const quoin_sequence_t *x, int64_t from, int64_t to) -> int64_t {
      return inRange(s, x, from, to) ? std::find(x->open + from, x->open + to, 1) - x->open : 0;
    },
    [](quoin_state_t *s, const quoin_sequence_t *x, int64_t from, int64_t to) -> int64_t {
      if (!inRange(s, x, from, to))
        return 0;
      while (from < to && (x->open[from] || !sessionOf(s).stops.count(x->tokens[from])))
        ++from;
      return from;
    },
    [](quoin_state_t *s, const quoin_sequence_t *x, int64_t from, int64_t to, quoin_tensor_t *out) {
      if (!inRange(s, x, from, to))
        return;
      *out = {make<int64_t>(s, to - from), 0};
      for (; from < to; ++from)
        if (x->open[from])
          elements<int64_t>(*out)[out->size++] = from;
    },
    [](quoin_state_t *s, const quoin_sequence_t *x, const quoin_tensor_t *at, quoin_tensor_t *out) {
      *out = {make<int32_t>(s, at->size), at->size};
      for (int64_t i = 0; i < at->size; ++i) {
        int64_t p = elements<int64_t>(*at)[i];
        elements<int32_t>(*out)[i] = inRange(s, x, p, p + 1) ? x->tokens[p] : 0;
      }
    },
    [](quoin_state_t *s, const quoin_sequence_t *x, int64_t by, int64_t label) {
      quoin_sequence_t *y = copy(s, x, by);
      std::fill(y->tokens + x->length, y->tokens + y->length, fillToken);
      std::fill(y->labels + x->length, y->labels + y->length, static_cast<int32_t>(label));
      std::fill(y->open + x->length, y->open + y->length, 1);
      return y;
    },
    [](quoin_state_t *s, const quoin_sequence_t *x, const quoin_tensor_t *ids, const quoin_tensor_t *, int64_t label) {
      quoin_sequence_t *y = copy(s, x, ids->size);
      std::copy_n(elements<int32_t>(*ids), ids->size, y->tokens + x->length);
      std::fill(y->labels + x->length, y->labels + y->length, static_cast<int32_t>(label));
      std::fill(y->open + x->length, y->open + y->length, 0);
      return y;
    },
    // Programs of these tests neither insert nor truncate, and labels stay.
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    [](quoin_state_t *s, const quoin_sequence_t *x, int64_t from, int64_t to) -> quoin_sequence_t * {
      if (!inRange(s, x, from, to))
        return nullptr;
      quoin_sequence_t *y = copy(s, x);
      y->reopened = 1;
      std::fill(y->tokens + from, y->tokens + to, fillToken);
      std::fill(y->open + from, y->open + to, 1);
      return y;
    },
    [](quoin_state_t *s, const quoin_sequence_t *x, const quoin_tensor_t *at, const quoin_tensor_t *ids,
       const quoin_tensor_t *where) { return write(s, x, at, ids, where, 1); },
    [](quoin_state_t *s, const quoin_sequence_t *x, const quoin_tensor_t *at, const quoin_tensor_t *ids,
       const quoin_tensor_t *where) { return write(s, x, at, ids, where, 0); },
    [](quoin_state_t *s, const quoin_sequence_t *x, int64_t to) -> quoin_sequence_t * {
      if (!inRange(s, x, 0, to))
        return nullptr;
      quoin_sequence_t *y = copy(s, x);
      y->committed = std::max(y->committed, to);
      return y;
    },
    [](quoin_state_t *s, const quoin_tensor_t *values, int64_t n, const quoin_tensor_t *where, quoin_tensor_t *out) {
      *out = {make<uint8_t>(s, values->size), values->size};
      std::vector<int64_t> order;
      for (int64_t i = 0; i < values->size; ++i) {
        elements<uint8_t>(*out)[i] = 0;
        if (!where || elements<uint8_t>(*where)[i])
          order.push_back(i);
      }
      std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
        float first = elements<float>(*values)[a], second = elements<float>(*values)[b];
        return first != second ? first > second : a < b;
      });
      for (int64_t i = 0; i < std::min(n, static_cast<int64_t>(order.size())); ++i)
        elements<uint8_t>(*out)[order[static_cast<size_t>(i)]] = 1;
    },
    [](quoin_state_t *s, const quoin_sequence_t *x, int64_t length, int64_t key, const quoin_tensor_t *keys,
       int64_t groups, const quoin_tensor_t *positions, quoin_tensor_t *slots, int64_t *known) -> quoin_sequence_t * {
      if (!inRange(s, x, 0, length))
        return nullptr;
      quoin_sequence_t *y = copy(s, x);
      y->order = make<int32_t>(s, x->length);
      std::iota(y->order, y->order + x->length, 0);
      auto keyOf = [&](int32_t i) {
        return key == QUOIN_ORDER_OPEN    ? int64_t(x->open[i])
               : key == QUOIN_ORDER_LABEL ? int64_t(x->labels[i])
                                          : elements<int64_t>(*keys)[i];
      };
      std::sort(y->order, y->order + length,
                [&](int32_t a, int32_t b) { return std::pair(keyOf(a), a) < std::pair(keyOf(b), b); });
      *known = 0;
      while (*known < length && !x->open[y->order[*known]])
        ++*known;
      while (groups && *known > 0 && *known < length && keyOf(y->order[*known - 1]) == keyOf(y->order[*known]))
        --*known;
      *slots = {make<int64_t>(s, positions->size), positions->size};
      for (int64_t i = 0; i < positions->size; ++i)
        elements<int64_t>(*slots)[i] =
            std::find(y->order, y->order + length, elements<int64_t>(*positions)[i]) - y->order;
      return y;
    },
    [](quoin_state_t *s, int64_t stream, const quoin_tensor_t *at, int64_t evaluation, quoin_tensor_t *out) {
      *out = {make<float>(s, at->size), at->size};
      for (int64_t i = 0; i < at->size; ++i)
        elements<float>(*out)[i] = static_cast<float>(10 * stream + evaluation);
    },
    [](quoin_state_t *s, int64_t number, const quoin_tensor_t *) {
      fail(s, "expects a decoder without outputs", number, 0);
    },
};

//===----------------------------------------------------------------------===//
// A request
//===----------------------------------------------------------------------===//

Session::Session(const CompiledDecoders &code, const std::string &name) : code(code) {
  for (int32_t i = 0; i < code.program->decoders_count; ++i)
    if (code.program->decoders[i].name == name)
      decoder = &code.program->decoders[i];
  for (int32_t i = 0; i < decoder->settings_count; ++i)
    settings.push_back(decoder->settings[i].value);
  for (int32_t i = 0; i < decoder->settings_count; ++i)
    settings.push_back(decoder->settings[i].number);
  frame.resize(static_cast<size_t>(decoder->frame_slots));
  kinds.resize(frame.size());
  caches.resize(static_cast<size_t>(decoder->caches_count));
}

void Session::set(const std::string &name, double value) {
  for (int32_t i = 0; i < decoder->settings_count; ++i)
    if (decoder->settings[i].name == name)
      settings[static_cast<size_t>(i)] = value;
}

void *Session::allocate(int64_t bytes) {
  arena.push_back(std::make_unique<std::vector<char>>(static_cast<size_t>(bytes) + 64, char(0x5a)));
  return arena.back()->data();
}

int32_t Session::run(const std::vector<int32_t> &prompt, int64_t maxTokens) {
  state.host = &host;
  state.self = this;
  state.frame = frame.data();
  state.rounds = 1 << 20;
  state.kinds = kinds.data();
  state.settings = settings.data();
  state.fill = fillToken;
  quoin_sequence_t none = {};
  quoin_tensor_t ids = {const_cast<int32_t *>(prompt.data()), static_cast<int64_t>(prompt.size())};
  frame[0].u.pointer = host.append(&state, &none, &ids, nullptr, 0);
  frame[1].u.integer = maxTokens;
  for (int calls = 0; calls < 10000; ++calls) {
    int32_t status = decoder->advance(&state);
    evaluations = state.evaluations;
    if (status == QUOIN_DONE)
      result.assign(state.result->tokens + state.result_from, state.result->tokens + state.result_to);
    if (status == QUOIN_DONE || status == QUOIN_FAILED)
      return status;
    std::vector<std::unique_ptr<std::vector<char>>> old;
    std::swap(old, arena);
    status == QUOIN_FORWARD ? serveForward() : serveScore();
    moveFrame();
    for (auto &block : old)
      std::fill(block->begin(), block->end(), char(0xee));
  }
  error = "does not end";
  return QUOIN_FAILED;
}

void Session::serveForward() {
  const quoin_forward_t &call = state.forward;
  std::vector<Slot> slots = slotsOf(call);
  ++forwards;
  state.evaluations += call.evaluation;
  rows += static_cast<int64_t>(slots.size()) - call.from;
  const BlockMask &mask = code.lowered.masks[static_cast<size_t>(call.mask)].getFormula();
  llvm::ArrayRef<int64_t> symbols(call.symbols, mask.symbols().size());
  auto token = [&](size_t i) {
    return MaskToken{slots[i].position, static_cast<int64_t>(i), slots[i].open, slots[i].label};
  };
  auto see = [&](size_t q, size_t k) { return mask.see(token(q), token(k), symbols); };
  auto *logits = make<quoin_logits_t>(&state, 1);
  auto *hidden = make<float>(&state, call.read.size * hiddenWidth);
  *logits = {call.read.size, hidden, nullptr, 0, hiddenWidth, call.model, {}, {}, {}, 0, {}, nullptr};
  for (int64_t i = 0; i < call.read.size; ++i)
    hidden[i * hiddenWidth] =
        static_cast<float>(rowHash(slots, static_cast<size_t>(elements<int64_t>(call.read)[i]), see));
  state.logits = logits;
  if (call.cache >= 0) {
    slots.resize(static_cast<size_t>(call.keep));
    caches[static_cast<size_t>(call.cache)] = slots;
  }
}

void Session::serveScore() {
  quoin_score_t &s = state.score;
  ++scores;
  std::vector<uint32_t> hashes;
  for (int64_t i = 0; i < s.logits->rows; ++i) {
    auto h = static_cast<uint32_t>(s.logits->hidden[i * hiddenWidth]);
    if (s.logits->other)
      h = mix(mix(h, static_cast<uint32_t>(s.logits->other[i * hiddenWidth])),
              static_cast<uint32_t>(s.logits->guidance * 100)) &
          0xffffff;
    if (s.kind == QUOIN_HEAD_RESIDUAL)
      h = mix(h, static_cast<uint32_t>(s.minus->hidden[i * hiddenWidth])) & 0xffffff;
    hashes.push_back(h);
  }
  for (uint32_t j = 0; j < s.statistics; ++j) {
    auto n = static_cast<int64_t>(hashes.size());
    s.result[j] = {allocate(4 * n), n};
    for (int64_t i = 0; i < n; ++i) {
      uint32_t h = hashes[static_cast<size_t>(i)];
      if (s.statistic[j] == QUOIN_STAT_TOKEN)
        elements<int32_t>(s.result[j])[i] =
            tokenOf(s.positions.size ? drawHash(h, s.evaluation, elements<int64_t>(s.positions)[i]) : h);
      else if (s.statistic[j] == QUOIN_STAT_PROBABILITY)
        elements<float>(s.result[j])[i] = confidenceOf(mix(h, static_cast<uint32_t>(elements<int32_t>(s.of)[i])));
      else
        elements<float>(s.result[j])[i] = confidenceOf(h) * s.statistic[j];
    }
  }
}

/// Copies what the frame holds into the new arena.
void Session::moveFrame() {
  auto bytes = [&](const void *data, int64_t n) {
    void *made = allocate(n);
    std::memcpy(made, data, static_cast<size_t>(n));
    return made;
  };
  for (int64_t i = 0; i < state.frame_used; ++i) {
    quoin_value_t &v = frame[static_cast<size_t>(i)];
    switch (kinds[static_cast<size_t>(i)]) {
    case QUOIN_KIND_SCALAR:
      break;
    case QUOIN_KIND_TENSOR8:
      v.u.pointer = bytes(v.u.pointer, v.size);
      break;
    case QUOIN_KIND_TENSOR32:
      v.u.pointer = bytes(v.u.pointer, 4 * v.size);
      break;
    case QUOIN_KIND_TENSOR64:
      v.u.pointer = bytes(v.u.pointer, 8 * v.size);
      break;
    case QUOIN_KIND_SEQUENCE:
      v.u.pointer = copy(&state, static_cast<quoin_sequence_t *>(v.u.pointer));
      break;
    case QUOIN_KIND_LOGITS: {
      auto *l = static_cast<quoin_logits_t *>(bytes(v.u.pointer, sizeof(quoin_logits_t)));
      int64_t size = l->rows * hiddenWidth * static_cast<int64_t>(sizeof(float));
      l->hidden = static_cast<float *>(bytes(l->hidden, size));
      if (l->other)
        l->other = static_cast<float *>(bytes(l->other, size));
      v.u.pointer = l;
      break;
    }
    default:
      error = "unknown kind";
    }
  }
}
