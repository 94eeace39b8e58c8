//===- CacheOps.td - what infer-cache and outline-steps make ---------------===//

#ifndef QUOIN_CACHE_OPS_TD
#define QUOIN_CACHE_OPS_TD

include "dialects/quoin/DecoderOps.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

/// The contents of all caches of a decoder.
def Quoin_CacheResource : Resource<"::quoin::CacheResource">;

def Quoin_CacheOp : Quoin_Op<"cache", [Pure]> {
  let summary = "an empty cache for one sequence";
  let description = [{
    Holds, for a run of slots from 0 on, their token, position and label and their keys and values in every layer. A decoder
    numbers its caches from 0. With `shared`, what a slot holds depends on the tokens, positions and labels up to it alone and not
    on the run, so that runs with the same beginning may share it. Of a model that takes columns slots keep rows of those, too; with
    `tokenless`, of one that does not look at ids, tokens and open bits do not count. Made by `infer-cache`.

    Example: `%c = quoin.cache 0 shared of @m`
  }];
  let arguments = (ins I64Attr:$number, FlatSymbolRefAttr:$model, UnitAttr:$shared, UnitAttr:$tokenless);
  let results = (outs Quoin_Cache:$cache);
  let assemblyFormat = "$number (`shared` $shared^)? (`tokenless` $tokenless^)? `of` $model attr-dict";
}

def Quoin_ReuseOp : Quoin_Op<"reuse", [AttrSizedOperandSegments, MemoryEffects<[MemRead<Quoin_CacheResource>]>]> {
  let summary = "how many leading slots of a call the cache already holds";
  let description = [{
    The length of the common prefix of the call's slots with the cache (same token, position, label and columns; none at all where a column that
    holds for all slots differs), cut at `limit`, at the first open slot and at the lowest slot read. A limit beyond `to` reaches `then` rows; it counts as `to` if the cache
    holds slots at or beyond it, which those rows may have seen. Of a sequence sorted in groups (`quoin.permute_tokens`) the prefix
    goes back to where the group of its last slot begins, unless it is all that the cache holds.

    Example: `%v = quoin.reuse %c of %x[to %n] read %rows limit %n`
  }];
  let arguments = (ins Quoin_Cache:$cache, Quoin_Sequence:$sequence, Index:$to, Optional<Quoin_TokenTensor>:$ids,
                       Optional<Quoin_IndexTensor>:$positions, Optional<Quoin_IndexTensor>:$labels, Variadic<Quoin_Column>:$columns,
                       Optional<Quoin_IndexTensor>:$read, Index:$limit);
  let results = (outs Index:$slots);
  let assemblyFormat = [{
    $cache `of` $sequence `[` `to` $to `]` (`then` $ids^ `at` $positions)? (`label` $labels^)?
    (`with` `(` $columns^ `:` type($columns) `)`)? (`read` $read^)? `limit` $limit attr-dict
  }];
}

def Quoin_ForwardCachedOp : Quoin_Op<"forward_cached", [AttrSizedOperandSegments, AttrSizedResultSegments, DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    MemoryEffects<[MemRead<Quoin_CounterResource>, MemWrite<Quoin_CounterResource>, MemRead<Quoin_CacheResource>,
                   MemWrite<Quoin_CacheResource>]>]> {
  let summary = "calls a model with the keys and values of earlier calls";
  let description = [{
    As `quoin.forward`, but only slots from `from` on run; the others' keys and values are the cache's. Afterwards the cache holds
    the first `keep` slots. With `pass` it is no evaluation (a commit's call). With nothing to run and nothing read no
    call is made.

    Constraints: (C1) the symbol is a `quoin.model`; (C2) as many symbols as the mask has, which has no label arrays; (C3) `pass` reads nothing; (C4) columns
    are of the types that the model takes; (C5) results are logits, if the model has a head, and then of the types that it gives.

    Example:
    ```mlir
    %l = quoin.forward_cached %c from %w keep %n @m of %x[to %n] read %rows mask #quoin.mask<causal>
    ```
  }];
  let arguments = (ins Quoin_Cache:$cache, Index:$from, Index:$keep, FlatSymbolRefAttr:$model, Quoin_Sequence:$sequence, Index:$to,
                       Optional<Quoin_TokenTensor>:$ids, Optional<Quoin_IndexTensor>:$positions,
                       Optional<Quoin_IndexTensor>:$labels, Variadic<Quoin_Column>:$columns, Optional<Quoin_IndexTensor>:$read,
                       Quoin_MaskAttr:$mask, Variadic<Index>:$symbols, UnitAttr:$pass);
  let results = (outs Optional<Quoin_Logits>:$logits, Variadic<Quoin_Rows>:$outputs);
  let assemblyFormat = [{
    $cache `from` $from `keep` $keep (`pass` $pass^)? $model `of` $sequence `[` `to` $to `]` (`then` $ids^ `at` $positions)?
    (`label` $labels^)? (`with` `(` $columns^ `:` type($columns) `)`)? (`read` $read^)? `mask` $mask (`[` $symbols^ `]`)?
    custom<CallResults>(type($logits), type($outputs)) attr-dict
  }];
  let hasVerifier = 1;
}

def Quoin_SortKey : Quoin_Enum<"SortKey", "a property by which tokens are sorted", [
  I32EnumAttrCase<"Open", 0, "open">, I32EnumAttrCase<"Label", 1, "label">, I32EnumAttrCase<"Position", 2, "position">]>;
def Quoin_SortKeyAttr : EnumAttr<Quoin_Dialect, Quoin_SortKey, "sort_key">;

def Quoin_PermuteTokensOp : Quoin_Op<"permute_tokens", [Pure]> {
  let summary = "the tokens of a call in the order of a property";
  let description = [{
    The first `to` tokens of the sequence, sorted stably by `open` (known ones first), by `label` or by a function of the position.
    Each token keeps its position, label and open bit; its slot in a call is its place in the order. `slots` says where the
    tokens of the given positions stand, `known` how many leading slots are not open. Made by `permute-tokens`. Unlike a
    `tensor` gather it moves no features: a call looks its tokens up in this order.

    With `groups` tokens of one key belong together, since they may see each other: `known` counts those before the group of the
    first open one, and `quoin.reuse` ends where a group does, in this call and in the one that filled the cache.

    Constraints: (C1) the sorted sequence is used by calls of models and by `quoin.reuse` only; (C2) `position`, and nothing else,
    comes with a map of one dimension, no symbols and one result, whose products are with constants and whose divisions are by
    positive ones.

    Example:
    ```mlir
    %y, %slots, %known = quoin.permute_tokens %x[to %n] by open read %rows
    %z, %places, %done = quoin.permute_tokens %x[to %n] by position affine_map<(p) -> (p floordiv 16 + p mod 16)> groups read %rows
    ```
  }];
  let arguments = (ins Quoin_Sequence:$sequence, Index:$to, Quoin_SortKeyAttr:$key, OptionalAttr<AffineMapAttr>:$map, UnitAttr:$groups,
                       Quoin_IndexTensor:$positions);
  let results = (outs Quoin_Sequence:$result, Quoin_IndexTensor:$slots, Index:$known);
  let assemblyFormat = "$sequence `[` `to` $to `]` `by` $key ($map^)? (`groups` $groups^)? `read` $positions attr-dict";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Suspension points
//===----------------------------------------------------------------------===//

def Quoin_SuspendForwardOp : Quoin_Op<"suspend_forward", [Terminator, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<BranchOpInterface>, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "suspends the decoder until the layers have run";
  let description = [{
    The terminator that `outline-steps` makes of `quoin.forward_cached` or, without a cache, of `quoin.forward`. The successor's
    first argument is the logits, or with `gives` the first so many are all results of the call; the others are the values that live across the suspension:
    they are the decoder's frame.
    Unlike `async.await` it lets the runtime run the calls of many sequences as one.

    Constraints: (C1) the symbol is a `quoin.model`; (C2) as many symbols as the mask has, which has no label arrays; (C3) `from` and `keep` come with a cache;
    (C4) columns are of the types that the model takes; (C5) the successor's first arguments are what the model gives.

    Example:
    ```mlir
    quoin.suspend_forward @m cache %c from %w keep %n of %x[to %n] read %rows mask #quoin.mask<causal> ^bb2(%x : !quoin.sequence)
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$model, Optional<Quoin_Cache>:$cache, Optional<Index>:$from, Optional<Index>:$keep,
                       Quoin_Sequence:$sequence, Index:$to, Optional<Quoin_TokenTensor>:$ids,
                       Optional<Quoin_IndexTensor>:$positions, Optional<Quoin_IndexTensor>:$labels, Variadic<Quoin_Column>:$columns,
                       Optional<Quoin_IndexTensor>:$read, Quoin_MaskAttr:$mask, Variadic<Index>:$symbols,
                       OptionalAttr<I64Attr>:$gives, Variadic<AnyType>:$live, UnitAttr:$pass);
  let successors = (successor AnySuccessor:$resume);
  let assemblyFormat = [{
    $model (`cache` $cache^ `from` $from `keep` $keep)? (`pass` $pass^)? `of` $sequence `[` `to` $to `]`
    (`then` $ids^ `at` $positions)? (`label` $labels^)? (`with` `(` $columns^ `:` type($columns) `)`)? (`read` $read^)?
    `mask` $mask (`[` $symbols^ `]`)? (`gives` $gives^)? $resume (`(` $live^ `:` type($live) `)`)? attr-dict
  }];
  let hasVerifier = 1;
}

def Quoin_SuspendScoreOp : Quoin_Op<"suspend_score", [Terminator, AttrSizedOperandSegments, DeclareOpInterfaceMethods<BranchOpInterface>]> {
  let summary = "suspends the decoder until the head has run";
  let description = [{
    The terminator that `outline-steps` makes of `quoin.score` and, with `minus`, of `quoin.draw_residual`. The successor's first
    arguments are the statistics, the others live across the suspension. `quoin.suspend_forward` waits for the layers.

    Constraints: (C1) the successor takes one argument per statistic, then the live values.

    Example: `quoin.suspend_score %l [token] ^bb3(%x : !quoin.sequence)`
  }];
  let arguments = (ins Quoin_Logits:$logits, Optional<Quoin_Logits>:$minus, Quoin_StatisticsAttr:$statistics,
                       Optional<Quoin_TokenTensor>:$of, OptionalAttr<Quoin_SamplerAttr>:$sampler,
                       Optional<Quoin_IndexTensor>:$positions, Optional<Index>:$evaluation, Variadic<AnyType>:$live);
  let successors = (successor AnySuccessor:$resume);
  let assemblyFormat = [{
    $logits (`minus` $minus^)? `[` custom<Statistics>($statistics) `]` (`of` $of^)? (`by` $sampler^)?
    (`at` $positions^ `,` $evaluation)? $resume (`(` $live^ `:` type($live) `)`)? attr-dict
  }];
  let hasVerifier = 1;
}

def Quoin_SuspendScoresOp : Quoin_Op<"suspend_scores", [Terminator, AttrSizedOperandSegments, DeclareOpInterfaceMethods<BranchOpInterface>]> {
  let summary = "suspends the decoder until the head has given its scores";
  let description = [{
    The terminator that `outline-steps` makes of `quoin.materialize` and, with `for`, of `quoin.likeliest`. The successor's first arguments are
    what that op gives, the others live across the suspension. `quoin.suspend_score` waits for statistics.

    Constraints: (C1) the successor takes rows of f32, or with `for` tokens and their probabilities, then the live values.

    Example: `quoin.suspend_scores %l for %counts ^bb3(%x : !quoin.sequence)`
  }];
  let arguments = (ins Quoin_Logits:$logits, Optional<Quoin_IndexTensor>:$counts, Variadic<AnyType>:$live);
  let successors = (successor AnySuccessor:$resume);
  let assemblyFormat = "$logits (`for` $counts^)? $resume (`(` $live^ `:` type($live) `)`)? attr-dict";
  let hasVerifier = 1;
}

#endif
