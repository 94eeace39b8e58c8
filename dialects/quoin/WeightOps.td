//===- WeightOps.td - weights: of a checkpoint, or by formula ---------------===//

#ifndef QUOIN_WEIGHT_OPS_TD
#define QUOIN_WEIGHT_OPS_TD

include "dialects/quoin/QuoinBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Quoin_WeightOp : Quoin_Op<"weight", [Symbol, IsolatedFromAbove, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "names a tensor of a checkpoint, or says how one is computed";
  let description = [{
    Either a reference into a `safetensors` file, never the numbers themselves: `file` (relative to the module's `quoin.source`)
    and the tensor's name in it. Unlike `memref.global` it holds no data. A `*` in the name stands for 0, 1, .. up to the first size, less one:
    so one weight of rank 3 gathers as many matrices, an expert each. Without, a weight of rank 3 is one tensor. `file` may also be a
    checkpoint's `*.index.json`, which says for each tensor in which of its files it lies.

    A tensor may lie in the file in another form. `stored` are its sizes there: the weight is what they hold in that order, from row `at_row` of the first
    size on. With `transposed` it is the transpose of that, seen as a matrix: a kernel that is stored `[in, out]` becomes `[out, in]`.

    Or a formula, which is evaluated once, at compile time and in float64; each number is then rounded to the weight's type. The formula may read other
    weights, those of `by`, and has one of two forms:

    - of an element: the block's arguments are its indices, then each weight of `by` as a tensor of f64. It holds `arith` and `math` on numbers,
      `tensor.extract`, `scf.for` and `scf.if`, and ends in `quoin.element`: tables of sines, taps of a resampling, slopes, `1 + w`;
    - of rows: the arguments are rows, those of each weight of `by` (a vector is one row), and the block is a body of `quoin.model` that ends in
      `quoin.results`: what `quoin-fold-weights` makes of what depends on no argument of a model.

    Constraints: (C1) the type has a static shape of rank 1 to 4 and elements f32, bf16 or f16; (C2) each size is 1 to 2^31 - 1, and
    there are at most 2^40 elements; (C3) a `*` stands in the name of a weight of rank 3 only, and once; (C4) one to four `stored` sizes, of a weight
    without `*`, hold as many elements as the type, or with `at_row` as many in some of their rows; (C5) what is `transposed` has rank 2; (C6) a weight has a file and a tensor, or a
    formula, `by` only with a formula, another form only with a tensor; (C7) the arguments of a formula are as said; (C8) a formula of an element holds the ops listed,
    on numbers of f64, index and integers of at most 64 bits; at most 1,024 of them, and gives an f64; (C9) one of rows reads vectors or matrices of as many rows,
    its ops work row by row, and the one result has the weight's rows; (C10) a formula makes at most 2^28 elements; (C11) `by` names weights, of which none depends on
    this one, and which are at most 32 formulas deep.

    Example:
    ```mlir
    quoin.weight @q_proj : tensor<128x64xf32> from "model.safetensors" tensor "model.layers.0.self_attn.q_proj.weight"
    quoin.weight @gates : tensor<8x24x64xf32> from "model.safetensors" tensor "model.layers.0.mlp.experts.*.gate_proj.weight"
    quoin.weight @query : tensor<32x64xf32> from "model.safetensors" tensor "query.kernel" stored [64, 4, 8] transposed
    quoin.weight @key : tensor<64x64xf32> from "model.safetensors" tensor "layers.0.qkv" stored [192, 64] at_row 64
    quoin.weight @norm.scale : tensor<64xf32> by [@norm] {
    ^bb0(%i: index, %norm: tensor<64xf64>):
      %one = arith.constant 1.0 : f64
      %w = tensor.extract %norm[%i] : tensor<64xf64>
      %y = arith.addf %one, %w : f64
      quoin.element %y
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<AnyRankedTensor>:$type, OptionalAttr<StrAttr>:$file, OptionalAttr<StrAttr>:$tensor,
                       OptionalAttr<DenseI64ArrayAttr>:$stored, OptionalAttr<I64Attr>:$at_row, UnitAttr:$transposed,
                       DefaultValuedAttr<TypedArrayAttrBase<FlatSymbolRefAttr, "names of weights">, "{}">:$weights);
  let regions = (region MaxSizedRegion<1>:$formula);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// Is it computed, not read?
    bool isFormula() { return !getFormula().empty(); }
    /// Of rows, or else of an element.
    bool isFormulaOfRows();
    /// Is it made of several tensors, one for each number that `*` stands for?
    bool gathers() { return getTensor() && getTensor()->contains('*'); }
    /// The name of one of these; of a weight that is one tensor, its name.
    std::string tensorOf(int64_t part);
    /// The weights that its formula reads: those of `by`, and those that ops of its rows name.
    ::llvm::SmallVector<::mlir::FlatSymbolRefAttr> dependencies();
    /// The sizes that each tensor has in its file.
    ::llvm::SmallVector<int64_t> getFileShape();
    /// The first of its elements, in the file's order, that the weight has.
    int64_t getFirstElement();
  }];
}

def Quoin_ElementOp : Quoin_Op<"element", [Pure, Terminator, HasParent<"WeightOp">]> {
  let summary = "ends a weight's formula: the element at its indices";
  let description = [{
    Unlike `quoin.results` it gives one number.

    Example: `quoin.element %y`
  }];
  let arguments = (ins F64:$value);
  let assemblyFormat = "$value attr-dict";
}

#endif
