//===- InputOps.td - what requests give and get besides tokens -------------===//

#ifndef QUOIN_INPUT_OPS_TD
#define QUOIN_INPUT_OPS_TD

include "dialects/quoin/QuoinBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

/// What a decoder has given so far.
def Quoin_OutputResource : Resource<"::quoin::OutputResource">;

def Quoin_InputOp : Quoin_Op<"input", [Symbol]> {
  let summary = "a number or tensor that requests give by name";
  let description = [{
    Decoders of the module read it with `quoin.input_value`. A request that does not give it fails, unless it is `optional`: a
    number is then 0, and a tensor has no rows. A request's tensor of a higher rank fits if its last sizes, not the
    first, make up the width; what is in front of them counts rows.
    A `quoin.setting` is a number with a default, of one decoder.

    Constraints: (C1) the type is `index`, `i32`, `f32`, or a tensor of those of rank 1 or 2 whose width is static; (C2) the name is
    not `prompt`, which is the tokens'; (C3) an optional tensor has a dynamic number of rows.

    Example:
    ```mlir
    quoin.input @class : index
    quoin.input @states optional : tensor<?x32xf32>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, UnitAttr:$optional, TypeAttr:$type);
  let assemblyFormat = "$sym_name (`optional` $optional^)? `:` $type attr-dict";
  let hasVerifier = 1;
}

def Quoin_InputValueOp : Quoin_Op<"input_value", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "what the request gave for an input";
  let description = [{
    The same in every step of a request. Unlike a `quoin.setting` it may be a tensor.

    Constraints: (C1) the symbol is a `quoin.input` of the result's type.

    Example: `%c = quoin.input_value @class : index`
  }];
  let arguments = (ins FlatSymbolRefAttr:$input);
  let results = (outs AnyType:$value);
  let assemblyFormat = "$input attr-dict `:` type($value)";
}

def Quoin_OutputOp : Quoin_Op<"output", [MemoryEffects<[MemWrite<Quoin_OutputResource>]>]> {
  let summary = "gives a number or tensor to the request by name";
  let description = [{
    The last one of a name counts. `as` gives the elements, in their order, another shape of up to four sizes; where the tensor's number of rows is not
    known, the first size is -1. Tokens are given by `quoin.return`, as `ids`.

    Constraints: (C1) the type is one that `quoin.input` may have; (C2) the name is not `ids`; (C3) `as` has one to four sizes with as
    many elements in all, or a first size of -1 and, behind it, as many as the tensor has a row, a whole number of times or a
    whole part; (C4) outputs of one name in a decoder have elements of one type;
    what shape it is given in is known when the program runs.

    Example: `quoin.output @latent %g as [4, 4, 8] : tensor<16x8xf32>`
  }];
  let arguments = (ins FlatSymbolRefAttr:$name, AnyType:$value, OptionalAttr<DenseI64ArrayAttr>:$shape);
  let assemblyFormat = "$name $value (`as` $shape^)? attr-dict `:` type($value)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The sizes that a request sees; none for a number. A size of -1 is known when the program runs.
    ::llvm::SmallVector<int64_t> getSizes();
  }];
}

#endif
