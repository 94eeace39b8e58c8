//===- EmitDescriptors.cpp - what a function says of itself ----------------===//
//
// Constants laid out as the structs of program.h, and the function that returns their address.
//
//===----------------------------------------------------------------------===//

#include "compiler/function/Function.h"
#include "runtime/include/quoin/program.h"

using namespace mlir;
using namespace quoin;

namespace {
/// Builds constants of structs, each a global of its own.
struct ConstantEmitter {
  OpBuilder b;
  Location loc;
  Type ptr, i32, i64;
  int strings = 0;

  explicit ConstantEmitter(ModuleOp program) : b(program.getBodyRegion()), loc(program.getLoc()) {
    b.setInsertionPointToEnd(program.getBody());
    ptr = LLVM::LLVMPointerType::get(b.getContext());
    i32 = b.getI32Type();
    i64 = b.getI64Type();
  }

  Value integer(Type type, int64_t v) { return LLVM::ConstantOp::create(b, loc, type, b.getIntegerAttr(type, v)); }
  Value address(StringRef name) { return LLVM::AddressOfOp::create(b, loc, ptr, name); }

  /// A struct or an array of these values.
  Value aggregate(Type type, ValueRange values) {
    Value all = LLVM::UndefOp::create(b, loc, type);
    for (auto [i, v] : llvm::enumerate(values))
      all = LLVM::InsertValueOp::create(b, loc, all, v, static_cast<int64_t>(i));
    return all;
  }
  Value structOf(ValueRange values) {
    return aggregate(LLVM::LLVMStructType::getLiteral(b.getContext(), SmallVector<Type>(values.getTypes())), values);
  }

  /// A text, closed by a NUL.
  std::string text(StringRef contents) {
    std::string name = "text_" + std::to_string(strings++), closed = contents.str() + '\0';
    auto type = LLVM::LLVMArrayType::get(b.getI8Type(), closed.size());
    LLVM::GlobalOp::create(b, loc, type, true, LLVM::Linkage::Internal, name, b.getStringAttr(closed));
    return name;
  }

  /// A constant whose value `make` builds; the type is the value's.
  void global(StringRef name, function_ref<Value()> make) {
    auto g = LLVM::GlobalOp::create(b, loc, i64, true, LLVM::Linkage::Internal, name, Attribute());
    OpBuilder::InsertionGuard guard(b);
    b.createBlock(&g.getInitializer());
    Value v = make();
    LLVM::ReturnOp::create(b, loc, v);
    g.setGlobalType(v.getType());
  }

  void tensorTypes(StringRef name, ArrayRef<FunctionTensor> tensors) {
    std::vector<std::string> names;
    for (const FunctionTensor &t : tensors)
      names.push_back(text(t.name));
    global(name, [&] {
      SmallVector<Value> all;
      for (auto [t, label] : llvm::zip_equal(tensors, names)) {
        SmallVector<Value> sizes;
        for (size_t i = 0; i < QUOIN_MAX_RANK; ++i)
          sizes.push_back(integer(i64, i < t.sizes.size() ? t.sizes[i] : 0));
        all.push_back(
            structOf({address(label), integer(i32, t.dtype), integer(i32, static_cast<int64_t>(t.sizes.size())),
                      aggregate(LLVM::LLVMArrayType::get(i64, QUOIN_MAX_RANK), sizes), integer(i64, t.endsAt)}));
      }
      return aggregate(LLVM::LLVMArrayType::get(all.front().getType(), all.size()), all);
    });
  }
};
} // namespace

void quoin::emitDescriptors(ModuleOp program, const FunctionPlan &plan, StringRef requiredFeatures) {
  ConstantEmitter e(program);
  std::string features = e.text(requiredFeatures), name = e.text(plan.name);
  e.tensorTypes("function_arguments", plan.arguments);
  e.tensorTypes("function_results", plan.results);
  e.global("function_program", [&] {
    return e.structOf({e.integer(e.i32, QUOIN_ABI_VERSION), e.integer(e.i32, sizeof(quoin_function_program_t)),
                       e.address(features), e.address(name), e.address("function_arguments"),
                       e.address("function_results"), e.integer(e.i32, static_cast<int64_t>(plan.arguments.size())),
                       e.integer(e.i32, static_cast<int64_t>(plan.results.size())), e.integer(e.i32, plan.lengths),
                       e.integer(e.i32, 0), e.integer(e.i64, plan.attention.page.layerBytes()),
                       e.address(functionScratchName), e.address(functionStepName)});
  });
  auto type = LLVM::LLVMFunctionType::get(e.ptr, {e.i32});
  auto query = LLVM::LLVMFuncOp::create(e.b, e.loc, functionQueryName, type);
  Block *entry = query.addEntryBlock(e.b);
  e.b.setInsertionPointToStart(entry);
  Value version = e.integer(e.i32, QUOIN_ABI_VERSION);
  Value good = LLVM::ICmpOp::create(e.b, e.loc, LLVM::ICmpPredicate::uge, entry->getArgument(0), version);
  Value none = LLVM::ZeroOp::create(e.b, e.loc, e.ptr);
  Value answer = LLVM::SelectOp::create(e.b, e.loc, good, e.address("function_program"), none);
  LLVM::ReturnOp::create(e.b, e.loc, answer);
}
