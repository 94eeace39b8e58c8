//===- ScanStage.td - the stage of a recurrence ----------------------------===//

#ifndef STAGE_SCAN_STAGE_TD
#define STAGE_SCAN_STAGE_TD

include "dialects/stage/StageOps.td"

def Stage_ScanOp : Stage_StageOp<"scan", [IsolatedFromAbove, SingleBlock, AttrSizedOperandSegments, Quoin_HoldsRowProgram,
                                          Stage_Worked<["dividesRows"]>, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a recurrence along the rows of each sequence";
  let description = [{
    The body is that of `quoin.scan`, whose constraints it has; a row of several sizes lies as one. Work is divided by sequences and heads, not by
    rows. It differs from `quoin.scan` in what passes of this level decide: where results lie, where the weights lie in the weight
    file, and at which byte of what the model keeps behind a slot its states are `kept`.

    `under` the words of the masks the row before is the last one that they show, as `seen` says there. One more result holds the states behind each row then,
    of each head as they lie on a worker's stack.

    Constraints: (C1) operands and results are rows of f32 in space `row`; (C2) a weight is one, stored as f32 in a layout `heads` of its parts;
    (C3) at least one result, and as many places as results; (C4) states are kept at a multiple of 64, from 0 on; (C5) with words, a last result
    as wide as all states are.

    Example:
    ```mlir
    %1 = stage.scan %0 with [#stage.weight<@decay>] heads 4 : (!stage.buffer<row, 256xf32>) -> !stage.buffer<row, 256xf32> {
    ^bb0(%state: tensor<64xf32>, %row: tensor<64xf32>, %a: tensor<64xf32>):
      %old = arith.mulf %state, %a : tensor<64xf32>
      %new = arith.addf %old, %row : tensor<64xf32>
      quoin.row %new, %new : tensor<64xf32>, tensor<64xf32>
    }
    ```
  }];
  let arguments = (ins UnitAttr:$barrier, Variadic<Stage_Buffer>:$inputs, Optional<Stage_Words>:$words, Variadic<Stage_Buffer>:$initial,
                       DefaultValuedAttr<TypedArrayAttrBase<Stage_Weight, "weights">, "{}">:$weights, I64Attr:$heads,
                       OptionalAttr<DenseI64ArrayAttr>:$axes, OptionalAttr<I64Attr>:$kept, OptionalAttr<DenseI64ArrayAttr>:$places);
  let results = (outs Variadic<Stage_Buffer>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    (`barrier` $barrier^)? $inputs (`under` $words^)? (`with` $weights^)? (`from` $initial^)? `heads` $heads (`along` $axes^)? (`kept` $kept^)? (`places` $places^)?
    attr-dict-with-keyword `:` functional-type(operands, $outputs) $body
  }];
  let hasRegionVerifier = 1;
}

#endif
