//===- ApplyOps.td - models that are functions of rows ---------------------===//

#ifndef QUOIN_APPLY_OPS_TD
#define QUOIN_APPLY_OPS_TD

include "dialects/quoin/CacheOps.td"

def Quoin_ApplyOp : Quoin_Op<"apply", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a model without a head on the rows of tensors";
  let description = [{
    Row i of each result is what the model gives for rows i of the operands, which have as many rows each. Rows do not meet, nothing is kept, and it is no
    evaluation. Unlike `func.call` it suspends the decoder, so that the rows of many sequences run as one; `quoin.forward` calls
    a model of tokens.

    Constraints: (C1) the symbol is a `quoin.model` that is a function of rows; (C2) operands are of the types of its arguments, results of those
    that it gives.

    Example: `%y = quoin.apply @mlp(%x, %t) : tensor<?x16xf32>, tensor<?x1xf32> -> tensor<?x16xf32>`
  }];
  let arguments = (ins FlatSymbolRefAttr:$model, Variadic<Quoin_Column>:$inputs);
  let results = (outs Variadic<Quoin_Rows>:$outputs);
  let assemblyFormat = "$model `(` $inputs `)` attr-dict `:` type($inputs) `->` type($outputs)";
}

def Quoin_SuspendApplyOp : Quoin_Op<"suspend_apply", [Terminator, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<BranchOpInterface>, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "suspends the decoder until a model has run on rows";
  let description = [{
    The terminator that `outline-steps` makes of `quoin.apply`. The successor's first arguments are the results, as many as the model gives,
    the others live across the suspension. `quoin.suspend_forward` waits for a model of tokens.

    Constraints: (C1) the symbol is a `quoin.model` that is a function of rows; (C2) operands and the successor's first arguments are of its types.

    Example: `quoin.suspend_apply @mlp(%x : tensor<?x16xf32>) gives 1 ^bb2(%n : index)`
  }];
  let arguments = (ins FlatSymbolRefAttr:$model, Variadic<Quoin_Column>:$inputs, I64Attr:$count, Variadic<AnyType>:$live);
  let successors = (successor AnySuccessor:$resume);
  let assemblyFormat = [{
    $model `(` $inputs `:` type($inputs) `)` `gives` $count $resume (`(` $live^ `:` type($live) `)`)? attr-dict
  }];
  let hasVerifier = 1;
}

#endif
