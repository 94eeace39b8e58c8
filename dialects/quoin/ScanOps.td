//===- ScanOps.td - recurrences -------------------------------------------===//

#ifndef QUOIN_SCAN_OPS_TD
#define QUOIN_SCAN_OPS_TD

include "dialects/quoin/ModelInterfaces.td"
include "dialects/quoin/ModelOps.td"
include "dialects/quoin/QuoinBase.td"

def Quoin_ScanOp : Quoin_ModelBodyOp<"scan", [IsolatedFromAbove, SingleBlock, AttrSizedOperandSegments, Quoin_HoldsRowProgram,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>], ["inferRowSpace"]> {
  // Whom a row sees differs by call.
  let extraClassDefinition = [{
    ::quoin::RowRelation $cppClass::getRelation() {
      return getSeen() ? ::quoin::RowRelation::Seen : ::quoin::RowRelation::Before;
    }
  }];
  let summary = "a recurrence along the rows of a sequence";
  let description = [{
    The rows of a sequence in the order of their slots, one after the other: the body takes the states that the row before left and
    that row of each operand, and makes the states behind it and a row of each result. All recurrences are this op: a diagonal or selective state
    space, linear attention with decay, a cell with a recurrent matrix. Heads run by themselves, and the body is that of one head: its arguments are
    the states, the head's part of a row of each operand, and the head's part of each weight that `with` names; it ends in
    `quoin.row` with the new states, then the head's part of each result. It holds what a `quoin.each_row` holds, on numbers of f32.

    `along` says which size of an operand, an initial state, a weight, a result (in this order) counts the heads: its number, or -1 where all heads have the same; 0
    for all where it is not given. The rest of the shape is the body's, in which sizes of 1 do not count. Neighbouring sizes may be joined: rows of one size have
    their numbers in that order.

    With `seen` the row before is not the one in the slot before, but the last one before it that the mask of the call shows: along a tree whose nodes see their
    ancestors each row goes on from its parent. A row that sees none begins anew. Such a scan is of a model of tokens. Its states are kept
    as any scan's where each row provably sees every slot before it that is kept.

    Before the first row of a sequence the states are zeros, or what the row of each `from` operand has there; its other rows count nothing. In
    a model without a head the rows of one `quoin.apply` are a sequence. Unlike an `scf.for` it says nothing of how many sequences there are.

    Constraints: (C1) 1 to 65,536 heads; (C2) arguments are at least one state, a part of each operand, a part of each weight, of f32 and rank 1 to 4; (C3) `from` has an operand a
    state or none; (C4) `with` names weights; (C5) `along` has an entry each, of a size that counts the heads; (C6) parts have the shape that remains;
    (C7) the body ends in `quoin.row` with the states and the results' parts; (C8) it holds what C4 to C8 of `quoin.each_row` say.

    Example:
    ```mlir
    %y = quoin.scan %x, %gate with [@decay] heads 4 : (tensor<?x256xf32>, tensor<?x256xf32>) -> tensor<?x256xf32> {
    ^bb0(%state: tensor<64xf32>, %row: tensor<64xf32>, %g: tensor<64xf32>, %a: tensor<64xf32>):
      %old = arith.mulf %state, %a : tensor<64xf32>
      %new = arith.addf %old, %row : tensor<64xf32>
      %out = arith.mulf %new, %g : tensor<64xf32>
      quoin.row %new, %out : tensor<64xf32>, tensor<64xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<Quoin_RealRows>:$inputs, UnitAttr:$seen, Variadic<Quoin_RealRows>:$initial,
                       DefaultValuedAttr<TypedArrayAttrBase<FlatSymbolRefAttr, "names of weights">, "{}">:$weights,
                       I64Attr:$heads, OptionalAttr<DenseI64ArrayAttr>:$axes);
  let results = (outs Variadic<Quoin_RealRows>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $inputs (`seen` $seen^)? (`with` $weights^)? (`from` $initial^)? `heads` $heads (`along` $axes^)? attr-dict-with-keyword
    `:` functional-type(operands, $outputs) $body
  }];
  let hasRegionVerifier = 1;
}

#endif
