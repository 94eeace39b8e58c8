//===- LinkShared.cpp - lld as a library --------------------------------------===//

#include "compiler/cpu/EmitObject.h"
#include "lld/Common/Driver.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <mutex>

LLD_HAS_DRIVER(elf)

bool quoin::cpu::linkShared(llvm::StringRef object, llvm::StringRef path, std::string &error) {
  // lld keeps its state in globals: two links at once crash.
  static std::mutex mutex;
  std::lock_guard<std::mutex> guard(mutex);
  int fd;
  llvm::SmallString<128> input(path);
  input += ".%%%%%%.o";
  llvm::SmallString<128> created;
  if (std::error_code ec = llvm::sys::fs::createUniqueFile(input, fd, created)) {
    error = "cannot write beside '" + path.str() + "': " + ec.message();
    return false;
  }
  {
    llvm::raw_fd_ostream os(fd, /*shouldClose=*/true);
    os << object;
  }
  std::string output = path.str();
  const char *args[] = {"ld.lld",      "-shared", "--threads=1", "--hash-style=gnu", "--build-id=none", "-z",
                        "now",         "-z",      "noexecstack", "--no-undefined",   created.c_str(),   "-o",
                        output.c_str()};
  std::string messages;
  llvm::raw_string_ostream os(messages);
  lld::Result result = lld::lldMain(args, os, os, {{lld::Gnu, &lld::elf::link}});
  llvm::sys::fs::remove(created);
  if (result.retCode != 0)
    error = messages;
  return result.retCode == 0;
}
