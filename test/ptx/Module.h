//===- Module.h - PTX as the machine sees it ---------------------------------===//
//
// What `parse` makes of a text: kernels of instructions whose names are resolved to numbers. Nothing here knows how an
// instruction is executed; `Forms.cpp` says which exist.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_TEST_PTX_MODULE_H
#define QUOIN_TEST_PTX_MODULE_H

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quoin::ptx {

enum class Type : uint8_t {
  None,
  Pred,
  B8,
  B16,
  B32,
  B64,
  U8,
  U16,
  U32,
  U64,
  S8,
  S16,
  S32,
  S64,
  F16,
  BF16,
  TF32,
  F32,
  F64,
  F16x2,
  BF16x2,
  E4M3x2,
  E5M2x2,
};

/// Bits of a value of that type; 1 for predicates.
unsigned bitsOf(Type type);
bool isFloat(Type type);
bool isSigned(Type type);
std::string_view nameOf(Type type);
/// The type of that name (without its dot), or none.
std::optional<Type> typeNamed(std::string_view name);

/// Where an address points; `Generic` addresses carry that in their upper bits.
enum class Space : uint8_t { Generic, Global, Const, Shared, Cluster, Param };

enum class Rounding : uint8_t { Nearest, Zero, Down, Up, NearestAway };

/// Upper case would clash with macros of <cmath> and friends; the names are those of PTX.
enum class Opcode : uint8_t {
  Mov,
  Ld,
  St,
  Cvta,
  Cvt,
  Selp,
  Prmt,
  Shf,
  Add,
  Sub,
  Mul,
  Mad,
  Fma,
  Div,
  Rem,
  Min,
  Max,
  Abs,
  Neg,
  CopySign,
  TestP,
  And,
  Or,
  Xor,
  Not,
  Shl,
  Shr,
  Bfe,
  Bfi,
  Popc,
  Clz,
  Brev,
  Lop3,
  Dp4a,
  Rcp,
  Sqrt,
  Rsqrt,
  Ex2,
  Lg2,
  Sin,
  Cos,
  Tanh,
  Setp,
  Bra,
  Ret,
  Trap,
  Nop,
  Shfl,
  Vote,
  Redux,
  ActiveMask,
  Elect,
  BarWarp,
  Bar,
  Fence,
  FenceProxyAsync,
  FenceMbarrierInit,
  Atom,
  Red,
  MbarrierInit,
  MbarrierInval,
  MbarrierArrive,
  MbarrierExpectTx,
  MbarrierTest,
  MbarrierTry,
  CpAsync,
  CpAsyncCommit,
  CpAsyncWait,
  CpAsyncArrive,
  BulkLoad,
  BulkStore,
  BulkCommit,
  BulkWait,
  LdMatrix,
  StMatrix,
  Mma,
  WgmmaFence,
  WgmmaCommit,
  WgmmaWait,
  Wgmma,
  SetMaxNReg,
  MapA,
  ClusterArrive,
  ClusterWait,
  GridDepWait,
  GridDepLaunch,
};

/// How an integer product is cut to its type.
enum class Part : uint8_t { Lo, Hi, Wide };

enum class Compare : uint8_t { Eq, Ne, Lt, Le, Gt, Ge, Equ, Neu, Ltu, Leu, Gtu, Geu, Num, Nan };

/// What `atom`, `red`, `redux` and the third operand of `setp` do.
enum class Combine : uint8_t { None, And, Or, Xor, Add, Inc, Dec, Min, Max, Exch, Cas };

/// How `shfl` and `vote` choose.
enum class Mode : uint8_t { None, Up, Down, Bfly, Idx, All, Any, Uni, Ballot };

struct Operand {
  enum class Kind : uint8_t { Sink, Register, Immediate, Address, Vector, Pair, Label };
  Kind kind = Kind::Sink;
  /// `!` before a predicate.
  bool negated = false;
  /// For immediates the form they were written in, which must fit the type.
  enum class Literal : uint8_t { Integer, Single, Double, Symbol } literal = Literal::Integer;
  /// A register, or the base of an address; -1 for none.
  int reg = -1;
  /// The value of an immediate or the offset of an address; names are resolved to where they lie.
  uint64_t value = 0;
  /// The variable or parameter whose address is part of `value`, and where it lies.
  int symbol = -1;
  Space space = Space::Generic;
  /// Elements of a vector or a pair.
  std::vector<Operand> parts;
};

struct Instruction {
  Opcode op = Opcode::Nop;
  uint32_t line = 0;
  int guard = -1;
  bool guardNegated = false;

  Type type = Type::None;
  /// The type converted from, or of the factors of a product.
  Type from = Type::None;
  Space space = Space::Generic;
  Rounding rounding = Rounding::Nearest;
  /// Conversions: round to an integral value. Bounded waits of mbarriers: by parity.
  bool integral = false, parity = false;
  bool ftz = false, saturate = false, relu = false, approximate = false, nanWins = false, wrap = false,
       expectTx = false;
  /// `bar.sync` and others that all threads of a warp must reach together; `bar.arrive`; `shfl` and matrices with
  /// `.trans`.
  bool aligned = false, arriveOnly = false, transposed = false, toSpace = false, release = false, acquire = false;
  /// A memory operation that other threads may rely on: relaxed, acquire, release, volatile.
  bool strong = false, gpuScope = false;
  /// An arrival at an mbarrier, or a wait there, that orders threads of different blocks.
  bool clusterScope = false;
  Part part = Part::Lo;
  Compare compare = Compare::Eq;
  Combine combine = Combine::None;
  Mode mode = Mode::None;
  /// Elements of a vector; matrices of ldmatrix; columns of a product.
  unsigned count = 1;
  /// Depth of a product.
  unsigned depth = 0;
  int target = -1;
  std::vector<Operand> operands;
};

struct Parameter {
  std::string name;
  unsigned offset = 0, bytes = 0;
};

/// A variable in shared or global memory. `offset` is from the start of its space.
struct Variable {
  std::string name;
  Space space = Space::Shared;
  uint64_t offset = 0, bytes = 0, align = 1;
  /// An array without a size: it begins where the sized ones end.
  bool dynamic = false;
  std::vector<uint8_t> initial;
};

struct Kernel {
  std::string name;
  std::vector<Instruction> code;
  std::vector<Type> registers;
  std::vector<Parameter> parameters;
  unsigned parameterBytes = 0;
  /// Shared memory of its own and of the module, without what a launch adds.
  unsigned sharedBytes = 0;
  /// Threads of a block and blocks of a cluster where the text says so; 0 where it does not.
  std::array<unsigned, 3> threads = {}, cluster = {};
  /// The most threads of a block, whatever their shape; 0 where the text does not say.
  uint64_t mostThreads = 0;
};

struct Module {
  std::vector<Kernel> kernels;
  /// Variables of the module; those of kernels are not kept.
  std::vector<Variable> variables;
  /// The text by lines, for diagnoses.
  std::vector<std::string> lines;

  const Kernel *kernel(std::string_view name) const;
};

/// Where variables in global memory begin; addresses of names are known when a text is read.
inline constexpr uint64_t kModuleGlobals = 0x600000000000;

/// The registers that a launch fills, first in every kernel.
enum SpecialRegister : int {
  TidX,
  TidY,
  TidZ,
  NtidX,
  NtidY,
  NtidZ,
  CtaidX,
  CtaidY,
  CtaidZ,
  NctaidX,
  NctaidY,
  NctaidZ,
  LaneId,
  WarpId,
  NWarpId,
  LaneMaskEq,
  LaneMaskLt,
  LaneMaskLe,
  LaneMaskGt,
  LaneMaskGe,
  ClusterIdX,
  NClusterIdX,
  ClusterCtaRank,
  ClusterNctaRank,
  DynamicSharedSize,
  SpecialRegisterCount,
};

/// What a text is refused with.
struct Diagnostic {
  uint32_t line = 0;
  std::string text;
};

/// Reads a module. What it does not know it refuses, with one diagnostic; it accepts no instruction form that the
/// machine does not execute.
std::optional<Module> parse(std::string_view text, Diagnostic &diagnostic);

} // namespace quoin::ptx

#endif
