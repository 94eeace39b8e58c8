// NormalizationTest.cpp - NFC against the Unicode Character Database's own NormalizationTest.txt, as Debian's
// unicode-data (15.0.0) installs it. Characters that Hugging Face's older normalizer does not know stay as they are in
// ours, on purpose; lines with one of them are left out.

#include "runtime/tokenizer/Unicode.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <set>
#include <sstream>

using namespace quoin;

namespace {

std::string nfc(const std::string &text) {
  std::string out;
  return normalizeNFC(text, out) ? out : text;
}

/// The file, which is installed packed; "" where it is not.
std::string databaseText() {
  std::string text;
  std::FILE *pipe = popen("bzip2 -dc /usr/share/unicode/NormalizationTest.txt.bz2 2>/dev/null", "r");
  if (!pipe)
    return text;
  char buffer[1 << 16];
  while (size_t count = std::fread(buffer, 1, sizeof(buffer), pipe))
    text.append(buffer, count);
  pclose(pipe);
  return text;
}

/// The texts of a line's five columns: source, NFC, NFD, NFKC, NFKD.
std::vector<std::string> columns(const std::string &line, bool &unknown) {
  static const std::set<uint32_t> barriers = [] {
    std::set<uint32_t> all;
    uint32_t at = 0;
    for (size_t i = 0; i + 1 < nfcBarrierRangesSize; i += 2) {
      at += nfcBarrierRanges[i];
      for (uint32_t j = 0; j < nfcBarrierRanges[i + 1]; ++j)
        all.insert(at++);
    }
    return all;
  }();
  std::vector<std::string> out;
  std::istringstream fields(line);
  for (std::string field; out.size() < 5 && std::getline(fields, field, ';');) {
    std::istringstream codes(field);
    std::string text;
    for (std::string code; codes >> code;) {
      const auto value = static_cast<uint32_t>(std::strtoul(code.c_str(), nullptr, 16));
      unknown |= barriers.count(value) != 0;
      appendUtf8(value, text);
    }
    out.push_back(std::move(text));
  }
  return out;
}

} // namespace

TEST(Normalization, AgreesWithTheUnicodeDatabase) {
  std::istringstream file(databaseText());
  if (file.str().empty())
    GTEST_SKIP() << "there is no /usr/share/unicode/NormalizationTest.txt.bz2 (Debian's unicode-data), or no bzip2";
  std::string line;
  std::getline(file, line);
  std::printf("%s\n", line.c_str());
  int tested = 0, left = 0;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '#' || line[0] == '@')
      continue;
    bool unknown = false;
    const std::vector<std::string> c = columns(line, unknown);
    ASSERT_EQ(c.size(), 5u) << line;
    if (unknown) {
      ++left;
      continue;
    }
    ++tested;
    // The invariants that the file states of NFC.
    EXPECT_EQ(nfc(c[0]), c[1]) << line;
    EXPECT_EQ(nfc(c[1]), c[1]) << line;
    EXPECT_EQ(nfc(c[2]), c[1]) << line;
    EXPECT_EQ(nfc(c[3]), c[3]) << line;
    EXPECT_EQ(nfc(c[4]), c[3]) << line;
  }
  EXPECT_GT(tested, 18000);
  EXPECT_LT(left, tested / 10) << "of lines with characters that the older normalizer does not know";
}

TEST(Normalization, ComposesHangulByTheRule) {
  // L + V and LV + T compose, for all of them; a V or T alone, and the place before the first T, do not.
  for (uint32_t l = 0x10FF; l <= 0x1113; ++l)
    for (uint32_t v = 0x1160; v <= 0x1176; ++v)
      for (uint32_t t = 0x11A6; t <= 0x11C3; ++t) {
        std::string source, expected;
        for (uint32_t code : {l, v, t})
          appendUtf8(code, source);
        const bool lv = l >= 0x1100 && l < 0x1113 && v >= 0x1161 && v < 0x1176, lvt = lv && t > 0x11A7 && t < 0x11C3;
        const uint32_t syllable = 0xAC00 + ((l - 0x1100) * 21 + (v - 0x1161)) * 28;
        if (lvt) {
          appendUtf8(syllable + (t - 0x11A7), expected);
        } else if (lv) {
          appendUtf8(syllable, expected);
          appendUtf8(t, expected);
        } else {
          expected = source;
        }
        ASSERT_EQ(nfc(source), expected) << std::hex << l << " " << v << " " << t;
        ASSERT_EQ(nfc("a" + source + "\u0301b"), "a" + expected + "\u0301b") << std::hex << l << " " << v << " " << t;
        if (lv) {
          std::string composed;
          appendUtf8(syllable, composed);
          appendUtf8(t, composed);
          ASSERT_EQ(nfc(composed), expected) << std::hex << l << " " << v << " " << t;
        }
      }
}
