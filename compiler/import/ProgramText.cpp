//===- ProgramText.cpp - decoders' texts in one module --------------------===//

#include "compiler/import/ProgramText.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"

using namespace quoin;
using llvm::StringRef;

static llvm::SmallVector<StringRef> linesOf(StringRef text) {
  llvm::SmallVector<StringRef> lines;
  text.split(lines, '\n');
  if (!lines.empty() && lines.back().empty())
    lines.pop_back();
  return lines;
}

static void appendLine(std::string &text, StringRef line) { text += line.str() + "\n"; }

/// Replaces `#from` by `#to` wherever it is a whole word.
static std::string renameAlias(StringRef text, StringRef from, StringRef to) {
  std::string result;
  while (true) {
    size_t at = text.find(from);
    result += text.take_front(at).str();
    if (at == StringRef::npos)
      return result;
    text = text.drop_front(at + from.size());
    bool whole = text.empty() || !(llvm::isAlnum(text[0]) || text[0] == '_' || text[0] == '$');
    result += whole ? to.str() : from.str();
  }
}

void ProgramText::add(std::string_view text) {
  auto [aliasPart, operationPart] = StringRef(text).split("\n\n");
  std::string operations = operationPart.str(), comments;
  for (StringRef line : linesOf(aliasPart)) {
    if (!line.starts_with("#")) {
      appendLine(comments, line);
      continue;
    }
    auto [name, definition] = line.split(" = ");
    std::string alias = name.str();
    for (int number = 2; known.count(alias) && known[alias] != definition; ++number)
      alias = name.str() + "_" + std::to_string(number);
    if (alias != name)
      operations = renameAlias(operations, name, alias);
    if (known.try_emplace(alias, definition.str()).second) {
      head += comments;
      appendLine(head, alias + " = " + definition.str());
    }
    comments.clear();
  }
  body += (body.empty() ? "" : "\n") + operations;
}

std::string quoin::indent(std::string_view text, int columns) {
  std::string result;
  for (StringRef line : linesOf(text))
    appendLine(result, line.empty() ? "" : std::string(columns, ' ') + line.str());
  return result;
}
