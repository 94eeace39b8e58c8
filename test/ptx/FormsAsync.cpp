//===- FormsAsync.cpp - forms of asynchronous copies, mbarriers and products -===//

#include "test/ptx/Forms.h"
#include <algorithm>
#include <charconv>

namespace quoin::ptx {

using enum Type;

static void sharedOrGeneric(Suffixes &s) {
  if (!takeShared(s))
    s.in.space = Space::Generic;
}

static std::string mbarrier(Suffixes &s) {
  Instruction &in = s.in;
  auto rest = [&](const char *operands) {
    sharedOrGeneric(s);
    in.type = s.type({B64});
    return std::string(operands);
  };
  auto ordered = [&](std::string_view order) {
    s.maybe({order});
    in.clusterScope = s.maybe({"cta", "cluster"}) == 1;
  };
  switch (s.oneOf({"init", "inval", "arrive", "expect_tx", "test_wait", "try_wait"})) {
  case 0:
    in.op = Opcode::MbarrierInit;
    return rest("mu");
  case 1:
    in.op = Opcode::MbarrierInval;
    return rest("m");
  case 2:
    in.op = Opcode::MbarrierArrive;
    in.expectTx = s.take("expect_tx");
    ordered("release");
    rest("");
    return in.expectTx ? "omu" : "om?u";
  case 3:
    in.op = Opcode::MbarrierExpectTx;
    s.maybe({"relaxed"});
    s.maybe({"cta", "cluster"});
    return rest("mu");
  case 4:
    in.op = Opcode::MbarrierTest;
    break;
  default:
    in.op = Opcode::MbarrierTry;
    break;
  }
  in.parity = s.take("parity");
  ordered("acquire");
  rest("");
  if (in.space == Space::Cluster)
    s.refuse("only a block's own mbarriers can be waited for");
  if (in.op == Opcode::MbarrierTest)
    return in.parity ? "Pmu" : "Pmh";
  return in.parity ? "Pmu?u" : "Pmh?u";
}

/// Copies that threads start and an mbarrier or a group of the thread ends.
static std::string copy(Suffixes &s) {
  Instruction &in = s.in;
  s.expect("async");
  if (!s.take("bulk")) {
    switch (s.oneOf({"ca", "cg", "commit_group", "wait_group", "wait_all", "mbarrier"})) {
    case 0:
      in.op = Opcode::CpAsync;
      break;
    case 1:
      in.op = Opcode::CpAsync;
      in.wrap = true; // past the first level, in whole chunks only
      break;
    case 2:
      in.op = Opcode::CpAsyncCommit;
      return " ";
    case 3:
      in.op = Opcode::CpAsyncWait;
      return "i";
    case 4:
      in.op = Opcode::CpAsyncWait;
      in.wrap = true;
      return " ";
    default:
      in.op = Opcode::CpAsyncArrive;
      s.expect("arrive");
      // With `.noinc` the count that init gave includes these arrivals.
      in.wrap = s.take("noinc");
      sharedOrGeneric(s);
      in.type = s.type({B64});
      return "m";
    }
    if (!takeShared(s) || in.space == Space::Cluster)
      s.refuse("it copies to shared memory of the block");
    s.expect("global");
    s.maybe({"L2::64B", "L2::128B", "L2::256B"});
    return "SGi?u";
  }
  if (s.take("commit_group")) {
    in.op = Opcode::BulkCommit;
    return " ";
  }
  if (s.take("wait_group")) {
    in.op = Opcode::BulkWait;
    in.wrap = s.take("read");
    return "i";
  }
  if (s.peek() == "tensor")
    s.refuse("tensor maps are not modelled; swizzled tiles come by plain bulk copies");
  if (takeShared(s)) {
    in.op = Opcode::BulkLoad;
    s.expect("global");
    s.expect("mbarrier::complete_tx::bytes");
    return "SGuS";
  }
  in.op = Opcode::BulkStore;
  s.expect("global");
  if (!s.take("shared::cta"))
    s.expect("shared");
  s.expect("bulk_group");
  return "GSu";
}

static std::string matrices(Suffixes &s, bool store) {
  Instruction &in = s.in;
  in.op = store ? Opcode::StMatrix : Opcode::LdMatrix;
  s.expect("sync");
  s.expect("aligned");
  s.expect("m8n8");
  static constexpr unsigned counts[] = {1, 2, 4};
  in.count = counts[s.oneOf({"x1", "x2", "x4"})];
  in.transposed = s.take("trans");
  if (!takeShared(s) || in.space == Space::Cluster)
    s.refuse("it moves shared memory of the block");
  in.type = s.type({B16});
  std::string vector = std::to_string(in.count);
  return store ? "S" + vector : vector + "S";
}

static std::string product(Suffixes &s) {
  Instruction &in = s.in;
  in.op = Opcode::Mma;
  s.expect("sync");
  s.expect("aligned");
  size_t shape = s.oneOf({"m16n8k8", "m16n8k16"});
  in.depth = shape == 0 ? 8 : 16;
  s.expect("row");
  s.expect("col");
  in.type = s.type({F32});
  in.from = s.type({BF16, F16, TF32});
  if (s.type({BF16, F16, TF32}) != in.from)
    s.refuse("both factors have one type");
  s.type({F32});
  bool wide = in.from == TF32;
  if (wide && in.depth == 16)
    s.refuse("factors of .tf32 are 8 deep here");
  if (in.depth == 8 && !wide)
    return "4214";
  return "4424";
}

static std::string warpgroup(Suffixes &s) {
  Instruction &in = s.in;
  size_t what = s.oneOf({"fence", "commit_group", "wait_group", "mma_async"});
  s.expect("sync");
  s.expect("aligned");
  if (what < 3) {
    static constexpr Opcode ops[] = {Opcode::WgmmaFence, Opcode::WgmmaCommit, Opcode::WgmmaWait};
    in.op = ops[what];
    return what == 2 ? "i" : " ";
  }
  in.op = Opcode::Wgmma;
  std::string_view shape = s.peek();
  size_t n = shape.find('n'), k = shape.find('k');
  if (shape.substr(0, 3) != "m64" || n != 3 || shape.substr(std::min(k, shape.size())) != "k16")
    s.refuse("the shape is m64nNk16");
  std::from_chars_result end = std::from_chars(shape.data() + 4, shape.data() + k, in.count);
  if (end.ec != std::errc() || end.ptr != shape.data() + k || in.count % 8 || in.count < 8 || in.count > 256)
    s.refuse("N is 8 to 256 in steps of 8");
  s.expect(shape);
  in.depth = 16;
  in.type = s.type({F32});
  in.from = s.type({BF16, F16});
  if (s.type({BF16, F16}) != in.from)
    s.refuse("both factors have one type");
  return "NYhZii?ii";
}

std::string readAsyncForm(Suffixes &s) {
  Instruction &in = s.in;
  std::string_view name = s.base();
  if (name == "mbarrier")
    return mbarrier(s);
  if (name == "cp")
    return copy(s);
  if (name == "ldmatrix" || name == "stmatrix")
    return matrices(s, name == "stmatrix");
  if (name == "mma")
    return product(s);
  if (name == "wgmma")
    return warpgroup(s);
  if (name == "setmaxnreg") {
    in.op = Opcode::SetMaxNReg;
    s.oneOf({"inc", "dec"});
    s.expect("sync");
    s.expect("aligned");
    in.type = s.type({U32});
    return "i";
  }
  if (name == "mapa") {
    in.op = Opcode::MapA;
    takeShared(s);
    if (in.space != Space::Cluster)
      s.refuse("only of addresses in shared::cluster");
    in.type = s.type({U32});
    return "dMu";
  }
  if (name == "griddepcontrol") {
    in.op = s.oneOf({"wait", "launch_dependents"}) == 0 ? Opcode::GridDepWait : Opcode::GridDepLaunch;
    return " ";
  }
  return "";
}

/// Roundings, flushing and saturation that PTX does not have, or that are not computed here.
static void checkRounding(const Instruction &in) {
  auto refuse = [&](const std::string &what) {
    throw Refusal{{in.line, "expects ." + std::string(nameOf(in.type)) + what}};
  };
  bool wide = in.type == F64, brain = in.type == BF16 || in.type == BF16x2, half = in.type == F16 || in.type == F16x2;
  if (in.op == Opcode::Cvt) {
    if (wide && in.saturate)
      refuse(" without '.sat', but found it");
    return;
  }
  if ((wide || brain || half) && in.rounding != Rounding::Nearest)
    refuse(" to be rounded to nearest, but found another rounding");
  if ((wide || brain) && (in.ftz || in.saturate))
    refuse(std::string(" without '.ftz' and '.sat', but found '") + (in.ftz ? ".ftz'" : ".sat'"));
  if (in.relu && in.saturate)
    refuse(" with one of '.relu' and '.sat', but found both");
}

/// The immediates whose values are part of a form.
void checkForm(const Instruction &in) {
  auto refuse = [&](const std::string &what) { throw Refusal{{in.line, what}}; };
  auto value = [&](size_t i) { return in.operands[i].value; };
  checkRounding(in);
  if (in.op == Opcode::CpAsync && in.wrap && value(2) != 16)
    refuse("expects cp.async.cg to copy 16 bytes, but found " + std::to_string(value(2)));
  if (in.op == Opcode::CpAsync && value(2) != 4 && value(2) != 8 && value(2) != 16)
    refuse("expects cp.async to copy 4, 8 or 16 bytes, but found " + std::to_string(value(2)));
  if (in.op == Opcode::SetMaxNReg && (value(0) < 24 || value(0) > 256 || value(0) % 8))
    refuse("expects 24 to 256 registers in steps of 8, but found " + std::to_string(value(0)));
  if ((in.op == Opcode::WgmmaWait || in.op == Opcode::CpAsyncWait || in.op == Opcode::BulkWait) &&
      !in.operands.empty() && value(0) > 255)
    refuse("expects to leave at most 255 groups unfinished, but found " + std::to_string(value(0)));
  if (in.op == Opcode::Wgmma) {
    bool registers = in.operands[1].kind == Operand::Kind::Vector;
    if (in.operands.size() != (registers ? 7u : 8u))
      refuse(
          "expects scales of both factors and, for each factor in shared memory, whether it is transposed, but found " +
          std::to_string(in.operands.size()) + " operands");
    for (size_t i = 4; i < 6; ++i)
      if (value(i) != 1 && value(i) != ~uint64_t(0))
        refuse("expects a scale of 1 or -1, but found another");
    for (size_t i = 6; i < in.operands.size(); ++i)
      if (value(i) != 0)
        refuse("expects factors that lie along k (no transposition), but found one that does not");
  }
}

} // namespace quoin::ptx
