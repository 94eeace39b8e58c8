//===- Module.cpp - types and names of PTX -----------------------------------===//

#include "test/ptx/Module.h"

namespace quoin::ptx {

namespace {
struct TypeFacts {
  std::string_view name;
  uint8_t bits;
};
} // namespace

/// In the order of `Type`.
static constexpr TypeFacts kTypes[] = {
    {"", 0},      {"pred", 1}, {"b8", 8},   {"b16", 16},   {"b32", 32},    {"b64", 64},    {"u8", 8},      {"u16", 16},
    {"u32", 32},  {"u64", 64}, {"s8", 8},   {"s16", 16},   {"s32", 32},    {"s64", 64},    {"f16", 16},    {"bf16", 16},
    {"tf32", 32}, {"f32", 32}, {"f64", 64}, {"f16x2", 32}, {"bf16x2", 32}, {"e4m3x2", 16}, {"e5m2x2", 16},
};

unsigned bitsOf(Type type) { return kTypes[size_t(type)].bits; }
std::string_view nameOf(Type type) { return kTypes[size_t(type)].name; }
bool isFloat(Type type) { return type >= Type::F16 && type <= Type::F64; }
bool isSigned(Type type) { return type >= Type::S8 && type <= Type::S64; }

std::optional<Type> typeNamed(std::string_view name) {
  for (size_t i = 1; i < std::size(kTypes); ++i)
    if (kTypes[i].name == name)
      return Type(i);
  return std::nullopt;
}

const Kernel *Module::kernel(std::string_view name) const {
  for (const Kernel &each : kernels)
    if (each.name == name)
      return &each;
  return nullptr;
}

} // namespace quoin::ptx
