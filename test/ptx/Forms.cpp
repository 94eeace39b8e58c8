//===- Forms.cpp - suffixes, and the forms of arithmetic ---------------------===//

#include "test/ptx/Forms.h"
#include <algorithm>

namespace quoin::ptx {

Suffixes::Suffixes(std::string_view text, Instruction &instruction) : in(instruction), word(text) {
  for (size_t at = 0; at <= text.size();) {
    size_t dot = std::min(text.find('.', at), text.size());
    parts.push_back(text.substr(at, dot - at));
    at = dot + 1;
  }
}

void Suffixes::refuse(const std::string &why) const {
  throw Refusal{{in.line, "expects an instruction form that the machine knows, but found '" + std::string(word) + "'" +
                              (why.empty() ? "" : " (" + why + ")")}};
}

bool Suffixes::take(std::string_view name) {
  if (peek() != name)
    return false;
  ++next;
  return true;
}

size_t Suffixes::maybe(std::initializer_list<std::string_view> names) {
  size_t at = size_t(std::find(names.begin(), names.end(), peek()) - names.begin());
  if (at < names.size())
    ++next;
  return at;
}

size_t Suffixes::oneOf(std::initializer_list<std::string_view> names) {
  size_t at = maybe(names);
  if (at == names.size()) {
    std::string list;
    for (std::string_view each : names)
      list += (list.empty() ? "." : ", .") + std::string(each);
    refuse("one of " + list + " comes before " + (atEnd() ? "its end" : "'." + std::string(peek()) + "'"));
  }
  return at;
}

void Suffixes::expect(std::string_view name) { oneOf({name}); }

Type Suffixes::type(std::initializer_list<Type> allowed) {
  std::optional<Type> found = typeNamed(peek());
  if (!found)
    refuse(atEnd() ? "a type is missing" : "'." + std::string(peek()) + "' is no type here");
  if (std::find(allowed.begin(), allowed.end(), *found) == allowed.end())
    refuse("not for '." + std::string(peek()) + "'");
  ++next;
  return *found;
}

bool Suffixes::rounding(bool directed) {
  size_t at = maybe({"rn", "rz", "rm", "rp"});
  if (at == 4)
    return false;
  in.rounding = Rounding(at);
  if (at > 1 && !directed)
    refuse("not with that rounding");
  return true;
}

using enum Type;

/// add and sub, of floats with a rounding or without, of integers with saturation or without.
static std::string sum(Suffixes &s, Opcode op) {
  Instruction &in = s.in;
  in.op = op;
  bool rounded = s.rounding();
  in.ftz = s.take("ftz");
  in.saturate = s.take("sat");
  if (!rounded && !in.ftz && in.saturate && s.peek() == "s32") {
    in.type = s.type({S32});
    return "dss";
  }
  if (rounded || in.ftz || in.saturate)
    in.type = s.type({F32, F64, F16, F16x2, BF16, BF16x2});
  else
    in.type = s.type({U16, U32, U64, S16, S32, S64, F32, F64, F16, F16x2, BF16, BF16x2});
  return "dss";
}

/// mul, mad and fma.
static std::string product(Suffixes &s, Opcode op) {
  Instruction &in = s.in;
  in.op = op;
  size_t part = op == Opcode::Fma ? 3 : s.maybe({"lo", "hi", "wide"});
  std::string operands = op == Opcode::Mul ? "dss" : "dsss";
  if (part < 3) {
    in.part = Part(part);
    if (in.part == Part::Wide) {
      in.type = s.type({U16, U32, S16, S32});
      return op == Opcode::Mul ? "wss" : "wssW";
    }
    in.type = s.type({U16, U32, U64, S16, S32, S64});
    return operands;
  }
  bool rounded = s.rounding();
  if (op != Opcode::Mul && !rounded)
    s.refuse("a rounding is missing");
  in.ftz = s.take("ftz");
  in.saturate = s.take("sat");
  in.relu = op == Opcode::Fma && s.take("relu");
  if (op == Opcode::Mad)
    in.type = s.type({F32, F64});
  else
    in.type = s.type({F32, F64, F16, F16x2, BF16, BF16x2});
  if (in.relu && (in.type == F32 || in.type == F64))
    s.refuse("'.relu' is for types of 16 bits");
  if (op == Opcode::Mad)
    in.op = Opcode::Fma;
  return operands;
}

static std::string division(Suffixes &s) {
  Instruction &in = s.in;
  in.op = Opcode::Div;
  in.approximate = s.maybe({"approx", "full"}) < 2;
  bool rounded = !in.approximate && s.rounding();
  in.ftz = s.take("ftz");
  if (in.approximate || in.ftz)
    in.type = s.type({F32});
  else if (rounded)
    in.type = s.type({F32, F64});
  else
    in.type = s.type({U16, U32, U64, S16, S32, S64});
  if (in.ftz && !in.approximate && !rounded)
    s.refuse("a rounding is missing");
  return "dss";
}

static std::string extremum(Suffixes &s, Opcode op) {
  Instruction &in = s.in;
  in.op = op;
  in.ftz = s.take("ftz");
  in.nanWins = s.take("NaN");
  if (in.ftz || in.nanWins)
    in.type = s.type({F32, F16, F16x2, BF16, BF16x2});
  else
    in.type = s.type({U16, U32, U64, S16, S32, S64, F32, F64, F16, F16x2, BF16, BF16x2});
  return "dss";
}

/// rcp, sqrt: exactly rounded or approximate; rsqrt, ex2, lg2, sin, cos, tanh: approximate.
static std::string function(Suffixes &s, Opcode op) {
  Instruction &in = s.in;
  in.op = op;
  bool exact = op == Opcode::Rcp || op == Opcode::Sqrt;
  bool rounded = exact && s.rounding();
  if (!rounded) {
    s.expect("approx");
    in.approximate = true;
  }
  in.ftz = op != Opcode::Tanh && s.take("ftz");
  if (rounded)
    in.type = s.type({F32, F64});
  else
    in.type = s.type({F32});
  return "ds";
}

static std::string comparison(Suffixes &s) {
  Instruction &in = s.in;
  in.op = Opcode::Setp;
  size_t compare = s.oneOf({"eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan",
                            "lo", "ls", "hi", "hs"});
  bool unsignedOnly = compare >= 14;
  in.compare = unsignedOnly ? Compare(compare - 14 + size_t(Compare::Lt)) : Compare(compare);
  size_t combine = s.maybe({"and", "or", "xor"});
  if (combine < 3)
    in.combine = Combine(1 + combine);
  in.ftz = s.take("ftz");
  if (unsignedOnly)
    in.type = s.type({U16, U32, U64});
  else if (in.compare >= Compare::Equ || in.ftz)
    in.type = s.type({F32, F64, F16, BF16});
  else if (in.compare <= Compare::Ne)
    in.type = s.type({B16, B32, B64, U16, U32, U64, S16, S32, S64, F32, F64, F16, BF16});
  else
    in.type = s.type({U16, U32, U64, S16, S32, S64, F32, F64, F16, BF16});
  if (in.ftz && in.type != F32)
    s.refuse("'.ftz' is for .f32 here");
  return combine < 3 ? "qssp" : "qss";
}

/// cvt: the roundings that PTX asks for or forbids with each pair of types.
static std::string conversion(Suffixes &s) {
  Instruction &in = s.in;
  in.op = Opcode::Cvt;
  size_t integral = s.maybe({"rni", "rzi", "rmi", "rpi"});
  in.integral = integral < 4;
  bool rounded = in.integral;
  if (in.integral) {
    in.rounding = Rounding(integral);
  } else if (s.take("rna")) {
    in.rounding = Rounding::NearestAway;
    in.type = s.type({TF32});
    in.from = s.type({F32});
    return "ds";
  } else {
    rounded = s.rounding();
  }
  bool finite = s.take("satfinite");
  in.relu = s.take("relu");
  finite = finite || s.take("satfinite");
  in.ftz = s.take("ftz");
  in.saturate = s.take("sat") || finite;
  in.type = s.type({U8, U16, U32, U64, S8, S16, S32, S64, F16, BF16, F32, F64, F16x2, BF16x2, E4M3x2, E5M2x2});
  in.from = s.type({U8, U16, U32, U64, S8, S16, S32, S64, F16, BF16, F32, F64, E4M3x2, E5M2x2, F16x2});
  bool eight = in.type == E4M3x2 || in.type == E5M2x2;
  if (in.type == F16x2 && (in.from == E4M3x2 || in.from == E5M2x2)) {
    if (in.rounding != Rounding::Nearest || !rounded || in.integral || finite || in.ftz || in.saturate)
      s.refuse("only with '.rn'");
    return "df";
  }
  if (in.type == F16x2 || in.type == BF16x2 || eight) {
    if (in.from != F32 || !rounded || in.integral || in.rounding > Rounding::Zero || in.ftz || in.saturate != eight ||
        (eight && in.rounding != Rounding::Nearest))
      s.refuse("no such conversion to a pair");
    return "dff";
  }
  bool fromFloat = isFloat(in.from), toFloat = isFloat(in.type);
  if (finite || in.from == F16x2 || in.from == E4M3x2 || in.from == E5M2x2)
    s.refuse("no such conversion");
  bool narrows =
      fromFloat && toFloat &&
      (bitsOf(in.type) < bitsOf(in.from) || (bitsOf(in.type) == 16 && bitsOf(in.from) == 16 && in.type != in.from));
  if (fromFloat && !toFloat && !in.integral)
    s.refuse("a rounding to integers is missing");
  if (in.integral && (!fromFloat || (toFloat && in.type != in.from)))
    s.refuse("no rounding to integers here");
  if (!in.integral && rounded != (narrows || (!fromFloat && toFloat)))
    s.refuse(rounded ? "no rounding here" : "a rounding is missing");
  if (in.relu && !(narrows && bitsOf(in.type) == 16))
    s.refuse("no '.relu' here");
  if (in.ftz && in.type != F32 && in.from != F32)
    s.refuse("no '.ftz' here");
  if ((in.type == BF16 || in.from == BF16) && in.saturate)
    s.refuse("no '.sat' here");
  return "cC";
}

std::string readArithmeticForm(Suffixes &s) {
  Instruction &in = s.in;
  std::string_view name = s.base();
  auto simple = [&](Opcode op, std::initializer_list<Type> types, std::string operands) {
    in.op = op;
    in.type = s.type(types);
    return operands;
  };
  if (name == "add")
    return sum(s, Opcode::Add);
  if (name == "sub")
    return sum(s, Opcode::Sub);
  if (name == "mul")
    return product(s, Opcode::Mul);
  if (name == "mad")
    return product(s, Opcode::Mad);
  if (name == "fma")
    return product(s, Opcode::Fma);
  if (name == "div")
    return division(s);
  if (name == "rem")
    return simple(Opcode::Rem, {U16, U32, U64, S16, S32, S64}, "dss");
  if (name == "min")
    return extremum(s, Opcode::Min);
  if (name == "max")
    return extremum(s, Opcode::Max);
  if (name == "abs" || name == "neg") {
    in.op = name == "abs" ? Opcode::Abs : Opcode::Neg;
    in.ftz = s.take("ftz");
    in.type = in.ftz ? s.type({F32}) : s.type({S16, S32, S64, F32, F64, F16, F16x2, BF16, BF16x2});
    return "ds";
  }
  if (name == "copysign")
    return simple(Opcode::CopySign, {F32, F64}, "dss");
  if (name == "testp") {
    in.op = Opcode::TestP;
    in.count = unsigned(s.oneOf({"finite", "infinite", "number", "notanumber", "normal", "subnormal"}));
    in.type = s.type({F32, F64});
    return "Ps";
  }
  if (name == "and" || name == "or" || name == "xor")
    return simple(name == "and" ? Opcode::And : name == "or" ? Opcode::Or : Opcode::Xor, {Pred, B16, B32, B64}, "dss");
  if (name == "not")
    return simple(Opcode::Not, {Pred, B16, B32, B64}, "ds");
  if (name == "shl")
    return simple(Opcode::Shl, {B16, B32, B64}, "dsu");
  if (name == "shr")
    return simple(Opcode::Shr, {B16, B32, B64, U16, U32, U64, S16, S32, S64}, "dsu");
  if (name == "shf") {
    in.op = Opcode::Shf;
    in.mode = s.oneOf({"l", "r"}) == 0 ? Mode::Up : Mode::Down;
    in.wrap = s.oneOf({"wrap", "clamp"}) == 0;
    in.type = s.type({B32});
    return "dssu";
  }
  if (name == "bfe")
    return simple(Opcode::Bfe, {U32, U64, S32, S64}, "dsuu");
  if (name == "bfi")
    return simple(Opcode::Bfi, {B32, B64}, "dssuu");
  if (name == "popc" || name == "clz")
    return simple(name == "popc" ? Opcode::Popc : Opcode::Clz, {B32, B64}, "es");
  if (name == "brev")
    return simple(Opcode::Brev, {B32, B64}, "ds");
  if (name == "lop3")
    return simple(Opcode::Lop3, {B32}, "dsssi");
  if (name == "prmt")
    return simple(Opcode::Prmt, {B32}, "dsss");
  if (name == "dp4a") {
    in.op = Opcode::Dp4a;
    in.type = s.type({U32, S32});
    in.from = s.type({U32, S32});
    return "dsss";
  }
  if (name == "selp")
    return simple(Opcode::Selp, {B16, B32, B64, U16, U32, U64, S16, S32, S64, F32, F64}, "dssp");
  if (name == "setp")
    return comparison(s);
  if (name == "cvt")
    return conversion(s);
  static constexpr std::pair<std::string_view, Opcode> functions[] = {
      {"rcp", Opcode::Rcp}, {"sqrt", Opcode::Sqrt}, {"rsqrt", Opcode::Rsqrt}, {"ex2", Opcode::Ex2},
      {"lg2", Opcode::Lg2}, {"sin", Opcode::Sin},   {"cos", Opcode::Cos},     {"tanh", Opcode::Tanh}};
  for (auto [each, op] : functions)
    if (name == each)
      return function(s, op);
  return "";
}

std::string readForm(std::string_view word, Instruction &in) {
  Suffixes suffixes(word, in);
  std::string operands;
  bool known = false;
  for (auto *read : {readArithmeticForm, readMemoryForm, readThreadForm, readAsyncForm}) {
    operands = read(suffixes);
    known = !operands.empty();
    if (known)
      break;
  }
  if (!known)
    suffixes.refuse("");
  if (!suffixes.atEnd())
    suffixes.refuse("'." + std::string(suffixes.peek()) + "' is unknown here");
  // A form without operands says so by a blank, since an empty string means that it is none.
  return operands == " " ? "" : operands;
}

} // namespace quoin::ptx
