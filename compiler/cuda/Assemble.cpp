//===- Assemble.cpp - PTX to code of one architecture -----------------------===//

#include "compiler/cuda/Assemble.h"
#include "support/WholeFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"
#include <cstdlib>
#include <thread>

using namespace mlir;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

static std::string variable(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

static std::string joined(const Twine &folder, const Twine &name) {
  SmallString<128> whole;
  folder.toVector(whole);
  path::append(whole, name);
  return std::string(whole);
}

/// Entries of a folder whose names begin so.
static std::vector<std::string> entries(const std::string &folder, StringRef prefix) {
  std::vector<std::string> all;
  std::error_code code;
  for (fs::directory_iterator at(folder, code), end; !code && at != end; at.increment(code))
    if (path::filename(at->path()).starts_with(prefix))
      all.push_back(at->path());
  llvm::sort(all);
  return all;
}

std::string quoin::cuda::findPtxas() {
  if (std::string home = variable("CUDA_HOME"); !home.empty())
    if (std::string own = joined(home, "bin/ptxas"); fs::can_execute(own))
      return own;
  if (auto found = llvm::sys::findProgramByName("ptxas"))
    return *found;
  if (std::string environment = variable("VIRTUAL_ENV"); !environment.empty())
    for (const std::string &python : entries(joined(environment, "lib"), "python3"))
      for (const std::string &package : entries(joined(python, "site-packages/nvidia"), "cu"))
        if (std::string own = joined(package, "bin/ptxas"); fs::can_execute(own))
          return own;
  return "";
}

namespace {
/// A file that goes with its scope.
struct Temporary {
  explicit Temporary(StringRef suffix) { code = fs::createTemporaryFile("quoin", suffix, name); }
  ~Temporary() { fs::remove(name); }
  Temporary(const Temporary &) = delete;
  SmallString<128> name;
  std::error_code code;
};
} // namespace

/// A step's PTX takes a fraction of a second.
static constexpr unsigned kMostSeconds = 300;

static std::string contents(StringRef file) {
  auto buffer = llvm::MemoryBuffer::getFile(file);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

/// What the program wrote to its outputs; nothing where it failed, which `error` says.
static std::optional<std::string> run(StringRef program, ArrayRef<StringRef> arguments, std::string &error) {
  Temporary output("txt");
  if (output.code) {
    error = "cannot make a temporary file: " + output.code.message();
    return std::nullopt;
  }
  SmallVector<StringRef> all{program};
  llvm::append_range(all, arguments);
  StringRef written = output.name;
  std::string why;
  int status =
      llvm::sys::ExecuteAndWait(program, all, std::nullopt, {StringRef(""), written, written}, kMostSeconds, 0, &why);
  std::string text = contents(output.name);
  if (status == 0)
    return text;
  StringRef said = StringRef(why.empty() ? text : why).trim();
  error =
      ("expects '" + program + "' to succeed, but found status " + Twine(status) + (said.empty() ? "" : ": ") + said)
          .str();
  return std::nullopt;
}

static bool isElf(StringRef file) {
  return file.starts_with("\x7f"
                          "ELF");
}

/// Where a cubin is kept; empty where there is no place for it.
static std::string cacheFile(StringRef ptx, StringRef version, StringRef flags) {
  std::string folder = variable("XDG_CACHE_HOME");
  // As the XDG specification has it, a relative path does not count.
  if (!path::is_absolute(folder))
    folder.clear();
  if (folder.empty() && !variable("HOME").empty())
    folder = joined(variable("HOME"), ".cache");
  if (folder.empty())
    return "";
  folder = joined(folder, "quoin/cubins");
  if (fs::create_directories(folder))
    return "";
  std::string all = (ptx + "\n" + version + "\n" + flags).str();
  auto hash = llvm::xxh3_128bits(ArrayRef(reinterpret_cast<const uint8_t *>(all.data()), all.size()));
  return joined(folder, llvm::utohexstr(hash.high64, false, 16) + llvm::utohexstr(hash.low64, false, 16) + ".cubin");
}

static std::optional<std::string> assembleOne(StringRef ptxas, StringRef ptx, StringRef version, int32_t architecture,
                                              std::string &error) {
  std::string flag = "-arch=sm_" + std::to_string(architecture), file = cacheFile(ptx, version, flag);
  if (std::string kept = file.empty() ? "" : contents(file); isElf(kept))
    return kept;
  Temporary text("ptx"), cubin("cubin");
  std::error_code code = text.code ? text.code : cubin.code;
  if (!code) {
    llvm::raw_fd_ostream os(text.name, code);
    if (!code) {
      os << ptx;
      os.close();
      code = os.error();
      os.clear_error();
    }
  }
  if (code) {
    error = "cannot write a temporary file: " + code.message();
    return std::nullopt;
  }
  if (!run(ptxas, {flag, text.name, "-o", cubin.name}, error))
    return std::nullopt;
  std::string made = contents(cubin.name);
  if (!isElf(made)) {
    error = ("expects '" + ptxas + "' to write an ELF file, but found " + Twine(made.size()) + " bytes of another kind")
                .str();
    return std::nullopt;
  }
  // Others see the whole file or none; without it, it is made again.
  if (std::string unkept; !file.empty())
    (void)quoin::writeWholeFile(file, made, unkept);
  return made;
}

std::optional<std::vector<std::string>> quoin::cuda::assemble(StringRef ptxas, StringRef ptx,
                                                              ArrayRef<int32_t> architectures, std::string &error) {
  std::optional<std::string> version = run(ptxas, {"--version"}, error);
  if (!version)
    return std::nullopt;
  std::vector<std::optional<std::string>> made(architectures.size());
  std::vector<std::string> errors(architectures.size()), cubins;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < architectures.size(); ++i)
    threads.emplace_back([&, i] { made[i] = assembleOne(ptxas, ptx, *version, architectures[i], errors[i]); });
  for (std::thread &each : threads)
    each.join();
  for (size_t i = 0; i < made.size(); ++i) {
    if (!made[i]) {
      error = errors[i];
      return std::nullopt;
    }
    cubins.push_back(std::move(*made[i]));
  }
  return cubins;
}
