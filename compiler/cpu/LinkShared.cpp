//===- LinkShared.cpp - lld as a library --------------------------------------===//
//
// The linker ends the process when its output cannot be written, so it never writes to a disk: its output goes through
// a pipe into memory and from there, checked, into the file.
//
//===----------------------------------------------------------------------===//

#include "compiler/cpu/EmitObject.h"
#include "lld/Common/Driver.h"
#include "support/WholeFile.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

LLD_HAS_DRIVER(elf)

using namespace quoin;

namespace {

/// A descriptor that others may open by its path.
struct Handle {
  int number = -1;
  ~Handle() { reset(); }
  void reset() {
    if (number >= 0)
      ::close(number);
    number = -1;
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(number); }
};

/// Collects what is written to a path until it is told that nobody will any more.
class Collector {
public:
  bool start() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      return false;
    in.number = ends[0];
    out.number = ends[1];
    reader = std::thread([this] {
      char buffer[1 << 16];
      for (ssize_t got; (got = ::read(in.number, buffer, sizeof(buffer))) != 0;)
        if (got > 0)
          bytes.append(buffer, static_cast<size_t>(got));
        else if (errno != EINTR)
          break;
    });
    return true;
  }
  std::string path() const { return out.path(); }
  std::string &finish() {
    out.reset();
    reader.join();
    return bytes;
  }

private:
  Handle in, out;
  std::thread reader;
  std::string bytes;
};

} // namespace

static bool runLinker(const std::vector<Handle> &inputs, const std::string &output, std::string &error) {
  // lld keeps its state in globals: two links at once crash.
  static std::mutex mutex;
  std::lock_guard<std::mutex> guard(mutex);
  std::vector<std::string> paths;
  for (const Handle &input : inputs)
    paths.push_back(input.path());
  std::vector<const char *> args = {
      "ld.lld",      "-shared", "--threads=1", "--no-mmap-output-file", "--hash-style=gnu", "--build-id=none",
      "-z",          "now",     "-z",          "noexecstack",           "--no-undefined",   "-o",
      output.c_str()};
  for (const std::string &path : paths)
    args.push_back(path.c_str());
  std::string messages;
  llvm::raw_string_ostream os(messages);
  lld::Result result = lld::lldMain(args, os, os, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode != 0)
    error = messages;
  return result.retCode == 0;
}

bool quoin::cpu::linkShared(llvm::ArrayRef<std::string> objects, llvm::StringRef path, std::string &error) {
  std::vector<Handle> inputs(objects.size());
  for (auto [input, object] : llvm::zip_equal(inputs, objects)) {
    input.number = ::memfd_create("object", MFD_CLOEXEC);
    if (input.number >= 0 && writeAll(input.number, object.data(), object.size()) &&
        ::access(input.path().c_str(), R_OK) == 0)
      continue;
    error = "cannot link '" + path.str() + "': " + std::strerror(errno) +
            (::access("/proc/self/fd", X_OK) != 0 ? " (expects /proc to be mounted)" : "");
    return false;
  }
  Collector collector;
  if (!collector.start()) {
    error = "cannot link '" + path.str() + "': " + std::strerror(errno);
    return false;
  }
  bool linked = runLinker(inputs, collector.path(), error);
  const std::string &library = collector.finish();
  return linked && writeWholeFile(path.str(), library, error);
}
