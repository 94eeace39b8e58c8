//===- QueryHeader.cpp - model.h, and the name of what an object exports ---===//

#include "compiler/driver/QueryHeader.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace quoin;
using llvm::StringRef;

/// Words of C up to C23 and of C++ up to C++23 that name nothing.
static constexpr StringRef keywords[] = {"alignas",
                                         "alignof",
                                         "and",
                                         "and_eq",
                                         "asm",
                                         "auto",
                                         "bitand",
                                         "bitor",
                                         "bool",
                                         "break",
                                         "case",
                                         "catch",
                                         "char",
                                         "char16_t",
                                         "char32_t",
                                         "char8_t",
                                         "class",
                                         "co_await",
                                         "co_return",
                                         "co_yield",
                                         "compl",
                                         "concept",
                                         "const",
                                         "const_cast",
                                         "consteval",
                                         "constexpr",
                                         "constinit",
                                         "continue",
                                         "decltype",
                                         "default",
                                         "delete",
                                         "do",
                                         "double",
                                         "dynamic_cast",
                                         "else",
                                         "enum",
                                         "explicit",
                                         "export",
                                         "extern",
                                         "false",
                                         "float",
                                         "for",
                                         "friend",
                                         "goto",
                                         "if",
                                         "inline",
                                         "int",
                                         "long",
                                         "mutable",
                                         "namespace",
                                         "new",
                                         "noexcept",
                                         "not",
                                         "not_eq",
                                         "nullptr",
                                         "operator",
                                         "or",
                                         "or_eq",
                                         "private",
                                         "protected",
                                         "public",
                                         "register",
                                         "requires",
                                         "reinterpret_cast",
                                         "restrict",
                                         "return",
                                         "short",
                                         "signed",
                                         "sizeof",
                                         "static",
                                         "static_assert",
                                         "static_cast",
                                         "struct",
                                         "switch",
                                         "template",
                                         "this",
                                         "thread_local",
                                         "throw",
                                         "true",
                                         "try",
                                         "typedef",
                                         "typeid",
                                         "typename",
                                         "typeof",
                                         "typeof_unqual",
                                         "union",
                                         "unsigned",
                                         "using",
                                         "virtual",
                                         "void",
                                         "volatile",
                                         "wchar_t",
                                         "while",
                                         "xor",
                                         "xor_eq"};

bool quoin::isCallableName(StringRef name) {
  return !name.empty() && !llvm::isDigit(name.front()) &&
         llvm::all_of(name, [](char c) { return llvm::isAlnum(c) || c == '_'; }) && !llvm::is_contained(keywords, name);
}

/// Names inside the comment come from a program's text: none of them may end the comment.
static std::string harmless(StringRef line) {
  std::string text;
  for (char c : line) {
    if (!text.empty() && ((text.back() == '*' && c == '/') || (text.back() == '/' && c == '*')))
      text += ' ';
    text += llvm::isPrint(c) || static_cast<unsigned char>(c) >= 0x80 ? c : ' ';
  }
  return text;
}

std::string quoin::queryHeader(StringRef comment, StringRef type, StringRef symbol) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::SmallVector<StringRef, 8> lines;
  comment.rtrim('\n').split(lines, '\n');
  for (auto [i, line] : llvm::enumerate(lines))
    os << (i == 0 ? "/*" : "\n *") << (line.empty() ? "" : " ") << harmless(line);
  os << " */\n#ifndef QUOIN_MODEL_H_" << symbol << "\n#define QUOIN_MODEL_H_" << symbol
     << "\n\n#include \"quoin/program.h\"\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\nconst " << type << " *"
     << symbol << "(uint32_t max_version);\n\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n";
  return text;
}
