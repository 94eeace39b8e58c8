//===- ParserOperands.cpp - operands, and whether they fit their form --------===//

#include "test/ptx/Parser.h"
#include <algorithm>

namespace quoin::ptx {

using Kind = Operand::Kind;

static int specialRegister(std::string_view name) {
  static constexpr std::pair<std::string_view, int> names[] = {{"%tid.x", TidX},
                                                               {"%tid.y", TidY},
                                                               {"%tid.z", TidZ},
                                                               {"%ntid.x", NtidX},
                                                               {"%ntid.y", NtidY},
                                                               {"%ntid.z", NtidZ},
                                                               {"%ctaid.x", CtaidX},
                                                               {"%ctaid.y", CtaidY},
                                                               {"%ctaid.z", CtaidZ},
                                                               {"%nctaid.x", NctaidX},
                                                               {"%nctaid.y", NctaidY},
                                                               {"%nctaid.z", NctaidZ},
                                                               {"%laneid", LaneId},
                                                               {"%warpid", WarpId},
                                                               {"%nwarpid", NWarpId},
                                                               {"%lanemask_eq", LaneMaskEq},
                                                               {"%lanemask_lt", LaneMaskLt},
                                                               {"%lanemask_le", LaneMaskLe},
                                                               {"%lanemask_gt", LaneMaskGt},
                                                               {"%lanemask_ge", LaneMaskGe},
                                                               {"%clusterid.x", ClusterIdX},
                                                               {"%nclusterid.x", NClusterIdX},
                                                               {"%cluster_ctarank", ClusterCtaRank},
                                                               {"%cluster_nctarank", ClusterNctaRank},
                                                               {"%dynamic_smem_size", DynamicSharedSize}};
  for (auto [each, reg] : names)
    if (each == name)
      return reg;
  return -1;
}

int Parser::findRegister(std::string_view name) const {
  for (int s = scope; s >= 0; s = scopes[size_t(s)].parent)
    if (auto found = scopes[size_t(s)].registers.find(name); found != scopes[size_t(s)].registers.end())
      return found->second;
  return specialRegister(name);
}

/// Adds where the name lies to the operand's value.
bool Parser::findSymbol(std::string_view name, Operand &operand) const {
  for (const std::vector<Variable> *list : {&locals, &module.variables})
    for (const Variable &each : *list)
      if (each.name == name) {
        operand.space = each.space;
        operand.value += each.space == Space::Shared ? each.offset : kModuleGlobals + each.offset;
        // `finish` adds where dynamic shared memory begins.
        operand.symbol = each.dynamic ? 0 : -1;
        return true;
      }
  for (const Parameter &each : current->parameters)
    if (each.name == name) {
      operand.space = Space::Param;
      operand.value += each.offset;
      return true;
    }
  return false;
}

Operand Parser::immediate() {
  Operand made;
  made.kind = Kind::Immediate;
  bool negative = takeIf("-");
  std::optional<uint64_t> value;
  if (peek().kind == Token::Kind::Number)
    value = numberOf(peek().text, made.literal);
  if (!value || (negative && made.literal != Operand::Literal::Integer))
    refuseFound("a number");
  ++at;
  made.value = negative ? -*value : *value;
  return made;
}

Operand Parser::name(const Token &token) {
  Operand made;
  if (token.text == "WARP_SZ") {
    made.kind = Kind::Immediate;
    made.value = 32;
    return made;
  }
  made.reg = findRegister(token.text);
  if (made.reg >= 0) {
    made.kind = Kind::Register;
    return made;
  }
  if (!findSymbol(token.text, made))
    throw Refusal{{token.line, "expects a register or a variable, but found '" + std::string(token.text) + "'"}};
  made.kind = Kind::Immediate;
  made.literal = Operand::Literal::Symbol;
  if (takeIf("+"))
    made.value += immediate().value;
  return made;
}

Operand Parser::address() {
  Operand made;
  made.kind = Kind::Address;
  if (peek().kind == Token::Kind::Number) {
    made.value = immediate().value;
  } else {
    Token token = peek();
    made.reg = findRegister(word());
    if (made.reg < 0 && !findSymbol(token.text, made))
      throw Refusal{{token.line, "expects a register or a variable, but found '" + std::string(token.text) + "'"}};
    if (made.reg >= 0 && bitsOf(current->registers[size_t(made.reg)]) < 32)
      throw Refusal{{token.line, "expects an address of 32 or 64 bits, but found '" + std::string(token.text) + "'"}};
  }
  bool minus = peek().is("-");
  if (takeIf("+"))
    made.value += immediate().value;
  else if (minus)
    made.value += immediate().value;
  if (peek().is(","))
    refuse("expects an address, but found coordinates of a tensor, which are not modelled");
  expect("]");
  return made;
}

Operand Parser::vector() {
  Operand made;
  made.kind = Kind::Vector;
  do {
    if (peek().is("{") || peek().is("[") || made.parts.size() >= 256)
      refuseFound("at most 256 registers or numbers");
    made.parts.push_back(operand());
  } while (takeIf(","));
  expect("}");
  return made;
}

Operand Parser::operand() {
  if (takeIf("["))
    return address();
  if (takeIf("{"))
    return vector();
  if (peek().is("-") || peek().kind == Token::Kind::Number)
    return immediate();
  bool negated = takeIf("!");
  Token token = peek();
  std::string_view spelled = word();
  Operand made;
  if (spelled != "_")
    made = name(token);
  made.negated = negated;
  if (!takeIf("|"))
    return made;
  Operand pair;
  pair.kind = Kind::Pair;
  pair.parts.push_back(made);
  token = peek();
  spelled = word();
  pair.parts.push_back(spelled == "_" ? Operand() : name(token));
  return pair;
}

static std::string described(const Operand &operand) {
  switch (operand.kind) {
  case Kind::Sink:
    return "'_'";
  case Kind::Register:
    return "a register";
  case Kind::Immediate:
    return operand.literal == Operand::Literal::Symbol ? "a variable" : "a number";
  case Kind::Address:
    return "an address";
  case Kind::Vector:
    return "a vector of " + std::to_string(operand.parts.size());
  case Kind::Pair:
    return "a pair";
  case Kind::Label:
    return "a label";
  }
  return "";
}

[[noreturn]] static void mismatch(const Instruction &in, const std::string &expected, const std::string &found) {
  throw Refusal{{in.line, "expects " + expected + ", but found " + found}};
}

/// A register that holds `bits`, or more where that is allowed.
void Parser::checkRegister(const Instruction &in, const Operand &each, unsigned bits, bool wider) {
  std::string expected = bits == 1 ? "a predicate" : "a register of " + std::to_string(bits) + " bits";
  if (each.kind != Kind::Register)
    mismatch(in, expected, described(each));
  unsigned found = bitsOf(current->registers[size_t(each.reg)]);
  if (found != bits && !(wider && found > bits && bits > 1))
    mismatch(in, expected, found == 1 ? "a predicate" : "one of " + std::to_string(found) + " bits");
  if (each.negated && bits != 1)
    mismatch(in, "no '!' but before predicates", "one");
}

void Parser::checkMove(const Instruction &in) {
  unsigned bits = bitsOf(in.type);
  const Operand *sides[] = {&in.operands[0], &in.operands[1]};
  if (sides[0]->kind == Kind::Vector && sides[1]->kind == Kind::Vector)
    mismatch(in, "one vector", "two");
  for (int i = 0; i < 2; ++i) {
    const Operand &side = *sides[i];
    if (side.kind == Kind::Vector) {
      size_t n = side.parts.size();
      if ((n != 2 && n != 4) || bits % n || bits / n < 16)
        mismatch(in, "a vector of 2 or 4 whose elements have 16 bits or more", described(side));
      for (const Operand &part : side.parts)
        if (i == 1 || part.kind != Kind::Sink)
          checkRegister(in, part, unsigned(bits / n));
    } else if (i == 0) {
      checkRegister(in, side, bits);
    } else {
      bool name = side.kind == Kind::Immediate && side.literal == Operand::Literal::Symbol;
      if (name && bits < 32)
        mismatch(in, "32 or 64 bits for an address", std::to_string(bits));
      // LLVM writes a predicate that always holds as -1.
      if (bits == 1 && side.kind == Kind::Immediate && side.literal == Operand::Literal::Integer)
        continue;
      if (!name)
        checkOperand(in, side, 's');
    }
  }
}

void Parser::checkOperand(const Instruction &in, const Operand &each, char code) {
  unsigned bits = bitsOf(in.type);
  auto value = [&](unsigned wanted, bool wider = false) {
    if (each.kind != Kind::Immediate)
      return checkRegister(in, each, wanted, wider);
    if (wanted == 1)
      mismatch(in, "a predicate", described(each));
    using Literal = Operand::Literal;
    if (each.literal == Literal::Symbol || (each.literal == Literal::Single && wanted != 32) ||
        (each.literal == Literal::Double && wanted != 64))
      mismatch(in, "a number of " + std::to_string(wanted) + " bits", "another operand");
  };
  auto registers = [&](size_t count) {
    if (each.kind != Kind::Vector || each.parts.size() != count)
      mismatch(in, "a vector of " + std::to_string(count), described(each));
    for (const Operand &part : each.parts)
      checkRegister(in, part, 32);
  };
  auto pair = [&](unsigned first) {
    const Operand &left = each.kind == Kind::Pair ? each.parts[0] : each;
    if (left.kind != Kind::Sink)
      checkRegister(in, left, first);
    if (each.kind == Kind::Pair && each.parts[1].kind != Kind::Sink)
      checkRegister(in, each.parts[1], 1);
  };
  auto elements = [&](bool load) {
    if (in.count == 1 && each.kind != Kind::Vector)
      return load ? checkRegister(in, each, bits, true) : value(bits, true);
    if (each.kind != Kind::Vector || each.parts.size() != in.count)
      mismatch(in, "a vector of " + std::to_string(in.count), described(each));
    for (const Operand &part : each.parts)
      if (!load || part.kind != Kind::Sink)
        checkRegister(in, part, bits, true);
  };
  switch (code) {
  case 'd':
    return checkRegister(in, each, bits);
  case 'w':
    return checkRegister(in, each, 2 * bits);
  case 'e':
    return checkRegister(in, each, 32);
  case 'P':
    return checkRegister(in, each, 1);
  case 'p':
    return checkRegister(in, each, 1);
  case 'c':
    return checkRegister(in, each, bits, true);
  case 'C':
    return value(bitsOf(in.from), true);
  case 's':
    return value(bits);
  case 'f':
    return value(bitsOf(in.from));
  case 'W':
    return value(2 * bits);
  case 'u':
    return value(32);
  case 'h':
    return value(64);
  case 'o':
    return each.kind == Kind::Sink ? void() : checkRegister(in, each, 64);
  case 'a':
    return each.kind == Kind::Sink ? void() : checkRegister(in, each, bits);
  case 'Z':
    return each.kind == Kind::Immediate ? void() : checkRegister(in, each, 1);
  case 'q':
    return pair(1);
  case 'x':
    return pair(32);
  case 'L':
    return elements(true);
  case 'T':
    return elements(false);
  case '1':
  case '2':
  case '4':
    return registers(size_t(code - '0'));
  case 'N':
    return registers(in.count / 2);
  case 'Y':
    return each.kind == Kind::Vector ? registers(4) : value(64);
  case 'i':
    if (each.kind != Kind::Immediate || each.literal != Operand::Literal::Integer)
      mismatch(in, "a number", described(each));
    return;
  default:
    if (each.kind != Kind::Address)
      mismatch(in, "an address in brackets", described(each));
    Space wanted = code == 'G' ? Space::Global : code == 'S' ? Space::Shared : in.space;
    if (each.space != Space::Generic && each.space != wanted &&
        !(each.space == Space::Shared && wanted == Space::Cluster))
      mismatch(in, "an address in the space of the instruction", "a variable of another");
  }
}

void Parser::checkOperands(Instruction &in, std::string_view pattern) {
  // mbarrier.arrive may go without its result.
  if (pattern.substr(0, 2) == "om" && !in.operands.empty() && in.operands[0].kind == Kind::Address)
    in.operands.insert(in.operands.begin(), Operand());
  bool move = pattern.back() == 'M' || pattern.find("M") != std::string_view::npos;
  size_t i = 0, least = std::min(pattern.find('?'), pattern.size());
  std::string codes;
  for (char code : pattern)
    if (code != '?')
      codes += code;
  if (pattern == "M")
    codes = "MM", least = 2;
  if (in.operands.size() < least || in.operands.size() > codes.size())
    mismatch(in, std::to_string(codes.size()) + " operands", std::to_string(in.operands.size()));
  for (const Operand &each : in.operands) {
    char code = codes[i++];
    if (code == 'M' && pattern == "M")
      continue;
    if (code == 'M' && move) {
      if (each.kind != Kind::Immediate || each.literal != Operand::Literal::Symbol)
        checkOperand(in, each, 's');
      continue;
    }
    checkOperand(in, each, code);
    bool reads = code != 'P' && code != 'p' && code != 'q' && code != 'Z';
    if (reads && each.negated)
      mismatch(in, "no '!' but before predicates", "one");
  }
  if (pattern == "M")
    checkMove(in);
  if (std::string_view("dwecPaoqxL124NM").find(codes.empty() ? ' ' : codes[0]) != std::string_view::npos) {
    auto written = [&](auto &self, const Operand &each) -> void {
      if (each.kind == Kind::Register && each.reg < SpecialRegisterCount)
        mismatch(in, "a register that can be written", "a special one");
      for (const Operand &part : each.parts)
        self(self, part);
    };
    written(written, in.operands[0]);
  }
}

} // namespace quoin::ptx
