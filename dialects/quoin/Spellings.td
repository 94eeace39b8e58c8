//===- Spellings.td - short names for formulas ------------------------------===//
//
// Each op here means the row program that it expands to (Spellings.cpp) and nothing else: to interpret, prune or compile
// it nobody has to know its name.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_SPELLINGS_TD
#define QUOIN_SPELLINGS_TD

include "dialects/quoin/ModelOps.td"

class Quoin_Spelling<string opMnemonic, list<Trait> traits = []>
    : Quoin_ModelBodyOp<opMnemonic, !listconcat([DeclareOpInterfaceMethods<Quoin_SpellingOpInterface>], traits)>;

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

class Quoin_ActivationOp<string opMnemonic> : Quoin_Spelling<opMnemonic, [SameOperandsAndResultType]> {
  let arguments = (ins Quoin_RealRows:$input);
  let results = (outs Quoin_RealRows:$output);
  let assemblyFormat = "$input attr-dict `:` type($output)";
}

def Quoin_SiluOp : Quoin_ActivationOp<"silu"> {
  let summary = "x / (1 + exp(-x))";
  let description = [{
    Element by element (Elfwing et al., 2018). `quoin.swiglu` multiplies it with another row.

    Example: `%1 = quoin.silu %0 : tensor<?x64xf32>`
  }];
}

def Quoin_Relu2Op : Quoin_ActivationOp<"relu2"> {
  let summary = "the square of what is positive";
  let description = [{
    `y = max(x, 0)^2` element by element (So et al., 2021). NaN stays NaN.

    Example: `%1 = quoin.relu2 %0 : tensor<?x64xf32>`
  }];
}

def Quoin_GeluOp : Quoin_Spelling<"gelu", [SameOperandsAndResultType]> {
  let summary = "Gaussian error linear unit";
  let description = [{
    `exact`: `y = x / 2 (1 + erf(x / sqrt(2)))`; `tanh`: `y = x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`, which checkpoints call
    `gelu_new` or `gelu_pytorch_tanh` (Hendrycks and Gimpel, 2016).

    Example: `%1 = quoin.gelu %0 tanh : tensor<?x64xf32>`
  }];
  let arguments = (ins Quoin_RealRows:$input, UnitAttr:$tanh);
  let results = (outs Quoin_RealRows:$output);
  let assemblyFormat = "$input (`tanh` $tanh^):(`exact`)? attr-dict `:` type($output)";
}

def Quoin_SwigluOp : Quoin_Spelling<"swiglu", [SameOperandsAndResultType]> {
  let summary = "gated activation: silu(gate) * up";
  let description = [{
    `y = gate / (1 + exp(-gate)) * up` element by element (Shazeer, 2020). Where two products that nobody else reads make the operands,
    it ends their tiles, as any formula on elements does.

    Example: `%9 = quoin.swiglu %gate, %up : tensor<?x160xf32>`
  }];
  let arguments = (ins Quoin_RealRows:$gate, Quoin_RealRows:$up);
  let results = (outs Quoin_RealRows:$output);
  let assemblyFormat = "$gate `,` $up attr-dict `:` type($output)";
}

def Quoin_GegluOp : Quoin_Spelling<"geglu", [SameOperandsAndResultType]> {
  let summary = "gated activation: gelu(gate) * up";
  let description = [{
    As `quoin.swiglu` with `quoin.gelu` of either kind in place of silu (Shazeer, 2020).

    Example: `%2 = quoin.geglu %0, %1 exact : tensor<?x64xf32>`
  }];
  let arguments = (ins Quoin_RealRows:$gate, Quoin_RealRows:$up, UnitAttr:$tanh);
  let results = (outs Quoin_RealRows:$output);
  let assemblyFormat = "$gate `,` $up (`tanh` $tanh^):(`exact`)? attr-dict `:` type($output)";
}

//===----------------------------------------------------------------------===//
// Norms and modulations
//===----------------------------------------------------------------------===//

def Quoin_RmsNormOp : Quoin_Spelling<"rms_norm", [SameOperandsAndResultType, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "divides by the root mean square and scales";
  let description = [{
    `y = x / sqrt(mean(x^2) + epsilon) * w` over groups of as many features as the weight has: a whole row, or each head of
    a query or key (Zhang and Sennrich, 2019).

    Constraints: (C1) the weight has rank 1 and its length divides the width; (C2) `epsilon` is 0 or a positive
    normal number of f32.

    Example: `%1 = quoin.rms_norm %0 by @norm epsilon 1.0e-6 : tensor<?x64xf32>`
  }];
  let arguments = (ins Quoin_Rows:$input, FlatSymbolRefAttr:$weight, F64Attr:$epsilon);
  let results = (outs Quoin_Rows:$output);
  let assemblyFormat = "$input `by` $weight `epsilon` $epsilon attr-dict `:` type($output)";
  let hasVerifier = 1;
}

def Quoin_LayerNormOp : Quoin_Spelling<"layer_norm", [SameOperandsAndResultType, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "subtracts the mean, divides by the deviation";
  let description = [{
    `y = (x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon) * w + b` over groups of as many features as the weight has, else the bias, else the
    whole row (Ba et al., 2016). The mean of squared differences is taken as that, in a second sweep: a mean of squares less the square of a mean would
    cancel.

    Constraints: (C1) weight and bias have rank 1 and one length, which divides the width; (C2) `epsilon` is 0 or a positive normal number of f32.

    Example: `%1 = quoin.layer_norm %0 by @norm bias @shift epsilon 1.0e-5 : tensor<?x64xf32>`
  }];
  let arguments = (ins Quoin_Rows:$input, OptionalAttr<FlatSymbolRefAttr>:$weight, OptionalAttr<FlatSymbolRefAttr>:$bias, F64Attr:$epsilon);
  let results = (outs Quoin_Rows:$output);
  let assemblyFormat = "$input (`by` $weight^)? (`bias` $bias^)? `epsilon` $epsilon attr-dict `:` type($output)";
  let hasVerifier = 1;
}

def Quoin_UnitNormOp : Quoin_Spelling<"unit_norm", [SameOperandsAndResultType, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "scales each head to length 1";
  let description = [{
    `y = x / max(|x|, 1e-12)` over groups of `head_dim` features, of which `times` scales each by a number of its own: queries and keys of
    models whose attention compares directions (Henry et al., 2020).

    Constraints: (C1) `head_dim` is positive and divides the width; (C2) the weight has a number for each group.

    Example: `%1 = quoin.unit_norm %0 head_dim 32 times @sharpness : tensor<?x128xf32>`
  }];
  let arguments = (ins Quoin_Rows:$input, I64Attr:$head_dim, OptionalAttr<FlatSymbolRefAttr>:$weight);
  let results = (outs Quoin_Rows:$output);
  let assemblyFormat = "$input `head_dim` $head_dim (`times` $weight^)? attr-dict `:` type($output)";
  let hasVerifier = 1;
}

def Quoin_ModulateOp : Quoin_Spelling<"modulate", [SameOperandsAndResultType]> {
  let summary = "x * (1 + scale) + shift";
  let description = [{
    Element by element, with rows of scales and shifts: what adaptive norms of diffusion transformers do behind a `quoin.layer_norm`
    (Peebles and Xie, 2023).

    Example: `%3 = quoin.modulate %0, %1, %2 : tensor<?x64xf32>`
  }];
  let arguments = (ins Quoin_RealRows:$input, Quoin_RealRows:$scale, Quoin_RealRows:$shift);
  let results = (outs Quoin_RealRows:$output);
  let assemblyFormat = "$input `,` $scale `,` $shift attr-dict `:` type($output)";
}

def Quoin_SpreadOp : Quoin_Spelling<"spread", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a weight as each row";
  let description = [{
    Every row of the result is the weight; there are as many as `over` has, whose numbers do not matter. It is how a constant, such as the features of
    a noise level that does not change, enters a body; `quoin-fold-weights` computes what is made of such rows alone.

    Constraints: (C1) the weight is a vector of the result's width.

    Example: `%1 = quoin.spread @features over %positions : tensor<?xindex> -> tensor<?x256xf32>`
  }];
  let arguments = (ins FlatSymbolRefAttr:$weight, AnyTypeOf<[Quoin_BodyRows, Quoin_IndexTensor]>:$over);
  let results = (outs Quoin_Rows:$output);
  let assemblyFormat = "$weight `over` $over attr-dict `:` type($over) `->` type($output)";
}

//===----------------------------------------------------------------------===//
// Experts
//===----------------------------------------------------------------------===//

def Quoin_RouterScores : Quoin_Enum<"RouterScores", "what a router makes of its products", [
  I32EnumAttrCase<"Softmax", 0, "softmax">, I32EnumAttrCase<"Sigmoid", 1, "sigmoid">, I32EnumAttrCase<"Given", 2, "given">]>;

def Quoin_RouterScoresAttr : EnumAttr<Quoin_Dialect, Quoin_RouterScores, "router_scores"> {
  let assemblyFormat = "$value";
}

def Quoin_RouteOp : Quoin_Spelling<"route", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "chooses experts for each row, and their shares";
  let description = [{
    The operand has a number for each expert. In order:

    1. `scores`: their softmax, their sigmoid, or they themselves (`given`).
    2. Chosen by: the score, plus the expert's number in `correction` if there is one.
    3. With `groups G best M`, experts are in G groups of neighbours; a group counts as much as its two highest experts together (of one, as that),
       and only experts of the M highest groups may be chosen.
    4. `top` experts, highest first. Ties go to the lowest number, of groups too. NaN is higher than all numbers.
    5. The share of a chosen expert is its score, without the correction; with `normalise true` divided by the sum of the row's shares plus 1e-20;
       times `scale`.

    Constraints: (C1) `choice` and `share` have `top` numbers a row; (C2) `top` is 1 to 32; (C3) `groups` divides the number of experts, and `best` is 1
    to 16 and at most `groups`; (C4) the groups that are kept have at least `top` experts; (C5) `correction` has a number for each expert; (C6) `scale` is
    finite, of f32.

    Example:
    ```mlir
    %choice, %share = quoin.route %r scores sigmoid correction @bias groups 8 best 4 top 8 normalise true scale 2.5
        : tensor<?x256xf32> -> tensor<?x8xi32>, tensor<?x8xf32>
    ```
  }];
  let arguments = (ins Quoin_Rows:$input, Quoin_RouterScoresAttr:$scores, OptionalAttr<FlatSymbolRefAttr>:$correction, OptionalAttr<I64Attr>:$groups,
                       OptionalAttr<I64Attr>:$best, I64Attr:$top, BoolAttr:$normalise, OptionalAttr<F64Attr>:$scale);
  let results = (outs Quoin_ChoiceRows:$choice, Quoin_Rows:$share);
  let assemblyFormat = [{
    $input `scores` $scores (`correction` $correction^)? (`groups` $groups^ `best` $best)? `top` $top `normalise` $normalise (`scale` $scale^)?
    attr-dict `:` type($input) `->` type($choice) `,` type($share)
  }];
  let hasVerifier = 1;
}

def Quoin_MixOp : Quoin_Spelling<"mix"> {
  let summary = "the sum of what each choice gives, by its share";
  let description = [{
    `y = sum_j share[j] * x[j]`, in the order of j, so that a row's sum has one order everywhere.

    Constraints: (C1) operands `[J, W]` and `[J]` of a row, a result `[W]`.

    Example: `%y = quoin.mix %each, %share : tensor<?x2x64xf32>, tensor<?x2xf32> -> tensor<?x64xf32>`
  }];
  let arguments = (ins Quoin_RealRows:$input, Quoin_Rows:$share);
  let results = (outs Quoin_Rows:$output);
  let assemblyFormat = "$input `,` $share attr-dict `:` type($input) `,` type($share) `->` type($output)";
  let hasVerifier = 1;
}

#endif
