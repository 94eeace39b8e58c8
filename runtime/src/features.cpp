// features.cpp: what this machine can do, by the names compilers use.

#include "internal.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

using namespace quoin::rt;

namespace {

#if defined(__x86_64__) || defined(__i386__)

enum Register { EAX, EBX, ECX, EDX };
/// What the system must save for the feature to be of use (XCR0 bits).
enum Saved : uint32_t { NOTHING = 0, AVX = 0x6, AVX512 = 0xe6, AMX = 0x60000 };

struct Feature {
  const char *name;
  uint32_t leaf, subleaf;
  Register in;
  uint32_t bit;
  Saved saved;
};

constexpr Feature kFeatures[] = {
    {"cx8", 1, 0, EDX, 8, NOTHING},
    {"cmov", 1, 0, EDX, 15, NOTHING},
    {"mmx", 1, 0, EDX, 23, NOTHING},
    {"fxsr", 1, 0, EDX, 24, NOTHING},
    {"sse", 1, 0, EDX, 25, NOTHING},
    {"sse2", 1, 0, EDX, 26, NOTHING},
    {"sse3", 1, 0, ECX, 0, NOTHING},
    {"pclmul", 1, 0, ECX, 1, NOTHING},
    {"ssse3", 1, 0, ECX, 9, NOTHING},
    {"fma", 1, 0, ECX, 12, AVX},
    {"cx16", 1, 0, ECX, 13, NOTHING},
    {"sse4.1", 1, 0, ECX, 19, NOTHING},
    {"sse4.2", 1, 0, ECX, 20, NOTHING},
    {"crc32", 1, 0, ECX, 20, NOTHING},
    {"movbe", 1, 0, ECX, 22, NOTHING},
    {"popcnt", 1, 0, ECX, 23, NOTHING},
    {"aes", 1, 0, ECX, 25, NOTHING},
    {"xsave", 1, 0, ECX, 27, NOTHING},
    {"avx", 1, 0, ECX, 28, AVX},
    {"f16c", 1, 0, ECX, 29, AVX},
    {"rdrnd", 1, 0, ECX, 30, NOTHING},
    {"fsgsbase", 7, 0, EBX, 0, NOTHING},
    {"bmi", 7, 0, EBX, 3, NOTHING},
    {"avx2", 7, 0, EBX, 5, AVX},
    {"bmi2", 7, 0, EBX, 8, NOTHING},
    {"invpcid", 7, 0, EBX, 10, NOTHING},
    {"avx512f", 7, 0, EBX, 16, AVX512},
    {"evex512", 7, 0, EBX, 16, AVX512},
    {"avx512dq", 7, 0, EBX, 17, AVX512},
    {"rdseed", 7, 0, EBX, 18, NOTHING},
    {"adx", 7, 0, EBX, 19, NOTHING},
    {"avx512ifma", 7, 0, EBX, 21, AVX512},
    {"clflushopt", 7, 0, EBX, 23, NOTHING},
    {"clwb", 7, 0, EBX, 24, NOTHING},
    {"avx512cd", 7, 0, EBX, 28, AVX512},
    {"sha", 7, 0, EBX, 29, NOTHING},
    {"avx512bw", 7, 0, EBX, 30, AVX512},
    {"avx512vl", 7, 0, EBX, 31, AVX512},
    {"avx512vbmi", 7, 0, ECX, 1, AVX512},
    {"pku", 7, 0, ECX, 4, NOTHING},
    {"waitpkg", 7, 0, ECX, 5, NOTHING},
    {"avx512vbmi2", 7, 0, ECX, 6, AVX512},
    {"shstk", 7, 0, ECX, 7, NOTHING},
    {"gfni", 7, 0, ECX, 8, NOTHING},
    {"vaes", 7, 0, ECX, 9, AVX},
    {"vpclmulqdq", 7, 0, ECX, 10, AVX},
    {"avx512vnni", 7, 0, ECX, 11, AVX512},
    {"avx512bitalg", 7, 0, ECX, 12, AVX512},
    {"avx512vpopcntdq", 7, 0, ECX, 14, AVX512},
    {"rdpid", 7, 0, ECX, 22, NOTHING},
    {"movdiri", 7, 0, ECX, 27, NOTHING},
    {"movdir64b", 7, 0, ECX, 28, NOTHING},
    {"avx512vp2intersect", 7, 0, EDX, 8, AVX512},
    {"serialize", 7, 0, EDX, 14, NOTHING},
    {"amx-bf16", 7, 0, EDX, 22, AMX},
    {"avx512fp16", 7, 0, EDX, 23, AVX512},
    {"amx-tile", 7, 0, EDX, 24, AMX},
    {"amx-int8", 7, 0, EDX, 25, AMX},
    {"avxvnni", 7, 1, EAX, 4, AVX},
    {"avx512bf16", 7, 1, EAX, 5, AVX512},
    {"amx-fp16", 7, 1, EAX, 21, AMX},
    {"avxifma", 7, 1, EAX, 23, AVX},
    {"avxvnniint8", 7, 1, EDX, 4, AVX},
    {"avxneconvert", 7, 1, EDX, 5, AVX},
    {"avxvnniint16", 7, 1, EDX, 10, AVX},
    {"prefetchi", 7, 1, EDX, 14, NOTHING},
    {"xsaveopt", 0xd, 1, EAX, 0, NOTHING},
    {"xsavec", 0xd, 1, EAX, 1, NOTHING},
    {"xsaves", 0xd, 1, EAX, 3, NOTHING},
    {"sahf", 0x80000001u, 0, ECX, 0, NOTHING},
    {"lzcnt", 0x80000001u, 0, ECX, 5, NOTHING},
    {"sse4a", 0x80000001u, 0, ECX, 6, NOTHING},
    {"prfchw", 0x80000001u, 0, ECX, 8, NOTHING},
    {"xop", 0x80000001u, 0, ECX, 11, AVX},
    {"fma4", 0x80000001u, 0, ECX, 16, AVX},
    {"tbm", 0x80000001u, 0, ECX, 21, NOTHING},
    {"mwaitx", 0x80000001u, 0, ECX, 29, NOTHING},
    {"64bit", 0x80000001u, 0, EDX, 29, NOTHING},
    {"clzero", 0x80000008u, 0, EBX, 0, NOTHING},
    {"rdpru", 0x80000008u, 0, EBX, 4, NOTHING},
    {"wbnoinvd", 0x80000008u, 0, EBX, 9, NOTHING},
};

/// The levels of x86-64's ABI document, and what each adds to the one before.
constexpr struct {
  const char *name, *adds;
} kLevels[] = {{"x86-64", "64bit,cmov,cx8,fxsr,mmx,sse,sse2"},
               {"x86-64-v2", "crc32,cx16,popcnt,sahf,sse3,sse4.1,sse4.2,ssse3"},
               {"x86-64-v3", "avx,avx2,bmi,bmi2,f16c,fma,lzcnt,movbe,xsave"},
               {"x86-64-v4", "avx512bw,avx512cd,avx512dq,avx512f,avx512vl,evex512"}};
constexpr const char *kUnknownLevel =
    "expects QUOIN_CPU to be x86-64, x86-64-v2, x86-64-v3 or x86-64-v4, but found '%.40s'";

uint32_t savedBySystem() {
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1))
    return 0;
  uint32_t low, high;
  __asm__ __volatile__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

bool hasFeature(const char *name, size_t length) {
  for (const Feature &feature : kFeatures) {
    if (std::strlen(feature.name) != length || std::memcmp(feature.name, name, length) != 0)
      continue;
    uint32_t r[4];
    if (!__get_cpuid_count(feature.leaf, feature.subleaf, &r[0], &r[1], &r[2], &r[3]))
      return false;
    uint32_t saved = feature.saved ? savedBySystem() : 0;
    return (r[feature.in] >> feature.bit & 1) && (saved & feature.saved) == feature.saved;
  }
  return false;
}

#elif defined(__aarch64__) && defined(__linux__)

struct Feature {
  const char *name;
  unsigned long which;
  unsigned bit;
};

constexpr Feature kFeatures[] = {
    {"fp-armv8", AT_HWCAP, 0}, {"neon", AT_HWCAP, 1},     {"aes", AT_HWCAP, 3},       {"sha2", AT_HWCAP, 6},
    {"crc", AT_HWCAP, 7},      {"lse", AT_HWCAP, 8},      {"fullfp16", AT_HWCAP, 10}, {"rdm", AT_HWCAP, 12},
    {"dotprod", AT_HWCAP, 20}, {"fp16fml", AT_HWCAP, 23}, {"sve", AT_HWCAP, 22},      {"sve2", AT_HWCAP2, 1},
    {"i8mm", AT_HWCAP2, 13},   {"bf16", AT_HWCAP2, 14},
};

bool hasFeature(const char *name, size_t length) {
  for (const Feature &feature : kFeatures)
    if (std::strlen(feature.name) == length && std::memcmp(feature.name, name, length) == 0)
      return getauxval(feature.which) >> feature.bit & 1;
  return false;
}

#else

bool hasFeature(const char *, size_t) { return false; }

#endif

#if !defined(__x86_64__) && !defined(__i386__)
/// Processors without levels.
constexpr struct {
  const char *name, *adds;
} kLevels[] = {{"", ""}};
constexpr const char *kUnknownLevel = "expects no QUOIN_CPU, since levels are those of x86-64, but found '%.40s'";
#endif

/// Whether the level, or one below it, has the feature; without a level all are allowed.
bool levelAllows(const char *level, const char *name, size_t length) {
  if (!level)
    return true;
  for (const auto &each : kLevels) {
    for (const char *at = each.adds; *at; at += *at == ',') {
      size_t own = std::strcspn(at, ",");
      if (own == length && std::memcmp(at, name, length) == 0)
        return true;
      at += own;
    }
    if (!std::strcmp(each.name, level))
      break;
  }
  return false;
}

/// QUOIN_CPU must name a level, and one that this machine has.
quoin_status_t checkLevel(quoin_context_t &context, const char *level) {
  bool known = false;
  for (const auto &each : kLevels)
    known |= !std::strcmp(each.name, level);
  if (!known)
    return context.fail(QUOIN_STATUS_INVALID_ARGUMENT, kUnknownLevel, level);
  for (const auto &each : kLevels) {
    size_t length = 0;
    if (const char *feature = missingFeature(each.adds, nullptr, &length))
      return context.fail(QUOIN_STATUS_INVALID_ARGUMENT,
                          "expects QUOIN_CPU to be a level of this machine, but '%s' needs '%.*s', which it lacks",
                          level, int(length), feature);
    if (!std::strcmp(each.name, level))
      break;
  }
  return QUOIN_STATUS_OK;
}

} // namespace

quoin_status_t quoin::rt::checkFeatures(quoin_context_t &context, const char *features, const char *where) {
  const char *level = std::getenv("QUOIN_CPU");
  if (level && !*level)
    level = nullptr;
  if (level)
    if (quoin_status_t status = checkLevel(context, level))
      return status;
  size_t length = 0;
  const char *needed = features ? features : "";
  if (const char *feature = missingFeature(needed, nullptr, &length))
    return context.fail(
        QUOIN_STATUS_INCOMPATIBLE,
        "%s was compiled for the CPU feature '%.*s', which this machine lacks; compile it with --target-cpu", where,
        int(length), feature);
  if (const char *feature = missingFeature(needed, level, &length))
    return context.fail(QUOIN_STATUS_INCOMPATIBLE,
                        "%s was compiled for the CPU feature '%.*s', which QUOIN_CPU=%s leaves out", where, int(length),
                        feature, level);
  return QUOIN_STATUS_OK;
}

const char *quoin::rt::missingFeature(const char *features, const char *level, size_t *out_length) {
  for (const char *at = features; *at;) {
    size_t length = std::strcspn(at, ",");
    const char *name = *at == '+' ? at + 1 : at;
    size_t nameLength = length - static_cast<size_t>(name - at);
    // A feature that is switched off ("-name") is not needed.
    if (nameLength && *at != '-' && !(hasFeature(name, nameLength) && levelAllows(level, name, nameLength))) {
      *out_length = nameLength;
      return name;
    }
    at += length;
    at += *at == ',';
  }
  return nullptr;
}
