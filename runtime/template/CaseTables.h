// CaseTables.h - declares the generated tables of characters, apart from the code that reads them so that regenerating
// touches one file.

#ifndef QUOIN_RUNTIME_TEMPLATE_CASETABLES_H
#define QUOIN_RUNTIME_TEMPLATE_CASETABLES_H

#include <cstddef>
#include <cstdint>

namespace quoin::jinja {

/// Ascending by `code`.
struct SpecialCase {
  uint32_t code;
  const char *upper, *lower, *title;
};
extern const SpecialCase specialCases[];
extern const size_t specialCasesSize;

/// Ascending, both ends included.
struct CodeRange {
  uint32_t first, last;
};
/// Digits which are no decimals, such as superscripts; numbers outside of the categories of numbers.
extern const CodeRange digitRanges[], numericRanges[];
extern const size_t digitRangesSize, numericRangesSize;
/// Lower and upper case outside of the categories Ll and Lu.
extern const CodeRange otherLowerRanges[], otherUpperRanges[];
extern const size_t otherLowerRangesSize, otherUpperRangesSize;

} // namespace quoin::jinja

#endif // QUOIN_RUNTIME_TEMPLATE_CASETABLES_H
