//===- MaskParser.cpp - the grammar of mask formulas -----------------------===//
//
//   mask       := `(` `q` `,` `k` `)` (`[` name (`,` name)* `]`)? (`where` label (`,` label)*)? `:` or | short
//   label      := name `=` `[` run (`,` run)* `]`       run := `-`? integer (`:` integer)?, a value and how often
//   short      := name (`<` operand (`,` operand)* `>`)?, of MaskSpellings.cpp
//   or         := and (`or` and)*            and := not (`and` not)*          not := `not` not | comparison
//   comparison := sum (word sum)?            word := le | lt | ge | gt | eq | ne
//   sum        := factor ((`+` | `-`) factor)*
//   factor     := primary ((`*` | `floordiv` | `mod`) primary)*
//   primary    := integer | `-` primary | q | k | name | (slot | open | label | name) `(` (q | k) `)`
//               | `(` or `)`
//
// Integers and truth values share the parentheses, so one set of functions parses both and each operator checks what it
// got.
//
//===----------------------------------------------------------------------===//

#include "dialects/quoin/BlockMask.h"
#include "dialects/quoin/MaskSpellings.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <map>

using namespace quoin;
using Op = BlockMask::Op;
using Node = BlockMask::Node;

namespace {

/// Formulas nest at most this deep, so that hostile text cannot exhaust the stack.
constexpr int maxDepth = 200;
constexpr size_t maxNodes = 10000;
constexpr int64_t maxConstant = int64_t(1) << 40;
constexpr size_t maxLabels = 65536, maxArrays = 8, maxSymbols = 8;
/// Magnitudes of terms: of positions, slots and labels, of symbols, and the most that arithmetic may reach.
constexpr double tokenBound = 0x1p31, symbolBound = 0x1p40, mostReached = 0x1p62;

class Parser {
public:
  Parser(llvm::StringRef source, std::string &message) : text(source), error(message) { advance(); }

  std::optional<BlockMask> run();
  /// Parses the text as a spelling's formula, in which names stand for terms of the mask.
  std::optional<BlockMask> runFormula(std::vector<std::string> names, llvm::StringMap<Node> meanings);

private:
  using Result = std::optional<int32_t>;

  void advance();
  bool take(llvm::StringRef word);
  bool expect(llvm::StringRef word);
  std::nullopt_t fail(const llvm::Twine &message);
  Result emit(Node n);
  std::optional<BlockMask> shortSpelling();
  std::optional<BlockMask> finish(Result root);
  bool parseSymbols();
  bool parseArrays();
  bool parseArray();
  bool isNewName() const;
  Result parseProperty(llvm::StringRef word);
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
  /// How large a node may become in magnitude.
  double reach(const Node &n) const;
  std::string textOf(int32_t i) const { return BlockMask(nodes, symbols, arrays).term(i); }

  llvm::StringRef text, token;
  std::string &error;
  std::vector<Node> nodes;
  std::vector<double> reached;
  llvm::StringMap<Node> bound;
  std::vector<LabelArray> arrays;
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
  if (!fresh)
    return it->second;
  if (nodes.size() == maxNodes)
    return fail("expects a mask of at most " + llvm::Twine(maxNodes) + " terms");
  nodes.push_back(n);
  reached.push_back(reach(n));
  if (reached.back() > mostReached)
    return fail("expects terms of at most 2^62, but '" + textOf(it->second) + "' may reach 2^" +
                llvm::Twine(static_cast<int>(std::ceil(std::log2(reached.back())))));
  return it->second;
}

double Parser::reach(const Node &n) const {
  if (BlockMask::isPredicate(n.op))
    return 1;
  double a = n.lhs < 0 ? 0 : reached[n.lhs], b = n.rhs < 0 ? 0 : reached[n.rhs];
  switch (n.op) {
  case Op::QueryOpen:
  case Op::KeyOpen:
    return 1;
  case Op::Symbol:
    return symbolBound;
  case Op::Constant:
    return std::fabs(static_cast<double>(n.value));
  case Op::Add:
  case Op::Sub:
    return a + b;
  case Op::Mul:
    return a * std::fabs(static_cast<double>(n.value));
  case Op::FloorDiv:
    return a / static_cast<double>(n.value) + 1;
  case Op::Mod:
    return static_cast<double>(n.value);
  default:
    return tokenBound;
  }
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
    auto whole = [&] { return textOf(*a) + " " + word.str() + " " + textOf(*b); };
    if (!isConstant(*b))
      return fail("expects a constant operand of '" + word + "', but both vary in '" + whole() + "'");
    int64_t c = nodes[*b].value;
    if (word != "*" && c <= 0)
      return fail("expects a positive divisor of '" + word + "', but found " + llvm::Twine(c) + " in '" + whole() +
                  "'");
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
  if (word == "slot" || word == "open" || word == "label" ||
      llvm::any_of(arrays, [&](const LabelArray &array) { return array.name == word; }))
    return parseProperty(word);
  if (auto meaning = bound.find(word); meaning != bound.end()) {
    advance();
    return emit(meaning->second);
  }
  for (size_t i = 0; i < symbols.size(); ++i)
    if (symbols[i] == word) {
      advance();
      return emit({Op::Symbol, static_cast<int64_t>(i)});
    }
  return fail("expects a term, but found '" + (word.empty() ? llvm::StringRef("the end") : word) + "'");
}

Parser::Result Parser::parseProperty(llvm::StringRef word) {
  advance();
  if (!expect("("))
    return std::nullopt;
  bool key = token == "k";
  if (!key && token != "q")
    return fail("expects 'q' or 'k' as argument of '" + word + "', but found '" + token + "'");
  advance();
  if (!expect(")"))
    return std::nullopt;
  for (size_t i = 0; i < arrays.size(); ++i)
    if (arrays[i].name == word)
      return emit({key ? Op::KeyArray : Op::QueryArray, static_cast<int64_t>(i)});
  Op query = word == "slot" ? Op::QuerySlot : word == "open" ? Op::QueryOpen : Op::QueryLabel;
  return emit({key ? static_cast<Op>(static_cast<int>(query) + 1) : query});
}

/// Symbols are introduced by a name in a place; a mask of one spelling has at most one.
std::optional<BlockMask> Parser::shortSpelling() {
  std::string word = token.str();
  advance();
  const auto *spelling = llvm::find_if(maskSpellings(), [&](const MaskSpelling &s) { return s.name == word; });
  if (spelling == maskSpellings().end())
    return fail("expects '(q, k)' or a mask's name, but found '" + word + "'");
  llvm::StringMap<Node> meanings;
  std::vector<std::string> names;
  bool hasSize = !spelling->size.empty(), hasPlace = !spelling->place.empty(), placeGiven = false;
  if (hasSize && token != "<")
    return fail("expects '" + word + "<" + spelling->size + ">', but found '" + word + "'");
  if ((hasSize || hasPlace) && take("<")) {
    if (hasSize) {
      bool negative = take("-");
      std::optional<int64_t> n = parseInteger();
      if (!n)
        return std::nullopt;
      if (*n <= 0 || negative)
        return fail("expects a positive size of '" + word + "', but found " + llvm::Twine(negative ? -*n : *n));
      meanings[spelling->size] = {Op::Constant, *n};
    }
    if (hasPlace && (!hasSize || take(","))) {
      placeGiven = true;
      if (!token.empty() && llvm::isDigit(token[0])) {
        std::optional<int64_t> n = parseInteger();
        if (!n)
          return std::nullopt;
        meanings[spelling->place] = {Op::Constant, *n};
      } else {
        if (!isNewName())
          return fail("expects a new symbol, but found '" + token + "'");
        meanings[spelling->place] = {Op::Symbol, 0};
        names.push_back(token.str());
        advance();
      }
    }
    if (!expect(">"))
      return std::nullopt;
  }
  if (hasPlace && !placeGiven) {
    meanings[spelling->place] = {Op::Symbol, 0};
    names.push_back(spelling->place.str());
  }
  return Parser(spelling->formula, error).runFormula(std::move(names), std::move(meanings));
}

std::optional<BlockMask> Parser::finish(Result root) {
  if (!check(root, true, "mask"))
    return std::nullopt;
  // Constants that became part of an operator, and what came after the root, go. The root is last.
  std::vector<bool> used(nodes.size());
  used[*root] = true;
  for (int32_t i = *root; i >= 0; --i)
    for (int32_t operand : {nodes[i].lhs, nodes[i].rhs})
      if (used[i] && operand >= 0)
        used[operand] = true;
  std::vector<Node> kept;
  std::vector<int32_t> moved(nodes.size(), -1);
  for (int32_t i = 0; i <= *root; ++i) {
    if (!used[i])
      continue;
    Node n = nodes[i];
    n.lhs = n.lhs < 0 ? -1 : moved[n.lhs];
    n.rhs = n.rhs < 0 ? -1 : moved[n.rhs];
    moved[i] = static_cast<int32_t>(kept.size());
    kept.push_back(n);
  }
  return BlockMask(std::move(kept), std::move(symbols), std::move(arrays));
}

std::optional<BlockMask> Parser::runFormula(std::vector<std::string> names, llvm::StringMap<Node> meanings) {
  symbols = std::move(names);
  bound = std::move(meanings);
  return finish(parseOr());
}

bool Parser::isNewName() const {
  static constexpr llvm::StringRef reserved[] = {"q",  "k",  "slot", "open", "label", "le",  "lt",       "ge",   "gt",
                                                 "eq", "ne", "and",  "or",   "not",   "mod", "floordiv", "where"};
  return !token.empty() && llvm::isAlpha(token[0]) && !llvm::is_contained(reserved, token) &&
         !llvm::is_contained(symbols, token.str()) &&
         llvm::none_of(arrays, [&](const LabelArray &array) { return array.name == token; });
}

bool Parser::parseSymbols() {
  if (!take("["))
    return true;
  do {
    if (!isNewName())
      return fail("expects a new symbol, but found '" + token + "'"), false;
    symbols.push_back(token.str());
    advance();
  } while (take(","));
  if (!expect("]"))
    return false;
  if (symbols.size() > maxSymbols)
    return fail("expects at most " + llvm::Twine(maxSymbols) + " symbols, but found " + llvm::Twine(symbols.size())),
           false;
  return true;
}

/// name = [value, value : count, ..]
bool Parser::parseArray() {
  if (!isNewName())
    return fail("expects a new name of labels, but found '" + token + "'"), false;
  LabelArray array{token.str(), {}};
  advance();
  if (!expect("=") || !expect("["))
    return false;
  do {
    bool negative = take("-");
    std::optional<int64_t> value = parseInteger(), count = 1;
    if (value && take(":"))
      count = parseInteger();
    if (!value || !count)
      return false;
    if (static_cast<double>(*value) >= tokenBound)
      return fail("expects labels below 2^31, but found " + llvm::Twine(*value) + " in '" + array.name + "'"), false;
    if (*count < 1 || array.values.size() + static_cast<size_t>(*count) > maxLabels)
      return fail("expects 1 to " + llvm::Twine(maxLabels) + " values of '" + array.name + "', but found " +
                  llvm::Twine(static_cast<int64_t>(array.values.size()) + *count)),
             false;
    array.values.insert(array.values.end(), static_cast<size_t>(*count), negative ? -*value : *value);
  } while (take(","));
  arrays.push_back(std::move(array));
  return expect("]");
}

bool Parser::parseArrays() {
  if (!take("where"))
    return true;
  do {
    if (arrays.size() == maxArrays)
      return fail("expects at most " + llvm::Twine(maxArrays) + " label arrays, but found more"), false;
    if (!parseArray())
      return false;
  } while (take(","));
  return true;
}

std::optional<BlockMask> Parser::run() {
  std::optional<BlockMask> mask;
  if (token != "(") {
    mask = shortSpelling();
  } else {
    for (llvm::StringRef word : {"(", "q", ",", "k", ")"})
      if (!expect(word))
        return std::nullopt;
    if (!parseSymbols() || !parseArrays() || !expect(":"))
      return std::nullopt;
    mask = finish(parseOr());
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
