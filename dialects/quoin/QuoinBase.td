//===- QuoinBase.td - the quoin dialect, its types and attributes ----------===//
//
// The dialect describes models that write blocks of tokens in parallel, and the programs that decode with them.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_BASE_TD
#define QUOIN_BASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Quoin_Dialect : Dialect {
  let name = "quoin";
  let cppNamespace = "::quoin";
  let summary = "block-parallel decoding: stateless models, mask formulas, decoder programs";
  let description = [{
    A *model* (`quoin.model`) is a stateless function of token ids and positions. A *decoder* (`quoin.decoder`) is a
    region that says which positions of a sequence to fill and when they are final. Who sees whom is a *mask*
    (`#quoin.mask`), a formula given with each call of a model. Structure is ours; arithmetic is upstream's `arith`,
    `math`, `tensor` and `scf`.

    Module attributes: `quoin.fill` (i32, the fill or mask token), `quoin.stop` (dense array of i32, default stop ids),
    `quoin.capacity` (index, most positions), `quoin.vocabulary` (index), `quoin.source` (string, folder of the checkpoint: weight files and
    tokenizer are looked up there), `quoin.architecture` (string).
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let extraClassDeclaration = "void registerAttributes();";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

class Quoin_Type<string name, string typeMnemonic> : TypeDef<Quoin_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def Quoin_Sequence : Quoin_Type<"Sequence", "sequence"> {
  let summary = "tokens in the making";
  let description = [{
    A value: for each position a token, whether the position is still *open*, and an integer label. It also knows below which
    position it is committed (final). Operations return a new sequence and leave their operand as it was. A
    `tensor<?xi32>` of ids differs in having neither open positions nor labels.

    Example: `!quoin.sequence`
  }];
  let builderCall = "::quoin::SequenceType::get($_builder.getContext())";
}

def Quoin_Logits : Quoin_Type<"Logits", "logits"> {
  let summary = "scores of the vocabulary for the rows that a forward read";
  let description = [{
    Never a `rows x vocabulary` tensor: it stands for the final hidden rows, and `quoin.score` streams over the vocabulary.

    Example: `!quoin.logits`
  }];
  let builderCall = "::quoin::LogitsType::get($_builder.getContext())";
}

def Quoin_Cache : Quoin_Type<"Cache", "cache"> {
  let summary = "keys and values of a sequence's slots, kept between calls";
  let description = [{
    A handle made by `quoin.cache`; passes make it, programs as written do not name it.

    Example: `!quoin.cache`
  }];
  let builderCall = "::quoin::CacheType::get($_builder.getContext())";
}

class Quoin_Built1D<string elt, Constraint c> : Type<c.predicate, c.summary, "::mlir::RankedTensorType">,
    BuildableType<"::mlir::RankedTensorType::get({::mlir::ShapedType::kDynamic}, " # elt # ")">;
def Quoin_IndexTensor : Quoin_Built1D<"$_builder.getIndexType()", 1DTensorOf<[Index]>>;
def Quoin_TokenTensor : Quoin_Built1D<"$_builder.getI32Type()", 1DTensorOf<[I32]>>;
def Quoin_FlagTensor : Quoin_Built1D<"$_builder.getI1Type()", 1DTensorOf<[I1]>>;
def Quoin_RealTensor : Quoin_Built1D<"$_builder.getF32Type()", 1DTensorOf<[F32]>>;
def Quoin_RowsShape : CPred<"::llvm::cast<::mlir::RankedTensorType>($_self).isDynamicDim(0) && "
                            "::llvm::cast<::mlir::RankedTensorType>($_self).getDimSize(1) > 0 && "
                            "!::llvm::cast<::mlir::RankedTensorType>($_self).getEncoding()">;
def Quoin_Rows : Type<And<[2DTensorOf<[F32]>.predicate, Quoin_RowsShape]>, "rows of features, tensor<?xWxf32> with a W of at least 1",
                      "::mlir::RankedTensorType">;

/// Rows of any shape: several numbers for each of a row's choices, say, or the choices themselves.
class Quoin_ShapedRows<string element, string text> : Type<
    And<[CPred<"::llvm::isa<::mlir::RankedTensorType>($_self)">, CPred<"::quoin::isRowsType(::llvm::cast<::mlir::RankedTensorType>($_self))">,
         CPred<"::llvm::cast<::mlir::RankedTensorType>($_self).getElementType()" # element>]>, text, "::mlir::RankedTensorType">;
def Quoin_RealRows : Quoin_ShapedRows<".isF32()", "rows of f32, tensor<?x..xf32> of up to three sizes of at least 1">;
def Quoin_BodyRows : Quoin_ShapedRows<".isIntOrFloat()", "rows of f32 or i32, tensor<?x..xf32> or tensor<?x..xi32> of up to three sizes of at least 1">;
def Quoin_ChoiceRows : Type<And<[2DTensorOf<[I32]>.predicate, CPred<"::quoin::isRowsType(::llvm::cast<::mlir::RankedTensorType>($_self))">]>,
                            "rows of choices, tensor<?xJxi32> with a J of at least 1", "::mlir::RankedTensorType">;
def Quoin_NumberRows : Type<And<[Quoin_ChoiceRows.predicate, CPred<"::llvm::cast<::mlir::RankedTensorType>($_self).getDimSize(1) == 1">]>,
                            "a number a row, tensor<?x1xi32>", "::mlir::RankedTensorType">;
/// What a model of tokens takes besides them.
def Quoin_Column : Type<And<[2DTensorOf<[F32, I32]>.predicate, CPred<"::quoin::isRowsType(::llvm::cast<::mlir::RankedTensorType>($_self))">]>,
                        "rows of f32 or i32, tensor<?xWxf32> or tensor<?xWxi32> with a W of at least 1", "::mlir::RankedTensorType">;

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

class Quoin_Attr<string name, string attrMnemonic> : AttrDef<Quoin_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def Quoin_MaskAttr : Quoin_Attr<"Mask", "mask"> {
  let summary = "who sees whom: a formula over a query and a key";
  let description = [{
    Terms: `q`, `k` (positions), `slot(q)`, `slot(k)` (place in the call), `open(q)`, `open(k)` (1 where the position is still
    to be filled), `label(q)`, `label(k)`, symbols, integer constants, `+`, `-`, `*` by a constant, `floordiv` and `mod`
    by a positive constant. Comparisons are words (`le lt ge gt eq ne`): MLIR pairs angle brackets inside an attribute
    before this parser sees them. They are joined by `and`, `or`, `not` and parentheses; `or` binds weakest.
    Labels may be given with the mask, `where a = [0 : 64, 1 : 64]`, and asked for by `a(q)`, `a(k)`. Short spellings
    (`causal`, `block_causal<4>`, `context_causal<a>`, .., all of them in docs/Spec.md) parse to formulas.

    Unlike an `affine_map` or an `integer_set` it may ask for run-time properties of tokens, and it is a predicate with
    disjunction and negation.

    Example:
    ```mlir
    #block = #quoin.mask<(q, k) : k floordiv 4 le q floordiv 4>
    #window = #quoin.mask<(q, k)[a] : k le q or (q ge a and k ge a)>
    #segments = #quoin.mask<(q, k) where segment = [0 : 64, 1 : 64] : segment(k) eq segment(q)>
    ```
  }];
  let parameters = (ins AttrParameter<"::quoin::BlockMask", "the formula", "const ::quoin::BlockMask &">:$formula);
  let hasCustomAssemblyFormat = 1;
}

class Quoin_Enum<string name, string text, list<I32EnumAttrCase> cases> : I32EnumAttr<name, text, cases> {
  let cppNamespace = "::quoin";
  let genSpecializedAttr = 0;
}

def Quoin_Transform : Quoin_Enum<"Transform", "a step of a sampler", [
  I32EnumAttrCase<"Temperature", 0, "temperature">, I32EnumAttrCase<"TopK", 1, "top_k">,
  I32EnumAttrCase<"TopP", 2, "top_p">, I32EnumAttrCase<"TopPBelow", 3, "top_p_below">,
  I32EnumAttrCase<"WithoutFill", 4, "without_fill">, I32EnumAttrCase<"RawConfidence", 5, "raw_confidence">,
  I32EnumAttrCase<"Greedy", 6, "greedy">, I32EnumAttrCase<"FilteredConfidence", 7, "filtered_confidence">]>;

def Quoin_SamplerAttr : Quoin_Attr<"Sampler", "sampler"> {
  let summary = "transforms of the scores before a token is drawn, in order";
  let description = [{
    `temperature`, `top_k`, `top_p` (a token stays if the mass before it is at most p), `top_p_below` (if the mass up to and
    with it is at most p; the first always stays), `without_fill` (the fill token's mass goes too), `greedy` (arg max, whatever
    the temperature). The numbers come with a request; at temperature 0 `temperature` changes nothing and the token is the arg max.
    Published systems differ in this order, so it is written in the program.

    What the confidence is the probability of: of a drawn token, among what all the transforms leave, at the temperature they
    set; of an arg max, in the raw softmax, whatever transforms are listed. Two words that stand anywhere in the list choose
    for both: `raw_confidence` the raw softmax, `filtered_confidence` what the transforms leave (0 if they leave only the fill token).

    Constraints: (C1) not both `raw_confidence` and `filtered_confidence`.

    Example:
    ```mlir
    #drawn = #quoin.sampler<temperature, top_k, top_p>
    #surest = #quoin.sampler<without_fill, top_p_below, greedy, filtered_confidence>
    ```
  }];
  let parameters = (ins ArrayRefParameter<"::quoin::Transform">:$transforms);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Quoin_Statistic : Quoin_Enum<"Statistic", "what to know of a row of scores", [
  I32EnumAttrCase<"Token", 0, "token">, I32EnumAttrCase<"Confidence", 1, "confidence">,
  I32EnumAttrCase<"Entropy", 2, "entropy">, I32EnumAttrCase<"NormalizedEntropy", 3, "normalized_entropy">,
  I32EnumAttrCase<"Margin", 4, "margin">, I32EnumAttrCase<"Probability", 5, "probability">,
  I32EnumAttrCase<"LogConfidence", 6, "log_confidence">, I32EnumAttrCase<"Mass", 7, "mass">,
  I32EnumAttrCase<"FilteredBest", 8, "filtered_best">, I32EnumAttrCase<"FilteredEntropy", 9, "filtered_entropy">,
  I32EnumAttrCase<"FilteredMargin", 10, "filtered_margin">, I32EnumAttrCase<"FilteredMass", 11, "filtered_mass">]>;

def Quoin_StatisticsAttr : Quoin_Attr<"Statistics", "statistics"> {
  let summary = "the statistics of a score, in the order of its results";
  let description = [{
    `token` is the arg max or the draw; `confidence` its probability, of which softmax says the sampler; `entropy` in nats, of the raw softmax;
    `normalized_entropy` that divided by log of the vocabulary; `margin` the highest minus the second highest raw
    probability; `probability` that of given tokens in the raw softmax; `log_confidence` the logarithm of the confidence, which still tells two
    tokens apart that are all but certain; `mass` the logarithm of the sum of the exponentials of the raw scores, by which rows of one call compare.

    Four are of what the sampler's transforms leave, at the temperature that they set (at temperature 0 `temperature` changes nothing and the
    others filter): `filtered_best`, the highest probability there of a token that may be chosen, 0 if there is none; `filtered_margin`, that minus
    the second highest; `filtered_entropy`, in nats; `filtered_mass`, as `mass`. The fill token's mass is in them unless `without_fill` takes it.

    Example: `#quoin.statistics<token, confidence>`, printed `[token, confidence]` in `quoin.score`.
  }];
  let parameters = (ins ArrayRefParameter<"::quoin::Statistic">:$statistics);
  let assemblyFormat = "`<` custom<StatisticList>($statistics) `>`";
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// Its body is a row program, which ends in `quoin.row`.
def Quoin_HoldsRowProgram : NativeOpTrait<"HoldsRowProgram"> {
  let cppNamespace = "::quoin";
}

/// Its region, if it is not empty, is a formula on numbers, which ends in `quoin.number`.
def Quoin_HoldsFormula : NativeOpTrait<"HoldsFormula"> {
  let cppNamespace = "::quoin";
}

/// What calls of decoders may name: a `quoin.model`, or what it was lowered to.
def Quoin_IsModel : NativeOpTrait<"IsModel"> {
  let cppNamespace = "::quoin";
}

class Quoin_Op<string opMnemonic, list<Trait> traits = []> : Op<Quoin_Dialect, opMnemonic, traits>;

#endif
