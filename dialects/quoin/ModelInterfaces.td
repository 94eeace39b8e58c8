//===- ModelInterfaces.td - what is asked of an op in a model's body -------===//

#ifndef QUOIN_MODEL_INTERFACES_TD
#define QUOIN_MODEL_INTERFACES_TD

include "mlir/IR/OpBase.td"

def Quoin_ModelOpInterface : OpInterface<"ModelOpInterface"> {
  let cppNamespace = "::quoin";
  let description = [{
    An op that may stand in the body of a `quoin.model`. No other may: the verifier of `quoin.model` asks for it, and whoever
    reads a body (interpreter, passes, compiler) knows every op that has it.
  }];
  let methods = [
    InterfaceMethod<[{
      On which rows of its operands a row of the result depends.
    }], "::quoin::RowRelation", "getRelation">,
    InterfaceMethod<[{
      Which rows the result has, from those of the operands, in order. Fails with a diagnostic where operands over these rows have
      no meaning. As it stands: all operands are over the same rows, and so is the result.
    }], "::llvm::LogicalResult", "inferRowSpace",
      (ins "::llvm::ArrayRef<::quoin::RowSpace>":$operands, "::quoin::RowSpace &":$result), "", [{
        return ::quoin::inferSameRowSpace($_op, operands, result);
      }]>,
    InterfaceMethod<[{
      What a step does and reads for the op, apart from rows of activations.
    }], "::quoin::ModelOpCost", "getCost", (ins), "", "return {};">,
    InterfaceMethod<[{
      How many numbers of each slot are kept for later calls.
    }], "int64_t", "getStateWidth", (ins), "", "return 0;">,
  ];
}

def Quoin_SpellingOpInterface : OpInterface<"SpellingOpInterface"> {
  let cppNamespace = "::quoin";
  let description = [{
    A short name for a formula: an op of a model's body that means nothing but what it expands to. `expand-spellings` writes all of
    them out, so that whoever lowers a model does not know their names.
  }];
  let methods = [
    InterfaceMethod<[{
      Builds what the op means, where the builder stands, and gives the values that stand for its results.
    }], "::llvm::SmallVector<::mlir::Value, 2>", "expand", (ins "::mlir::OpBuilder &":$builder)>
  ];
}

#endif
