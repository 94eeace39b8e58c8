//===- Passes.td - what the compiler does to programs ----------------------===//

#ifndef QUOIN_PASSES_TD
#define QUOIN_PASSES_TD

include "mlir/Pass/PassBase.td"

def InlineCallsPass : Pass<"quoin-inline-calls", "::mlir::ModuleOp"> {
  let summary = "inline the functions that decoders call";
  let description = [{
    *Assumes* any module. *Does*: a `func.call` in a decoder becomes the body of the function, which must be defined, of one block
    and not recursive; otherwise the pass fails on the call. Private functions that nobody calls any more are removed.
    *Leaves* calls between functions that no decoder reaches.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

def VerifyMasksPass : Pass<"quoin-verify-masks"> {
  let summary = "refuse masks that leave a row without keys";
  let description = [{
    *Assumes* any module. *Does*: for each mask of a `quoin.forward`, a `quoin.commit .. by pass` and a `quoin.block_attention`
    without log-sum-exp looks for a row that sees no key in some call whose queries are its keys, whatever open bits, labels
    and symbols are (`passes/BlindRow.h`), and fails with the row, the length and the part of the formula that is to blame.
    *Leaves* masks that it cannot prove bad in bounded work, and the IR as it is.
  }];
}

def UnifyMasksPass : Pass<"quoin-unify-masks"> {
  let summary = "write masks that mean the same as the same";
  let description = [{
    *Assumes* any module. *Does*: a mask that Presburger arithmetic shows to be full, causal, causal by slot or block-causal is
    written as that formula; any other that it shows to be equal to an earlier mask of the module, symbols compared by their
    place, is replaced by it. So equal masks compare equal afterwards, caches see fewer different masks and one mask stage is
    compiled for them. *Leaves* masks that a bounded number of cases cannot show to be equal.
  }];
}

def InferCachePass : Pass<"quoin-infer-cache", "::quoin::DecoderOp"> {
  let summary = "derive caches from the masks";
  let description = [{
    *Assumes* that calls of functions are inlined: a call inside a function stays stateless.

    *Does*: each sequence (the prompt's, and each `quoin.reopen`'s) gets a `quoin.cache` per model it is given to. A
    `quoin.forward` becomes a `quoin.forward_cached` that runs only the rows the masks of that cache do not prove unchanged
    (`passes/MaskFacts.h` has the rule and why it is right). A `quoin.commit .. by pass` becomes the call that the published
    engine makes, over the rows beyond the last commit even if they are still valid, and a plain commit. Rewriting is
    local; no loop is analysed. `then` rows whose labels make them a snapshot (all others have a higher label) are kept and
    reused with the sequence's own; so are all rows of a call that has no others (`[to 0]`), if its mask is causal by slot.

    What is proven for all runs, whatever they share inside, makes the cache `shared`: runs with the same beginning may use each
    other's slots.

    A recurrence lets rows depend on all before them. That changes no proof, since what runs again is always all rows from some slot on; but what it has
    summed up is kept only where calls end. A call then runs from the last of these slots that is not behind its first row, and its cache is not `shared`.
    A recurrence along what rows see (`seen`) is kept only if each row provably sees all slots before it that are kept.

    Where no cut is provable, forwards stay as they are, with a remark that names the mask.

    *Leaves* the number of calls as the published engine has it: `quoin-fuse-commit` lowers it.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def ApproximateCachePass : Pass<"quoin-approximate-cache", "::quoin::DecoderOp"> {
  let summary = "let calls reuse keys and values that are stale";
  let description = [{
    Only on request: it changes what is generated. *Assumes* the program as written, functions inlined, before
    `quoin-infer-cache`.

    *Does*: a `quoin.forward` in a loop that reads the open positions of a range runs that range alone. The rest of the text keeps
    the keys and values of an earlier, whole call of the loop:

    - `dual`: the loop's first call (Fast-dLLM v1's prefix and suffix cache over a fully bidirectional model).
    - `sub-block`: the last call made while the range's first position was open (Fast-dLLM v2's cache inside a block).
    - `block-external`: the last call `refresh` calls ago; 1 is exact.

    With `refresh` the other policies make a whole call that often, too. Stale keys and values are those of a snapshot of the sequence,
    so the result is again a stateless program, over labelled rows (`passes/ApproximateCache.cpp`), and every later pass is
    exact. The decoder is marked `quoin.inexact` with the policy; calls that are refused stay as they are.

    *Leaves* to `quoin-infer-cache` the proof that the snapshot's rows need not run again.
  }];
  let options = [
    Option<"policy", "policy", "::quoin::ApproximationPolicy", /*default=*/"::quoin::ApproximationPolicy::Dual", "what may be stale",
           [{::llvm::cl::values(
               clEnumValN(::quoin::ApproximationPolicy::Dual, "dual", "outside of the range: as at the loop's first call"),
               clEnumValN(::quoin::ApproximationPolicy::SubBlock, "sub-block", "as at the last call with the first position open"),
               clEnumValN(::quoin::ApproximationPolicy::BlockExternal, "block-external", "as at most `refresh` calls ago"))}]>,
    Option<"refresh", "refresh", "int64_t", /*default=*/"0", "calls between whole calls; 0: the policy alone decides">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def ApproximateAttentionPass : Pass<"quoin-approximate-attention", "::mlir::ModuleOp"> {
  let summary = "let calls reuse outputs of attention that are stale";
  let description = [{
    Only on request: it changes what is generated. *Assumes* the program as written, functions inlined, before `quoin-infer-cache`.

    *Does*: a `quoin.forward` in a loop that reads the open positions of a range runs that range alone. What its rows attend to outside of the range is
    kept from an earlier step of the loop, in each layer: the output and its log-sum-exp, with which attention inside the range, which is of this step, is put
    together (`quoin.merge_attention`; FlashBlock). Every `refresh` steps a call runs as it was written, and what it gives is kept; 1 is exact up to rounding. The
    text's keys and values are not asked for between these steps, whatever the mask, and need not be there.

    The model becomes two, one that gives what attention gave and one that takes it (`passes/ApproximateAttention.cpp`), and the program carries it, so
    every later pass is exact. The decoder is marked `quoin.inexact` with the policy; calls that are refused stay as they are. Scores that are guided are among
    those, since they are of one model.

    *Leaves* the cache of the text to `quoin-infer-cache`.
  }];
  let options = [Option<"refresh", "refresh", "int64_t", /*default=*/"0", "steps between calls of everything">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def FoldWeightsPass : Pass<"quoin-fold-weights", "::mlir::ModuleOp"> {
  let summary = "compute once what no argument of a model changes";
  let description = [{
    *Assumes* `quoin-expand-spellings`: formulas are row programs. A model whose rows were pruned is left as it is.

    *Does*: a row that is made of weights and constants alone, by ops that work row by row, becomes a weight whose formula is what made it
    (`quoin.weight`); row programs then read it as a vector. So the modulation of a diffusion transformer without time conditioning, two products a
    layer and an embedding of the noise level, costs nothing in a step. Formulas are text: they are evaluated in float64, one at a time, when weights
    are packed.

    *Leaves* a row that is made of weights of more than 2^28 numbers, which would have to be held at once.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def FuseCommitPass : Pass<"quoin-fuse-commit", "::quoin::DecoderOp"> {
  let summary = "let the next forward do a commit's work";
  let description = [{
    *Assumes* `quoin-infer-cache`: what a call takes from a cache is right whichever calls were made before.

    *Does*: removes the calls that are marked `pass`, and what only they needed. The next forward finds that the rows have
    changed and runs them with its own: the commit of a block rides on the first step of the next, the prefill on the first
    step of all. The last commit costs nothing.

    *Leaves* evaluations, even those whose scores nobody reads: they are counted. A module marked `quoin.inexact` is left as
    it is, since an approximation may depend on when keys and values were written.
  }];
}

def FuseScorePass : Pass<"quoin-fuse-score", "::quoin::DecoderOp"> {
  let summary = "ask the head once, and only for what is read";
  let description = [{
    *Assumes* nothing; best after `quoin-fuse-commit`. Every `quoin.score` is a pass of the head over its rows, every
    `quoin.draw_residual` one over two rows for each.

    *Does*: statistics that nobody reads go, and scores that are left without; so do `quoin.materialize` and `quoin.likeliest`. Scores of the same logits become one where what the
    later one needs is known at the earlier one, and they draw alike or one of them does not draw. What asks the head and only
    one side of a branch reads is made on that side. A `quoin.forward_cached` whose logits are then unread reads no
    rows; it stays an evaluation.

    *Leaves* the arg max, log-sum-exp and statistics of a row to the head, which streams them over the vocabulary in one pass.
    Draws name their evaluation, so none changes.
  }];
}

def PermuteTokensPass : Pass<"quoin-permute-tokens", "::quoin::DecoderOp"> {
  let summary = "sort the tokens of a call so that its mask becomes causal";
  let description = [{
    *Assumes* `quoin-infer-cache`, best after `quoin-fuse-commit`, which leaves fewer masks on a cache.

    *Does*: where every mask of the calls on a cache compares `open` or a label before positions (WeDLM: known tokens first) and
    it is proven that a stable sort by it makes them causal (`passes/MaskOrder.h`), each call runs over
    `quoin.permute_tokens` of its sequence. Positions travel with the tokens, so every row sees what it saw. What can be taken
    from the cache is the common prefix of the sorted slots, and all known slots are kept: a known token behind an open one
    keeps its keys and values until one before it changes. Stateless calls, for which no cut was provable, get a cache if the
    sort gives them one. A mask that then sees all slots up to its own becomes `slot(k) le slot(q)`.

    Calls may also become block-causal by groups: tokens of one label, or of one value of a function of the position that the
    formula suggests (wavefronts, cells, subsamples: `passes/StaticOrders.h`), unless the order of positions has groups as
    small. Groups that are known are kept. Where nothing is provable, stateless calls take the order that visits at least a
    tenth fewer tiles.

    *Leaves* masks with symbols, slots or rows of their own behind the sequence, and cliques (SDLM's window): no order makes
    them causal.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def PermuteRowsPass : Pass<"quoin-permute-rows", "::mlir::func::FuncOp"> {
  let summary = "store the rows of attention in the order that visits fewest tiles";
  let description = [{
    The static half of `permute-tokens`. *Assumes* attention over a length that is known, queries and keys the same tokens,
    and a mask that asks for nothing but positions, slots and label arrays of its own.

    *Does*: tries the orders of `passes/StaticOrders.h` (the formula's own keys, segments, wavefronts, cells, subsamples) and takes
    the one that visits fewest 64 x 64 tiles, if they are at least a tenth fewer. Queries, keys and values go through
    `quoin.permute_rows`, results through its inverse; in the formula positions and slots become an array of the positions that
    travelled, and label arrays travel too. That every term then says of a slot what it said of the token is checked, which proves
    that every row sees the tokens it saw. An order followed by its inverse, as between two attentions over the same tokens, folds.

    *Leaves* lengths, symbols and labels that are known at run time only. Of more than 2,048 tokens as many are looked at, so the
    choice takes bounded time.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

def ExpandSpellingsPass : Pass<"quoin-expand-spellings", "::quoin::ModelOp"> {
  let summary = "write short names of formulas out as row programs";
  let description = [{
    *Assumes* any model.

    *Does*: each op with `SpellingOpInterface` (`quoin.layer_norm`, `quoin.gelu`, `quoin.route`, ..) becomes the `quoin.each_row` that it means.
    Nothing behind this pass knows the names of spellings.

    *Leaves* `quoin.rotary`, whose angles are a table, as it is.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect"];
}

def PruneRowsPass : Pass<"quoin-prune-rows", "::quoin::ModelOp"> {
  let summary = "compute of the last layer only the rows that are read";
  let description = [{
    *Assumes* a model that yields all rows of a call.

    *Does*: gives the model a third argument, the rows that are read, gathers them before `quoin.hidden` and moves the gather
    up through row-wise ops (norms, linears, gated activations, element-wise `arith`) whose result nobody else needs, and
    through the last attention to its queries. Keys and values stay whole. Gathering twice at one place is done once.

    *Leaves* the model as it was if it already has the argument.
  }];
}

def OutlineStepsPass : Pass<"quoin-outline-steps", "::quoin::DecoderOp"> {
  let summary = "make a decoder a graph of steps that suspend at each call";
  let description = [{
    *Assumes* that functions are inlined; fails on a call, and on an op with regions other than `quoin.denoise` and `scf`.

    *Does*: `quoin.denoise` and `scf` become blocks and branches, with checks that each step of a denoising fills a position
    and that loops have positive steps. Each `quoin.forward`, `quoin.forward_cached`, `quoin.score`, `quoin.draw_residual`,
    `quoin.materialize` and `quoin.likeliest` becomes the terminator of its block, `quoin.suspend_forward`, `quoin.suspend_score` or `quoin.suspend_scores`. The rest of the block gets the
    results, then exactly the values that live across, as arguments; no other value of one step is used in another.
    Constants, settings and caches are made again where they are used. A `quoin.commit .. by pass` that is left has no
    cache to fill and becomes a plain one.

    *Leaves* machine code.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect", "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

def LowerToStagesPass : Pass<"quoin-lower-to-stages", "::mlir::ModuleOp"> {
  let summary = "make each model a step of stages";
  let description = [{
    *Assumes* that the models are as they shall run: rows pruned, nothing unused in them. Spellings that are left are expanded first.

    *Does*: a `quoin.model` becomes a `stage.step` of its name, its ops stages in their order, one each; a sum of rows becomes a row program. Attention
    becomes a `stage.cache` and a `stage.attend`, rotary a row program that reads `#stage.angles` of as many positions as steps may have rows for
    (`quoin.capacity` and what decoders go beyond it), an embedding one that reads a table. Rows that are gathered, or handed to the host, are copied by row programs. Whatever the verifier of `quoin.model` lets through is lowered. A function that is one
    `quoin.block_attention`, in a module without a decoder, gets a step beside it, which its `step` names: the function stays, as what hosts call.

    *Leaves* what stages can do together, what numbers are stored as, where things lie and where workers meet to the passes behind it.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect", "::quoin::stage::StageDialect"];
}

def PlaceEndsPass : Pass<"quoin-place-ends", "::quoin::stage::StepOp"> {
  let summary = "let formulas on elements end the products that they read";
  let description = [{
    *Assumes* stages as `quoin-lower-to-stages` leaves them.

    *Does*: a row program whose result's elements are each made of the same element of its operands goes to the end of a product that it alone
    reads, or of two products of the same rows whose weights are stored alike, which become one product with both. So sums, gates and activations need no
    rows in memory between, and what is read twice is read once. A formula behind it may follow.

    *Leaves* programs that reduce, reshape, read vectors or make several rows, and products that others read.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::quoin::stage::StageDialect"];
  let options = [
    Option<"weights", "weights", "::quoin::WeightStorage", /*default=*/"::quoin::WeightStorage::Keep", "what matrices are stored as",
           [{::llvm::cl::values(
               clEnumValN(::quoin::WeightStorage::Keep, "keep", "as the checkpoint has them"),
               clEnumValN(::quoin::WeightStorage::F32, "f32", "f32"),
               clEnumValN(::quoin::WeightStorage::BF16, "bf16", "bf16"))}]>];
}

def FuseRowsPass : Pass<"quoin-fuse-rows", "::quoin::stage::StepOp"> {
  let summary = "make row programs over the same rows one";
  let description = [{
    *Assumes* that products have taken along what ends them (`quoin-place-ends`), and nothing has a place yet.

    *Does*: a row program takes those that make its operands into its own: a norm and the rotation behind it, a sum and the norm of it. What only the
    program itself reads is no longer stored. No bit changes: a product of the one and a sum of the other stay two operations.

    *Leaves* programs of other rows, and those that would become large.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect", "::quoin::stage::StageDialect"];
}

def QuantizePass : Pass<"quoin-quantize", "::quoin::stage::StepOp"> {
  let summary = "store weights of products as whole numbers with scales";
  let description = [{
    *Assumes* products with their ends (`quoin-place-ends`) of rows of f32, whose weights have no stored type yet.

    *Does*: weights of products are stored as whole numbers of 8 or 4 `bits`, in groups of `group` down the depth, or the next smaller of 128, 64 and 32 that divides it; of 8 bits with one scale a column
    unless a group is given. What multiplies with them is rounded, once, by a `stage.quantize` in front of the first such product. The head's weight only where `head` gives bits. Fails where there are
    experts, whose weights would be left.

    *Leaves* products whose depth no group divides, with one note; embeddings, vectors and tables.
  }];
  let dependentDialects = ["::quoin::stage::StageDialect"];
  let options = [
    Option<"bits", "bits", "int64_t", /*default=*/"8", "of the whole numbers of products: 8, 4 or 0 for none">,
    Option<"group", "group", "int64_t", /*default=*/"0", "numbers that share a scale, 32, 64 or 128; 0: a column of 8 bits, 128 of 4">,
    Option<"head", "head", "int64_t", /*default=*/"0", "bits of the head's whole numbers: 8, 4 or 0 for none">];
}

def AssignStoragePass : Pass<"quoin-assign-storage", "::quoin::stage::StepOp"> {
  let summary = "decide what rows, weights and pages are stored as";
  let description = [{
    *Assumes* rows of f32, as `quoin-lower-to-stages` leaves them.

    *Does*: matrices are stored as they come or as `weights` says, vectors as f32, keys and values as bf16 if the head is, else f32.
    On a target that multiplies `pairs` of bf16, what a product with a weight of bf16 reads becomes bf16: stored so by the stage that makes it
    if it can and nobody else reads it, else made besides by the row program that makes it, or by a copy in front of the first product.

    *Leaves* layouts to `quoin-pack-weights`.
  }];
  let dependentDialects = ["::quoin::stage::StageDialect"];
  let options = [
    Option<"weights", "weights", "::quoin::WeightStorage", /*default=*/"::quoin::WeightStorage::Keep", "what matrices are stored as",
           [{::llvm::cl::values(
               clEnumValN(::quoin::WeightStorage::Keep, "keep", "as the checkpoint has them"),
               clEnumValN(::quoin::WeightStorage::F32, "f32", "f32"),
               clEnumValN(::quoin::WeightStorage::BF16, "bf16", "bf16"))}]>,
    Option<"pairs", "pairs", "bool", /*default=*/"false", "the target multiplies pairs of bf16 faster than it would in f32">];
}

def JoinProductsPass : Pass<"quoin-join-products", "::quoin::stage::StepOp"> {
  let summary = "make products of the same rows one stage";
  let description = [{
    *Assumes* rows whose stored types are final (`quoin-assign-storage`).

    *Does*: products behind another one of the same rows go up to it and stand `beside` it: queries, keys and values become one stage, whose columns the workers divide
    together and whose weights lie one behind the other. Weights, biases, types and ends stay those of each product, and no bit changes.

    *Leaves* a product that ends with rows which are made in between, and what two products' sums can share to `quoin-place-ends`.
  }];
  let dependentDialects = ["::quoin::stage::StageDialect"];
}

def PackWeightsPass : Pass<"quoin-pack-weights", "::mlir::ModuleOp"> {
  let summary = "decide how and where weights lie in the weight file";
  let description = [{
    *Assumes* that each weight has its stored type (`quoin-assign-storage`); fails where one has none.

    *Does*: gives each weight the layout that its stage reads, `#stage.tiles`, `#stage.line` or `#stage.table`; lays them out in the order of the stages, at multiples of 64 bytes. What is
    the same lies there once, for all models of the module. A table of rows that a head multiplies with, too, has the head's tiles: a row is gathered from its column there, which costs
    less than a thousandth of what the head does and spares the file and the memory a matrix as large as the vocabulary.

    *Leaves* a table of its own to a weight that the head has as whole numbers, and to rows of more than 16,384 bytes, which are too many to gather; the numbers to the writer of the file.
  }];
  let dependentDialects = ["::quoin::stage::StageDialect"];
}

def PlaceBuffersPass : Pass<"quoin-place-buffers", "::quoin::stage::StepOp"> {
  let summary = "decide where buffers and layers lie";
  let description = [{
    *Assumes* stored types that are final (`quoin-assign-storage`).

    *Does*: a result gets the place of an operand that dies there, where the stage works in place, else the smallest place that is free
    and large enough, else a new one. Layers lie one behind the other in a page.

    *Leaves* a step that has places as it is, with a remark.
  }];
  let dependentDialects = ["::quoin::stage::StageDialect"];
}

def PlaceBarriersPass : Pass<"quoin-place-barriers", "::quoin::stage::StepOp"> {
  let summary = "decide before which stages the workers of a CPU meet";
  let description = [{
    *Assumes* places (`quoin-place-buffers`); fails where a buffer has none.

    *Does*: puts a barrier before a stage that touches a place, the words or a layer's pages which another worker may have touched since
    the last one, one of the two writing. Stages over rows of one space divide them alike, so none stands between those.

    *Leaves* a GPU's launches to another pass.
  }];
  let dependentDialects = ["::quoin::stage::StageDialect"];
}

#endif
