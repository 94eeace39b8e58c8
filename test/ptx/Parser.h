//===- Parser.h - PTX text to kernels ----------------------------------------===//
//
// Recursive descent over the tokens. Names live in scopes, which `{ }` of inline assembly opens; labels may be used
// before they are defined and are resolved at the end of a kernel, as is where dynamic shared memory begins.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_TEST_PTX_PARSER_H
#define QUOIN_TEST_PTX_PARSER_H

#include "test/ptx/Lexer.h"
#include <map>

namespace quoin::ptx {

class Parser {
public:
  explicit Parser(std::string_view text);
  Module run();

private:
  // What the text is made of.
  void directive();
  void kernel();
  void parameters(Kernel &made);
  void attributes(Kernel &made);
  void body(Kernel &made);
  void statement(Kernel &made);
  void registers(Kernel &made);
  void variable(Space space, std::vector<Variable> &into, uint64_t &used);
  void initial(Variable &made, unsigned elementBytes);
  void instruction(Kernel &made);
  void finish(Kernel &made);

  // Operands (ParserOperands.cpp).
  Operand operand();
  Operand address();
  Operand vector();
  Operand name(const Token &token);
  Operand immediate();
  void checkOperands(Instruction &in, std::string_view pattern);
  void checkOperand(const Instruction &in, const Operand &operand, char code);
  void checkRegister(const Instruction &in, const Operand &operand, unsigned bits, bool wider = false);
  void checkMove(const Instruction &in);
  int findRegister(std::string_view name) const;
  bool findSymbol(std::string_view name, Operand &operand) const;

  const Token &peek() const { return tokens[at]; }
  Token take();
  bool takeIf(std::string_view text);
  void expect(std::string_view text);
  std::string_view word();
  uint64_t number(uint64_t most);
  void skipLine();
  [[noreturn]] void refuse(const std::string &what) const;
  [[noreturn]] void refuseFound(const std::string &expected) const;

  struct Scope {
    int parent;
    std::map<std::string, int, std::less<>> registers, labels;
  };
  struct Jump {
    size_t instruction;
    int scope;
    std::string label;
  };

  std::string_view text;
  std::vector<Token> tokens;
  size_t at = 0;
  Module module;
  uint64_t moduleShared = 0, moduleGlobal = 0;

  // Of the kernel being read.
  Kernel *current = nullptr;
  std::vector<Variable> locals;
  uint64_t sharedUsed = 0;
  std::vector<Scope> scopes;
  int scope = -1;
  std::vector<Jump> jumps;
};

} // namespace quoin::ptx

#endif
