//===- Passes.h - the passes of the compiler -------------------------------===//

#ifndef QUOIN_PASSES_PASSES_H
#define QUOIN_PASSES_PASSES_H

#include "dialects/quoin/QuoinDialect.h"
#include "dialects/stage/StageDialect.h"
#include "mlir/Pass/Pass.h"

namespace mlir {
namespace arith {
class ArithDialect;
} // namespace arith
namespace cf {
class ControlFlowDialect;
} // namespace cf
namespace func {
class FuncDialect;
} // namespace func
namespace linalg {
class LinalgDialect;
} // namespace linalg
namespace math {
class MathDialect;
} // namespace math
namespace scf {
class SCFDialect;
} // namespace scf
namespace tensor {
class TensorDialect;
} // namespace tensor
} // namespace mlir

namespace quoin {

/// Which keys and values `quoin-approximate-cache` lets be stale; AttentionOutput: what `quoin-approximate-attention`
/// does.
enum class ApproximationPolicy { Dual, SubBlock, BlockExternal, AttentionOutput };

/// The name of a policy, as options and metadata spell it.
llvm::StringRef stringifyPolicy(ApproximationPolicy policy);

/// What matrices are stored as, whatever the checkpoint has. Whole numbers are those of products alone, which
/// `quoin-quantize` sees to: what is left is kept.
enum class WeightStorage { Keep, F32, BF16, Int8, Int4 };
/// Of Int8 and Int4 their bits, else 0.
inline int64_t wholeBits(WeightStorage s) { return s == WeightStorage::Int8 ? 8 : s == WeightStorage::Int4 ? 4 : 0; }
inline WeightStorage wideStorage(WeightStorage s) { return wholeBits(s) ? WeightStorage::Keep : s; }

#define GEN_PASS_DECL
#include "passes/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/Passes.h.inc"

} // namespace quoin

#endif
