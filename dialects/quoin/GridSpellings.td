//===- GridSpellings.td - short names for formulas on grids -----------------===//
//
// A row may be a grid: h * w cells, line by line, of as many features each. Cells of one grid meet, rows do not: these
// are spellings like those of Spellings.td.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_GRID_SPELLINGS_TD
#define QUOIN_GRID_SPELLINGS_TD

include "dialects/quoin/Spellings.td"

def Quoin_ResampleOp : Quoin_Spelling<"resample", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a grid of another size, by weights of lines and columns";
  let description = [{
    The operand's row has `h * w` cells of C features, the result's `h' * w'`. The first weight has, line by line, the numbers of a matrix A `[h', h]`, the
    second those of B `[w', w]`: `z[a, j] = sum_i A[a, i] x[i, j]`, and `y[a, b] = sum_j B[b, j] z[a, j]`, of each feature. Taps of bicubic or area resampling, a
    low-pass, a crop are such matrices, and weights by formula are where they come from.

    Constraints: (C1) operand `[h * w, C]` and result `[h' * w', C]` of a row; (C2) weights of rank 1, of lengths `h' * h` and `w' * w`; (C3) at most
    2^20 products in each of the two sums.

    Example:
    ```mlir
    %1 = quoin.resample %0 grid [2, 2] to [4, 4] by @up, @up : tensor<?x4x8xf32> -> tensor<?x16x8xf32>
    ```
  }];
  let arguments = (ins Quoin_RealRows:$input, DenseI64ArrayAttr:$grid, DenseI64ArrayAttr:$to, FlatSymbolRefAttr:$lines, FlatSymbolRefAttr:$columns);
  let results = (outs Quoin_RealRows:$output);
  let assemblyFormat = "$input `grid` $grid `to` $to `by` $lines `,` $columns attr-dict `:` type($input) `->` type($output)";
  let hasVerifier = 1;
}

def Quoin_ConvOp : Quoin_Spelling<"conv", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a convolution over a grid, with zeros around it";
  let description = [{
    Row by row of the operand, `y[i, j] = W concat_(a, b) x[i + a, j + b] (+ bias)` over the taps, a and b from `-(k - 1) / 2` on, line by line; cells outside of the grid are zeros. The
    weight is a stack of matrices `[out, kh * kw * in]`, of which `filter` names one; a checkpoint's `[out, in, kh, kw]` is put in this order by a
    weight's formula. It is a product for each cell (`quoin.expert_linear`), made of the cells around it.

    Constraints: (C1) operand `[h * w, in]` and result `[h * w, out]` of a row; (C2) a weight `[filters, out, kh * kw * in]` with that filter; (C3) odd numbers of taps, up to 31; (C4)
    a bias of length `out`; (C5) at most 2^20 numbers around the cells of 256 cells' worth of lines, and lines of at most 256 cells.

    Example:
    ```mlir
    %1 = quoin.conv %0 grid [4, 4] taps [3, 3] by @phi filter 0 bias @phi.bias : tensor<?x16x8xf32> -> tensor<?x16x8xf32>
    ```
  }];
  let arguments = (ins Quoin_RealRows:$input, DenseI64ArrayAttr:$grid, DenseI64ArrayAttr:$taps, FlatSymbolRefAttr:$weight, I64Attr:$filter,
                       OptionalAttr<FlatSymbolRefAttr>:$bias);
  let results = (outs Quoin_RealRows:$output);
  let assemblyFormat = [{
    $input `grid` $grid `taps` $taps `by` $weight `filter` $filter (`bias` $bias^)? attr-dict `:` type($input) `->` type($output)
  }];
  let hasVerifier = 1;
}

#endif
