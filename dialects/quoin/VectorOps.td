//===- VectorOps.td - numbers of several rows at once ----------------------===//

#ifndef QUOIN_VECTOR_OPS_TD
#define QUOIN_VECTOR_OPS_TD

include "dialects/quoin/QuoinBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Quoin_VectorOp<string opMnemonic, list<Trait> traits = []> : Quoin_Op<opMnemonic, !listconcat([Pure], traits)>;

/// Vectors and matrices of programs (ProgramTensor.h).
class Quoin_ProgramTensorOf<list<Type> elements> : TensorRankOf<elements, [1, 2]>;

def Quoin_WhichOp : Quoin_VectorOp<"which"> {
  let summary = "the places of flags that are set";
  let description = [{
    Ascending. `quoin.count` says how many there are.

    Example: `%places = quoin.which %sure`
  }];
  let arguments = (ins Quoin_FlagTensor:$flags);
  let results = (outs Quoin_IndexTensor:$indices);
  let assemblyFormat = "$flags attr-dict";
}

def Quoin_GatherOp : Quoin_VectorOp<"gather"> {
  let summary = "some elements of a vector, or rows of a matrix";
  let description = [{
    Element i of the result is element `indices[i]`. It is `tensor.gather` with one index a row.

    Constraints: (C1) a vector, or a matrix of a static width; (C2) the result is one of any length, of the same elements and width.

    Example: `%some = quoin.gather %values at %places : tensor<?xf32> -> tensor<?xf32>`
  }];
  let arguments = (ins Quoin_ProgramTensorOf<[I1, I32, F32, Index]>:$values, Quoin_IndexTensor:$indices);
  let results = (outs Quoin_ProgramTensorOf<[I1, I32, F32, Index]>:$result);
  let assemblyFormat = "$values `at` $indices attr-dict `:` type($values) `->` type($result)";
  let hasVerifier = 1;
}

def Quoin_Reduction : Quoin_Enum<"Reduction", "how the elements of a vector become one", [
  I32EnumAttrCase<"Sum", 0, "sum">, I32EnumAttrCase<"Maximum", 1, "maximum">, I32EnumAttrCase<"Minimum", 2, "minimum">]>;
def Quoin_ReductionAttr : EnumAttr<Quoin_Dialect, Quoin_Reduction, "reduction">;

def Quoin_ReduceOp : Quoin_VectorOp<"reduce"> {
  let summary = "the sum, the maximum or the minimum of a vector, or of a matrix's rows";
  let description = [{
    Of those elements or rows whose flag is set, if flags are given. A matrix gives a row, column by column. Of nothing the sum is 0, the maximum the lowest number of
    the type (minus infinity), the minimum the highest. Real numbers are added in their order, in f64, and rounded once; NaN is the maximum and the
    minimum of whatever has one. Sums of integers wrap. `linalg.reduce` has a region and gives tensors of rank 0.

    Constraints: (C1) a vector, or a matrix of a static width; (C2) the result is an element of it, or of a matrix `tensor<1xWxT>`.

    Example:
    ```mlir
    %total = quoin.reduce sum %confidence where %open : tensor<?xf32> -> f32
    %row = quoin.reduce sum %hidden : tensor<?x16xf32> -> tensor<1x16xf32>
    ```
  }];
  let arguments = (ins Quoin_ReductionAttr:$kind, Quoin_ProgramTensorOf<[I32, F32, Index]>:$values, Optional<Quoin_FlagTensor>:$where);
  let results = (outs AnyTypeOf<[I32, F32, Index, Quoin_ProgramTensorOf<[I32, F32, Index]>]>:$result);
  let assemblyFormat = "$kind $values (`where` $where^)? attr-dict `:` type($values) `->` type($result)";
  let hasVerifier = 1;
}

def Quoin_AmongOp : Quoin_VectorOp<"among"> {
  let summary = "flags what occurs in a list";
  let description = [{
    `arith.cmpi eq` compares with one number, this with any of a list: delimiters, stop ids of one's own.

    Constraints: (C1) both have elements of one type.

    Example: `%ends = quoin.among %token, %delimiters : tensor<?xi32>, tensor<3xi32>`
  }];
  let arguments = (ins 1DTensorOf<[I32, Index]>:$values, 1DTensorOf<[I32, Index]>:$list);
  let results = (outs Quoin_FlagTensor:$flags);
  let assemblyFormat = "$values `,` $list attr-dict `:` type($values) `,` type($list)";
  let hasVerifier = 1;
}

#endif
