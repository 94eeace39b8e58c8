//===- SequenceOps.td - sequences and vectors of their rows ----------------===//

#ifndef QUOIN_SEQUENCE_OPS_TD
#define QUOIN_SEQUENCE_OPS_TD

include "dialects/quoin/QuoinBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Quoin_SequenceOp<string opMnemonic, list<Trait> traits = []> : Quoin_Op<opMnemonic, !listconcat([Pure], traits)>;

def Quoin_LengthOp : Quoin_SequenceOp<"length"> {
  let summary = "how many positions a sequence has";
  let description = [{
    Open positions count. `tensor.dim` asks the same of a tensor.

    Example: `%n = quoin.length %x`
  }];
  let arguments = (ins Quoin_Sequence:$sequence);
  let results = (outs Index:$length);
  let assemblyFormat = "$sequence attr-dict";
}

def Quoin_CommittedOp : Quoin_SequenceOp<"committed"> {
  let summary = "below which position a sequence is final";
  let description = [{
    The highest position given to `quoin.commit`, 0 before. Unlike `quoin.length` it says how much is final.

    Example: `%n = quoin.committed %x`
  }];
  let arguments = (ins Quoin_Sequence:$sequence);
  let results = (outs Index:$position);
  let assemblyFormat = "$sequence attr-dict";
}

class Quoin_RangeOp<string opMnemonic> : Quoin_SequenceOp<opMnemonic> {
  let arguments = (ins Quoin_Sequence:$sequence, Index:$from, Index:$to);
  let assemblyFormat = "$sequence `[` $from `to` $to `]` attr-dict";
}

def Quoin_OpenOp : Quoin_RangeOp<"open"> {
  let summary = "the open positions of a range";
  let description = [{
    Ascending. A range outside the sequence is an error at run time. `quoin.span` gives all positions of a range.

    Example: `%rows = quoin.open %x[%lo to %hi]`
  }];
  let results = (outs Quoin_IndexTensor:$positions);
}

def Quoin_FirstOpenOp : Quoin_RangeOp<"first_open"> {
  let summary = "the first open position of a range, or its end";
  let description = [{
    As the first element of `quoin.open`, but `to` if there is none.

    Example: `%f = quoin.first_open %x[%lo to %hi]`
  }];
  let results = (outs Index:$position);
}

def Quoin_FindStopOp : Quoin_RangeOp<"find_stop"> {
  let summary = "the first known position of a range that holds a stop id, or its end";
  let description = [{
    The stop ids come with the request, else with the module. Unlike `quoin.first_open` it looks at tokens.

    Example: `%s = quoin.find_stop %x[%p to %n]`
  }];
  let results = (outs Index:$position);
}

def Quoin_TokensOp : Quoin_SequenceOp<"tokens"> {
  let summary = "the tokens at some positions";
  let description = [{
    An open position gives the fill token. `tensor.gather` does the same for a tensor.

    Example: `%old = quoin.tokens %x at %rows`
  }];
  let arguments = (ins Quoin_Sequence:$sequence, Quoin_IndexTensor:$positions);
  let results = (outs Quoin_TokenTensor:$tokens);
  let assemblyFormat = "$sequence `at` $positions attr-dict";
}

def Quoin_ExtendOp : Quoin_SequenceOp<"extend"> {
  let summary = "adds open positions at the end";
  let description = [{
    They hold the fill token and the given label (0 without). `quoin.append` adds known tokens.

    Example: `%y = quoin.extend %x by %n`
  }];
  let arguments = (ins Quoin_Sequence:$sequence, Index:$count, Optional<Index>:$label);
  let results = (outs Quoin_Sequence:$result);
  let assemblyFormat = "$sequence `by` $count (`label` $label^)? attr-dict";
}

def Quoin_AppendOp : Quoin_SequenceOp<"append", [AttrSizedOperandSegments]> {
  let summary = "adds known tokens at the end";
  let description = [{
    With the given label, 0 without. `at` says where models and masks see each token: its position there, which need be neither its place in the
    sequence nor another than those of the tokens before. Without, it is its place. Ranges, indices and traces count places always.
    `quoin.extend` adds open positions, `quoin.insert` tokens elsewhere.

    Example: `%y = quoin.append %x, %ids at %positions label %segment`
  }];
  let arguments = (ins Quoin_Sequence:$sequence, Quoin_TokenTensor:$ids, Optional<Quoin_IndexTensor>:$positions, Optional<Index>:$label);
  let results = (outs Quoin_Sequence:$result);
  let assemblyFormat = "$sequence `,` $ids (`at` $positions^)? (`label` $label^)? attr-dict";
}

def Quoin_InsertOp : Quoin_SequenceOp<"insert"> {
  let summary = "adds known tokens inside a sequence";
  let description = [{
    Before position `at`, with the given label, 0 without; what stood there and behind moves up. The place is not below the mark, for what is committed does not
    change. `quoin.append` adds tokens at the end.

    Example: `%y = quoin.insert %x at %p, %ids`
  }];
  let arguments = (ins Quoin_Sequence:$sequence, Index:$at, Quoin_TokenTensor:$ids, Optional<Index>:$label);
  let results = (outs Quoin_Sequence:$result);
  let assemblyFormat = "$sequence `at` $at `,` $ids (`label` $label^)? attr-dict";
}

def Quoin_TruncateOp : Quoin_SequenceOp<"truncate"> {
  let summary = "the first positions of a sequence";
  let description = [{
    The others are gone; none of them is committed. `tensor.extract_slice` does it for tensors.

    Example: `%y = quoin.truncate %x to %accepted`
  }];
  let arguments = (ins Quoin_Sequence:$sequence, Index:$to);
  let results = (outs Quoin_Sequence:$result);
  let assemblyFormat = "$sequence `to` $to attr-dict";
}

def Quoin_LabelsOp : Quoin_SequenceOp<"labels"> {
  let summary = "the labels at some positions";
  let description = [{
    `quoin.tokens` gives the tokens.

    Example: `%l = quoin.labels %x at %rows`
  }];
  let arguments = (ins Quoin_Sequence:$sequence, Quoin_IndexTensor:$positions);
  let results = (outs Quoin_IndexTensor:$labels);
  let assemblyFormat = "$sequence `at` $positions attr-dict";
}

def Quoin_RelabelOp : Quoin_SequenceOp<"relabel"> {
  let summary = "gives positions other labels";
  let description = [{
    Open and known ones alike; those where the flag is not set stay as they are, and so does what is committed. `quoin.edit` changes tokens.

    Example: `%y = quoin.relabel %x at %rows with %segments where %moved`
  }];
  let arguments = (ins Quoin_Sequence:$sequence, Quoin_IndexTensor:$positions, Quoin_IndexTensor:$labels, Optional<Quoin_FlagTensor>:$where);
  let results = (outs Quoin_Sequence:$result);
  let assemblyFormat = "$sequence `at` $positions `with` $labels (`where` $where^)? attr-dict";
}

def Quoin_ReopenOp : Quoin_SequenceOp<"reopen"> {
  let summary = "a second sequence in which a range is open";
  let description = [{
    The range, which may be empty, holds the fill token again; the result is another sequence beside the first, as guidance or
    a second mask needs it: a cache of its own belongs to it and nothing of it is committed, so a `quoin.commit .. by pass`
    of it is a call. `quoin.extend` makes open positions at the end of the same sequence.

    Example: `%u = quoin.reopen %x[%c0 to %p]`
  }];
  let arguments = (ins Quoin_Sequence:$sequence, Index:$from, Index:$to);
  let results = (outs Quoin_Sequence:$result);
  let assemblyFormat = "$sequence `[` $from `to` $to `]` attr-dict";
}

class Quoin_WriteOp<string opMnemonic> : Quoin_SequenceOp<opMnemonic> {
  let arguments = (ins Quoin_Sequence:$sequence, Quoin_IndexTensor:$positions, Quoin_TokenTensor:$ids,
                       Optional<Quoin_FlagTensor>:$where);
  let results = (outs Quoin_Sequence:$result);
  let assemblyFormat = "$sequence `at` $positions `with` $ids (`where` $where^)? attr-dict";
}

def Quoin_FillOp : Quoin_WriteOp<"fill"> {
  let summary = "gives open positions their tokens";
  let description = [{
    Position `positions[i]` gets `ids[i]` if `where[i]` is set (or nothing is said) and it is open; known positions stay as
    they are, and the fill token is never written. A committed position takes none. `quoin.edit` changes known positions.

    Example: `%z = quoin.fill %y at %rows with %token where %pick`
  }];
}

def Quoin_EditOp : Quoin_WriteOp<"edit"> {
  let summary = "changes known tokens";
  let description = [{
    As `quoin.fill`, for known positions only; open ones stay as they are. To change a committed one is an error.

    Example: `%z = quoin.edit %y at %rows with %token where %pick`
  }];
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

def Quoin_SpanOp : Quoin_SequenceOp<"span"> {
  let summary = "the indices from a up to b";
  let description = [{
    Empty if b is not above a. `vector.step` has a fixed length.

    Example: `%rows = quoin.span %a to %b`
  }];
  let arguments = (ins Index:$from, Index:$to);
  let results = (outs Quoin_IndexTensor:$indices);
  let assemblyFormat = "$from `to` $to attr-dict";
}

def Quoin_CountOp : Quoin_SequenceOp<"count"> {
  let summary = "how many flags are set";
  let description = [{
    `quoin.leading` stops at the first that is not.

    Example: `%many = quoin.count %sure`
  }];
  let arguments = (ins Quoin_FlagTensor:$flags);
  let results = (outs Index:$count);
  let assemblyFormat = "$flags attr-dict";
}

def Quoin_LeadingOp : Quoin_SequenceOp<"leading"> {
  let summary = "how many flags are set before the first that is not";
  let description = [{
    `quoin.count` counts all.

    Example: `%run = quoin.leading %sure`
  }];
  let arguments = (ins Quoin_FlagTensor:$flags);
  let results = (outs Index:$count);
  let assemblyFormat = "$flags attr-dict";
}

def Quoin_TopOp : Quoin_SequenceOp<"top"> {
  let summary = "flags the n highest values";
  let description = [{
    Among those whose flag is set, if flags are given; all of them if there are fewer than n. Ties go to the lowest index, NaN
    counts as lowest. A full sort is not needed for it.

    Example: `%best = quoin.top %confidence, %quota where %open`
  }];
  let arguments = (ins Quoin_RealTensor:$values, Index:$count, Optional<Quoin_FlagTensor>:$where);
  let results = (outs Quoin_FlagTensor:$flags);
  let assemblyFormat = "$values `,` $count (`where` $where^)? attr-dict";
}

def Quoin_UniformOp : Quoin_SequenceOp<"uniform"> {
  let summary = "uniform random numbers, one per position";
  let description = [{
    In (0, 1), from the request's seed: Philox4x32-10 (Salmon et al., 2011) with counter `(0, evaluation, position, stream)`.
    The same on every target. It names its evaluation, so that no pass can change a draw by moving it.

    Constraints: (C1) the stream is not negative.

    Example: `%u = quoin.uniform stream 1 at %rows, %e`
  }];
  let arguments = (ins ConfinedAttr<I64Attr, [IntNonNegative]>:$stream, Quoin_IndexTensor:$positions, Index:$evaluation);
  let results = (outs Quoin_RealTensor:$values);
  let assemblyFormat = "`stream` $stream `at` $positions `,` $evaluation attr-dict";
}

#endif
