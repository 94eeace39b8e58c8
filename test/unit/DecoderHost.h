// DecoderHost.h: compiles decoders of a text, and a small host with a fake model to run them on.
//
// The host is strict where a real one is lenient: at each suspension what the frame does not hold is overwritten.
#ifndef QUOIN_TEST_UNIT_DECODERHOST_H
#define QUOIN_TEST_UNIT_DECODERHOST_H

#include "compiler/decoder/DecoderLowering.h"
#include "compiler/decoder/ProgramTable.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "runtime/include/quoin/program.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace quoin::test {

inline constexpr int32_t vocabulary = 50, fillToken = 0;
inline constexpr int64_t hiddenWidth = 4;

/// A text's decoders as machine code.
class CompiledDecoders {
public:
  enum class Passes { None, Outline, CacheAndOutline };
  CompiledDecoders(mlir::MLIRContext &context, const std::string &text, Passes passes = Passes::Outline);
  bool ok() const { return program != nullptr; }
  /// The first diagnostic, if something was refused.
  std::string diagnostic;
  decoder::LoweredDecoders lowered;
  const quoin_program_t *program = nullptr;
  quoin_program_query_fn query = nullptr;

private:
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

/// A token as the fake model sees it.
struct Slot {
  int32_t token = 0;
  int64_t position = 0, label = 0, open = 0;
};

uint32_t mix(uint32_t a, uint32_t b);
/// A row of the fake model: depends on every slot that it sees, and on nothing else.
uint32_t rowHash(const std::vector<Slot> &slots, size_t query, const std::function<bool(size_t q, size_t k)> &see);
/// What the fake head makes of it.
int32_t tokenOf(uint32_t hash);
float confidenceOf(uint32_t hash);
uint32_t drawHash(uint32_t hash, int64_t evaluation, int64_t position);

/// One request.
class Session {
public:
  Session(const CompiledDecoders &code, const std::string &decoder);
  /// Runs to the end; QUOIN_DONE or QUOIN_FAILED.
  int32_t run(const std::vector<int32_t> &prompt, int64_t maxTokens);
  void set(const std::string &name, double value);

  std::vector<int32_t> result;
  std::string error;
  std::set<int32_t> stops;
  int64_t evaluations = 0, forwards = 0, rows = 0, scores = 0;

  // For the functions of the host.
  void *allocate(int64_t bytes);
  std::vector<std::vector<Slot>> caches;

private:
  void serveForward();
  void serveScore();
  void moveFrame();

  const CompiledDecoders &code;
  const quoin_decoder_t *decoder = nullptr;
  std::vector<double> settings;
  std::vector<quoin_value_t> frame;
  std::vector<uint8_t> kinds;
  std::vector<std::unique_ptr<std::vector<char>>> arena;
  quoin_state_t state = {};
};

} // namespace quoin::test

#endif
