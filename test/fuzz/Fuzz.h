//===- Fuzz.h - what the fuzzers share -------------------------------------===//
//
// A fuzzer's promise is checked by `require`: the sanitizers see only what is undefined, not what is wrong.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_TEST_FUZZ_FUZZ_H
#define QUOIN_TEST_FUZZ_FUZZ_H

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <unistd.h>

namespace quoin::fuzz {

#define REQUIRE(condition)                                                                                             \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      std::fprintf(stderr, "%s:%d: expects %s\n", __FILE__, __LINE__, #condition);                                     \
      std::abort();                                                                                                    \
    }                                                                                                                  \
  } while (false)

/// A message is one line that says something.
inline bool isOneLine(const std::string &error) {
  return !error.empty() && error.size() < 4096 && error.find_first_of(std::string_view("\n\r\0", 3)) == error.npos;
}

/// Takes what stands before the next zero byte.
inline std::string_view takePart(std::string_view &input) {
  size_t end = input.find('\0');
  std::string_view part = input.substr(0, end);
  input = end == input.npos ? std::string_view() : input.substr(end + 1);
  return part;
}

/// A folder for inputs that are read as files; in memory where the system has such a place.
class Folder {
public:
  Folder() {
    std::error_code ignored;
    bool memory = ::access("/dev/shm", W_OK) == 0;
    std::string name = (memory ? "/dev/shm" : std::filesystem::temp_directory_path(ignored).string()) + "/quoin-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  Folder(const Folder &) = delete;
  Folder &operator=(const Folder &) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }

  std::string write(const std::string &name, std::string_view bytes) const {
    std::string file = path + "/" + name;
    std::FILE *stream = std::fopen(file.c_str(), "wb");
    REQUIRE(stream && std::fwrite(bytes.data(), 1, bytes.size(), stream) == bytes.size());
    REQUIRE(std::fclose(stream) == 0);
    return file;
  }
  void remove(const std::string &name) const { ::unlink((path + "/" + name).c_str()); }

  std::string path;
};

} // namespace quoin::fuzz

#endif
