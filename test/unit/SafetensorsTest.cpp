//===- SafetensorsTest.cpp - files that are right and files that are not ---===//

#include "support/Safetensors.h"
#include "support/Gguf.h"
#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>

using namespace quoin;

namespace {

std::string temporary() { return testing::TempDir() + "safetensors_test_" + std::to_string(rand()) + ".safetensors"; }

/// A file of a header and that many bytes of data; returns the error, "" if it opens.
std::string errorOf(const std::string &header, size_t data, std::string lengthBytes = "") {
  std::string path = temporary(), error;
  if (lengthBytes.empty())
    for (int i = 0; i < 8; ++i)
      lengthBytes += static_cast<char>(header.size() >> (8 * i) & 255);
  std::ofstream(path, std::ios::binary) << lengthBytes << header << std::string(data, 'x');
  bool opened = SafetensorsFile::open(path, error) != nullptr;
  std::remove(path.c_str());
  EXPECT_EQ(opened, error.empty());
  if (opened)
    return "";
  EXPECT_EQ(error.substr(0, path.size() + 2), path + ": ");
  return error.substr(path.size() + 2);
}

std::string entry(const std::string &name, const std::string &dtype, const std::string &shape, uint64_t begin,
                  uint64_t end) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":[" +
         std::to_string(begin) + "," + std::to_string(end) + "]}";
}

TEST(Safetensors, RoundTrips) {
  std::string path = temporary(), error;
  std::vector<float> numbers = {1.5f, -2, 0.25f, 3, 4, 5};
  std::vector<int8_t> bytes = {1, 2, 3};
  std::vector<NamedTensor> tensors = {{"b", DType::I8, {3}, bytes.data()},
                                      {"a", DType::F32, {2, 3}, numbers.data()},
                                      {"empty", DType::F16, {0, 4}, nullptr},
                                      {"scalar", DType::F32, {}, numbers.data()}};
  ASSERT_TRUE(writeSafetensors(path, tensors, error)) << error;
  std::unique_ptr<SafetensorsFile> file = SafetensorsFile::open(path, error);
  ASSERT_TRUE(file) << error;
  EXPECT_EQ(file->names(), (std::vector<std::string>{"a", "b", "empty", "scalar"}));
  const TensorView *a = file->find("a");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(a->data) % 4, 0u);
  std::vector<double> widened;
  ASSERT_TRUE(widenToDouble(*a, widened));
  EXPECT_EQ(widened, (std::vector<double>{1.5, -2, 0.25, 3, 4, 5}));
  EXPECT_FALSE(widenToDouble(*file->find("b"), widened));
  EXPECT_EQ(file->find("scalar")->elements(), 1);
  EXPECT_EQ(file->find("empty")->elements(), 0);
  EXPECT_EQ(file->find("c"), nullptr);
  std::remove(path.c_str());
}

TEST(Safetensors, WidensHalvesExactly) {
  EXPECT_EQ(widenHalf(0x3c00), 1.0f);
  EXPECT_EQ(widenHalf(0xc000), -2.0f);
  EXPECT_EQ(widenHalf(0x0001), 0x1p-24f);
  EXPECT_EQ(widenHalf(0x03ff), 1023 * 0x1p-24f);
  EXPECT_EQ(widenHalf(0x7bff), 65504.0f);
  EXPECT_TRUE(__builtin_isinf(widenHalf(0x7c00)));
  EXPECT_TRUE(__builtin_isnan(widenHalf(0x7e00)));
  EXPECT_TRUE(__builtin_signbit(widenHalf(0x8000)));
  EXPECT_EQ(widenBfloat(0x3fc0), 1.5f);
}

TEST(Safetensors, ReadsMetadata) {
  SafetensorsHeader header;
  std::string error;
  EXPECT_TRUE(parseSafetensorsHeader(R"({"__metadata__":{"format":"pt"}})", 0, header, error)) << error;
  EXPECT_EQ(header.metadata["format"], "pt");
  EXPECT_TRUE(header.entries.empty());
}

TEST(Safetensors, RefusesFilesThatAreCutOff) {
  EXPECT_EQ(errorOf("", 0, "abc"),
            "expects at least 8 bytes, but found 3 (a download that did not begin, or a disk that was full?)");
  EXPECT_EQ(errorOf("{}", 0, std::string("\x03\0\0\0\0\0\0\0", 8)),
            "expects a header of at most 2 bytes, but found 3 (a download that did not end?)");
  EXPECT_EQ(errorOf("{}", 0, std::string(8, '\x7f')),
            "expects a header of at most 2 bytes, but found 9187201950435737471 (this is no safetensors file)");
  EXPECT_EQ(errorOf("{" + entry("x", "F32", "[2]", 0, 8) + "}", 7),
            "tensor 'x' expects a range within 7 bytes, but found [0, 8) (a download that did not end?)");
}

TEST(Safetensors, RefusesHeadersThatAreNotJson) {
  EXPECT_EQ(errorOf("{", 0), "expects a header in JSON, but found an error at its byte 2");
  EXPECT_EQ(errorOf("[]", 0), "expects a header that is an object, but found an array");
  EXPECT_EQ(errorOf(std::string(100000, '['), 0), "expects a header that is an object, but found an array");
  EXPECT_EQ(errorOf("{\"x\":3}", 0), "tensor 'x' expects an object, but found 3");
}

TEST(Safetensors, RefusesEntriesThatAreIncomplete) {
  EXPECT_EQ(errorOf("{\"x\":{\"dtype\":\"F32\"}}", 0),
            "tensor 'x' expects dtype, shape and two data_offsets, but found less");
  EXPECT_EQ(errorOf("{\"x\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", 0),
            "tensor 'x' expects dtype, shape and data_offsets once each, but found 'dtype'");
  EXPECT_EQ(errorOf("{\"x\":{\"shape\":[-1]}}", 0),
            "tensor 'x' expects dtype, shape and two data_offsets, but found -1 at 'shape'");
}

TEST(Safetensors, RefusesRangesThatDoNotFit) {
  EXPECT_EQ(errorOf("{" + entry("x", "F32", "[2]", 0, 7) + "}", 7),
            "tensor 'x' expects 8 bytes for F32 [2], but found 7");
  EXPECT_EQ(errorOf("{" + entry("x", "F32", "[2]", 8, 0) + "}", 8),
            "tensor 'x' expects a range within 8 bytes, but found [8, 0)");
  EXPECT_EQ(errorOf("{" + entry("x", "F64", "[4294967296,4294967296]", 0, 0) + "}", 0),
            "tensor 'x' expects a size that fits into 64 bits, but found shape [4294967296, 4294967296]");
  EXPECT_EQ(errorOf("{" + entry("x", "U8", "[4]", 0, 4) + "," + entry("y", "U8", "[4]", 2, 6) + "}", 6),
            "tensor 'y' expects to begin at byte 4, where the one before ends, but found 2");
  EXPECT_EQ(errorOf("{" + entry("x", "U8", "[4]", 0, 4) + "," + entry("x", "U8", "[4]", 4, 8) + "}", 8),
            "expects each tensor once, but found 'x' twice");
  EXPECT_EQ(errorOf("{" + entry("x", "U8", "[4]", 0, 4) + "}", 8), "expects 4 bytes of tensors, but found 8");
}

TEST(Safetensors, EveryTypeOfTheFormatHasItsSize) {
  const std::pair<const char *, int> types[] = {
      {"BOOL", 8},    {"F4", 4},          {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8},   {"I8", 8},
      {"F8_E4M3", 8}, {"F8_E5M2", 8},     {"F8_E8M0", 8}, {"U16", 16},    {"I16", 16}, {"F8_E4M3FNUZ", 8},
      {"F16", 16},    {"F8_E5M2FNUZ", 8}, {"BF16", 16},   {"U32", 32},    {"I32", 32}, {"F32", 32},
      {"U64", 64},    {"I64", 64},        {"F64", 64},    {"C64", 64}};
  for (auto [name, bits] : types) {
    EXPECT_EQ(dtypeName(parseDtype(name)), name);
    EXPECT_EQ(dtypeBits(parseDtype(name)), static_cast<size_t>(bits)) << name;
    size_t bytes = static_cast<size_t>(bits);
    EXPECT_EQ(errorOf("{" + entry("x", name, "[2,4]", 0, bytes) + "}", bytes), "") << name;
    EXPECT_EQ(errorOf("{" + entry("x", name, "[2,4]", 0, bytes - 1) + "}", bytes - 1),
              "tensor 'x' expects " + std::to_string(bytes) + " bytes for " + name + " [2, 4], but found " +
                  std::to_string(bytes - 1))
        << name;
  }
  EXPECT_EQ(errorOf("{" + entry("x", "F6_E2M3", "[3]", 0, 2) + "}", 2),
            "tensor 'x' expects whole bytes, but found 18 bits of F6_E2M3 [3]");
}

TEST(Safetensors, PassesOverWhatNobodyReads) {
  EXPECT_EQ(errorOf("{" + entry("x", "F33", "[3]", 0, 5) + "," + entry("y", "U8", "[1]", 5, 6) + "}", 6), "");
  EXPECT_EQ(errorOf("{" + entry("x", "F33", "[3]", 0, 5) + "}", 6), "expects 5 bytes of tensors, but found 6");
  EXPECT_EQ(
      errorOf(R"({"x":{"dtype":"U8","note":{"a":[1,{"b":null}]},"shape":[1],"strides":[1],"data_offsets":[0,1]}})", 1),
      "");
  for (const char *metadata :
       {"null", "3", "[1,{\"a\":[]}]", R"({"step":5,"args":{"a":[true]},"format":"pt","x":null})"}) {
    SafetensorsHeader header;
    std::string error;
    std::string text = "{\"__metadata__\":" + std::string(metadata) + "," + entry("x", "U8", "[1]", 0, 1) + "}";
    EXPECT_TRUE(parseSafetensorsHeader(text, 1, header, error)) << error;
    EXPECT_EQ(header.entries.size(), 1u);
    EXPECT_EQ(header.metadata.count("format"), metadata[0] == '{' ? 1u : 0u);
  }
}

TEST(Safetensors, NamesFilesThatAreSomethingElse) {
  auto says = [](const std::string &bytes, const char *words) {
    std::string padded = bytes + std::string(64, ' ');
    EXPECT_NE(errorOf(padded.substr(8), 0, padded.substr(0, 8)).find(words), std::string::npos)
        << errorOf(padded.substr(8), 0, padded.substr(0, 8));
  };
  says("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "a Git LFS pointer");
  says("GGUF\x03", "a GGUF file");
  says("PK\x03\x04\x14", "a ZIP file");
  says("<!DOCTYPE html><html>", "a web page");
  says("  <html lang=\"en\">", "a web page");
  says("{\"error\": \"not found\"}", "expects a safetensors file, but found JSON");
  says("\x1f\x8b\x08", "a gzip file");
  says(std::string(600, '\0'), "nothing but zeros");
}

TEST(Safetensors, WaitsForNobodyAtAPipe) {
  std::string path = testing::TempDir() + "safetensors_pipe", error;
  std::remove(path.c_str());
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_FALSE(SafetensorsFile::open(path, error));
  EXPECT_EQ(error, path + ": expects a file, but found something else");
  EXPECT_FALSE(isGgufFile(path));
  std::remove(path.c_str());
}

TEST(Safetensors, NamesFilesThatAreMissing) {
  std::string error;
  EXPECT_FALSE(SafetensorsFile::open("/nowhere/x.safetensors", error));
  EXPECT_EQ(error, "/nowhere/x.safetensors: No such file or directory");
}

} // namespace
