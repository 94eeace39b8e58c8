//===- GgufFixture.h - GGUF files of a test --------------------------------===//

#ifndef QUOIN_TEST_UNIT_GGUFFIXTURE_H
#define QUOIN_TEST_UNIT_GGUFFIXTURE_H

#include <cstdint>
#include <string>
#include <vector>

namespace quoin::gguf_test {

/// Little-endian bytes, one after the other.
struct Bytes {
  std::string all;
  template <typename T> Bytes &put(T value) {
    all.append(reinterpret_cast<const char *>(&value), sizeof(T));
    return *this;
  }
  Bytes &text(const std::string &value) {
    put<uint64_t>(value.size());
    all += value;
    return *this;
  }
};

/// A file to take apart: keys and tensors as they were put in, then their bytes.
struct File {
  uint32_t version = 3;
  uint64_t keyCount = 0, tensorCount = 0;
  Bytes keys, table;
  std::string data;
  size_t alignment = 32;

  File &key(const std::string &name, uint32_t type, const std::string &value) {
    ++keyCount;
    keys.text(name).put(type).all += value;
    return *this;
  }
  File &word(const std::string &name, const std::string &value) { return key(name, 8, Bytes().text(value).all); }
  File &count(const std::string &name, uint32_t value) { return key(name, 4, Bytes().put(value).all); }
  /// Sizes as the file has them: columns first.
  File &entry(const std::string &name, std::vector<uint64_t> sizes, uint32_t type, uint64_t offset) {
    ++tensorCount;
    table.text(name).put(static_cast<uint32_t>(sizes.size()));
    for (uint64_t size : sizes)
      table.put(size);
    table.put(type).put(offset);
    return *this;
  }
  File &tensor(const std::string &name, std::vector<uint64_t> sizes, uint32_t type, const std::string &bytes) {
    entry(name, std::move(sizes), type, data.size());
    data += bytes;
    data.resize((data.size() + alignment - 1) / alignment * alignment);
    return *this;
  }
  std::string bytes() const {
    Bytes out;
    out.all = "GGUF";
    out.put(version).put(tensorCount).put(keyCount);
    out.all += keys.all + table.all;
    out.all.resize((out.all.size() + alignment - 1) / alignment * alignment);
    return out.all + data;
  }
};

inline std::string floats(const std::vector<float> &numbers) {
  return {reinterpret_cast<const char *>(numbers.data()), numbers.size() * 4};
}

} // namespace quoin::gguf_test

#endif
