//===- InlineCalls.cpp - functions of decoders become part of them ---------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Counters.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace quoin;

namespace quoin {
#define GEN_PASS_DEF_INLINECALLSPASS
#include "passes/Passes.h.inc"
} // namespace quoin

/// Puts the body of the called function in the place of the call.
static LogicalResult inlineCall(func::CallOp call, SymbolTableCollection &symbols) {
  auto callee = symbols.lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr());
  if (!callee || callee.isExternal() || !callee.getBody().hasOneBlock()) {
    InFlightDiagnostic error = call.emitOpError("expects a function with a body of one block, but '@")
                               << call.getCallee() << "' has none";
    if (callee)
      error.attachNote(callee.getLoc()) << "the function is here";
    return error;
  }
  IRMapping map;
  Block &body = callee.getBody().front();
  map.map(body.getArguments(), call.getOperands());
  OpBuilder builder(call);
  for (Operation &op : body.without_terminator())
    builder.clone(op, map);
  for (auto [result, value] : llvm::zip(call.getResults(), body.getTerminator()->getOperands()))
    result.replaceAllUsesWith(map.lookupOrDefault(value));
  call.erase();
  return success();
}

/// Calls that a decoder may have once functions are part of it: a function that calls another twice doubles them.
static constexpr size_t maxInlined = 10000;

namespace {
struct InlineCalls : quoin::impl::InlineCallsPassBase<InlineCalls> {
  Counter numInlined{"inline-calls", "num-calls-inlined"};
  Counter numRemoved{"inline-calls", "num-functions-removed"};

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTableCollection symbols;
    // One level at a time. Without recursion a chain of calls is at most as long as there are functions.
    size_t levels = llvm::range_size(module.getOps<func::FuncOp>()) + 1;
    for (DecoderOp decoder : module.getOps<DecoderOp>()) {
      size_t inlined = 0;
      for (size_t level = 0;; ++level) {
        SmallVector<func::CallOp> calls;
        decoder.walk([&](func::CallOp call) { calls.push_back(call); });
        if (calls.empty())
          break;
        if (level == levels) {
          calls.front().emitOpError("expects functions that do not call themselves, but found '@")
              << calls.front().getCallee() << "' after " << level << " levels of calls";
          return signalPassFailure();
        }
        inlined += calls.size();
        if (inlined > maxInlined) {
          calls.front().emitOpError("expects a decoder of at most ")
              << maxInlined << " calls, but found " << inlined << " once '@" << calls.front().getCallee()
              << "' is inlined";
          return signalPassFailure();
        }
        for (func::CallOp call : calls) {
          if (failed(inlineCall(call, symbols)))
            return signalPassFailure();
          ++numInlined;
        }
      }
    }
    // Without decoders nothing is called, and a function is what the module is for.
    if (module.getOps<DecoderOp>().empty())
      return;
    // A function may be used by one that goes.
    for (bool changed = true; changed;) {
      changed = false;
      for (func::FuncOp function : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
        if (function.isPrivate() && SymbolTable::symbolKnownUseEmpty(function, module)) {
          function.erase();
          ++numRemoved;
          changed = true;
        }
    }
  }
};
} // namespace
