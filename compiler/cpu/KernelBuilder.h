//===- KernelBuilder.h - a small language for writing kernels --------------===//
//
// Kernels are written in C++ and come out as `llvm.func` bodies of scf, arith, vector and a few llvm ops on plain
// pointers. MLIR's builders are too wordy for arithmetic; this class gives values operators and loops bodies, so that a
// kernel reads as its pseudo-code. It decides nothing: what is written is what is emitted, in that order, which is what
// keeps a row's bits the same whoever shares its call.
//
// Integers are i64 throughout (no `index`), floats f32; vectors have 16 lanes, and a scalar next to a vector is splat.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_CPU_KERNELBUILDER_H
#define QUOIN_COMPILER_CPU_KERNELBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include <type_traits>

namespace quoin::cpu {

class KernelBuilder;

/// A value that knows its builder, so that it can have operators.
struct Val {
  KernelBuilder *kb = nullptr;
  mlir::Value value;

  operator mlir::Value() const { return value; }
  mlir::Type type() const { return value.getType(); }
};
using Vals = llvm::SmallVector<Val, 16>;

/// How a machine multiplies bytes.
enum class ByteProducts {
  None,  ///< as any other numbers
  Pairs, ///< two products, of unsigned by signed bytes, become a sum of 16 bits that may saturate
  Fours  ///< four of them are added to a sum of 32 bits
};

/// What the emitted code may assume of its machine; see Target in EmitObject.h.
struct KernelOptions {
  bool x86 = true;
  bool arm = false;    ///< AArch64, with NEON
  bool half = true;    ///< it widens f16 by itself; else that is done with integers
  bool narrow = false; ///< it has AVX512-BF16; else f32 is rounded to bf16 with integers, and pairs are widened
  bool brain = false;  ///< it multiplies pairs of bf16 faster than it would in f32
  // What register tiles are made for. A vector of 16 lanes takes as many registers as it needs.
  int64_t registers = 32, registerLanes = 16;
  ByteProducts bytes = ByteProducts::None; ///< in registers of so many lanes
  /// Each lane of a vector is a thread (compiler/cuda/DistributeLanes.h). Stacks are shared memory then, and small.
  bool threads = false;
};

class KernelBuilder {
public:
  using Compare = mlir::arith::CmpIPredicate;
  static constexpr int64_t lanes = 16;

  KernelBuilder(mlir::ModuleOp module, KernelOptions options);

  // Types.
  mlir::Type i1, i8, i16, i32, i64, f32, ptr, v16f, v16i;
  mlir::VectorType vec(mlir::Type element, int64_t count = lanes) const {
    return mlir::VectorType::get({count}, element);
  }

  // Functions. A kernel of a name is emitted once; `function` returns the one that is there.
  mlir::LLVM::LLVMFuncOp function(llvm::StringRef name, llvm::ArrayRef<mlir::Type> arguments,
                                  llvm::function_ref<void(llvm::ArrayRef<Val>)> body, bool exported = false);
  void call(mlir::LLVM::LLVMFuncOp callee, llvm::ArrayRef<Val> arguments);

  // Constants.
  Val constant(mlir::Type type, double value);
  Val integer(mlir::Type type, int64_t value);
  Val index(int64_t value) { return integer(i64, value); }
  Val real(double value) { return constant(f32, value); }
  /// 0, 1, .. 15 times `step`, as i32.
  Val iota(int64_t step = 1);
  /// 16 flags, the first `count` of them set.
  Val firstLanes(int64_t count);
  Val null();
  /// The address of numbers that the program carries.
  Val table(mlir::DenseElementsAttr numbers);

  // Memory. Offsets are bytes; vectors are assumed to be aligned to their elements only.
  Val at(Val base, Val bytes);
  Val at(Val base, int64_t bytes);
  Val load(mlir::Type type, Val address, unsigned alignment = 0);
  void store(Val value, Val address, unsigned alignment = 0);
  /// `count` <= 16 floats; lanes beyond are zero.
  Val loadFloats(Val address, int64_t count = lanes);
  void storeFloats(Val value, Val address, int64_t count = lanes);
  /// `count` <= 16 half-words; those beyond are zero.
  Val loadHalves(Val address, int64_t count = lanes);
  void storeHalves(Val value, Val address, int64_t count = lanes);
  /// Of the 32 half-words of 16 lanes, those whose bit of `which` (i32) is set; the others in memory are not touched.
  void storeHalves(Val lanes, Val address, Val which);
  /// Scratch on the stack, 64-byte aligned, made at the function's entry.
  Val stack(int64_t bytes);
  void prefetch(Val address);
  /// The number at the address becomes `value` if that is smaller, whoever else does the same.
  void atomicMin(Val address, Val value);
  /// What was loaded before and is loaded again after this comes from memory, not from a register that it would occupy.
  void forgetLoads();
  /// The same for what lies in `memory`, a stack of this function of which it would otherwise know the contents.
  void forgetLoads(Val memory);

  // Control. Bodies receive the induction value and the carried values, and return the next ones.
  void loop(Val from, Val to, int64_t step, llvm::function_ref<void(Val)> body);
  void loopBy(Val from, Val to, Val step, llvm::function_ref<void(Val)> body);
  Vals loop(Val from, Val to, int64_t step, llvm::ArrayRef<Val> carried,
            llvm::function_ref<Vals(Val, llvm::ArrayRef<Val>)> body);
  /// While `condition` of the carried values holds.
  Vals loopWhile(llvm::ArrayRef<Val> carried, llvm::function_ref<Val(llvm::ArrayRef<Val>)> condition,
                 llvm::function_ref<Vals(llvm::ArrayRef<Val>)> body);
  void when(Val condition, llvm::function_ref<void()> then, llvm::function_ref<void()> otherwise = {});
  Vals choose(Val condition, llvm::function_ref<Vals()> then, llvm::function_ref<Vals()> otherwise);

  // Arithmetic. Integer comparison is signed, floating comparison ordered.
  Val splat(Val scalar, int64_t count = lanes);
  Val fma(Val x, Val y, Val z);
  /// Of floats: y where either is NaN.
  Val min(Val x, Val y);
  Val max(Val x, Val y);
  Val select(Val condition, Val x, Val y);
  Val compare(Compare predicate, Val x, Val y);
  Val compare(Compare predicate, Val x, int64_t y) { return compare(predicate, x, integer(x.type(), y)); }
  Val ceilDiv(Val x, Val divisor);
  Val ceilDiv(Val x, int64_t divisor);
  Val remainder(Val x, Val y);
  Val quotient(Val x, Val y);
  Val shiftLeft(Val x, Val y);
  Val shiftRight(Val x, Val y);
  Val shiftRightSigned(Val x, Val y);
  Val bitAnd(Val x, Val y);
  /// Zeros below the lowest bit that is set, and above the highest; of 0 all.
  Val zerosBelow(Val x);
  Val zerosAbove(Val x);
  Val bitOr(Val x, Val y);
  Val bitXor(Val x, Val y);
  Val cast(mlir::Type type, Val value); ///< same bits
  Val extend(mlir::Type type, Val value, bool isSigned);
  Val truncate(mlir::Type type, Val value);
  Val toFloat(mlir::Type type, Val value); ///< from signed integers, or from a narrower float
  Val sqrt(Val value);
  Val shuffle(Val x, Val y, llvm::ArrayRef<int64_t> lanesOf);
  // bf16, two to a 32-bit lane: the even element in the low half, the odd one in the high half.
  /// f32 to bf16, round to nearest even; NaN stays NaN. 16 half-words.
  Val narrow(Val v);
  /// Lane i holds low[i] in its low half and high[i] in its high half.
  Val narrowPairs(Val low, Val high);
  /// The two halves of each lane as f32, exactly.
  Val widenLow(Val pairs);
  Val widenHigh(Val pairs);
  /// sum[i] + x[i].low * y[i].low + x[i].high * y[i].high, accumulated in f32; pairs as v16i.
  Val dotPairs(Val sum, Val x, Val y);
  // Bytes, four to a 32-bit lane.
  /// sum[i] + the products of four unsigned bytes of x[i] with four signed ones of y[i]; exact below 2^31.
  Val dotBytes(Val sum, Val x, Val y);
  /// Where ByteProducts are Pairs: sums of two such products in 32 lanes of 16 bits, which must have room.
  Val dotBytePairs(Val x, Val y);
  /// sum[i] + the two sums of lane i, times a factor.
  Val addPairSums(Val sum, Val pairs, int64_t factor);
  /// Reductions over 16 lanes by a fixed tree, so that they give the same bits on every target.
  Val reduceAdd(Val v);
  Val reduceMax(Val v);
  Val reduceMin(Val v); ///< of i32 lanes
  Val reduceLanes(Val v, llvm::function_ref<Val(Val, Val)> combine);

  // Functions of f32, scalar or vector: relative errors about 1e-7, NaN of NaN. No library is called.
  /// For x below 127.5, or NaN; 0 from -126.5 down.
  Val exp2(Val x);
  /// The same to 4e-6: enough where the result becomes a bf16.
  Val exp2Brief(Val x);
  /// 0 below -87.7, infinite from 88.4 up.
  Val exp(Val x);
  /// Subnormal numbers apart, the logarithm of any.
  Val log(Val x);
  Val logOfNormal(Val x); ///< of positive finite ones
  /// exp2 of any number.
  Val exp2OfAny(Val x);
  Val expm1(Val x);
  Val log2(Val x);
  Val log1p(Val x);
  Val tanh(Val x);
  Val erf(Val x);
  Val sin(Val x) { return sineAfter(x, 0); }
  Val cos(Val x) { return sineAfter(x, 1); }
  Val copySign(Val x, Val sign);
  /// log(x) from a decomposition x = 2^e (1 + f), for x whose f is known better than x itself.
  Val logParts(Val f, Val e);
  void logSplit(Val x, Val &f, Val &e);

  Val wrap(mlir::Value v) { return Val{this, v}; }
  mlir::OpBuilder b;
  mlir::Location loc;
  const KernelOptions options;

private:
  mlir::ModuleOp module;
  /// Calls an intrinsic of registers on vectors of 64 bytes, part by part.
  Val byRegisters(llvm::StringRef name, mlir::VectorType result, llvm::ArrayRef<Val> arguments);
  Val scaleByPowerOfTwo(Val mantissa, Val shifted);
  Val expCore(Val f);
  /// The power of two that logSplit takes out, as an integer.
  Val logExponent(Val x);
  Val sineAfter(Val x, int64_t quarters);
};

/// Scalars next to vectors become vectors.
void unify(Val &a, Val &b);
Val operator+(Val a, Val b);
Val operator-(Val a, Val b);
Val operator*(Val a, Val b);
Val operator/(Val a, Val b); ///< floats only

template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>> Val literal(Val like, T value) {
  mlir::Type element = mlir::getElementTypeOrSelf(like.type());
  if (mlir::isa<mlir::FloatType>(element))
    return like.kb->constant(like.type(), static_cast<double>(value));
  return like.kb->integer(like.type(), static_cast<int64_t>(value));
}
template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>> Val operator+(Val a, T b) {
  return a + literal(a, b);
}
template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>> Val operator-(Val a, T b) {
  return a - literal(a, b);
}
template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>> Val operator*(Val a, T b) {
  return a * literal(a, b);
}

} // namespace quoin::cpu

#endif
