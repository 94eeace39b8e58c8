//===- SafetensorsTest.cpp - files that are right and files that are not ---===//

#include "support/Safetensors.h"
#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>

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
  EXPECT_EQ(errorOf("", 0, "abc"), "expects at least 8 bytes, but found 3");
  EXPECT_EQ(errorOf("{}", 0, std::string("\x03\0\0\0\0\0\0\0", 8)), "expects a header of at most 2 bytes, but found 3");
  EXPECT_EQ(errorOf("{}", 0, std::string(8, '\xff')),
            "expects a header of at most 2 bytes, but found 18446744073709551615");
  EXPECT_EQ(errorOf("{" + entry("x", "F32", "[2]", 0, 8) + "}", 7),
            "tensor 'x' expects a range within 7 bytes, but found [0, 8)");
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
  EXPECT_EQ(errorOf("{\"x\":{\"dtype\":\"F33\"}}", 0), "tensor 'x' expects a known dtype, but found 'F33'");
  EXPECT_EQ(errorOf("{\"x\":{\"colour\":1}}", 0),
            "tensor 'x' expects dtype, shape and data_offsets once each, but found 'colour'");
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

TEST(Safetensors, NamesFilesThatAreMissing) {
  std::string error;
  EXPECT_FALSE(SafetensorsFile::open("/nowhere/x.safetensors", error));
  EXPECT_EQ(error, "/nowhere/x.safetensors: No such file or directory");
}

} // namespace
