//===- EachRowOps.td - row programs: formulas between the heavy ops -----------===//

#ifndef QUOIN_EACH_ROW_OPS_TD
#define QUOIN_EACH_ROW_OPS_TD

include "dialects/quoin/ModelInterfaces.td"
include "dialects/quoin/ModelOps.td"
include "dialects/quoin/QuoinBase.td"

def Quoin_EachRowOp : Quoin_ModelBodyOp<"each_row", [IsolatedFromAbove, SingleBlock, Quoin_HoldsRowProgram, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a formula on each row, in upstream's ops";
  let description = [{
    The body computes one row of each result from the same row of each operand, so that nothing has to be proven about who depends on
    whom: norms, activations, modulations, soft caps, routers. Its arguments are that row of each operand (`tensor<Wxf32>` of
    features, `tensor<JxWxf32>` of features of each of J choices, `tensor<Jxi32>` of the choices, an `index` of positions), then the vectors that
    `by` names. It holds, all on static shapes:

    - `arith` and `math` on numbers and tensors, element by element: `addf subf mulf divf negf maximumf minimumf maxnumf minnumf cmpf select
      sitofp`, `addi subi muli andi ori xori maxsi minsi cmpi index_cast extui`, `absf exp exp2 log log2 log10 log1p expm1 sqrt rsqrt tanh erf sin cos
      floor ceil trunc roundeven copysign fma`, and `arith.constant`;
    - `linalg.reduce` by one op (`addf mulf maximumf minimumf addi maxsi minsi`) and `linalg.broadcast` into a `tensor.empty`;
    - `tensor.expand_shape`, `collapse_shape`, `extract_slice`, `concat`, `splat`, and `extract` of a tensor of one number.

    Numbers are f32 when compiled; sums are taken in an order that is fixed by the shape alone. A `linalg.generic` over `tensor<?xWxf32>` would have to
    be proven to stay within a row.

    Constraints: (C1) at least one operand, and the arguments are its rows, then the vectors; (C2) `by` names weights of rank 1; (C3) the
    body ends in `quoin.row` with the rows of the results; (C4) it holds the ops above; (C5) values are numbers or tensors of static
    shape, rank at most 4, at most 2^20 elements of `f32`, `i32` or `i1` (an `index` is a number only); (C6) a slice has constant bounds and keeps the rank; (C7)
    `tensor.empty` is only broadcast into; (C8) at most 1,024 ops.

    Example:
    ```mlir
    %y = quoin.each_row %x by [@scale] : (tensor<?x64xf32>) -> tensor<?x64xf32> {
    ^bb0(%row: tensor<64xf32>, %scale: tensor<64xf32>):
      %bent = math.tanh %row : tensor<64xf32>
      %out = arith.mulf %bent, %scale : tensor<64xf32>
      quoin.row %out : tensor<64xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<AnyTypeOf<[Quoin_BodyRows, Quoin_IndexTensor]>>:$inputs,
                       DefaultValuedAttr<TypedArrayAttrBase<FlatSymbolRefAttr, "names of weights">, "{}">:$weights);
  let results = (outs Variadic<Quoin_BodyRows>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $inputs (`by` $weights^)? attr-dict-with-keyword `:` functional-type($inputs, $outputs) $body
  }];
  let hasRegionVerifier = 1;
}

def Quoin_RowOp : Quoin_Op<"row", [Pure, Terminator]> {
  let summary = "ends a row program: the rows it made";
  let description = [{
    One row of each result of `quoin.each_row`, or of the stage it becomes. Unlike `linalg.yield` it gives rows, not elements.

    Constraints: (C1) it stands in one of these.

    Example: `quoin.row %out : tensor<64xf32>`
  }];
  let arguments = (ins Variadic<StaticShapeTensorOf<[F32, I32]>>:$rows);
  let assemblyFormat = "($rows^ `:` type($rows))? attr-dict";
  let hasVerifier = 1;
}

def Quoin_NumberOp : Quoin_Op<"number", [Pure, Terminator]> {
  let summary = "ends a formula on numbers: what it makes";
  let description = [{
    The result of the region of a `quoin.attention`, or of one at the end of a product. Unlike `quoin.row` it gives one number.

    Constraints: (C1) it stands in one of these.

    Example: `quoin.number %soft`
  }];
  let arguments = (ins F32:$value);
  let assemblyFormat = "$value attr-dict";
  let hasVerifier = 1;
}

#endif
