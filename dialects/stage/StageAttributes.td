//===- StageAttributes.td - weights and their layouts ---------------------===//

#ifndef STAGE_ATTRIBUTES_TD
#define STAGE_ATTRIBUTES_TD

include "dialects/stage/StageBase.td"

class Stage_Attr<string name, string attrMnemonic, list<Trait> traits = []> : AttrDef<Stage_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

//===----------------------------------------------------------------------===//
// Layouts
//===----------------------------------------------------------------------===//

def Stage_Layout : AttrInterface<"LayoutAttrInterface"> {
  let cppNamespace = "::quoin::stage";
  let description = [{How a weight lies in the weight file.}];
  let methods = [
    InterfaceMethod<"Bytes of so many matrices or vectors, stored so.", "int64_t", "getBytes",
                    (ins "::quoin::stage::Stored":$stored, "size_t":$sources)>,
    InterfaceMethod<"How many weights it is made of: at least and at most.", "std::pair<size_t, size_t>", "getSources">,
    InterfaceMethod<"The shape that each of these has in the checkpoint.", "::llvm::SmallVector<int64_t, 3>", "getSourceShape">
  ];
}

class Stage_LayoutAttr<string name, string attrMnemonic>
    : Stage_Attr<name, attrMnemonic, [DeclareAttrInterfaceMethods<Stage_Layout>]> {
  let genVerifyDecl = 1;
}

def Stage_Tiles : Stage_LayoutAttr<"Tiles", "tiles"> {
  let summary = "a matrix in tiles of 64 columns";
  let description = [{
    `columns x depth`, as `[tile][depth][64]`; of `bf16`, in pairs down the depth, `[tile][depth / 2][64][2]`. Of two matrices, each tile
    holds 32 columns of the first and 32 of the second, so that one pass makes what a gate and its partner need. Whole numbers lie as bytes `[tile][group][depth / 4][64][4]`, each number
    plus 128, or `[tile][group][depth / 8][64][4]`, each plus 8, the first four of eight in the low halves of the bytes; the 64 scales of a group are behind it.

    Constraints: (C1) sizes from 1 to 2147483647, of at most 2^40 elements.

    Example: `#stage.tiles<160 x 64>`
  }];
  let parameters = (ins "int64_t":$columns, "int64_t":$depth);
  let assemblyFormat = "`<` $columns `x` $depth `>`";
}

def Stage_Stack : Stage_LayoutAttr<"Stack", "stack"> {
  let summary = "matrices in tiles, one behind the other";
  let description = [{
    As many `#stage.tiles<columns x depth>` as there are experts; of two weights, each is the tiles of a pair.

    Constraints: (C1) sizes from 1 to 2147483647, of at most 2^40 elements.

    Example: `#stage.stack<8 x 160 x 64>`
  }];
  let parameters = (ins "int64_t":$matrices, "int64_t":$columns, "int64_t":$depth);
  let assemblyFormat = "`<` $matrices `x` $columns `x` $depth `>`";
}

def Stage_Line : Stage_LayoutAttr<"Line", "line"> {
  let summary = "a vector";
  let description = [{
    Zeros follow up to the next multiple of 64.

    Constraints: (C1) a length from 1 to 2147483647.

    Example: `#stage.line<64>`
  }];
  let parameters = (ins "int64_t":$length);
  let assemblyFormat = "`<` $length `>`";
}

def Stage_Heads : Stage_LayoutAttr<"Heads", "heads"> {
  let summary = "a tensor of heads, one head after the other";
  let description = [{
    A tensor of that shape, `outer x heads x inner` numbers in the checkpoint, as `[heads][outer][inner]`; zeros follow each head up to the next
    multiple of 16.

    Constraints: (C1) sizes from 1 to 2147483647, of at most 2^40 elements; (C2) the shape has as many elements as the three
    sizes.

    Example: `#stage.heads<[4, 2, 16, 16], 4 x 2 x 256>`
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "int64_t":$outer, "int64_t":$heads, "int64_t":$inner);
  let assemblyFormat = "`<` `[` $shape `]` `,` $outer `x` $heads `x` $inner `>`";
}

def Stage_Table : Stage_LayoutAttr<"Table", "table"> {
  let summary = "a matrix of which single rows are read";
  let description = [{
    `count x width`; rows are padded to multiples of 16 elements.

    Constraints: (C1) sizes from 1 to 2147483647, of at most 2^40 elements.

    Example: `#stage.table<260 x 64>`
  }];
  let parameters = (ins "int64_t":$count, "int64_t":$width);
  let assemblyFormat = "`<` $count `x` $width `>`";
}

def Stage_Angles : Stage_LayoutAttr<"Angles", "angles"> {
  let summary = "cosines and sines of all positions";
  let description = [{
    Made of no weight: for each position the cosines of `position * theta^(-i / pairs)`, `pairs` of them, then the sines.

    Constraints: (C1) sizes from 1 to 2147483647, of at most 2^40 elements; (C2) `theta` is finite and positive.

    Example: `#stage.angles<4096 x 16 theta 1.0e6>`
  }];
  let parameters = (ins "int64_t":$positions, "int64_t":$pairs, AttrParameter<"::mlir::FloatAttr", "">:$theta);
  let assemblyFormat = "`<` $positions `x` $pairs `theta` $theta `>`";
}

def Stage_Weight : Stage_Attr<"Weight", "weight"> {
  let summary = "the weight that a stage reads";
  let description = [{
    The symbols of `quoin.weight` that it is made of, then what the passes decide: the type it is stored as (`assign-storage`), its
    layout and its byte in the weight file (`pack-weights`).

    Constraints: (C1) stored as `f32`, `bf16`, `f16` or `!stage.scaled`; (C2) a place is a multiple of 64 and comes with a layout, a layout with a type, and
    without one there are symbols; (C3) as many symbols as the layout takes; (C4) what is scaled lies in tiles whose depth is a multiple of the group, and at most 131072 without one.

    Example: `#stage.weight<@q_proj as bf16 in #stage.tiles<128 x 64> at 4096>`
  }];
  let parameters = (ins ArrayRefParameter<"::mlir::FlatSymbolRefAttr">:$sources, "::mlir::Type":$element,
                        "::quoin::stage::LayoutAttrInterface":$layout, "int64_t":$offset);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Has it a place in the weight file?
    bool isPacked() const { return getOffset() >= 0; }
    int64_t getBytes() const;
    /// Whole numbers times scales, or null.
    ScaledType getScaled() const { return ::llvm::dyn_cast_or_null<ScaledType>(getElement()); }
    /// Same contents, wherever they lie.
    bool isSameAs(WeightAttr other) const {
      return getSources() == other.getSources() && getElement() == other.getElement() && getLayout() == other.getLayout();
    }
    WeightAttr withElement(::mlir::Type stored) const;
    WeightAttr packed(::quoin::stage::LayoutAttrInterface as, int64_t at) const;
  }];
}

#endif
