//===- SettingAttributes.td - settings that are words ----------------------===//

#ifndef QUOIN_SETTING_ATTRIBUTES_TD
#define QUOIN_SETTING_ATTRIBUTES_TD

include "dialects/quoin/QuoinBase.td"

def Quoin_WordAttr : Quoin_Attr<"Word", "word"> {
  let summary = "one of the words that a setting takes";
  let description = [{
    The default of a setting that requests give as a text, and all words that it may be. A word that ends in `*` stands for those that go
    on with a number: `pow*` for `pow2.5`, say. An enumeration attribute is for what a program's text is made with; this is for what
    may differ by request.

    Constraints: (C1) 1 to 64 words, each once, of 1 to 64 letters, digits, `_`, `-` and `.`, of which `*` may follow; (C2) the default is one of them.

    Example: `#quoin.word<"cosine" of "cosine", "uniform", "pow*">`
  }];
  let parameters = (ins StringRefParameter<"the default">:$value, ArrayRefParameter<"::mlir::StringAttr">:$words);
  let assemblyFormat = "`<` $value `of` $words `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Which of the words a text is, and the number behind it; nothing if it is none.
    std::optional<std::pair<int64_t, double>> find(::llvm::StringRef text) const;
    /// "cosine, uniform, pow*".
    std::string list() const;
  }];
}

#endif
