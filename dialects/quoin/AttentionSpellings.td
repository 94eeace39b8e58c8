//===- AttentionSpellings.td - short names around attention -----------------===//
//
// What is made of attention's results, or by it: parts of one attention put together, and how much of it goes where.
// These are spellings like those of Spellings.td.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_ATTENTION_SPELLINGS_TD
#define QUOIN_ATTENTION_SPELLINGS_TD

include "dialects/quoin/Spellings.td"

def Quoin_MergeAttentionOp : Quoin_Spelling<"merge_attention", [AllTypesMatch<["first", "second", "output"]>,
                                                                AllTypesMatch<["first_lse", "second_lse", "lse"]>]> {
  let summary = "one attention out of two over keys of their own";
  let description = [{
    Each operand is what an attention gives for a part of the keys, with the logarithm of its sum of exponentials (`lse` of `quoin.attention`); the result
    is what one attention over both parts gives. Of each head, with `s` the sigmoid: `out = s(lse_a - lse_b) out_a + s(lse_b - lse_a) out_b`, that is
    `out_a - s(lse_b - lse_a) (out_a - out_b)`, and `lse = lse_a - log s(lse_a - lse_b)`. A part whose logarithm is minus infinity saw nothing: whatever its
    output is, it counts for nothing, and two such parts give 0 and minus infinity. A logarithm that is not a number makes both results not a number. The order of the parts
    changes rounding alone.

    Constraints: (C1) there are as many logarithms a row as there are heads, which divide the width.

    Example:
    ```mlir
    %out, %lse = quoin.merge_attention %a, %a_lse with %b, %b_lse : tensor<?x128xf32>, tensor<?x4xf32>
    ```
  }];
  let arguments = (ins Quoin_Rows:$first, Quoin_Rows:$first_lse, Quoin_Rows:$second, Quoin_Rows:$second_lse);
  let results = (outs Quoin_Rows:$output, Quoin_Rows:$lse);
  let assemblyFormat = "$first `,` $first_lse `with` $second `,` $second_lse attr-dict `:` type($output) `,` type($lse)";
  let hasVerifier = 1;
}

def Quoin_AttentionMassOp : Quoin_ModelBodyOp<"attention_mass", [DeclareOpInterfaceMethods<Quoin_SpellingOpInterface>], ["inferRowSpace", "getCost", "getStateWidth"]> {
  let relation = "CallMask";
  let summary = "how much of a row's attention goes to each group of keys";
  let description = [{
    Queries, keys and scores are as in `quoin.attention`; `to` gives each key the number of its group, from 0 on. Number g of a result's row is the probability
    that the row's softmax has for the keys of group g, the sum over these, on the mean of all heads. A key whose number is negative, or beyond the result's width, is of no
    group: its probability counts nowhere, and a row may sum to less than 1. A row that sees nothing has 0 everywhere; one whose softmax is no number has none.

    Groups are mostly labels of the sequence (`quoin.labels`), which the program gives the model as a column; the mass is a result of the model, of the rows that are
    read.

    It becomes attention whose values say of which group a key is, so it costs that for each `head_dim` groups.

    Constraints: (C1) `kv_heads` divides `heads`; (C2) the query has width `heads * head_dim`, the key `kv_heads * head_dim`; (C3) `scale` is finite, below
    2^126; (C4) `head_dim` is 1 to 512; (C5) a formula behind `within` is one of positions and labels, without symbols; (C6) at most 1,024 groups.

    Example:
    ```mlir
    %mass = quoin.attention_mass %q, %k to %document heads 4 kv_heads 2 head_dim 32 scale 0.17677669529663687
        : tensor<?x128xf32>, tensor<?x64xf32>, tensor<?x1xi32> -> tensor<?x10xf32>
    ```
  }];
  let arguments = (ins Quoin_Rows:$query, Quoin_Rows:$key, Quoin_NumberRows:$group, I64Attr:$heads, I64Attr:$kv_heads, I64Attr:$head_dim, F64Attr:$scale,
                       OptionalAttr<Quoin_MaskAttr>:$within);
  let results = (outs Quoin_Rows:$mass);
  let assemblyFormat = [{
    $query `,` $key `to` $group `heads` $heads `kv_heads` $kv_heads `head_dim` $head_dim (`within` $within^)? `scale` $scale attr-dict
    `:` type($query) `,` type($key) `,` type($group) `->` type($mass)
  }];
  let hasVerifier = 1;
}

#endif
