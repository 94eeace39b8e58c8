//===- AttentionOps.td - attention by itself ------------------------------===//

#ifndef QUOIN_ATTENTION_OPS_TD
#define QUOIN_ATTENTION_OPS_TD

include "dialects/quoin/QuoinBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Quoin_StaticHeads : CPred<"!::llvm::cast<::mlir::RankedTensorType>($_self).isDynamicDim(1) && "
                              "!::llvm::cast<::mlir::RankedTensorType>($_self).isDynamicDim(2)">;
def Quoin_HeadTensor : Type<And<[3DTensorOf<[F32, BF16]>.predicate, Quoin_StaticHeads]>,
    "f32 or bf16 tensor [length, heads, head size] with static heads and head size", "::mlir::RankedTensorType">;

def Quoin_BlockAttentionOp : Quoin_Op<"block_attention", [Pure, AttrSizedOperandSegments, AllTypesMatch<["query", "output"]>]> {
  let summary = "attention of queries over keys under a mask of its own";
  let description = [{
    `output[i, h] = sum over j of p[i, j] value[j, g]`, where p is the softmax of `scale * query[i, h] . key[j, g]` over the
    keys j that query i sees, and g is the key head of h (`h / (heads / key heads)`). A query that sees no key gives 0. The
    positions and slots of queries and keys are their indices; both are known, not open. `labels` gives the integers that
    `label(q)` and `label(k)` ask for, without it they are 0. With `lse` the second result is the logarithm of the sum of
    exponentials of row and head (minus infinity where nothing is seen), from which partial results can be merged.

    Tensors of bf16 are multiplied as bf16, with probabilities rounded to bf16, into sums of f32; the result is rounded once.

    `sequences` makes a ragged batch: queries, and keys with their values, of several sequences lie one after the other,
    and the two operands are the offsets at which sequences begin, the total length last. A query sees keys of its own
    sequence alone; positions and slots count from the sequence's start.

    It differs from `quoin.attention` in that the mask is its own and queries and keys may be different tokens; from
    `linalg` and `tosa` spellings of attention in that no tensor of scores or mask flags exists.

    Constraints: (C1) key and value have the same number of heads, which divides that of the query; (C2) all have the same head
    size, 8 to 256; (C3) key and value do not differ in a static length; (C4) as many symbols as the mask has; (C5) labels do not
    differ from query and key in a static length; (C6) `lse` has shape `[query length, heads]`; (C7) label arrays of the mask
    have as many values as there are queries and keys, and come without label operands; (C8) query, key and value have one
    element type; (C9) there are as many offsets of queries as of keys, at least one; (C10) `scale` is finite,
    below 2^126.

    Example:
    ```mlir
    %out = quoin.block_attention %q, %k, %v mask #quoin.mask<causal> scale 0.125
        : tensor<?x8x64xf32>, tensor<?x2x64xf32>, tensor<?x2x64xf32>
    ```
  }];
  let arguments = (ins Quoin_HeadTensor:$query, Quoin_HeadTensor:$key, Quoin_HeadTensor:$value, Quoin_MaskAttr:$mask,
                       Variadic<Index>:$symbols, Optional<1DTensorOf<[I32]>>:$query_labels,
                       Optional<1DTensorOf<[I32]>>:$key_labels, Optional<1DTensorOf<[I32]>>:$query_offsets,
                       Optional<1DTensorOf<[I32]>>:$key_offsets, F64Attr:$scale);
  let results = (outs Quoin_HeadTensor:$output, Optional<2DTensorOf<[F32]>>:$lse);
  let assemblyFormat = [{
    $query `,` $key `,` $value `mask` $mask (`[` $symbols^ `]`)?
    (`labels` `(` $query_labels^ `:` type($query_labels) `,` $key_labels `:` type($key_labels) `)`)?
    (`sequences` `(` $query_offsets^ `:` type($query_offsets) `,` $key_offsets `:` type($key_offsets) `)`)? `scale` $scale
    attr-dict `:` type($query) `,` type($key) `,` type($value) (`lse` type($lse)^)?
  }];
  let hasVerifier = 1;
}

def Quoin_OrderAttr : Quoin_Attr<"Order", "order"> {
  let summary = "tokens in another order, known at compile time";
  let description = [{
    A permutation: slot i holds the i-th token listed. Runs of three or more tokens at equal distances are printed as `a to b` or `a to b by s`. Unlike an
    `affine_map` it may be any permutation.

    Example: `#quoin.order<0 to 3, 8, 7, 4 to 6>`
  }];
  let parameters = (ins AttrParameter<"::quoin::TokenOrder", "the order", "const ::quoin::TokenOrder &">:$order);
  let hasCustomAssemblyFormat = 1;
}

def Quoin_PermuteRowsOp : Quoin_Op<"permute_rows", [Pure, SameOperandsAndResultType]> {
  let summary = "the rows of a tensor in another order";
  let description = [{
    Row i of the result is row `order[i]` of the operand. Made by `permute-rows` around attention. An order and its inverse, one
    after the other, fold to nothing. `tensor.gather` would need the order as a tensor.

    Constraints: (C1) the operand has as many rows as the order has tokens.

    Example: `%1 = quoin.permute_rows %0 : tensor<3x8x64xf32> by #quoin.order<2, 0, 1>`
  }];
  let arguments = (ins AnyStaticShapeTensor:$input, Quoin_OrderAttr:$order);
  let results = (outs AnyStaticShapeTensor:$output);
  let assemblyFormat = "$input `:` type($input) `by` $order attr-dict";
  let hasVerifier = 1;
  let hasFolder = 1;
}

#endif
