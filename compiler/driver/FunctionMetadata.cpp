//===- FunctionMetadata.cpp - model.json and model.h of a function ---------===//

#include "compiler/driver/FunctionMetadata.h"
#include "compiler/driver/QueryHeader.h"
#include "passes/Counters.h"
#include "runtime/include/quoin/program.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace quoin;

static StringRef wordOf(Type element) {
  return element.isF32() ? "f32" : element.isBF16() ? "bf16" : element.isInteger(32) ? "i32" : "i64";
}

static int32_t dtypeOf(Type element) {
  return element.isF32()         ? QUOIN_DTYPE_F32
         : element.isBF16()      ? QUOIN_DTYPE_BF16
         : element.isInteger(32) ? QUOIN_DTYPE_I32
                                 : QUOIN_DTYPE_I64;
}

decoder::FunctionNumbers quoin::functionNumbers(const FunctionPlan &plan, const cpu::Target &target,
                                                decoder::ModelNumbers model) {
  decoder::FunctionNumbers n;
  auto number = [](int64_t argument) { return static_cast<int32_t>(argument); };
  auto list = [](const std::vector<FunctionTensor> &from, std::vector<decoder::LoweredTensor> &to) {
    for (const FunctionTensor &t : from)
      to.push_back({t.name, dtypeOf(t.element), {t.sizes.begin(), t.sizes.end()}, false, t.endsAt});
  };
  auto values = [](DenseIntElementsAttr from, std::vector<int32_t> &to) {
    if (from)
      to.assign(from.value_begin<int32_t>(), from.value_end<int32_t>());
  };
  n.name = plan.name;
  n.targetFeatures = target.required;
  list(plan.arguments, n.arguments);
  list(plan.results, n.results);
  n.lengths = number(plan.lengths);
  n.labelled = plan.labelled;
  n.query = number(plan.query);
  n.key = number(plan.key);
  n.value = number(plan.value);
  n.queryLabels = number(plan.queryLabels);
  n.keyLabels = number(plan.keyLabels);
  n.queryOffsets = number(plan.queryOffsets);
  n.keyOffsets = number(plan.keyOffsets);
  for (int64_t symbol : plan.symbols)
    n.symbols.push_back(number(symbol));
  values(plan.queryLabelValues, n.queryLabelValues);
  values(plan.keyLabelValues, n.keyLabelValues);
  if (plan.sorted())
    n.order.assign(plan.order.list().begin(), plan.order.list().end());
  n.model = std::move(model);
  return n;
}

/// "[queries, 8, 64]"
static std::string shapeWord(const FunctionTensor &t, const FunctionPlan &plan) {
  std::string text = "[";
  for (auto [i, s] : llvm::enumerate(t.sizes)) {
    text += i ? ", " : "";
    bool query = s == plan.querySize(), key = s == plan.keySize();
    text += s >= 0 ? std::to_string(s) : query && key ? "length" : query ? "queries" : key ? "keys" : "sequences + 1";
  }
  return text + "]";
}

/// The mask before `permute-rows` gave its tokens another order.
static BlockMask maskAsWritten(BlockAttentionOp op) {
  auto written = op->getAttrOfType<MaskAttr>("mask_as_written");
  return (written ? written : op.getMaskAttr()).getFormula();
}

std::string quoin::functionJson(const FunctionPlan &plan, const cpu::Target &target, StringRef symbol) {
  std::string text, formula;
  llvm::raw_string_ostream os(text), formulaStream(formula);
  maskAsWritten(plan.op).print(formulaStream);
  BlockAttentionOp op = plan.op;
  RankedTensorType query = op.getQuery().getType(), keys = op.getKey().getType();
  bool brief = query.getElementType().isBF16();
  stage::PageLayout page{keys.getDimSize(1), keys.getDimSize(2), stage::storageOf(query.getElementType())};
  llvm::json::OStream json(os, 2);
  auto tensors = [&](StringRef key, ArrayRef<FunctionTensor> list) {
    json.attributeArray(key, [&] {
      for (const FunctionTensor &t : list)
        json.object([&] {
          json.attribute("name", t.name);
          json.attribute("dtype", wordOf(t.element));
          json.attribute("shape", shapeWord(t, plan));
        });
    });
  };
  json.object([&] {
    json.attribute("abi", QUOIN_ABI_VERSION);
    json.attribute("function", plan.name);
    tensors("arguments", plan.arguments);
    tensors("results", plan.results);
    json.attribute("mask", formula);
    json.attributeObject("target", [&] {
      json.attribute("triple", target.triple);
      json.attribute("cpu", target.cpu);
      json.attribute("features", target.required);
    });
    json.attribute("arithmetic", brief ? "bf16" : "f32");
    if (!symbol.empty())
      json.attribute("symbol", symbol);
    json.attribute("exact", true);
    std::vector<CounterValue> counters = counterValues();
    json.attributeObject("passes", [&] {
      for (size_t i = 0, end; i < counters.size(); i = end) {
        for (end = i; end < counters.size() && counters[end].pass == counters[i].pass;)
          ++end;
        json.attributeObject(counters[i].pass, [&] {
          for (const CounterValue &c : ArrayRef(counters).slice(i, end - i))
            json.attribute(c.name, c.value);
        });
      }
    });
    json.attributeObject("memory", [&] {
      json.attribute("weights", 0);
      json.attribute("page_bytes", page.layerBytes());
      json.attribute("keys_per_page", QUOIN_PAGE_SLOTS);
    });
    json.attributeArray("kernels", [&] {
      json.object([&] {
        json.attribute("shape",
                       llvm::formatv("attention {0}x{1}x{2}", query.getDimSize(1), page.kvHeads, page.headDim).str());
        json.attribute("bytes_per_key", 2 * page.kvHeads * page.headDim * stage::storageBytes(page.storage));
        json.attribute("flops_per_visited_pair", 4 * query.getDimSize(1) * page.headDim);
      });
    });
  });
  return os.str() + "\n";
}

std::string quoin::functionHeader(const FunctionPlan &plan, StringRef symbol) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << plan.name << ": made by quoin-compile. Load its folder with quoin_function_load, or link model.o and give\n"
     << symbol << " to quoin_function_from_program (quoin/function.h).\n\nArguments, in order:\n";
  for (const FunctionTensor &t : plan.arguments)
    os << "  " << t.name << "  " << wordOf(t.element) << " " << shapeWord(t, plan) << "\n";
  os << "Results:\n";
  for (const FunctionTensor &t : plan.results)
    os << "  " << t.name << "  " << wordOf(t.element) << " " << shapeWord(t, plan) << "\n";
  return queryHeader(text, "quoin_function_program_t", symbol);
}
