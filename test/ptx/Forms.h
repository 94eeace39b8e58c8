//===- Forms.h - the instruction forms that the machine knows ----------------===//
//
// A form is an opcode with its suffixes, in the order that PTX prescribes, and the operands they ask for. Operands are
// described by a string, one character each:
//
//   d w    a register of the type, of twice its width          L      registers a load fills: `count`, or wider ones
//   e g    a register of 32, of 64 bits                        T      what a store takes, likewise
//   o      one of 64 bits or `_`                               M      what mov moves: also names and packed vectors
//   a      one of the type or `_`                              c C    of the type or of `from`, or wider (conversions)
//   s f W  a value of the type, of `from`, of twice the width  1 2 4  a vector of so many registers of 32 bits
//   b u h  a value of 16, of 32, of 64 bits                    N      a vector of count / 2 of them
//   p P    a predicate read, written                           Y      four such registers, or a value of 64 bits
//   q      `p` or `p|q` written                                l      a label
//   x      the type or `type|predicate` written                i      an immediate
//   m G    an address in the space, in global memory           ?      what follows may be left out
//   S      an address in shared memory                     Z      a predicate, or an immediate in its place
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_TEST_PTX_FORMS_H
#define QUOIN_TEST_PTX_FORMS_H

#include "test/ptx/Lexer.h"

namespace quoin::ptx {

/// The dotted parts of an opcode, taken from left to right.
class Suffixes {
public:
  Suffixes(std::string_view word, Instruction &in);

  std::string_view base() const { return parts.front(); }
  /// Takes the next part if it is that.
  bool take(std::string_view name);
  /// Takes the next part, which must be one of these; the number of it.
  size_t oneOf(std::initializer_list<std::string_view> names);
  /// Takes the next part if it is one of these; their number where it is none.
  size_t maybe(std::initializer_list<std::string_view> names);
  void expect(std::string_view name);
  /// Takes a type, which must be among those allowed.
  Type type(std::initializer_list<Type> allowed);
  /// Takes a rounding of floats where there is one.
  bool rounding(bool directed = true);
  bool atEnd() const { return next == parts.size(); }
  std::string_view peek() const { return atEnd() ? std::string_view() : parts[next]; }
  [[noreturn]] void refuse(const std::string &why) const;

  Instruction &in;

private:
  std::string_view word;
  std::vector<std::string_view> parts;
  size_t next = 1;
};

/// Fills an instruction from its opcode with suffixes; the operands it takes. Throws Refusal for what is no form.
std::string readForm(std::string_view word, Instruction &in);

/// Parts of `readForm`, by family; none of their own gives an empty string.
std::string readArithmeticForm(Suffixes &suffixes);
std::string readMemoryForm(Suffixes &suffixes);
std::string readThreadForm(Suffixes &suffixes);
std::string readAsyncForm(Suffixes &suffixes);

/// What cannot be said by a suffix and an operand alone, after operands are there. Throws Refusal.
void checkForm(const Instruction &in);

/// Where shared memory is the space: one's own block, or any of the cluster. False where the next part is neither.
bool takeShared(Suffixes &suffixes);

} // namespace quoin::ptx

#endif
