//===- CompileFunction.cpp - from one attention function to its folder -----===//

#include "compiler/driver/OutputFolder.h"
#include "compiler/driver/QueryHeader.h"
#include "compiler/function/Function.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Verifier.h"
#include "passes/Counters.h"
#include "runtime/include/quoin/program.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace quoin;

static StringRef dtypeWord(int32_t dtype) {
  return dtype == QUOIN_DTYPE_F32    ? "f32"
         : dtype == QUOIN_DTYPE_BF16 ? "bf16"
         : dtype == QUOIN_DTYPE_I32  ? "i32"
                                     : "i64";
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

static std::string metadata(const FunctionPlan &plan, const cpu::Target &target, const BlockMask &mask,
                            StringRef symbol) {
  std::string text, formula;
  llvm::raw_string_ostream os(text), formulaStream(formula);
  mask.print(formulaStream);
  llvm::json::OStream json(os, 2);
  auto tensors = [&](StringRef key, ArrayRef<FunctionTensor> list) {
    json.attributeArray(key, [&] {
      for (const FunctionTensor &t : list)
        json.object([&] {
          json.attribute("name", t.name);
          json.attribute("dtype", dtypeWord(t.dtype));
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
    json.attribute("arithmetic", plan.attention.page.storage == cpu::Storage::BF16 ? "bf16" : "f32");
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
      json.attribute("page_bytes", plan.attention.page.layerBytes());
      json.attribute("keys_per_page", QUOIN_PAGE_SLOTS);
    });
    json.attributeArray("kernels", [&] {
      json.object([&] {
        const cpu::PageLayout &p = plan.attention.page;
        json.attribute("shape",
                       llvm::formatv("attention {0}x{1}x{2}", plan.attention.heads, p.kvHeads, p.headDim).str());
        json.attribute("bytes_per_key", 2 * p.kvHeads * p.headDim * cpu::storageBytes(p.storage));
        json.attribute("flops_per_visited_pair", 4 * plan.attention.heads * p.headDim);
      });
    });
  });
  return os.str() + "\n";
}

static std::string header(const FunctionPlan &plan, StringRef symbol) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << plan.name << ": made by quoin-compile. Load its folder with quoin_function_load, or link model.o and give\n"
     << symbol << " to quoin_function_from_program (quoin/function.h).\n\nArguments, in order:\n";
  for (const FunctionTensor &t : plan.arguments)
    os << "  " << t.name << "  " << dtypeWord(t.dtype) << " " << shapeWord(t, plan) << "\n";
  os << "Results:\n";
  for (const FunctionTensor &t : plan.results)
    os << "  " << t.name << "  " << dtypeWord(t.dtype) << " " << shapeWord(t, plan) << "\n";
  return queryHeader(text, "quoin_function_program_t", symbol);
}

/// The mask before `permute-rows` gave its tokens another order.
static BlockMask maskAsWritten(BlockAttentionOp op) {
  auto written = op->getAttrOfType<MaskAttr>("mask_as_written");
  return (written ? written : op.getMaskAttr()).getFormula();
}

static bool compileParts(ModuleOp module, const FunctionOptions &options, std::string &error) {
  func::FuncOp function = findFunction(module);
  if (!function) {
    error = "expects a module of one function with a 'quoin.block_attention', but found another";
    return false;
  }
  FailureOr<FunctionPlan> plan = planFunction(function);
  if (failed(plan))
    return false;
  std::optional<cpu::Target> target = cpu::makeTarget(options.targetCpu, error);
  if (!target)
    return false;
  OwningOpRef<ModuleOp> program = ModuleOp::create(function.getLoc());
  cpu::KernelBuilder kb(*program, target->kernels);
  emitFunction(kb, *plan);
  emitDescriptors(*program, *plan, target->required);
  if (failed(verify(*program)) || failed(cpu::lowerToLLVM(*program)))
    return false;
  std::optional<std::string> object = cpu::emitObject(*program, *target, {functionQueryName}, error, options.symbol);
  if (!object)
    return false;
  OutputFolder folder(options.output);
  if (!folder.create({options.input}, error))
    return false;
  bool made = options.object ? folder.write("model.o", *object, error)
                             : cpu::linkShared(*object, folder.path("model.so"), error);
  BlockAttentionOp op;
  function.walk([&](BlockAttentionOp o) { op = o; });
  StringRef symbol = options.symbol.empty() ? StringRef(functionQueryName) : StringRef(options.symbol);
  std::string described = metadata(*plan, *target, maskAsWritten(op), options.object ? symbol : StringRef());
  return made && folder.write("model.h", header(*plan, symbol), error) &&
         folder.write("model.json", described, error) && folder.commit(error);
}

bool quoin::compileFunction(ModuleOp module, const FunctionOptions &options, std::string &error) {
  error.clear();
  // The first error is the message; what comes with it or after it adds nothing.
  std::string first;
  ScopedDiagnosticHandler handler(module.getContext(), [&](Diagnostic &d) {
    if (first.empty() && d.getSeverity() == DiagnosticSeverity::Error) {
      llvm::raw_string_ostream os(first);
      if (auto at = d.getLocation()->findInstanceOf<FileLineColLoc>())
        os << at.getFilename().getValue() << ":" << at.getLine() << ":" << at.getColumn() << ": ";
      os << d;
    }
    return success();
  });
  if (compileParts(module, options, error))
    return true;
  if (error.empty())
    error = first.empty() ? "the function could not be lowered" : first;
  return false;
}
