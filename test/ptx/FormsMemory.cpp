//===- FormsMemory.cpp - forms that move data, and those of threads ----------===//

#include "test/ptx/Forms.h"

namespace quoin::ptx {

using enum Type;

bool takeShared(Suffixes &s) {
  if (s.take("shared") || s.take("shared::cta"))
    s.in.space = Space::Shared;
  else if (s.take("shared::cluster"))
    s.in.space = Space::Cluster;
  else
    return false;
  return true;
}

static void takeSpace(Suffixes &s) {
  Instruction &in = s.in;
  if (takeShared(s))
    return;
  if (s.take("global"))
    in.space = Space::Global;
  else if (s.take("const"))
    in.space = Space::Const;
  else if (s.take("param") || s.take("param::entry"))
    in.space = Space::Param;
}

/// Which threads a memory operation is meant for. Only those of the block or of all.
static bool takeScope(Suffixes &s) {
  size_t scope = s.maybe({"cta", "cluster", "gpu", "sys"});
  s.in.gpuScope = scope == 2 || scope == 3;
  return scope < 4;
}

/// Hints that change no value.
static void takeHints(Suffixes &s) {
  while (s.maybe({"ca", "cg", "cs", "lu", "cv", "wb", "wt", "nc", "L1::evict_normal", "L1::evict_unchanged",
                  "L1::evict_first", "L1::evict_last", "L1::no_allocate", "L2::64B", "L2::128B", "L2::256B",
                  "L2::evict_last", "L2::evict_first", "L2::evict_normal"}) < 19)
    ;
}

static std::string access(Suffixes &s, bool store) {
  Instruction &in = s.in;
  in.op = store ? Opcode::St : Opcode::Ld;
  size_t order = s.maybe({"weak", "volatile", "relaxed", store ? "release" : "acquire"});
  in.strong = order > 0 && order < 4;
  in.release = order == 3 && store;
  in.acquire = order == 3 && !store;
  in.gpuScope = order == 1;
  if (order == 2 || order == 3)
    if (!takeScope(s))
      s.refuse("a scope is missing");
  takeSpace(s);
  takeHints(s);
  static constexpr unsigned sizes[] = {2, 4, 8, 1};
  in.count = sizes[s.maybe({"v2", "v4", "v8"})];
  in.type = s.type({B8, B16, B32, B64, U8, U16, U32, U64, S8, S16, S32, S64, F32, F64});
  if (in.count * bitsOf(in.type) > 256 || (in.count == 8 && bitsOf(in.type) != 32))
    s.refuse("a vector of more than 256 bits");
  if (store && (in.space == Space::Const || in.space == Space::Param))
    s.refuse("kernels cannot write there");
  if (in.strong && (in.space == Space::Const || in.space == Space::Param))
    s.refuse("only plain accesses there");
  return store ? "mT" : "Lm";
}

static std::string atomic(Suffixes &s, bool reduce) {
  Instruction &in = s.in;
  in.op = reduce ? Opcode::Red : Opcode::Atom;
  size_t order = s.maybe({"relaxed", "acquire", "release", "acq_rel"});
  in.acquire = order == 1 || order == 3;
  in.release = order == 2 || order == 3;
  if (reduce && in.acquire)
    s.refuse("reductions do not acquire");
  in.strong = true;
  in.gpuScope = true;
  if (s.peek() == "cta" || s.peek() == "cluster" || s.peek() == "gpu" || s.peek() == "sys")
    takeScope(s);
  takeSpace(s);
  if (in.space == Space::Const || in.space == Space::Param)
    s.refuse("kernels cannot write there");
  size_t what = s.oneOf({"and", "or", "xor", "add", "inc", "dec", "min", "max", "exch", "cas"});
  in.combine = Combine(what + 1);
  if (reduce && in.combine >= Combine::Exch)
    s.refuse("not a reduction");
  switch (in.combine) {
  case Combine::Add:
    in.type = s.type({U32, S32, U64, F32, F64});
    break;
  case Combine::Inc:
  case Combine::Dec:
    in.type = s.type({U32});
    break;
  case Combine::Min:
  case Combine::Max:
    in.type = s.type({U32, S32, U64, S64});
    break;
  case Combine::Cas:
    in.type = s.type({B16, B32, B64});
    break;
  default:
    in.type = s.type({B32, B64});
    break;
  }
  if (reduce)
    return "ms";
  return in.combine == Combine::Cas ? "amss" : "ams";
}

std::string readMemoryForm(Suffixes &s) {
  Instruction &in = s.in;
  std::string_view name = s.base();
  if (name == "mov") {
    in.op = Opcode::Mov;
    in.type = s.type({Pred, B16, B32, B64, U16, U32, U64, S16, S32, S64, F32, F64});
    return "M";
  }
  if (name == "ld" || name == "st")
    return access(s, name == "st");
  if (name == "cvta") {
    in.op = Opcode::Cvta;
    in.toSpace = s.take("to");
    takeSpace(s);
    if (in.space == Space::Generic)
      s.refuse("a space is missing");
    in.type = s.type({U64});
    return "dM";
  }
  if (name == "atom" || name == "red")
    return atomic(s, name == "red");
  if (name == "membar") {
    in.op = Opcode::Fence;
    in.acquire = in.release = true;
    in.gpuScope = s.oneOf({"cta", "gl", "sys"}) > 0;
    return " ";
  }
  if (name == "fence") {
    if (s.take("proxy")) {
      in.op = Opcode::FenceProxyAsync;
      s.expect("async");
      // Without a space it fences all of them.
      if (!takeShared(s) && s.take("global"))
        in.space = Space::Global;
      return " ";
    }
    if (s.take("mbarrier_init")) {
      in.op = Opcode::FenceMbarrierInit;
      s.expect("release");
      s.expect("cluster");
      return " ";
    }
    in.op = Opcode::Fence;
    in.acquire = in.release = true;
    s.maybe({"sc", "acq_rel"});
    if (!takeScope(s))
      s.refuse("a scope is missing");
    return " ";
  }
  if (name == "prefetch" || name == "prefetchu") {
    in.op = Opcode::Nop;
    takeSpace(s);
    s.oneOf({"L1", "L2"});
    return "m";
  }
  return "";
}

std::string readThreadForm(Suffixes &s) {
  Instruction &in = s.in;
  std::string_view name = s.base();
  if (name == "bra") {
    in.op = Opcode::Bra;
    s.take("uni");
    return "l";
  }
  if (name == "ret" || name == "exit") {
    in.op = Opcode::Ret;
    s.take("uni");
    return " ";
  }
  if (name == "trap") {
    in.op = Opcode::Trap;
    return " ";
  }
  if (name == "nanosleep") {
    in.op = Opcode::Nop;
    in.type = s.type({U32});
    return "s";
  }
  if (name == "shfl") {
    in.op = Opcode::Shfl;
    s.expect("sync");
    in.mode = Mode(1 + s.oneOf({"up", "down", "bfly", "idx"}));
    in.type = s.type({B32});
    return "xsuuu";
  }
  if (name == "vote") {
    in.op = Opcode::Vote;
    s.expect("sync");
    in.mode = Mode(size_t(Mode::All) + s.oneOf({"all", "any", "uni", "ballot"}));
    in.type = in.mode == Mode::Ballot ? s.type({B32}) : s.type({Pred});
    return "dpu";
  }
  if (name == "activemask") {
    in.op = Opcode::ActiveMask;
    in.type = s.type({B32});
    return "d";
  }
  if (name == "redux") {
    in.op = Opcode::Redux;
    s.expect("sync");
    static constexpr Combine kinds[] = {Combine::Add, Combine::Min, Combine::Max,
                                        Combine::And, Combine::Or,  Combine::Xor};
    in.combine = kinds[s.oneOf({"add", "min", "max", "and", "or", "xor"})];
    bool bitwise = in.combine == Combine::And || in.combine == Combine::Or || in.combine == Combine::Xor;
    in.type = bitwise ? s.type({B32}) : s.type({U32, S32});
    return "dsu";
  }
  if (name == "elect") {
    in.op = Opcode::Elect;
    s.expect("sync");
    in.type = B32;
    return "xu";
  }
  if (name == "bar" || name == "barrier") {
    if (s.take("cluster")) {
      bool arrive = s.oneOf({"arrive", "wait"}) == 0;
      in.op = arrive ? Opcode::ClusterArrive : Opcode::ClusterWait;
      in.acquire = !arrive;
      in.release = arrive && !s.take("relaxed");
      s.maybe({arrive ? "release" : "acquire"});
      in.aligned = s.take("aligned");
      return " ";
    }
    if (name == "bar" && s.take("warp")) {
      in.op = Opcode::BarWarp;
      s.expect("sync");
      return "u";
    }
    in.op = Opcode::Bar;
    s.take("cta");
    in.arriveOnly = s.oneOf({"sync", "arrive"}) == 1;
    // `bar` is `barrier.aligned`.
    in.aligned = s.take("aligned") || name == "bar";
    return in.arriveOnly ? "uu" : "u?u";
  }
  return "";
}

} // namespace quoin::ptx
