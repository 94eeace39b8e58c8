//===- DecoderOps.td - decoders: calls, scores, commits --------------------===//

#ifndef QUOIN_DECODER_OPS_TD
#define QUOIN_DECODER_OPS_TD

include "dialects/quoin/QuoinBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

/// How many evaluations a sequence has had: forwards advance it, draws name it.
def Quoin_CounterResource : Resource<"::quoin::CounterResource">;

def Quoin_DecoderOp : Quoin_Op<"decoder", [Symbol, IsolatedFromAbove, AutomaticAllocationScope]> {
  let summary = "a decoding procedure";
  let description = [{
    Gets the prompt (all tokens known) and how many tokens are wanted, and returns a range of a sequence. Its settings have
    defaults; thresholds and sampler numbers may come with a request, the others are fixed by compilation. As written the
    body is one block of structured control flow; `outline-steps` makes it a graph of blocks that suspend at each call.
    Unlike a `func.func` it is not called by programs but by the runtime, many at a time.

    `run_time` names further settings that a request may give.

    Constraints: (C1) the body's arguments are a sequence and an index; (C2) settings are `f32`, `index` or a `#quoin.word`; (C3) `run_time`, if it is
    there, is a list of settings of the decoder.

    Example:
    ```mlir
    quoin.decoder @nothing(%x, %max) settings {threshold = 0.9 : f32} {
      %n = quoin.length %x
      quoin.return %x[%n to %n]
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, DictionaryAttr:$settings);
  let regions = (region MinSizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def Quoin_ReturnOp : Quoin_Op<"return", [Pure, Terminator, ParentOneOf<["DecoderOp"]>]> {
  let summary = "ends a decoder: the range that was generated";
  let description = [{
    Positions `from` up to `to` of the sequence are the answer. Unlike `func.return` it returns tokens.

    Example: `quoin.return %x[%p to %n]`
  }];
  let arguments = (ins Quoin_Sequence:$sequence, Index:$from, Index:$to);
  let assemblyFormat = "$sequence `[` $from `to` $to `]` attr-dict";
}

def Quoin_SettingOp : Quoin_Op<"setting", [Pure]> {
  let summary = "the value of a setting";
  let description = [{
    A setting of the decoder, or `@fill`, the module's fill token (i32). Unlike an `arith.constant` it may differ by request. Of a setting that
    is a word (`#quoin.word`) it tells whether it `is` a certain one (i1), or the number that stands behind it (f64; 0 behind a word that has none).

    Constraints: (C1) the decoder has a setting of this name and type, or it is `@fill` of type i32; (C2) of a word: `is` with one of its words and i1,
    or, if a number stands behind one of them, f64; (C3) `is` of a word only.

    Example:
    ```mlir
    %thr = quoin.setting @threshold : f32
    %even = quoin.setting @schedule is "uniform" : i1
    %power = quoin.setting @schedule : f64
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$name, OptionalAttr<StrAttr>:$word);
  let results = (outs AnyTypeOf<[Index, F32, F64, I1, I32]>:$value);
  let assemblyFormat = "$name (`is` $word^)? attr-dict `:` type($value)";
  let hasVerifier = 1;
}

def Quoin_DenoiseOp : Quoin_Op<"denoise", [SingleBlockImplicitTerminator<"YieldOp">, RecursiveMemoryEffects]> {
  let summary = "steps until a range has no open position";
  let description = [{
    While `[from, to)` of the sequence has open positions, the body gets the sequence, those positions and the carried values,
    and yields the next sequence and values. It is the `scf.while` that every block decoder writes.

    A body that fills nothing ends the program with an error: no loop is unbounded. A step that yields `until` a flag that is set is the last one, whatever
    it filled; positions that are still open stay so.

    Constraints: (C1) the body's arguments are a sequence, a `tensor<?xindex>` and the carried types; (C2) it yields a sequence
    and the carried types; (C3) the results have the carried types.

    Example:
    ```mlir
    %full, %steps = quoin.denoise %x[%lo to %hi] carry %c0 : index -> index {
    ^bb0(%y: !quoin.sequence, %rows: tensor<?xindex>, %s: index):
      %s1 = arith.addi %s, %c1 : index
      %ids = quoin.tokens %y at %rows
      %z = quoin.fill %y at %rows with %ids
      quoin.yield %z, %s1 : index
    }
    ```
  }];
  let arguments = (ins Quoin_Sequence:$sequence, Index:$from, Index:$to, Variadic<AnyType>:$inits);
  let results = (outs Quoin_Sequence:$result, Variadic<AnyType>:$carried);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sequence `[` $from `to` $to `]` (`carry` $inits^ `:` type($inits) `->` type($carried))? attr-dict-with-keyword $body
  }];
  let hasRegionVerifier = 1;
}

def Quoin_YieldOp : Quoin_Op<"yield", [Pure, Terminator, HasParent<"DenoiseOp">, AttrSizedOperandSegments]> {
  let summary = "ends a denoising step";
  let description = [{
    The next sequence and the carried values. With `until` it is the last step if the flag is set. Unlike `scf.yield` it always gives a sequence.

    Example:
    ```mlir
    quoin.yield %z, %s1 : index
    quoin.yield %z until %enough, %s1 : index
    ```
  }];
  let arguments = (ins Quoin_Sequence:$sequence, Variadic<AnyType>:$carried, Optional<I1>:$last);
  let builders = [OpBuilder<(ins), "(void)$_builder; (void)$_state;">];
  let assemblyFormat = "$sequence (`until` $last^)? (`,` $carried^ `:` type($carried))? attr-dict";
}

//===----------------------------------------------------------------------===//
// Calls of the model
//===----------------------------------------------------------------------===//

def Quoin_EvaluationOp : Quoin_Op<"evaluation", [MemoryEffects<[MemRead<Quoin_CounterResource>]>]> {
  let summary = "the number of the next evaluation";
  let description = [{
    How many forwards this sequence has had. Draws name it (see `quoin.score`). Unlike a loop counter it counts all of them.

    Example: `%e = quoin.evaluation`
  }];
  let results = (outs Index:$number);
  let assemblyFormat = "attr-dict";
}

def Quoin_CountEvaluationOp : Quoin_Op<"count_evaluation", [MemoryEffects<[MemWrite<Quoin_CounterResource>]>]> {
  let summary = "counts an evaluation that a pass has dropped";
  let description = [{
    Leaves the counter as the dropped `quoin.forward` would have.

    Example: `quoin.count_evaluation`
  }];
  let assemblyFormat = "attr-dict";
}

def Quoin_ForwardOp : Quoin_Op<"forward", [AttrSizedOperandSegments, AttrSizedResultSegments, DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    MemoryEffects<[MemRead<Quoin_CounterResource>, MemWrite<Quoin_CounterResource>]>]> {
  let summary = "calls a model, stateless";
  let description = [{
    The call's slots are the first `to` tokens of the sequence at their own positions, then the `then` rows: ids at positions of
    their own, with labels (0 without). Slots that `read` names give a row of logits each, in its order. Nothing is
    remembered between calls: `infer-cache` derives what may be. It counts one evaluation. Unlike `func.call` it carries a mask.

    A model may take more than ids: `with` gives its other columns, each a row for each slot of the call, or one row for all of them where the
    model has the column once a sequence. What a model gives besides logits, or instead of them, are results of the call, a row for each
    slot read; the types of all results are then written behind the mask.

    Constraints: (C1) the symbol is a `quoin.model` of tokens; (C2) as many symbols as the mask has, which has no label arrays; (C3) `then` ids and
    positions come together, labels only with them; (C4) columns are of the types that the model takes; (C5) results are logits, if the
    model has a head, and then of the types that it gives.

    Example:
    ```mlir
    %l = quoin.forward @m of %x[to %n] then %ids at %pos read %rows mask #quoin.mask<causal>
    %k, %h = quoin.forward @n of %x[to %n] with (%a, %c : tensor<?x16xf32>, tensor<?x8xf32>) read %rows mask #quoin.mask<causal>
        -> !quoin.logits, tensor<?x64xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$model, Quoin_Sequence:$sequence, Index:$to, Optional<Quoin_TokenTensor>:$ids,
                       Optional<Quoin_IndexTensor>:$positions, Optional<Quoin_IndexTensor>:$labels, Variadic<Quoin_Column>:$columns,
                       Quoin_IndexTensor:$read, Quoin_MaskAttr:$mask, Variadic<Index>:$symbols);
  let results = (outs Optional<Quoin_Logits>:$logits, Variadic<Quoin_Rows>:$outputs);
  let assemblyFormat = [{
    $model `of` $sequence `[` `to` $to `]` (`then` $ids^ `at` $positions)? (`label` $labels^)? (`with` `(` $columns^ `:` type($columns) `)`)?
    `read` $read `mask` $mask (`[` $symbols^ `]`)? custom<CallResults>(type($logits), type($outputs)) attr-dict
  }];
  let hasVerifier = 1;
}

// The write keeps a commit whose result nobody needs: it is checked, and its pass is a call.
def Quoin_CommitOp : Quoin_Op<"commit", [DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    MemoryEffects<[MemRead<Quoin_CounterResource>, MemWrite<Quoin_CounterResource>]>]> {
  let summary = "positions below n are final";
  let description = [{
    They are known: an open one ends the request with an error. `by pass` says that the published engine spends a call of the model on it (to write its cache); no score
    of it is read, so it is no evaluation. `quoin.fill` gives tokens, commit says that they stay.

    Constraints: (C1) a mask comes with `by pass` and has as many symbols as are given; (C2) the symbol is a `quoin.model` of tokens that takes no other
    columns.

    Example: `%done = quoin.commit %full to %hi by pass of @m mask #quoin.mask<block_causal<4>>`
  }];
  let arguments = (ins Quoin_Sequence:$sequence, Index:$to, OptionalAttr<FlatSymbolRefAttr>:$model, OptionalAttr<Quoin_MaskAttr>:$mask,
                       Variadic<Index>:$symbols);
  let results = (outs Quoin_Sequence:$result);
  let assemblyFormat = [{
    $sequence `to` $to (`by` `pass` `of` $model^ `mask` $mask)? (`[` $symbols^ `]`)? attr-dict
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Logits
//===----------------------------------------------------------------------===//

def Quoin_ScoreOp : Quoin_Op<"score", [Pure, AttrSizedOperandSegments]> {
  let summary = "a token and statistics for each row of logits";
  let description = [{
    Results are in the order of the statistics, one element a row: `token` i32, the others f32. With a sampler the token is drawn
    for the given positions and evaluation (Gumbel-max over Philox numbers, stream 0, lane = token); temperature 0 or
    no sampler is the arg max, lowest id first. The fill token is never chosen, its mass stays in the softmax. Which softmax the
    confidence is a probability of says the sampler (`#quoin.sampler`); without one it is the raw one. Unlike `linalg` ops on
    scores it makes no `rows x vocabulary` tensor.

    Constraints: (C1) one result per statistic, `tensor<?xi32>` for `token`, else `tensor<?xf32>`; (C2) `of` is given iff
    `probability` is asked for; (C3) a sampler comes with positions and an evaluation; (C4) no statistic twice, at least one; (C5) statistics of what
    a sampler leaves come with one.

    Example:
    ```mlir
    %t, %c = quoin.score %l [token, confidence] by #quoin.sampler<temperature> at %rows, %e : tensor<?xi32>, tensor<?xf32>
    ```
  }];
  let arguments = (ins Quoin_Logits:$logits, Quoin_StatisticsAttr:$statistics, Optional<Quoin_TokenTensor>:$of,
                       OptionalAttr<Quoin_SamplerAttr>:$sampler, Optional<Quoin_IndexTensor>:$positions,
                       Optional<Index>:$evaluation);
  let results = (outs Variadic<AnyTypeOf<[Quoin_TokenTensor, Quoin_RealTensor]>>:$values);
  let assemblyFormat = [{
    $logits `[` custom<Statistics>($statistics) `]` (`of` $of^)? (`by` $sampler^ `at` $positions `,` $evaluation)? attr-dict
    `:` type($values)
  }];
  let hasVerifier = 1;
}

def Quoin_GuideOp : Quoin_Op<"guide", [Pure]> {
  let summary = "classifier-free guidance of logits";
  let description = [{
    `u + (g + 1)(c - u)`, row by row (Ho and Salimans, 2022, as LLaDA writes it).

    Constraints: (C1) neither operand is itself guided or adjusted.

    Example: `%m = quoin.guide %c over %u by %g`
  }];
  let arguments = (ins Quoin_Logits:$conditional, Quoin_Logits:$unconditional, F32:$guidance);
  let results = (outs Quoin_Logits:$result);
  let assemblyFormat = "$conditional `over` $unconditional `by` $guidance attr-dict";
  let hasVerifier = 1;
}

def Quoin_AdjustOp : Quoin_Op<"adjust", [Pure]> {
  let summary = "logits with numbers added to some scores";
  let description = [{
    `amounts[i]` is added to the score of `tokens[i]` in every row, or in row `rows[i]` only; a token may be named more than once. Minus infinity takes a token
    away: it has no mass, and is not chosen while another one is left. Whatever is asked of the result, the raw softmax and all statistics
    are those of the scores as they are then: constraints, penalties and classifiers are written so. It comes after `quoin.guide`. Arithmetic of `tensor`s
    would need a `rows x vocabulary` tensor.

    Constraints: (C1) the operand is not adjusted itself.

    Example:
    ```mlir
    %m = quoin.adjust %l at %forbidden by %minus_infinity
    %n = quoin.adjust %l at %seen by %penalty of %rows
    ```
  }];
  let arguments = (ins Quoin_Logits:$logits, Quoin_TokenTensor:$tokens, Quoin_RealTensor:$amounts, Optional<Quoin_IndexTensor>:$rows);
  let results = (outs Quoin_Logits:$result);
  let assemblyFormat = "$logits `at` $tokens `by` $amounts (`of` $rows^)? attr-dict";
  let hasVerifier = 1;
}

def Quoin_RowsOp : Quoin_Op<"rows", [Pure]> {
  let summary = "some rows of logits";
  let description = [{
    Rows `from` up to `from + count`. `tensor.extract_slice` does it for tensors.

    Example: `%r = quoin.rows %l[%a for %n]`
  }];
  let arguments = (ins Quoin_Logits:$logits, Index:$from, Index:$count);
  let results = (outs Quoin_Logits:$result);
  let assemblyFormat = "$logits `[` $from `for` $count `]` attr-dict";
}

def Quoin_AsLogitsOp : Quoin_Op<"as_logits", [Pure]> {
  let summary = "logits that are given as numbers";
  let description = [{
    A row of scores, one for each token that is scored, is a row of logits: what a model gives without a head, or what a program made of scores. They
    are no model's, so that they may be guided by others of their kind only. Unlike `quoin.forward` it calls nothing.

    Constraints: (C1) rows are as wide as there are tokens that are scored: rows of the head of the module's models or, if none has one,
    the vocabulary.

    Example: `%l = quoin.as_logits %scores : tensor<?x512xf32>`
  }];
  let arguments = (ins Quoin_Rows:$scores);
  let results = (outs Quoin_Logits:$logits);
  let assemblyFormat = "$scores attr-dict `:` type($scores)";
  let hasVerifier = 1;
}

def Quoin_DrawResidualOp : Quoin_Op<"draw_residual", [Pure]> {
  let summary = "a draw from what one distribution has more than another";
  let description = [{
    For each row a draw from `max(softmax(q) - softmax(p), 0)`, normalised, stream 2; from `softmax(q)` where that has no mass (the
    residual of speculative sampling, Leviathan et al., 2023). `quoin.score` draws from one distribution.

    Example: `%t = quoin.draw_residual %q minus %p at %rows, %e`
  }];
  let arguments = (ins Quoin_Logits:$logits, Quoin_Logits:$minus, Quoin_IndexTensor:$positions, Index:$evaluation);
  let results = (outs Quoin_TokenTensor:$tokens);
  let assemblyFormat = "$logits `minus` $minus `at` $positions `,` $evaluation attr-dict";
}

def Quoin_MaterializeOp : Quoin_Op<"materialize", [Pure]> {
  let summary = "the scores themselves";
  let description = [{
    A row of scores for each row of logits, guided where they are: for outputs of a request, operands of `quoin.apply` and whatever no
    statistic of `quoin.score` tells, which needs no room for them. A row is as wide as tokens are scored; another
    width ends the request with an error.

    Example: `%s = quoin.materialize %l : tensor<?x1024xf32>`
  }];
  let arguments = (ins Quoin_Logits:$logits);
  let results = (outs Quoin_Rows:$scores);
  let assemblyFormat = "$logits attr-dict `:` type($scores)";
}

def Quoin_LikeliestOp : Quoin_Op<"likeliest", [Pure]> {
  let summary = "some tokens of each row of logits, the likeliest first, and their probabilities";
  let description = [{
    As many tokens of each row as its number says, those of one row after those of the row before: what a tree of guesses branches
    into, and what they have in the raw softmax. Ties go to the lowest id, and the fill token is none of them. The one token of `quoin.score` may be
    drawn; these are not.

    Example: `%children, %probability = quoin.likeliest %l for %branches`
  }];
  let arguments = (ins Quoin_Logits:$logits, Quoin_IndexTensor:$counts);
  let results = (outs Quoin_TokenTensor:$tokens, Quoin_RealTensor:$probabilities);
  let assemblyFormat = "$logits `for` $counts attr-dict";
}

#endif
