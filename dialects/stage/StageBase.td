//===- StageBase.td - the stage dialect, its types and interfaces ----------===//
//
// What stands between a model and machine code: one step function a model, a list of stages over rows of features.
//
//===----------------------------------------------------------------------===//

#ifndef STAGE_BASE_TD
#define STAGE_BASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Stage_Dialect : Dialect {
  let name = "stage";
  let cppNamespace = "::quoin::stage";
  let summary = "a model's step as stages over buffers";
  let description = [{
    A *step* (`stage.step`) runs a model once over rows of several sequences. It is a straight list of *stages*, each of them work that
    all workers share. Stages read and write *buffers* (`!stage.buffer`): as many rows of features as a *space* has, stored as some
    type. What the passes of this level decide stands in the text: the type that numbers are stored as, where a weight lies in
    the weight file and in which layout, which buffers share a place, and before which stages the workers meet.

    Nothing of a target's code is said here, only what a target was asked for.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let extraClassDeclaration = [{
    void registerTypes();
    void registerAttributes();
  }];
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

class Stage_Type<string name, string typeMnemonic> : TypeDef<Stage_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def Stage_Space : I32EnumAttr<"Space", "a set of rows", [
  I32EnumAttrCase<"Row", 0, "row">, I32EnumAttrCase<"Read", 1, "read">, I32EnumAttrCase<"Host", 2, "host">,
  I32EnumAttrCase<"Sequence", 3, "sequence">, I32EnumAttrCase<"Memory", 4, "memory">]> {
  let cppNamespace = "::quoin::stage";
  let genSpecializedAttr = 0;
}

def Stage_Buffer : Stage_Type<"Buffer", "buffer"> {
  let summary = "rows of features in memory";
  let description = [{
    As many rows as the space has: `row`, the slots that a step runs; `read`, those of them that somebody reads; `host`, the rows
    read, where the host wants them; `sequence`, one for each sequence whose slots run; `memory`, keys and values that are no slots of the step. Rows of `host` and `memory`
    are the host's and lie one behind the other without padding. A row has `width` elements: `f32`, or `bf16` where only products of pairs read it; `i8`, whole
    numbers times a scale of the row, where products with such weights do; ids, positions and row numbers are columns of `i32` and `i64`. A `memref` would be one block of
    memory of one owner.

    Constraints: (C1) 1 to 2147483647 elements; (C2) elements `f32`, `bf16`, `i8`, `i32` or `i64`.

    Example: `!stage.buffer<row, 64xf32>`
  }];
  let parameters = (ins "::quoin::stage::Space":$space, "int64_t":$width, "::mlir::Type":$element);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Bytes between the starts of two rows.
    int64_t getRowBytes() const;
  }];
}

/// The column of the numbers of rows that are read.
def Stage_Numbers : Type<
    CPred<"$_self == ::quoin::stage::BufferType::get($_self.getContext(), ::quoin::stage::Space::Read, 1, ::mlir::IntegerType::get($_self.getContext(), 64))">,
    "numbers of rows read", "::quoin::stage::BufferType">,
    BuildableType<"::quoin::stage::BufferType::get($_builder.getContext(), ::quoin::stage::Space::Read, 1, $_builder.getI64Type())">;

def Stage_Scaled : Stage_Type<"Scaled", "scaled"> {
  let summary = "whole numbers times scales, as a weight is stored";
  let description = [{
    Of each column of a matrix, `group` numbers down the depth share a scale, all of them without one. What is stored is what the interpreter computes with: `docs/Spec.md` says how numbers
    are rounded. Upstream's `quant.uniform` has scales that are known when a program is compiled.

    Constraints: (C1) whole numbers `i8` or `i4`; (C2) groups of 32, 64 or 128, or of `i8` none.

    Example: `!stage.scaled<i4 by 32>`
  }];
  let parameters = (ins "::mlir::Type":$whole, DefaultValuedParameter<"int64_t", "0">:$group);
  let assemblyFormat = "`<` $whole (`by` $group^)? `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// 8 or 4.
    int64_t getBits() const { return getWhole().getIntOrFloatBitWidth(); }
  }];
}

def Stage_Pages : Stage_Type<"Pages", "pages"> {
  let summary = "keys and values of one layer, in pages of 64 slots";
  let description = [{
    `kv_heads x head_dim` and the stored type. Pages belong to sessions and outlive the step.

    Constraints: (C1) heads of 1 to 512 features, 1 to 2147483647 in all; (C2) stored as `f32` or `bf16`.

    Example: `!stage.pages<2x32xbf16>`
  }];
  let parameters = (ins "int64_t":$heads, "int64_t":$headDim, "::mlir::Type":$element);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    ::quoin::stage::PageLayout getLayout() const;
  }];
}

def Stage_Words : Stage_Type<"Words", "words"> {
  let summary = "who sees whom in this step, bit by bit";
  let description = [{
    The masks of all groups of the step, evaluated: a word of 64 bits per query and tile of keys.

    Example: `!stage.words`
  }];
  let builderCall = "::quoin::stage::WordsType::get($_builder.getContext())";
}

//===----------------------------------------------------------------------===//
// What passes ask of a stage
//===----------------------------------------------------------------------===//

def Stage_StageOpInterface : OpInterface<"StageOpInterface"> {
  let cppNamespace = "::quoin::stage";
  let description = [{Work that all workers share, in a `stage.step`.}];
  let methods = [
    InterfaceMethod<"All workers meet before it.", "bool", "getBarrier">,
    InterfaceMethod<"Says whether all workers meet before it.", "void", "setBarrier", (ins "bool":$barrier)>,
    InterfaceMethod<[{
      Operands whose place may serve a result: each of their elements is read before that element of the result is written.
    }], "::llvm::SmallVector<::mlir::OpOperand *>", "getDonors", (ins "unsigned":$result), [{}], [{ return {}; }]>,
    InterfaceMethod<[{
      It reads rows of the operand that other workers have in their share.
    }], "bool", "readsElsewhere", (ins "::mlir::OpOperand &":$operand), [{}], [{ return false; }]>,
    InterfaceMethod<[{
      Its work is divided by the rows of its result's space, so that a worker finds there what it made itself; else in another way.
    }], "bool", "dividesRows", (ins), [{}], [{ return true; }]>,
    InterfaceMethod<[{
      It can store its rows as `bf16`.
    }], "bool", "storesNarrow", (ins), [{}], [{ return false; }]>
  ];
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

class Stage_Op<string opMnemonic, list<Trait> traits = []> : Op<Stage_Dialect, opMnemonic, traits>;

#endif
