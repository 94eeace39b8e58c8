//===- Compile.h - from a checkpoint or a program to an artefact -----------===//
//
//   1. load        a Hugging Face folder is imported, a .mlir file parsed
//   2. passes      the phase table of passes/Pipeline.h, from `from` to `to`
//   3. decoders    outlined decoders become `advance` functions
//   4. models      the step of each model becomes functions of its layers and its head
//   5. weights     are read once, packed and written as they are read
//   6. object      everything becomes one object file, linked into model.so
//   7. metadata    model.json, model.h and the tokenizer
//
// Each step fails with one message; nothing is left behind (see OutputFolder.h).
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_DRIVER_COMPILE_H
#define QUOIN_COMPILER_DRIVER_COMPILE_H

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace quoin {

struct CompileOptions {
  std::string input;  // a Hugging Face folder, a GGUF file or a .mlir file
  std::string output; // a folder; a .mlir file if `to` is a phase of the IR
  int level = 2;      // 0: caches derived, nothing else; 1: every exact pass; 2: fast code, too, not made in haste
  std::string weights = "keep";      // or f32, bf16, int8, int4
  std::string headWeights = "keep";  // of the head alone: int8, int4; keep: no whole numbers, else what `weights` says
  int64_t group = 0;                 // numbers of int8 or int4 that share a scale: 32, 64 or 128; 0: all or 128
  std::vector<std::string> decoders; // empty: the family's own
  std::string architecture;          // a family, or the path of its template; empty: recognised
  std::optional<int64_t> fill;       // the token at open positions; without, as the checkpoint says
  std::string guide;                 // the checkpoint of a decoder's second model; empty: layers of the first
  std::string adapter;               // a folder with a LoRA adapter to merge; empty: none
  std::string tokenizer;             // a folder or GGUF file with a tokenizer; empty: the checkpoint's
  bool withoutTokenizer = false;     // the artefact gets none, nor chat templates: requests give ids
  std::vector<std::pair<std::string, std::string>> settings;
  std::string approximate;      // a policy of passes/Pipeline.h; empty: exact
  std::string target;           // "aarch64-linux-gnu"; empty: this machine
  std::string targetCpu;        // empty: "native", or "generic" of another architecture
  bool cuda = false;            // code for GPUs beside the CPU's
  std::string from, to = "cpu"; // phases; from the program as written to machine code
  bool object = false;          // model.o instead of model.so
  std::string symbol;           // what model.o calls its query; empty: quoin_program_query or quoin_function_query
  /// Told what is being done and how much of it is (0 to 1).
  std::function<void(const std::string &what, double done)> progress;
  /// Told, a line each, of what a person should know although it compiles.
  std::function<void(const std::string &what)> warn;
  /// Told, a line each, what was lost where weights became whole numbers.
  std::function<void(const std::string &what)> tell;
  /// Told what compiled but may cost more than it seems to (passes/Notes.h), a line each, before the artefact is made.
  std::function<void(const std::string &text)> note;
};

/// False with `error` set if it fails.
bool compile(const CompileOptions &options, std::string &error);

} // namespace quoin

#endif
