//===- GgufTest.cpp - GGUF files that are right and files that are not -----===//

#include "support/Gguf.h"
#include "GgufFixture.h"
#include "support/CheckpointTensors.h"
#include "support/GgufTensors.h"
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>

using namespace quoin;

using namespace quoin::gguf_test;

namespace {

std::string errorOf(const std::string &bytes) {
  GgufContents contents;
  std::string error;
  EXPECT_EQ(parseGguf(bytes, contents, error), error.empty());
  return error;
}

TEST(Gguf, ReadsValuesOfAllTypes) {
  File file;
  file.key("u8", 0, Bytes().put<uint8_t>(200).all).key("i8", 1, Bytes().put<int8_t>(-3).all);
  file.key("u16", 2, Bytes().put<uint16_t>(60000).all).key("i16", 3, Bytes().put<int16_t>(-300).all);
  file.count("u32", 4000000000u).key("i32", 5, Bytes().put<int32_t>(-5).all);
  file.key("f32", 6, Bytes().put(1e-6f).all).key("flag", 7, std::string("\1"));
  file.word("text", "a b").key("u64", 10, Bytes().put<uint64_t>(UINT64_MAX).all);
  file.key("i64", 11, Bytes().put<int64_t>(INT64_MIN).all).key("f64", 12, Bytes().put(0.1).all);
  file.key("list", 9, Bytes().put<uint32_t>(8).put<uint64_t>(2).text("x").text("").all);
  file.key("none", 9, Bytes().put<uint32_t>(5).put<uint64_t>(0).all);
  GgufContents contents;
  std::string error, bytes = file.bytes();
  ASSERT_TRUE(parseGguf(bytes, contents, error)) << error;
  auto integer = [&](const char *key) { return contents.find(key)->integer(); };
  EXPECT_EQ(integer("u8"), 200);
  EXPECT_EQ(integer("i8"), -3);
  EXPECT_EQ(integer("u16"), 60000);
  EXPECT_EQ(integer("i16"), -300);
  EXPECT_EQ(integer("u32"), 4000000000);
  EXPECT_EQ(integer("i32"), -5);
  EXPECT_EQ(integer("u64"), INT64_MAX);
  EXPECT_EQ(integer("i64"), INT64_MIN);
  // What somebody wrote, not the number of f32 next to it.
  EXPECT_EQ(contents.find("f32")->real(), 1e-6);
  EXPECT_EQ(contents.find("f64")->real(), 0.1);
  EXPECT_EQ(contents.find("flag")->flag(), true);
  EXPECT_EQ(contents.find("text")->text(), "a b");
  EXPECT_EQ(contents.find("list")->texts, (std::vector<std::string_view>{"x", ""}));
  EXPECT_EQ(contents.find("none")->size(), 0u);
  EXPECT_EQ(contents.find("text")->integer(), std::nullopt);
  EXPECT_EQ(contents.find("list")->text(), std::nullopt);
  EXPECT_EQ(contents.find("other"), nullptr);
}

TEST(Gguf, RefusesWhatIsNoSuchFile) {
  EXPECT_EQ(errorOf("GGU"), "expects a GGUF file, but found 'GGU'");
  EXPECT_EQ(errorOf("version https://git-lfs.github.com/spec/v1\n"),
            "expects a GGUF file, but found a Git LFS pointer (run 'git lfs pull' where it was cloned)");
  EXPECT_EQ(errorOf(std::string("GGUF\3", 5)),
            "a GGUF file's version expects 4 bytes, but found 1 (a download that did not end?)");
  EXPECT_EQ(errorOf(std::string("GGUF\1\0\0\0", 8)), "expects version 2 or 3, but found 1");
  EXPECT_EQ(errorOf(std::string("GGUF\0\0\0\3", 8)),
            "expects version 2 or 3, but found 50331648 (a file for big-endian machines?)");
  File file;
  file.version = 2;
  EXPECT_EQ(errorOf(file.bytes()), "");
}

TEST(Gguf, RefusesCountsThatCannotBe) {
  File file;
  file.word("a", "b");
  file.keyCount = uint64_t(1) << 60;
  EXPECT_EQ(errorOf(file.bytes()), "expects at most 65536 keys, but found 1152921504606846976");
  file.keyCount = 1;
  file.tensorCount = uint64_t(1) << 60;
  EXPECT_EQ(errorOf(file.bytes()), "expects at most 1048576 tensors, but found 1152921504606846976");
  auto list = [](uint32_t type, uint64_t count, const std::string &rest) {
    return errorOf(File().key("k", 9, Bytes().put(type).put(count).all + rest).bytes());
  };
  EXPECT_EQ(list(4, uint64_t(1) << 62, ""), "key 'k' expects at most 3 values, but found 4611686018427387904 (a "
                                            "download that did not end?)");
  EXPECT_EQ(list(9, 1, "").substr(0, 60), "key 'k' expects a type from 0 to 12, no list in a list, but ");
  EXPECT_EQ(list(7, 1, "\2"), "key 'k' expects flags of 0 or 1, but found 2");
  EXPECT_EQ(errorOf(File().key("k", 8, Bytes().put(uint64_t(1) << 60).all).bytes()),
            "key 'k' expects a text of at most 19 bytes, but found 1152921504606846976 (a download that did not end?)");
  EXPECT_EQ(errorOf(File().key("k", 13, "").bytes()), "key 'k' expects a type from 0 to 12, but found 13");
}

TEST(Gguf, RefusesTablesThatDoNotFit) {
  std::string four = floats({1, 2, 3, 4});
  auto with = [&](std::vector<uint64_t> sizes, uint32_t type, uint64_t offset) {
    File file;
    file.data = four;
    return errorOf(file.entry("t", std::move(sizes), type, offset).bytes());
  };
  EXPECT_EQ(with({2, 2}, 0, 0), "");
  EXPECT_EQ(with({4, 1, 1, 1}, 0, 0), "");
  EXPECT_EQ(with({}, 0, 0), "tensor 't' expects 1 to 4 dimensions, but found 0");
  EXPECT_EQ(with({4, 1, 1, 1, 1}, 0, 0), "tensor 't' expects 1 to 4 dimensions, but found 5");
  EXPECT_EQ(with({0}, 0, 0), "tensor 't' expects sizes from 1 whose product fits into 64 bits, but found 0");
  EXPECT_EQ(with({uint64_t(1) << 40, uint64_t(1) << 40}, 0, 0),
            "tensor 't' expects sizes from 1 whose product fits into 64 bits, but found 1099511627776");
  EXPECT_EQ(with({uint64_t(1) << 62}, 0, 0),
            "tensor 't' expects a size that fits into 64 bits, but found 4611686018427387904 elements");
  EXPECT_EQ(with({4}, 99, 0), "tensor 't' expects a known type, but found number 99");
  EXPECT_EQ(with({33}, 8, 0), "tensor 't' expects rows of a multiple of 32 elements for Q8_0, but found 33");
  EXPECT_EQ(with({4}, 0, 8), "tensor 't' expects an offset that 32 divides, but found 8");
  EXPECT_EQ(with({4}, 0, 32), "tensor 't' expects a range within 16 bytes, but found [32, 48) (a download that did "
                              "not end?)");
  EXPECT_EQ(with({4}, 0, UINT64_MAX - 7), "tensor 't' expects a size that fits into 64 bits, but found 4 elements");
  File twice;
  twice.tensor("t", {4}, 0, four).tensor("t", {4}, 0, four);
  EXPECT_EQ(errorOf(twice.bytes()), "expects each tensor once, but found 't' twice");
  File over;
  over.data = std::string(96, 'x');
  over.entry("a", {16}, 0, 0).entry("b", {4}, 0, 32);
  EXPECT_EQ(errorOf(over.bytes()), "tensor 'b' expects to begin behind 'a', at byte 64 or later, but found 32");
  EXPECT_EQ(errorOf(File().word("k", "").word("k", "").bytes()), "expects each key once, but found 'k' twice");
  EXPECT_EQ(errorOf(File().count("general.alignment", 24).bytes()),
            "key 'general.alignment' expects a power of two from 1 to 1048576, but found 24");
}

TEST(Gguf, EveryByteThatIsMissingIsNoticed) {
  File file;
  file.word("general.architecture", "llama").count("llama.block_count", 1);
  file.key("tokens", 9, Bytes().put<uint32_t>(8).put<uint64_t>(1).text("x").all);
  file.tensor("t", {4}, 0, floats({1, 2, 3, 4}));
  std::string whole = file.bytes();
  ASSERT_EQ(errorOf(whole), "");
  // Behind the last tensor there is nothing but what aligns it.
  for (size_t size = 0; size < whole.size() - 16; ++size) {
    std::string error = errorOf(whole.substr(0, size));
    EXPECT_NE(error.find("expects "), error.npos) << size;
    EXPECT_NE(error.find(", but found "), error.npos) << size;
  }
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

std::vector<float> numbersOf(const char *format, const std::string &blocks, size_t first = 0, size_t count = 0) {
  const BlockFormat *f = BlockFormat::find(format);
  std::vector<float> out(count ? count : blocks.size() / f->bytes * f->elements);
  f->read(reinterpret_cast<const uint8_t *>(blocks.data()), first, out.size(), out.data());
  return out;
}

TEST(GgufBlocks, AreWhatTheyStandFor) {
  std::string q80("\x00\x38", 2); // 0.5
  for (int i = 0; i < 32; ++i)
    q80 += static_cast<char>(i == 0 ? -128 : i == 31 ? 127 : i);
  std::vector<float> numbers = numbersOf("Q8_0", q80);
  EXPECT_EQ(numbers[0], -64);
  EXPECT_EQ(numbers[3], 1.5);
  EXPECT_EQ(numbers[31], 63.5);

  std::string q40("\x00\x40", 2); // 2
  for (int i = 0; i < 16; ++i)
    q40 += static_cast<char>(i | (15 - i) << 4);
  numbers = numbersOf("Q4_0", q40);
  EXPECT_EQ(numbers[0], -16);
  EXPECT_EQ(numbers[15], 14);
  EXPECT_EQ(numbers[16], 14);
  EXPECT_EQ(numbers[31], -16);
}

TEST(GgufBlocks, OfFourBitsHaveFactorsAndMinima) {
  // Scale 1, minimum 0.5. Factors 1, 2, 3, 4 and 33, 18, 51, 5; minima 63, 0, 1, 2 and 16, 47, 3, 60.
  const int factors[] = {1, 2, 3, 4, 33, 18, 51, 5}, minima[] = {63, 0, 1, 2, 16, 47, 3, 60};
  std::string block("\x00\x3c\x00\x38", 4);
  for (int i = 0; i < 4; ++i)
    block += static_cast<char>(factors[i] | factors[4 + i] >> 4 << 6);
  for (int i = 0; i < 4; ++i)
    block += static_cast<char>(minima[i] | minima[4 + i] >> 4 << 6);
  for (int i = 0; i < 4; ++i)
    block += static_cast<char>((factors[4 + i] & 15) | (minima[4 + i] & 15) << 4);
  for (int i = 0; i < 128; ++i)
    block += static_cast<char>((i % 16) | (15 - i % 16) << 4);
  std::vector<float> numbers = numbersOf("Q4_K", block);
  for (int group = 0; group < 8; ++group)
    for (int i = 0; i < 32; ++i) {
      int number = group % 2 ? 15 - i % 16 : i % 16;
      EXPECT_EQ(numbers[group * 32 + i], factors[group] * number - 0.5f * minima[group]) << group << " " << i;
    }
}

TEST(GgufBlocks, OfSixBitsHaveTheirFactors) {
  // Number i is i * 7 % 64 - 32, its factor -60 + 9 of its group; scale 0.25.
  auto six = [](int i) { return i * 7 % 64; };
  std::string low(128, 0), high(64, 0), block;
  for (int i = 0; i < 256; ++i) {
    int half = i / 128, row = i / 32 % 4, column = i % 32;
    low[half * 64 + (row & 1) * 32 + column] |= static_cast<char>((six(i) & 15) << (row >= 2 ? 4 : 0));
    high[half * 32 + column] |= static_cast<char>((six(i) >> 4) << 2 * row);
  }
  block = low + high;
  for (int i = 0; i < 16; ++i)
    block += static_cast<char>(-60 + 9 * i);
  block += std::string("\x00\x34", 2);
  std::vector<float> numbers = numbersOf("Q6_K", block);
  for (int i = 0; i < 256; ++i)
    EXPECT_EQ(numbers[i], 0.25f * static_cast<float>((-60 + 9 * (i / 16)) * (six(i) - 32))) << i;
  // From the middle of a block to that of the next.
  std::vector<float> part = numbersOf("Q6_K", block + block, 250, 20);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(part[i], numbers[(250 + i) % 256]);
}

//===----------------------------------------------------------------------===//
// Tensors by a checkpoint's names
//===----------------------------------------------------------------------===//

std::unique_ptr<SafetensorsFile> opened(const File &file, std::string &error) {
  std::string path = testing::TempDir() + "gguf_test_" + std::to_string(rand()) + ".gguf";
  std::ofstream(path, std::ios::binary) << file.bytes();
  std::unique_ptr<SafetensorsFile> result = openTensors(path, error);
  std::remove(path.c_str());
  if (!result)
    error = error.substr(path.size() + 2);
  return result;
}

TEST(GgufTensors, HaveTheNamesOfACheckpoint) {
  std::string error;
  File file;
  file.word("general.architecture", "qwen3moe");
  file.tensor("token_embd.weight", {2, 1}, 0, floats({1, 2})).tensor("blk.12.attn_q.bias", {1}, 0, floats({3}));
  file.tensor("blk.0.ffn_up_exps.weight", {2, 1, 3}, 0, floats({1, 2, 3, 4, 5, 6}));
  file.tensor("blk.x.attn_q.weight", {1}, 0, floats({3}));
  std::unique_ptr<SafetensorsFile> read = opened(file, error);
  ASSERT_TRUE(read) << error;
  EXPECT_EQ(read->names(), (std::vector<std::string>{"blk.x.attn_q.weight", "model.embed_tokens.weight",
                                                     "model.layers.0.mlp.experts.0.up_proj.weight",
                                                     "model.layers.0.mlp.experts.1.up_proj.weight",
                                                     "model.layers.0.mlp.experts.2.up_proj.weight",
                                                     "model.layers.12.self_attn.q_proj.bias"}));
  const TensorView *expert = read->find("model.layers.0.mlp.experts.1.up_proj.weight");
  EXPECT_EQ(expert->shape, (std::vector<int64_t>{1, 2}));
  std::vector<double> numbers;
  ASSERT_TRUE(widenToDouble(*expert, numbers));
  EXPECT_EQ(numbers, (std::vector<double>{3, 4}));
}

TEST(GgufTensors, RowsOfHeadsAreInOrder) {
  std::string error;
  File file;
  file.word("general.architecture", "llama").count("llama.attention.head_count", 2);
  file.count("llama.attention.head_count_kv", 1);
  // Two heads of four rows, which were 0 1 2 3 before they were stored in pairs.
  file.tensor("blk.0.attn_q.weight", {1, 8}, 0, floats({0, 2, 1, 3, 10, 12, 11, 13}));
  file.tensor("blk.0.attn_k.bias", {4}, 0, floats({0, 2, 1, 3}));
  file.tensor("blk.0.attn_v.weight", {1, 4}, 0, floats({0, 1, 2, 3}));
  std::unique_ptr<SafetensorsFile> read = opened(file, error);
  ASSERT_TRUE(read) << error;
  std::vector<double> numbers;
  ASSERT_TRUE(widenToDouble(*read->find("model.layers.0.self_attn.q_proj.weight"), numbers));
  EXPECT_EQ(numbers, (std::vector<double>{0, 1, 2, 3, 10, 11, 12, 13}));
  ASSERT_TRUE(widenToDouble(*read->find("model.layers.0.self_attn.k_proj.bias"), numbers));
  EXPECT_EQ(numbers, (std::vector<double>{0, 1, 2, 3}));
  ASSERT_TRUE(widenToDouble(*read->find("model.layers.0.self_attn.v_proj.weight"), numbers));
  EXPECT_EQ(numbers, (std::vector<double>{0, 1, 2, 3}));
}

TEST(GgufTensors, RefuseWhatTheyCannotUndo) {
  std::string error;
  EXPECT_FALSE(opened(File().word("general.architecture", "bert"), error));
  EXPECT_EQ(error, "key 'general.architecture' expects one of 'llama', 'qwen2', 'qwen3', 'qwen3moe', 'dream', 'llada', "
                   "'llada-moe', but found 'bert'");
  EXPECT_FALSE(opened(File(), error));
  EXPECT_NE(error.find("but there is none"), error.npos);
  File heads;
  heads.word("general.architecture", "llama").count("llama.attention.head_count", 3);
  heads.tensor("blk.0.attn_q.weight", {1, 8}, 0, floats({0, 2, 1, 3, 10, 12, 11, 13}));
  EXPECT_FALSE(opened(heads, error));
  EXPECT_EQ(error, "tensor 'blk.0.attn_q.weight' expects rows of whole heads of an even size, but found 8 rows for the "
                   "heads of 'attention.head_count'");
}

TEST(GgufTensors, HaveNumbersOfLayersThatAreShort) {
  std::string error, long7 = "blk.1000000.ffn_up_exps.weight", zero = "blk.00.ffn_up_exps.weight";
  File file;
  file.word("general.architecture", "qwen3moe").tensor("blk.999999.ffn_up_exps.weight", {1, 1, 1}, 0, floats({1}));
  file.tensor(long7, {1, 1, 1}, 0, floats({1})).tensor(zero, {1, 1, 1}, 0, floats({1}));
  std::unique_ptr<SafetensorsFile> read = opened(file, error);
  ASSERT_TRUE(read) << error;
  EXPECT_EQ(read->names(), (std::vector<std::string>{zero, long7, "model.layers.999999.mlp.experts.0.up_proj.weight"}));
}

TEST(GgufTensors, AreThereOnce) {
  std::string error;
  const std::string own = "model.layers.0.self_attn.v_proj.weight";
  File file;
  file.word("general.architecture", "llama").tensor(own, {1}, 0, floats({1}));
  file.tensor("blk.0.attn_v.weight", {1}, 0, floats({2}));
  EXPECT_FALSE(opened(file, error));
  EXPECT_EQ(error, "expects each tensor once, but found '" + own + "' twice");
  File experts;
  experts.word("general.architecture", "qwen3moe").tensor("blk.0.ffn_up_exps.weight", {1, 1, 2}, 0, floats({1, 2}));
  experts.tensor("model.layers.0.mlp.experts.1.up_proj.weight", {1, 1}, 0, floats({2}));
  EXPECT_FALSE(opened(experts, error));
  EXPECT_EQ(error, "expects each tensor once, but found 'model.layers.0.mlp.experts.1.up_proj.weight' twice");
}

TEST(GgufTensors, AreNotTooManyWithExperts) {
  std::string error;
  File file;
  file.word("general.architecture", "qwen3moe");
  for (int i = 0; i <= 256; ++i)
    file.tensor("blk." + std::to_string(i) + ".ffn_up_exps.weight", {1, 1, 4096}, 24, std::string(4096, '\1'));
  EXPECT_FALSE(opened(file, error));
  EXPECT_EQ(error, "expects at most 1048576 tensors with one for each expert, but found 1052672");
  File one;
  one.word("general.architecture", "qwen3moe");
  one.tensor("blk.0.ffn_up_exps.weight", {1, 1, 4097}, 24, std::string(4097, '\1'));
  EXPECT_FALSE(opened(one, error));
  EXPECT_EQ(error,
            "tensor 'blk.0.ffn_up_exps.weight' expects a matrix for each of at most 4096 experts, but found 4097");
}

} // namespace
