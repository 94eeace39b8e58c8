//===- MaskParser.cpp - the grammar of mask formulas -----------------------===//
//
//   mask       := `(` `q` `,` `k` `)` (`[` name (`,` name)* `]`)? `:` or | short
//   or         := and (`or` and)*            and := not (`and` not)*          not := `not` not | comparison
//   comparison := sum (word sum)?            word := le | lt | ge | gt | eq | ne
//   sum        := factor ((`+` | `-`) factor)*
//   factor     := primary ((`*` | `floordiv` | `mod`) primary)*
//   primary    := integer | `-` primary | q | k | name | (slot | open | label) `(` (q | k) `)` | `(` or `)`
//
// Integers and truth values share the parentheses, so one set of functions parses both and each operator checks what it
// got.
//
//===----------------------------------------------------------------------===//

#include "dialects/quoin/BlockMask.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/raw_ostream.h"
#include <map>

using namespace quoin;
using Op = BlockMask::Op;
using Node = BlockMask::Node;

namespace {

/// Formulas nest at most this deep, so that hostile text cannot exhaust the stack.
constexpr int maxDepth = 200;
constexpr size_t maxNodes = 10000;
constexpr int64_t maxConstant = int64_t(1) << 40;

class Parser {
public:
  Parser(llvm::StringRef source, std::string &message) : text(source), error(message) { advance(); }

  std::optional<BlockMask> run();

private:
  using Result = std::optional<int32_t>;

  void advance();
  bool take(llvm::StringRef word);
  bool expect(llvm::StringRef word);
  std::nullopt_t fail(const llvm::Twine &message);
  Result emit(Node n);
  std::optional<BlockMask> shortSpelling();
  Result parseOr();
  Result parseAnd();
  Result parseNot();
  Result parseComparison();
  Result parseSum();
  Result parseFactor();
  Result parsePrimary();
  std::optional<int64_t> parseInteger();
  bool isConstant(int32_t i) const { return nodes[i].op == Op::Constant; }
  /// Fails unless node i is a truth value (or an integer), naming the operator that wanted it.
  bool check(Result i, bool predicate, llvm::StringRef user);

  llvm::StringRef text, token;
  std::string &error;
  std::vector<Node> nodes;
  std::map<std::tuple<Op, int64_t, int32_t, int32_t>, int32_t> known;
  std::vector<std::string> symbols;
  int depth = 0;
};

void Parser::advance() {
  text = text.ltrim();
  if (text.empty()) {
    token = {};
    return;
  }
  size_t n = 1;
  if (llvm::isAlpha(text[0]) || text[0] == '_')
    n = text.find_if_not([](char c) { return llvm::isAlnum(c) || c == '_'; });
  else if (llvm::isDigit(text[0]))
    n = text.find_if_not(llvm::isDigit);
  token = text.take_front(n);
  text = text.drop_front(token.size());
}

bool Parser::take(llvm::StringRef word) {
  if (token != word)
    return false;
  advance();
  return true;
}

bool Parser::expect(llvm::StringRef word) {
  if (take(word))
    return true;
  fail("expects '" + word + "', but found '" + (token.empty() ? "the end" : token) + "'");
  return false;
}

std::nullopt_t Parser::fail(const llvm::Twine &message) {
  if (error.empty())
    error = message.str();
  return std::nullopt;
}

Parser::Result Parser::emit(Node n) {
  // Equal subformulas are one node.
  auto [it, fresh] = known.try_emplace({n.op, n.value, n.lhs, n.rhs}, static_cast<int32_t>(nodes.size()));
  if (fresh)
    nodes.push_back(n);
  if (nodes.size() > maxNodes)
    return fail("expects a mask of at most " + llvm::Twine(maxNodes) + " terms");
  return it->second;
}

bool Parser::check(Result i, bool predicate, llvm::StringRef user) {
  if (!i)
    return false;
  if (BlockMask::isPredicate(nodes[*i].op) == predicate)
    return true;
  fail("expects " + llvm::Twine(predicate ? "a comparison" : "an integer term") + " as operand of '" + user +
       "', but found " + (predicate ? "an integer term" : "a comparison"));
  return false;
}

Parser::Result Parser::parseOr() {
  Result a = parseAnd();
  while (a && token == "or") {
    advance();
    Result b = parseAnd();
    if (!check(a, true, "or") || !check(b, true, "or"))
      return std::nullopt;
    a = emit({Op::Or, 0, *a, *b});
  }
  return a;
}

Parser::Result Parser::parseAnd() {
  Result a = parseNot();
  while (a && token == "and") {
    advance();
    Result b = parseNot();
    if (!check(a, true, "and") || !check(b, true, "and"))
      return std::nullopt;
    a = emit({Op::And, 0, *a, *b});
  }
  return a;
}

Parser::Result Parser::parseNot() {
  if (token != "not")
    return parseComparison();
  if (++depth > maxDepth)
    return fail("expects a formula nested at most " + llvm::Twine(maxDepth) + " deep");
  advance();
  Result a = parseNot();
  --depth;
  if (!check(a, true, "not"))
    return std::nullopt;
  return emit({Op::Not, 0, *a});
}

Parser::Result Parser::parseComparison() {
  Result a = parseSum();
  if (!a)
    return a;
  llvm::StringRef word = token;
  auto op = llvm::StringSwitch<std::optional<Op>>(word)
                .Case("le", Op::Le)
                .Case("lt", Op::Lt)
                .Case("ge", Op::Ge)
                .Case("gt", Op::Gt)
                .Case("eq", Op::Eq)
                .Case("ne", Op::Ne)
                .Default(std::nullopt);
  if (!op)
    return a;
  advance();
  Result b = parseSum();
  if (!check(a, false, word) || !check(b, false, word))
    return std::nullopt;
  return emit({*op, 0, *a, *b});
}

Parser::Result Parser::parseSum() {
  Result a = parseFactor();
  while (a && (token == "+" || token == "-")) {
    llvm::StringRef word = token;
    advance();
    Result b = parseFactor();
    if (!check(a, false, word) || !check(b, false, word))
      return std::nullopt;
    a = emit({word == "+" ? Op::Add : Op::Sub, 0, *a, *b});
  }
  return a;
}

Parser::Result Parser::parseFactor() {
  Result a = parsePrimary();
  while (a && (token == "*" || token == "floordiv" || token == "mod")) {
    llvm::StringRef word = token;
    advance();
    Result b = parsePrimary();
    if (!check(a, false, word) || !check(b, false, word))
      return std::nullopt;
    // The constant goes to the right; of two, each stays, so that what is printed is parsed to the same.
    if (word == "*" && isConstant(*a) && !isConstant(*b))
      std::swap(a, b);
    if (!isConstant(*b))
      return fail("expects a constant operand of '" + word + "', but both vary");
    int64_t c = nodes[*b].value;
    if (word != "*" && c <= 0)
      return fail("expects a positive divisor of '" + word + "', but found " + llvm::Twine(c));
    a = emit({word == "*" ? Op::Mul : word == "mod" ? Op::Mod : Op::FloorDiv, c, *a});
  }
  return a;
}

std::optional<int64_t> Parser::parseInteger() {
  int64_t v;
  if (token.getAsInteger(10, v) || v > maxConstant)
    return fail("expects an integer of at most " + llvm::Twine(maxConstant) + ", but found '" + token + "'");
  advance();
  return v;
}

Parser::Result Parser::parsePrimary() {
  if (++depth > maxDepth)
    return fail("expects a formula nested at most " + llvm::Twine(maxDepth) + " deep");
  struct Leave {
    int &d;
    ~Leave() { --d; }
  } leave{depth};
  if (take("(")) {
    Result a = parseOr();
    return a && expect(")") ? a : std::nullopt;
  }
  if (take("-")) {
    Result a = parsePrimary();
    if (!check(a, false, "-"))
      return std::nullopt;
    return isConstant(*a) ? emit({Op::Constant, -nodes[*a].value}) : emit({Op::Mul, -1, *a});
  }
  if (!token.empty() && llvm::isDigit(token[0])) {
    std::optional<int64_t> v = parseInteger();
    return v ? emit({Op::Constant, *v}) : std::nullopt;
  }
  if (take("q"))
    return emit({Op::QueryPosition});
  if (take("k"))
    return emit({Op::KeyPosition});
  llvm::StringRef word = token;
  if (word == "slot" || word == "open" || word == "label") {
    advance();
    if (!expect("("))
      return std::nullopt;
    bool key = token == "k";
    if (!key && token != "q")
      return fail("expects 'q' or 'k' as argument of '" + word + "', but found '" + token + "'");
    advance();
    if (!expect(")"))
      return std::nullopt;
    Op query = word == "slot" ? Op::QuerySlot : word == "open" ? Op::QueryOpen : Op::QueryLabel;
    return emit({key ? static_cast<Op>(static_cast<int>(query) + 1) : query});
  }
  for (size_t i = 0; i < symbols.size(); ++i)
    if (symbols[i] == word) {
      advance();
      return emit({Op::Symbol, static_cast<int64_t>(i)});
    }
  return fail("expects a term, but found '" + (word.empty() ? llvm::StringRef("the end") : word) + "'");
}

std::optional<BlockMask> Parser::shortSpelling() {
  std::string word = token.str();
  advance();
  if (word == "causal")
    return BlockMask::causal();
  if (word == "full")
    return BlockMask::full();
  if (word != "block_causal" && word != "window")
    return fail("expects '(q, k)' or a mask's name, but found '" + word + "'");
  if (!expect("<"))
    return std::nullopt;
  std::optional<int64_t> n = parseInteger();
  if (!n || !expect(">"))
    return std::nullopt;
  if (*n <= 0)
    return fail("expects a positive size of '" + word + "', but found " + llvm::Twine(*n));
  return word == "window" ? BlockMask::window(*n) : BlockMask::blockCausal(*n);
}

std::optional<BlockMask> Parser::run() {
  std::optional<BlockMask> mask;
  if (token != "(") {
    mask = shortSpelling();
  } else {
    for (llvm::StringRef word : {"(", "q", ",", "k", ")"})
      if (!expect(word))
        return std::nullopt;
    if (take("[")) {
      do {
        static constexpr llvm::StringRef reserved[] = {"q",  "k",  "slot", "open", "label", "le",  "lt",  "ge",
                                                       "gt", "eq", "ne",   "and",  "or",    "not", "mod", "floordiv"};
        if (token.empty() || !llvm::isAlpha(token[0]) || llvm::is_contained(reserved, token) ||
            llvm::is_contained(symbols, token.str()))
          return fail("expects a new symbol, but found '" + token + "'");
        symbols.push_back(token.str());
        advance();
      } while (take(","));
      if (!expect("]"))
        return std::nullopt;
    }
    if (symbols.size() > 8)
      return fail("expects at most 8 symbols, but found " + llvm::Twine(symbols.size()));
    if (!expect(":"))
      return std::nullopt;
    Result r = parseOr();
    if (!check(r, true, "mask"))
      return std::nullopt;
    // The root is last: copy it there if an equal subformula came earlier.
    if (*r != static_cast<int32_t>(nodes.size()) - 1)
      nodes.resize(*r + 1);
    mask.emplace(std::move(nodes), std::move(symbols));
  }
  if (mask && !token.empty())
    return fail("expects the end of the mask, but found '" + token + "'");
  return mask;
}

} // namespace

std::optional<BlockMask> BlockMask::parse(llvm::StringRef text, std::string &error) {
  error.clear();
  return Parser(text, error).run();
}
