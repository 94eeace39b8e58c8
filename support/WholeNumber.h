//===- WholeNumber.h - whole numbers on a command line -----------------------===//
//
// The library that parses our command lines takes the nearest number that fits for one out of range: another seed,
// another count, without a word.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_SUPPORT_WHOLENUMBER_H
#define QUOIN_SUPPORT_WHOLENUMBER_H

#include <charconv>
#include <limits>
#include <string>

namespace quoin {

/// A check of an option: "" if `text` is a whole number that T holds, else what is wrong with it.
template <typename T> std::string wholeNumberOf(const std::string &text) {
  T value;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size())
    return "";
  return "expects a whole number from " + std::to_string(std::numeric_limits<T>::min()) + " to " +
         std::to_string(std::numeric_limits<T>::max()) + ", but found '" + text + "'";
}

} // namespace quoin

#endif
