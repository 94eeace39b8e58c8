//===- ModelOps.td - weights and the stateless model -----------------------===//

#ifndef QUOIN_MODEL_OPS_TD
#define QUOIN_MODEL_OPS_TD

include "dialects/quoin/ModelInterfaces.td"
include "dialects/quoin/QuoinBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Quoin_ModelOp : Quoin_Op<"model", [Symbol, IsolatedFromAbove, SingleBlock, Quoin_IsModel, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a stateless model: hidden rows from ids and positions";
  let description = [{
    The body gets the ids and positions of all tokens of a call and yields one hidden row each (after the final norm) with
    `quoin.hidden`. The mask comes with the call. `head` names the weight `[scored, hidden]` that turns a hidden row
    into scores of the tokens below `scored`, and `bias` what is added to them. Tokens beyond are never an answer. Once `prune-rows` ran, the body has a third argument, the rows that are read, and yields only those.
    It differs from `func.func` in that calls are `quoin.forward` and carry a mask.

    The body holds ops with `ModelOpInterface` alone: `quoin.embed`, `quoin.linear`, `quoin.rotary`, `quoin.attention`, `quoin.scan`,
    `quoin.expert_linear`, `quoin.gather_rows`, `quoin.each_row`, `arith.addf` and the spellings of
    `Spellings.td`, which `expand-spellings` writes out as row programs. A value of it has either one row a slot of the call that
    runs (*rows of the call*: ids and positions, too) or one a row that is read (*rows read*); `quoin.gather_rows` alone goes
    from the first to the second.

    A model of tokens may take more columns, between positions and the rows that are read: rows of features or numbers, one a slot that runs or, for
    those that `each_sequence` numbers, one for all slots of a call. What is made of those alone is made once a call (*rows of sequences*), and
    every row of the call may use it. It may give rows besides its hidden ones (`quoin.hidden .. results`), and without a head it ends in
    `quoin.results` and gives those alone.

    Constraints: (C1) the body's arguments are `tensor<?xi32>`, `tensor<?xindex>`, up to 14 columns and, optionally, `tensor<?xindex>`; `each_sequence` names
    columns among them; (C2) the body ends in `quoin.hidden` with a head, in `quoin.results` without; (C3) `head` names a weight of rank 2 whose second dimension is the hidden width, and `bias`, which
    comes with it, one of its first dimension;
    (C4) every op of the body has `ModelOpInterface`; (C5) operands of an op that are not rows of sequences are over the same rows, of the
    call or read;
    (C6) `quoin.gather_rows` gathers rows of the call at the third argument; (C7) keys and values of `quoin.attention` have rows of
    the call, its query has rows read if it has `rows`, which is the third argument, and rows of the call otherwise; (C8) hidden
    rows and results are rows read in a model that has those as its last argument, and rows of the call in one without; (C9) weights by which `quoin.embed` looks up ids have at
    least as many rows as the head, and as the module says that there are tokens; (C10) heads of a module's models have as many rows each: there is one vocabulary;
    (C12) every layer runs all rows of the call: rows are selected by what the program reads, behind the last op in which they meet, and not by numbers that the body computes.

    Without ids it is a function of rows, which `quoin.apply` calls: (C11) its arguments are rows of features or numbers, one to 14 of them, it has no head, its
    body ends in `quoin.results`, and no op in it asks for positions or lets rows meet, but `quoin.scan`: rows of one call are a sequence, in their order.

    Example:
    ```mlir
    quoin.model @m head @head {
    ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
      %0 = quoin.embed %ids by @embed : tensor<?x64xf32>
      quoin.hidden %0 : tensor<?x64xf32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, OptionalAttr<FlatSymbolRefAttr>:$head, OptionalAttr<FlatSymbolRefAttr>:$bias,
                       OptionalAttr<DenseI64ArrayAttr>:$each_sequence);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name (`head` $head^)? (`bias` $bias^)? (`each_sequence` $each_sequence^)? attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::BlockArgument getIds() { return getBody().getArgument(0); }
    ::mlir::BlockArgument getPositions() { return getBody().getArgument(1); }
    /// Of tokens, and no function of rows.
    bool isOfTokens();
    /// The rows that are read, or null before `prune-rows`.
    ::mlir::Value getRead();
    /// What it takes besides ids, positions and the rows that are read.
    ::llvm::ArrayRef<::mlir::BlockArgument> getColumns();
    /// Is this column one row for all slots of a call?
    bool isOfSequence(::mlir::BlockArgument column);
    /// What it gives besides hidden rows, or instead of them.
    ::mlir::ValueRange getResultRows();
  }];
}

def Quoin_HiddenOp : Quoin_Op<"hidden", [Pure, Terminator, HasParent<"ModelOp">]> {
  let summary = "ends a model: its hidden rows";
  let description = [{
    One row per token of the call, or per row read after `prune-rows`. Unlike `func.return` it returns from a model. `results` are what calls get
    besides logits.

    Constraints: (C1) at most 15 results.

    Example: `quoin.hidden %h results %a, %b : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x1xf32>`
  }];
  let arguments = (ins Quoin_Rows:$rows, Variadic<Quoin_Rows>:$results);
  let assemblyFormat = "$rows (`results` $results^)? attr-dict `:` type($rows) (`,` type($results)^)?";
  let hasVerifier = 1;
}

def Quoin_ResultsOp : Quoin_Op<"results", [Pure, Terminator, ParentOneOf<["ModelOp", "WeightOp"]>]> {
  let summary = "ends a model without a head, or a weight's formula on rows: the rows that it gives";
  let description = [{
    One row each for each row that it was applied to or, of a model of tokens, that is read. Unlike `quoin.hidden` nothing scores them.

    Constraints: (C1) one to 16 of them.

    Example: `quoin.results %y, %z : tensor<?x64xf32>, tensor<?x1xf32>`
  }];
  let arguments = (ins Variadic<Quoin_Rows>:$rows);
  let assemblyFormat = "$rows attr-dict `:` type($rows)";
  let hasVerifier = 1;
}

/// An op of a body; `methods` of the interface it defines itself, besides the relation.
class Quoin_ModelBodyOp<string opMnemonic, list<Trait> traits = [], list<string> methods = []>
    : Quoin_Op<opMnemonic, !listconcat([Pure, ParentOneOf<["ModelOp", "WeightOp"]>, DeclareOpInterfaceMethods<Quoin_ModelOpInterface, methods>], traits)> {
  string relation = "RowByRow";
  let extraClassDefinition = "::quoin::RowRelation $cppClass::getRelation() { return ::quoin::RowRelation::" # relation # "; }";
}

def Quoin_EmbedOp : Quoin_ModelBodyOp<"embed", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "rows of an embedding table";
  let description = [{
    Row i is row `ids[i]` of the weight. `tensor.gather` would need the table as a value. By positions it is what a model has learned of
    each, and by a column of numbers what it knows of these; a number for which the table has no row gives zeros then.

    Constraints: (C1) the weight has shape `[rows, width]` with the result's width.

    Example:
    ```mlir
    %0 = quoin.embed %ids by @words : tensor<?x64xf32>
    %1 = quoin.embed %positions by @places : tensor<?xindex> -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins AnyTypeOf<[Quoin_TokenTensor, Quoin_IndexTensor, Quoin_NumberRows]>:$ids, FlatSymbolRefAttr:$weight);
  let results = (outs Quoin_Rows:$rows);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    /// Looks up tokens, which are there, and not positions or other numbers.
    bool isByToken();
  }];
}

def Quoin_LinearOp : Quoin_ModelBodyOp<"linear", [DeclareOpInterfaceMethods<SymbolUserOpInterface>], ["getCost"]> {
  let summary = "a matrix product with a weight";
  let description = [{
    `y = x W^T + b` with W `[out, in]` as checkpoints store it. `linalg.matmul` would need the weight as a value.

    Constraints: (C1) the weight has shape `[out, in]` of the result's and the operand's widths; (C2) the bias has
    length `out`.

    Example: `%2 = quoin.linear %1 by @q_proj bias @q_bias : tensor<?x64xf32> -> tensor<?x128xf32>`
  }];
  let arguments = (ins Quoin_Rows:$input, FlatSymbolRefAttr:$weight, OptionalAttr<FlatSymbolRefAttr>:$bias);
  let results = (outs Quoin_Rows:$output);
  let assemblyFormat = "$input `by` $weight (`bias` $bias^)? attr-dict `:` type($input) `->` type($output)";
}

def Quoin_RotaryOp : Quoin_ModelBodyOp<"rotary", [AllTypesMatch<["input", "output"]>]> {
  let summary = "rotary position embedding";
  let description = [{
    Each head of `head_dim` features is seen as two halves; pair (i, i + head_dim/2) turns by `position * theta^(-2i/head_dim)`
    (Su et al., 2021, in the half-split form of Llama and Qwen). `at` takes the positions of the operand's rows: the body's second
    argument or, for rows read, what `quoin.gather_rows` makes of it.

    Constraints: (C1) `head_dim` is even and divides the width; (C2) `theta` is finite and positive.

    Example: `%3 = quoin.rotary %2 at %positions theta 1.0e6 head_dim 32 : tensor<?x128xf32>`
  }];
  let arguments = (ins Quoin_Rows:$input, Quoin_IndexTensor:$positions, F64Attr:$theta, I64Attr:$head_dim);
  let results = (outs Quoin_Rows:$output);
  let assemblyFormat = "$input `at` $positions `theta` $theta `head_dim` $head_dim attr-dict `:` type($output)";
  let hasVerifier = 1;
}

def Quoin_AttentionOp : Quoin_ModelBodyOp<"attention", [IsolatedFromAbove, Quoin_HoldsFormula, AllTypesMatch<["query", "output"]>], ["inferRowSpace", "getCost", "getStateWidth"]> {
  let relation = "CallMask";
  let summary = "attention under the mask of the call";
  let description = [{
    `heads` query heads share `kv_heads` key heads (head h uses key head `h / (heads / kv_heads)`); scores are
    `scale * q.k`. Keys and values are those of all tokens of the call, queries may be fewer rows after `prune-rows`
    (then `rows` names them). The mask is not an operand: it comes with `quoin.forward`. Of the keys that it shows a layer may see
    only some: those that the formula behind `within` shows, too. A query that sees none gives 0.

    With `score`, what its body makes of a score takes its place: of the score, the number of the query head, and the positions of query and
    key. So soft caps, ALiBi and other biases by distance need no op. Hiding keys is the mask's business: an infinitely bad score weighs nothing, but
    its key counts as seen.

    With `lse` the second result is, of each head, the logarithm of the sum of exponentials of the row's scores, minus infinity for a row that sees no key:
    what `quoin.merge_attention` needs beside the output to put parts together.

    Constraints: (C1) `kv_heads` divides `heads`; (C2) the query and the result have width `heads * head_dim`, key and value
    `kv_heads * head_dim`; (C3) `scale` is finite, below 2^126; (C4) `head_dim` is 1 to 512; (C5) a formula behind
    `within` is one of positions and labels, without symbols; (C6) `score` is a formula on numbers: its
    arguments are `f32, i32, i32, i32`, it ends in `quoin.number`, and holds at most 256 of the `arith` and `math` ops of `quoin.each_row` on
    numbers of `f32`, `i32` and `i1`; (C7) `lse` has `heads` numbers a row.

    Example:
    ```mlir
    %6 = quoin.attention %q, %k, %v heads 4 kv_heads 2 head_dim 32 scale 0.17677669529663687
        : tensor<?x128xf32>, tensor<?x64xf32>, tensor<?x64xf32>
    %7 = quoin.attention %q, %k, %v heads 4 kv_heads 2 head_dim 32 scale 0.17677669529663687
        : tensor<?x128xf32>, tensor<?x64xf32>, tensor<?x64xf32> score {
    ^bb0(%s: f32, %head: i32, %from: i32, %to: i32):
      %cap = arith.constant 30.0 : f32
      %part = arith.divf %s, %cap : f32
      %bent = math.tanh %part : f32
      %soft = arith.mulf %bent, %cap : f32
      quoin.number %soft
    }
    %8, %sum = quoin.attention %q, %k, %v heads 4 kv_heads 2 head_dim 32 within #quoin.mask<window<64>> scale 0.17677669529663687
        : tensor<?x128xf32>, tensor<?x64xf32>, tensor<?x64xf32> lse tensor<?x4xf32>
    ```
  }];
  let arguments = (ins Quoin_Rows:$query, Quoin_Rows:$key, Quoin_Rows:$value, Optional<Quoin_IndexTensor>:$rows,
                       I64Attr:$heads, I64Attr:$kv_heads, I64Attr:$head_dim, F64Attr:$scale, OptionalAttr<Quoin_MaskAttr>:$within);
  let results = (outs Quoin_Rows:$output, Optional<Quoin_Rows>:$lse);
  let regions = (region AnyRegion:$score);
  let assemblyFormat = [{
    $query `,` $key `,` $value (`rows` $rows^)? `heads` $heads `kv_heads` $kv_heads `head_dim` $head_dim (`within` $within^)? `scale` $scale attr-dict
    `:` type($query) `,` type($key) `,` type($value) (`lse` type($lse)^)? (`score` $score^)?
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Quoin_ExpertLinearOp : Quoin_ModelBodyOp<"expert_linear", [DeclareOpInterfaceMethods<SymbolUserOpInterface>], ["getCost"]> {
  let summary = "matrix products of each row with the experts it chose";
  let description = [{
    The weight holds a matrix `[out, in]` for each expert; `choice` names some for each row. `y[r, j] = W[choice[r, j]] x[r]` for rows of features, or
    `.. x[r, j]` for rows that have features of their own for each choice. A number that is no expert's gives zeros. Unlike
    `quoin.linear`, a step reads only matrices that one of its rows chose, and a row's result does not depend on what other rows chose.

    Constraints: (C1) the weight has shape `[experts, out, in]` of the operand's and the result's widths, with at most 4,096 experts; (C2) the
    operand has rows `[in]` or `[J, in]`, the result `[J, out]`, with as many choices J as `choice` has; (C3) a row has at most 256 choices.

    Example:
    ```mlir
    %e = quoin.expert_linear %x to %choice by @gates : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x2x24xf32>
    ```
  }];
  let arguments = (ins Quoin_RealRows:$input, Quoin_ChoiceRows:$choice, FlatSymbolRefAttr:$weight);
  let results = (outs Quoin_RealRows:$output);
  let assemblyFormat = "$input `to` $choice `by` $weight attr-dict `:` type($input) `,` type($choice) `->` type($output)";
  let hasVerifier = 1;
}

def Quoin_GatherRowsOp : Quoin_ModelBodyOp<"gather_rows", [AllTypesMatch<["input", "output"]>], ["inferRowSpace"]> {
  let relation = "Selection";
  let summary = "keeps the rows that are read";
  let description = [{
    Row i of the result is row `rows[i]` of the operand: of features, or of positions for a `quoin.rotary` of rows read. Made by
    `prune-rows`; row-wise ops may be moved behind it. Row numbers that a body computes are refused (C12 of `quoin.model`).

    Example: `%n = quoin.gather_rows %h at %read : tensor<?x64xf32>`
  }];
  let arguments = (ins AnyTypeOf<[Quoin_BodyRows, Quoin_IndexTensor]>:$input, AnyTypeOf<[Quoin_IndexTensor, Quoin_BodyRows]>:$rows);
  let results = (outs AnyTypeOf<[Quoin_BodyRows, Quoin_IndexTensor]>:$output);
  let assemblyFormat = "$input `at` $rows attr-dict `:` type($output) custom<NumbersType>(type($rows))";
}

#endif
