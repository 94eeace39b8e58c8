//===- StageOps.td - a step and its stages ---------------------------------===//

#ifndef STAGE_OPS_TD
#define STAGE_OPS_TD

include "dialects/quoin/QuoinBase.td"
include "dialects/stage/StageAttributes.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Stage_StepOp : Stage_Op<"step", [Symbol, IsolatedFromAbove, Quoin_IsModel,
                                     DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "one step of a model: a list of stages";
  let description = [{
    What a `quoin.model` becomes: it has the model's name and is what calls run. The arguments are the ids and the positions of
    all rows of the step, the numbers of the rows that are read, and whatever other columns the model takes. The body is a straight list of stages, in the order in
    which they run, and ends in the head or, in a model without one, in its results. `quoin-place-buffers` adds the `places` in scratch that buffers lie in, as bytes of a
    row of each, and the bytes of a `page` of keys and values. It differs from `func.func` in that all workers run it together.

    Attention by itself (`quoin.block_attention`) is a step, too: its queries are a column of `host`, its keys and values columns of `memory`, whose rows are
    other tokens than those of the queries.

    Constraints: (C1) the body's arguments are `buffer<row, 1xi32>`, `buffer<row, 1xi32>` and `buffer<read, 1xi64>`, then columns of f32 or i32, `row` or `sequence`, or
    of f32 or bf16, `host` or `memory`; (C2) it holds stages
    and ends in `stage.head` or `stage.results`; (C3) places are positive multiples of 64 below 2^56 in all; (C4) a result's place is one of them and large
    enough for it; (C5) a buffer that is read is still in its place, and a result takes an operand's place only where the stage can
    work in place; (C6) weights in the file are the same or lie apart; (C7) pages of layers lie apart in the page, at
    multiples of 64; (C8) words that a stage looks at are the latest; (C9) columns of `host` are queries of `stage.attend`, those of `memory` keys and values of `stage.cache`, and
    nothing else is of `memory`; (C10) rows of `host` that a stage makes are given once, by the body's end; (C11) a step with columns of `host` or `memory` ends in `stage.results`.

    Example:
    ```mlir
    stage.step @m {
    ^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
      %words = stage.masks
      %0 = stage.each_row %ids at %read tables [#stage.weight<@embed>] of [0] : (!stage.buffer<row, 1xi32>) -> !stage.buffer<host, 64xf32> {
      ^bb0(%id: index, %row: tensor<64xf32>):
        quoin.row %row : tensor<64xf32>
      }
      stage.head %0 by <@embed> : !stage.buffer<host, 64xf32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, OptionalAttr<DenseI64ArrayAttr>:$places, OptionalAttr<I64Attr>:$page);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name (`places` $places^)? (`page` $page^)? attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::BlockArgument getIds() { return getBody().getArgument(0); }
    ::mlir::BlockArgument getPositions() { return getBody().getArgument(1); }
    ::mlir::BlockArgument getRead() { return getBody().getArgument(2); }
    /// Null in a model without one.
    HeadOp getHead();
    /// What the model takes besides ids and positions.
    ::llvm::ArrayRef<::mlir::BlockArgument> getColumns() { return getBody().getArguments().drop_front(3); }
    /// Is it attention by itself, which no decoder calls?
    bool isFunction();
  }];
}

class Stage_StageOp<string opMnemonic, list<Trait> traits = []> : Stage_Op<opMnemonic,
    !listconcat([HasParent<"StepOp">], traits)>;

class Stage_Worked<list<string> methods = []> : DeclareOpInterfaceMethods<Stage_StageOpInterface, methods>;

def Stage_MasksOp : Stage_StageOp<"masks", [Stage_Worked<["dividesRows"]>]> {
  let summary = "evaluates the masks of the step";
  let description = [{
    For each group of rows the formula of its call, as words of bits. Which masks there are the program says, not the step, unless the formula stands here (`of`): then it is that of
    all groups. With `within`, it and that formula, as `quoin.attention` has it. There is room for the words of one of these ops: the next one writes over them.

    Constraints: (C1) a formula behind `within` is one of positions and labels, without symbols; (C2) one behind `of` has no label arrays.

    Example: `%words = stage.masks within #quoin.mask<window<1024>>`
  }];
  let arguments = (ins UnitAttr:$barrier, OptionalAttr<Quoin_MaskAttr>:$formula, OptionalAttr<Quoin_MaskAttr>:$within);
  let results = (outs Stage_Words:$words);
  let assemblyFormat = "(`barrier` $barrier^)? (`of` $formula^)? (`within` $within^)? attr-dict";
  let hasVerifier = 1;
}

def Stage_EachRowOp : Stage_StageOp<"each_row", [IsolatedFromAbove, SingleBlock, AttrSizedOperandSegments, Quoin_HoldsRowProgram,
                                                 Stage_Worked<["getDonors", "storesNarrow", "readsElsewhere"]>,
                                                 DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a row program on each row";
  let description = [{
    The body is that of `quoin.each_row`, whose constraints it has; a row of several sizes lies as one. It runs for each row of its results' space: `host` are
    the rows read, which go to the addresses that the host gives. Operands of that space have a row there. Of space `row` they are found by the
    numbers `at` which rows are read, of space `sequence` by the sequence that a row is of. Behind the vectors stand rows of `tables`: of each, that whose
    number is in the operand `of` it names, counted from 0; where a table has no such row, zeros. Of `#stage.angles` that row has the cosines of a position,
    then the sines. What copies, gathers, spreads, scatters, looks up or narrows rows is such a program, alone or as a part of another.
    It differs from `quoin.each_row` in what passes of this level decide: as what results are stored and where they lie, and where vectors and tables lie in the weight file.

    Constraints: (C1) operands are rows of f32, bf16 or i32, or the step's ids or positions; (C2) results are in one space, `host` being `read`, and operands
    are there, or of space `sequence` beside rows of slots, or of space `row` beside rows read; (C3) `at` comes with operands of another space for rows read and only then, and is the
    step's; (C4) a vector is one weight, stored as f32 in a `line` of its length; (C5) results are f32, bf16 or i32, for the host f32; (C6) at least one result, and as
    many places as results; (C7) a table is one weight of rows as long as its argument in a `table` or in `tiles`, stored as f32, bf16 or f16, or angles, stored as f32, of half as many pairs as that, and
    names an operand that is a number of i32, for angles the positions; (C8) a table that is looked up by ids has at least as many rows as the head scores.

    Example:
    ```mlir
    %1 = stage.each_row %0 by [#stage.weight<@scale>] : (!stage.buffer<row, 64xf32>) -> !stage.buffer<row, 64xf32> {
    ^bb0(%row: tensor<64xf32>, %scale: tensor<64xf32>):
      %y = arith.mulf %row, %scale : tensor<64xf32>
      quoin.row %y : tensor<64xf32>
    }
    ```
  }];
  let arguments = (ins UnitAttr:$barrier, Variadic<Stage_Buffer>:$inputs, Optional<Stage_Numbers>:$numbers,
                       DefaultValuedAttr<TypedArrayAttrBase<Stage_Weight, "vectors">, "{}">:$weights,
                       OptionalAttr<TypedArrayAttrBase<Stage_Weight, "tables">>:$tables, OptionalAttr<DenseI64ArrayAttr>:$columns,
                       OptionalAttr<DenseI64ArrayAttr>:$places);
  let results = (outs Variadic<Stage_Buffer>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let extraClassDeclaration = [{
    /// Tables, and of each the number of the operand whose numbers it is looked up by.
    ::llvm::SmallVector<std::pair<::quoin::stage::WeightAttr, unsigned>, 1> getLookups();
    /// The rows that it runs for: those of the host are the rows read.
    ::quoin::stage::Space getSpace();
    /// It makes rows of its only operand as they are, of another space or type.
    bool isCopy();
  }];
  let assemblyFormat = [{
    (`barrier` $barrier^)? $inputs (`at` $numbers^)? (`by` $weights^)? (`tables` $tables^ `of` $columns)? (`places` $places^)? attr-dict-with-keyword
    `:` functional-type($inputs, $outputs) $body
  }];
  let hasRegionVerifier = 1;
}

def Stage_QuantizeOp : Stage_StageOp<"quantize", [Stage_Worked<>]> {
  let summary = "rows as whole numbers times a scale of each row";
  let description = [{
    Of each row the scale is its largest magnitude / 127, and each element becomes the nearest whole number of scales, ties to even. All products of such rows with weights that are scaled
    read them, so that a row is rounded once. Unlike a copy by `stage.each_row` it needs all of a row before it can write an element. The interpreter, whose types are precision and not
    meaning, changes nothing here.

    Constraints: (C1) rows of f32, not of `host` or `memory`, become rows of i8 of the same space and width.

    Example: `%2 = stage.quantize %1 : !stage.buffer<row, 64xf32> -> !stage.buffer<row, 64xi8>`
  }];
  let arguments = (ins UnitAttr:$barrier, Stage_Buffer:$input, OptionalAttr<I64Attr>:$place);
  let results = (outs Stage_Buffer:$output);
  let assemblyFormat = "(`barrier` $barrier^)? $input (`place` $place^)? attr-dict `:` qualified(type($input)) `->` qualified(type($output))";
  let hasVerifier = 1;
}

def Stage_ProductOp : Stage_StageOp<"product", [IsolatedFromAbove, Quoin_HoldsFormula, Stage_Worked<["getDonors", "storesNarrow", "dividesRows"]>,
                                                DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "rows times a weight";
  let description = [{
    `y = x W^T + b`, one sum an element. With a region, a formula on numbers, that makes an element of the result: of the sum, or of the sums with each of
    two weights, and of the same element of the rows `with` which it ends. Rows of `bf16` by a weight of `bf16` are multiplied in pairs, rows of `i8` by a weight that is scaled as whole numbers, all others in f32;
    sums are always f32, of whole numbers those of the groups. `beside` the product in front of it, which multiplies the same rows, it is one stage with that: the workers divide the columns of all. It differs from
    `quoin.linear` in what rides along: sums, gates and activations cost no rows in memory.

    Constraints: (C1) one space, rows of f32, bf16 or i8, a result of f32 or bf16; (C2) one weight, or two with a region, `[out, in]` of
    the result's and the operand's widths; (C3) a bias has length `out`, is f32 and comes with one weight; (C4) the region is a formula on numbers (C6 of
    `quoin.attention`) of as many f32 as there are weights and rows `with` it, and these come with a region only; (C5) those rows are f32, of the result's
    space and width; (C6) rows of bf16 come with a weight that is stored as bf16, rows of i8 with one that is scaled, whose groups fill the depth, and that with no others; (C7) a product `beside` another stands behind a product of the same rows, reads
    nothing that it makes, and has no barrier.

    Example:
    ```mlir
    %3 = stage.product %2 by <@down> with %0 : !stage.buffer<row, 160xf32>, !stage.buffer<row, 64xf32> -> !stage.buffer<row, 64xf32> {
    ^bb0(%sum: f32, %row: f32):
      %y = arith.addf %row, %sum : f32
      quoin.number %y
    }
    ```
  }];
  let arguments = (ins UnitAttr:$barrier, UnitAttr:$beside, Stage_Buffer:$input, Variadic<Stage_Buffer>:$others, Stage_Weight:$weight,
                       OptionalAttr<Stage_Weight>:$bias, OptionalAttr<I64Attr>:$place);
  let results = (outs Stage_Buffer:$output);
  let regions = (region AnyRegion:$end);
  let assemblyFormat = [{
    (`barrier` $barrier^)? (`beside` $beside^)? $input `by` $weight (`bias` $bias^)? (`with` $others^)? (`place` $place^)? attr-dict
    `:` qualified(type($input)) (`,` qualified(type($others))^)? `->` qualified(type($output)) ($end^)?
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Stage_ExpertsOp : Stage_StageOp<"experts", [IsolatedFromAbove, Quoin_HoldsFormula, Stage_Worked<["dividesRows"]>, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "rows times the weights of the experts they chose";
  let description = [{
    Of each row and each of its choices the product with that expert's matrix, beside each other in the result; what is no expert's number gives
    zeros. Rows have either features, or features for each choice. With a region, a formula on numbers, that makes an element of the result of the sum, or of
    the sums with each of two weights. Sums are f32, and a row's do not depend on the others. It differs from `stage.product` in that only matrices that
    some row chose are read.

    Constraints: (C1) rows of f32 in one space, choices of i32 there that a stage made; (C2) one weight, or two with a region, `[experts, out, in]`: the
    result has `out` features for each choice, the operand `in`, or `in` for each; (C3) at most 4,096 experts,
    and 256 choices a row; (C4) the region is a formula on numbers (C6 of `quoin.attention`) of as many f32 as there are weights.

    Example:
    ```mlir
    %2 = stage.experts %1 to %choice by <@gates>
        : !stage.buffer<row, 64xf32>, !stage.buffer<row, 2xi32> -> !stage.buffer<row, 48xf32> {
    ^bb0(%sum: f32):
      %y = math.tanh %sum : f32
      quoin.number %y
    }
    ```
  }];
  let arguments = (ins UnitAttr:$barrier, Stage_Buffer:$input, Stage_Buffer:$choice, Stage_Weight:$weight, OptionalAttr<I64Attr>:$place);
  let results = (outs Stage_Buffer:$output);
  let regions = (region AnyRegion:$end);
  let assemblyFormat = [{
    (`barrier` $barrier^)? $input `to` $choice `by` $weight (`place` $place^)? attr-dict
    `:` qualified(type($input)) `,` qualified(type($choice)) `->` qualified(type($output)) ($end^)?
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Stage_CacheOp : Stage_StageOp<"cache", [Stage_Worked<>]> {
  let summary = "puts keys and values of the step's rows into pages";
  let description = [{
    The slots of the rows get them; `at` is the byte of the layer in a page. With `sorted` a slot gets the row whose number is the slot's position.

    Constraints: (C1) keys and values of space `row`, f32, or of space `memory`, as the pages are stored, with as many features as the pages' heads have; (C2) `sorted` rows are those of
    a memory.

    Example:
    ```mlir
    %kv = stage.cache %k, %v at 8192 : !stage.buffer<row, 64xf32>, !stage.buffer<row, 64xf32> -> !stage.pages<2x32xf32>
    ```
  }];
  let arguments = (ins UnitAttr:$barrier, UnitAttr:$sorted, Stage_Buffer:$key, Stage_Buffer:$value, OptionalAttr<I64Attr>:$offset);
  let results = (outs Stage_Pages:$pages);
  let assemblyFormat = [{
    (`barrier` $barrier^)? (`sorted` $sorted^)? $key `,` $value (`at` $offset^)? attr-dict `:` qualified(type($key)) `,` qualified(type($value)) `->` qualified(type($pages))
  }];
  let hasVerifier = 1;
}

def Stage_AttendOp : Stage_StageOp<"attend", [IsolatedFromAbove, Quoin_HoldsFormula, Stage_Worked<["storesNarrow", "dividesRows"]>]> {
  let summary = "attention over pages";
  let description = [{
    Queries see the keys of their session's pages that the words show. As `quoin.attention`, whose keys are the call's own rows. Queries of the `host` see the keys of a memory; with
    `sorted`, a slot's query is the row whose number is the slot's position. `lse` is the logarithm of the sum of exponentials of each row and head, in a place of its own
    (`lse_place`) where it is not the host's.

    Constraints: (C1) the pages' heads divide `heads`; (C2) the query has `heads` times as many features as a key head, f32, and the
    result as many in the same space; (C3) `scale` is finite, below 2^126; (C4) queries of space `read` come with their numbers, others without;
    (C5) the result is f32 or bf16; (C6) `score` is as in `quoin.attention`; (C7) queries of `host`, and they alone, see the pages of a memory, and are stored as those and the result;
    (C8) `sorted` comes with queries of `host`, and these without `score`; `lse` is f32, with a number a head, in the result's space.

    Example:
    ```mlir
    %o = stage.attend %q, %kv under %words heads 4 scale 0.17
        : !stage.buffer<row, 128xf32>, !stage.pages<2x32xf32> -> !stage.buffer<row, 128xf32>
    ```
  }];
  let arguments = (ins UnitAttr:$barrier, UnitAttr:$sorted, Stage_Buffer:$query, Stage_Pages:$pages, Stage_Words:$words, Optional<Stage_Numbers>:$rows, I64Attr:$heads,
                       F64Attr:$scale, OptionalAttr<I64Attr>:$place, OptionalAttr<I64Attr>:$lse_place);
  let results = (outs Stage_Buffer:$output, Optional<Stage_Buffer>:$lse);
  let regions = (region AnyRegion:$score);
  let assemblyFormat = [{
    (`barrier` $barrier^)? (`sorted` $sorted^)? $query `,` $pages `under` $words (`rows` $rows^)? `heads` $heads `scale` $scale (`place` $place^)? (`lse_place` $lse_place^)? attr-dict
    `:` qualified(type($query)) `,` qualified(type($pages)) `->` qualified(type($output)) (`lse` qualified(type($lse))^)? (`score` $score^)?
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Stage_ResultsOp : Stage_StageOp<"results", [Terminator]> {
  let summary = "ends a step without a head: the rows that the host has";
  let description = [{
    They are what the model gives, in its order. Unlike those of `stage.head` nothing scores them.

    Constraints: (C1) at least one, rows of space `host`, f32, or as `stage.attend` gives them.

    Example: `stage.results %y, %z : !stage.buffer<host, 64xf32>, !stage.buffer<host, 1xf32>`
  }];
  let arguments = (ins Variadic<Stage_Buffer>:$rows);
  let assemblyFormat = "$rows attr-dict `:` qualified(type($rows))";
  let hasVerifier = 1;
}

def Stage_HeadOp : Stage_StageOp<"head", [Terminator, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "ends a step: what scores the rows that the host has";
  let description = [{
    The product of final rows with the head's weight, `[vocabulary, hidden]`, and the statistics of its results. It runs as a step of its
    own, over rows of those that ask for scores. With `narrow`, rows are rounded to bf16 first and multiplied in pairs; by a weight that is scaled, they are rounded as by `stage.quantize`.

    Constraints: (C1) rows of space `host`, f32; (C2) the weight is of rank 2, its second dimension the rows' width; (C3) `narrow`
    comes with a weight that is stored as bf16; (C4) a bias has the weight's first dimension and is f32; (C5) `results`, which the
    model gives besides, are rows of space `host`, f32; (C6) groups of a weight that is scaled fill the rows' width.

    Example: `stage.head %h by <@head> : !stage.buffer<host, 64xf32>`
  }];
  let arguments = (ins Stage_Buffer:$input, Variadic<Stage_Buffer>:$results, Stage_Weight:$weight, OptionalAttr<Stage_Weight>:$bias, UnitAttr:$narrow);
  let assemblyFormat = [{
    $input `by` $weight (`bias` $bias^)? (`narrow` $narrow^)? (`results` $results^)? attr-dict `:` qualified(type($input)) (`,` qualified(type($results))^)?
  }];
  let hasVerifier = 1;
}

#endif
