//===- QuoinDialect.cpp - registration and module attributes ---------------===//

#include "dialects/quoin/QuoinDialect.h"
#include "dialects/quoin/Adapters.h"
#include "dialects/quoin/DraftModel.h"
#include "dialects/quoin/OpForms.h"
#include "dialects/quoin/RowProgram.h"
#include "dialects/quoin/ScanOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin;

#include "dialects/quoin/QuoinDialect.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/quoin/QuoinTypes.cpp.inc"

void QuoinDialect::initialize() {
  registerAttributes();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/quoin/QuoinTypes.cpp.inc"
      >();
  registerQuoinDialectOperations(this);
  addOperations<ScanOp>();
  attachModelInterfaces(*getContext());
}

int64_t quoin::capacityOf(Operation *module) {
  auto said = module->getAttrOfType<IntegerAttr>(module_attr::capacity);
  return said ? said.getInt() : defaultCapacity;
}

bool quoin::isRunTimeSetting(StringRef name) {
  return llvm::StringSwitch<bool>(name)
      .Cases({"threshold", "edit_threshold", "entropy", "distance_penalty", "guidance"}, true)
      .Cases({"temperature", "top_k", "top_p"}, true)
      .Default(false);
}

bool quoin::isRunTimeSetting(DecoderOp decoder, StringRef name) {
  auto listed = decoder->getAttrOfType<ArrayAttr>(runTimeAttr);
  return isRunTimeSetting(name) ||
         (listed && llvm::any_of(listed.getAsValueRange<StringAttr>(), [&](StringRef each) { return each == name; }));
}

LogicalResult QuoinDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  StringRef name = attribute.getName();
  Attribute value = attribute.getValue();
  if (name == adapterAttr)
    return verifyAdapter(op, value);
  if (name == roundedAttr) {
    if (isa<arith::MulFOp>(op) && isa<UnitAttr>(value))
      return success();
    return op->emitOpError("expects '") << name << "' on a product of numbers only, and no value of it";
  }
  if (name == draftAttr) {
    if (op->hasTrait<IsModel>() && isa<UnitAttr>(value))
      return success();
    return op->emitOpError("expects '") << name << "' on a model only, and no value of it";
  }
  // An approximation may be one decoder's alone.
  bool ofDecoder = name == module_attr::inexact && isa<DecoderOp>(op);
  if (!isa<ModuleOp>(op) && !ofDecoder)
    return op->emitOpError("expects '") << name << "' on a module only";
  auto integer = dyn_cast<IntegerAttr>(value);
  bool good = llvm::StringSwitch<bool>(name)
                  .Case(module_attr::fill, integer && integer.getType().isInteger(32))
                  .Cases({module_attr::capacity, module_attr::vocabulary},
                         integer && integer.getType().isIndex() && integer.getInt() > 0)
                  .Case(module_attr::stop, isa<DenseI32ArrayAttr>(value))
                  .Cases({module_attr::source, module_attr::architecture, module_attr::inexact}, isa<StringAttr>(value))
                  .Default(true);
  if (!good)
    return op->emitOpError("expects '") << name << "' to be of its documented type, but found " << value;
  if (name == module_attr::capacity && integer.getInt() > maxCapacity)
    return op->emitOpError("expects '") << name << "' of at most " << maxCapacity << ", but found " << integer.getInt();
  auto vocabulary = op->getAttrOfType<IntegerAttr>(module_attr::vocabulary);
  if (name == module_attr::fill && vocabulary && integer.getInt() >= vocabulary.getInt())
    return op->emitOpError("expects '") << name << "' below the vocabulary of " << vocabulary.getInt() << ", but found "
                                        << integer.getInt();
  return success();
}
