//===- Parser.cpp - PTX text to kernels --------------------------------------===//

#include "test/ptx/Parser.h"
#include "test/ptx/Forms.h"
#include <algorithm>

namespace quoin::ptx {

static constexpr uint64_t kMostRegisters = 1 << 16, kMostShared = 1 << 20, kMostGlobal = 1 << 28,
                          kMostParameters = 32764;
static constexpr size_t kMostScopes = 1 << 12;

static uint64_t alignTo(uint64_t value, uint64_t align) { return (value + align - 1) / align * align; }

Parser::Parser(std::string_view whole) : text(whole), tokens(tokenize(whole)) {}

void Parser::refuse(const std::string &what) const { throw Refusal{{peek().line, what}}; }
void Parser::refuseFound(const std::string &expected) const {
  const Token &token = peek();
  std::string found = token.kind == Token::Kind::End ? "the end of the text" : "'" + std::string(token.text) + "'";
  refuse("expects " + expected + ", but found " + found);
}

Token Parser::take() {
  Token token = peek();
  if (token.kind != Token::Kind::End)
    ++at;
  return token;
}
bool Parser::takeIf(std::string_view expected) {
  if (!peek().is(expected) || peek().kind == Token::Kind::End)
    return false;
  ++at;
  return true;
}
void Parser::expect(std::string_view expected) {
  if (!takeIf(expected))
    refuseFound("'" + std::string(expected) + "'");
}
std::string_view Parser::word() {
  if (peek().kind != Token::Kind::Word || peek().text[0] == '.')
    refuseFound("a name");
  return take().text;
}
uint64_t Parser::number(uint64_t most) {
  Operand::Literal literal;
  std::optional<uint64_t> value;
  if (peek().kind == Token::Kind::Number)
    value = numberOf(peek().text, literal);
  if (!value || literal != Operand::Literal::Integer || *value > most)
    refuseFound("a number up to " + std::to_string(most));
  ++at;
  return *value;
}
void Parser::skipLine() {
  for (uint32_t line = peek().line; peek().kind != Token::Kind::End && peek().line == line;)
    ++at;
}

Module Parser::run() {
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    module.lines.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  while (peek().kind != Token::Kind::End)
    directive();
  return std::move(module);
}

void Parser::directive() {
  if (takeIf(".version")) {
    take();
  } else if (takeIf(".target")) {
    word();
    while (takeIf(","))
      word();
  } else if (takeIf(".address_size")) {
    if (number(64) != 64)
      refuse("expects addresses of 64 bits, but found others");
  } else if (peek().is(".file") || peek().is(".loc")) {
    skipLine();
  } else if (peek().is(".visible") || peek().is(".extern") || peek().is(".weak") || peek().is(".common")) {
    ++at;
  } else if (takeIf(".entry")) {
    kernel();
  } else if (takeIf(".shared")) {
    variable(Space::Shared, module.variables, moduleShared);
  } else if (peek().is(".global") || peek().is(".const")) {
    Space space = take().is(".global") ? Space::Global : Space::Const;
    variable(space, module.variables, moduleGlobal);
  } else if (peek().is(".func")) {
    refuse("expects kernels only, since calls are not modelled, but found '.func'");
  } else {
    refuseFound("a directive that the machine knows");
  }
}

void Parser::variable(Space space, std::vector<Variable> &into, uint64_t &used) {
  Variable made;
  made.space = space;
  bool aligned = takeIf(".align");
  if (aligned)
    made.align = number(1 << 16);
  if (made.align == 0 || (made.align & (made.align - 1)))
    refuse("expects an alignment that is a power of two, but found " + std::to_string(made.align));
  std::optional<Type> type;
  if (peek().kind == Token::Kind::Word && peek().text[0] == '.')
    type = typeNamed(peek().text.substr(1));
  if (!type || *type == Type::Pred || *type >= Type::F16x2 || *type == Type::TF32)
    refuseFound("a type for the variable");
  ++at;
  unsigned elementBytes = bitsOf(*type) / 8;
  if (!aligned)
    made.align = elementBytes;
  made.name = word();
  made.bytes = elementBytes;
  if (takeIf("[")) {
    made.dynamic = peek().is("]");
    made.bytes = made.dynamic ? 0 : number(kMostGlobal) * elementBytes;
    expect("]");
  }
  if (made.dynamic && space != Space::Shared)
    refuse("expects a size, but found '" + made.name + "' without one");
  Operand other;
  for (const Variable &each : into)
    if (each.name == made.name)
      refuse("expects one variable of a name, but found '" + made.name + "' again");
  if (!made.dynamic) { // before room is made for a value
    made.offset = alignTo(used, made.align);
    used = made.offset + made.bytes;
    uint64_t most = space == Space::Shared ? kMostShared : kMostGlobal;
    if (used > most)
      refuse("expects variables of at most " + std::to_string(most) + " bytes, but found " + std::to_string(used));
  }
  if (takeIf("="))
    initial(made, elementBytes);
  expect(";");
  into.push_back(std::move(made));
}

void Parser::initial(Variable &made, unsigned elementBytes) {
  if (made.space == Space::Shared)
    refuse("expects no initial value in shared memory, but found one");
  made.initial.assign(made.bytes, 0);
  bool list = takeIf("{");
  uint64_t next = 0;
  do {
    bool negative = takeIf("-");
    Operand::Literal literal;
    std::optional<uint64_t> value;
    if (peek().kind == Token::Kind::Number)
      value = numberOf(peek().text, literal);
    if (!value)
      refuseFound("a number");
    ++at;
    if (next + elementBytes > made.bytes)
      refuse("expects as many values as '" + made.name + "' has elements, but found more");
    uint64_t bits = negative ? -*value : *value;
    for (unsigned i = 0; i < elementBytes; ++i)
      made.initial[next++] = uint8_t(bits >> (8 * i));
  } while (list && takeIf(","));
  if (list)
    expect("}");
}

void Parser::kernel() {
  Kernel made;
  made.name = word();
  if (module.kernel(made.name))
    refuse("expects one kernel of a name, but found '" + made.name + "' again");
  made.registers.assign(SpecialRegisterCount, Type::B32);
  current = &made;
  locals.clear();
  jumps.clear();
  scopes.clear();
  scope = -1;
  sharedUsed = moduleShared;
  if (takeIf("("))
    parameters(made);
  attributes(made);
  body(made);
  finish(made);
  current = nullptr;
  module.kernels.push_back(std::move(made));
}

void Parser::parameters(Kernel &made) {
  uint64_t used = 0;
  while (!takeIf(")")) {
    if (!made.parameters.empty())
      expect(",");
    expect(".param");
    Variable each;
    bool aligned = takeIf(".align");
    if (aligned)
      each.align = number(256);
    std::optional<Type> type;
    if (peek().kind == Token::Kind::Word && peek().text[0] == '.')
      type = typeNamed(peek().text.substr(1));
    if (!type || *type == Type::Pred || *type >= Type::F16x2 || *type == Type::TF32)
      refuseFound("a type for the parameter");
    ++at;
    if (takeIf(".ptr")) {
      if (peek().is(".global") || peek().is(".shared") || peek().is(".const"))
        ++at;
      if (takeIf(".align"))
        number(1 << 16);
    }
    unsigned elementBytes = bitsOf(*type) / 8;
    each.align = std::max<uint64_t>(each.align, elementBytes);
    each.name = word();
    each.bytes = elementBytes;
    if (takeIf("[")) {
      each.bytes = elementBytes * number(kMostParameters);
      expect("]");
    }
    used = alignTo(used, each.align);
    made.parameters.push_back({each.name, unsigned(used), unsigned(each.bytes)});
    used += each.bytes;
    if (used > kMostParameters)
      refuse("expects at most " + std::to_string(kMostParameters) + " bytes of parameters, but found " +
             std::to_string(used));
  }
  made.parameterBytes = unsigned(used);
}

void Parser::attributes(Kernel &made) {
  auto three = [&](std::array<unsigned, 3> &into) {
    into = {1, 1, 1};
    for (size_t i = 0; i < 3; ++i) {
      into[i] = unsigned(number(1 << 16));
      if (!takeIf(","))
        break;
    }
  };
  while (!takeIf("{")) {
    std::array<unsigned, 3> most;
    if (takeIf(".reqntid")) {
      three(made.threads);
    } else if (takeIf(".reqnctapercluster")) {
      three(made.cluster);
    } else if (takeIf(".maxntid")) {
      three(most);
      made.mostThreads = uint64_t(most[0]) * most[1] * most[2];
      if (!made.mostThreads)
        refuse("expects at least one thread, but found none");
    } else if (takeIf(".minnctapersm") || takeIf(".maxnreg") || takeIf(".maxclusterrank")) {
      number(1 << 16);
    } else if (!takeIf(".explicitcluster")) {
      refuseFound("'{' or a directive of a kernel that the machine knows");
    }
  }
}

void Parser::body(Kernel &made) {
  scopes.push_back({-1, {}, {}});
  scope = 0;
  while (scope >= 0) {
    if (peek().kind == Token::Kind::End)
      refuseFound("'}' at the end of '" + made.name + "'");
    statement(made);
  }
}

void Parser::statement(Kernel &made) {
  if (takeIf(";")) {
  } else if (takeIf("{")) {
    if (scopes.size() >= kMostScopes)
      refuse("expects at most " + std::to_string(kMostScopes) + " scopes, but found more");
    scopes.push_back({scope, {}, {}});
    scope = int(scopes.size()) - 1;
  } else if (takeIf("}")) {
    scope = scopes[size_t(scope)].parent;
  } else if (takeIf(".reg")) {
    registers(made);
  } else if (takeIf(".shared")) {
    variable(Space::Shared, locals, sharedUsed);
  } else if (takeIf(".pragma")) {
    while (!takeIf(";"))
      if (take().kind == Token::Kind::End)
        refuseFound("';'");
  } else if (peek().is(".loc")) {
    skipLine();
  } else if (peek().kind == Token::Kind::Word && peek().text[0] != '.' && tokens[at + 1].is(":")) {
    if (!scopes[size_t(scope)].labels.emplace(peek().text, int(made.code.size())).second)
      refuse("expects one label of a name, but found '" + std::string(peek().text) + "' again");
    at += 2;
  } else {
    instruction(made);
  }
}

void Parser::registers(Kernel &made) {
  std::optional<Type> type;
  if (peek().kind == Token::Kind::Word && peek().text[0] == '.')
    type = typeNamed(peek().text.substr(1));
  if (!type || bitsOf(*type) == 8 || *type == Type::TF32 || *type >= Type::E4M3x2)
    refuseFound("a type for registers");
  ++at;
  do {
    std::string name(word());
    bool many = takeIf("<");
    uint64_t count = many ? number(kMostRegisters) : 1;
    if (many)
      expect(">");
    if (made.registers.size() + count > kMostRegisters)
      refuse("expects at most " + std::to_string(kMostRegisters) + " registers, but found more");
    for (uint64_t i = 0; i < count; ++i) {
      std::string each = many ? name + std::to_string(i) : name;
      if (!scopes[size_t(scope)].registers.emplace(each, int(made.registers.size())).second)
        refuse("expects one register of a name, but found '" + each + "' again");
      made.registers.push_back(*type);
    }
  } while (takeIf(","));
  expect(";");
}

void Parser::instruction(Kernel &made) {
  Instruction in;
  in.line = peek().line;
  if (takeIf("@")) {
    in.guardNegated = takeIf("!");
    std::string_view guard = word();
    in.guard = findRegister(guard);
    if (in.guard < 0 || made.registers[size_t(in.guard)] != Type::Pred)
      refuse("expects a predicate after '@', but found '" + std::string(guard) + "'");
  }
  if (peek().kind != Token::Kind::Word || peek().text[0] == '.')
    refuseFound("an instruction");
  std::string_view opcode = take().text;
  std::string pattern = readForm(opcode, in);
  if (in.op == Opcode::Bra) {
    jumps.push_back({made.code.size(), scope, std::string(word())});
  } else if (!peek().is(";")) {
    do
      in.operands.push_back(operand());
    while (takeIf(","));
  }
  if (!peek().is(";"))
    refuseFound("',' or ';'");
  if (in.op != Opcode::Bra)
    checkOperands(in, pattern);
  checkForm(in);
  expect(";");
  made.code.push_back(std::move(in));
}

/// Gives symbols their places and jumps their targets.
void Parser::finish(Kernel &made) {
  uint64_t end = sharedUsed;
  std::vector<Variable> &shared = module.variables;
  // All arrays without a size begin at one place, as they do in hardware.
  uint64_t align = 1;
  for (const std::vector<Variable> *list : {&shared, &locals})
    for (const Variable &each : *list)
      align = each.dynamic ? std::max(align, each.align) : align;
  made.sharedBytes = unsigned(alignTo(end, align));
  auto resolve = [&](auto &self, Operand &operand) -> void {
    if (operand.symbol >= 0)
      operand.value += made.sharedBytes;
    for (Operand &each : operand.parts)
      self(self, each);
  };
  for (Instruction &in : made.code)
    for (Operand &each : in.operands)
      resolve(resolve, each);
  for (const Jump &jump : jumps) {
    int target = -1;
    for (int s = jump.scope; s >= 0 && target < 0; s = scopes[size_t(s)].parent)
      if (auto found = scopes[size_t(s)].labels.find(jump.label); found != scopes[size_t(s)].labels.end())
        target = found->second;
    if (target < 0)
      throw Refusal{{made.code[jump.instruction].line, "expects a label, but found '" + jump.label + "'"}};
    made.code[jump.instruction].target = target;
  }
  // Whoever reaches the end returns.
  Instruction last;
  last.op = Opcode::Ret;
  last.line = peek().line;
  made.code.push_back(last);
}

std::optional<Module> parse(std::string_view text, Diagnostic &diagnostic) {
  try {
    return Parser(text).run();
  } catch (const Refusal &refusal) {
    diagnostic = refusal.diagnostic;
    return std::nullopt;
  }
}

} // namespace quoin::ptx
