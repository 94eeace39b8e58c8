//===- MaskFixture.h - masks of tests ---------------------------------------===//

#ifndef QUOIN_TEST_UNIT_MASKFIXTURE_H
#define QUOIN_TEST_UNIT_MASKFIXTURE_H

#include "dialects/quoin/BlockMask.h"
#include <gtest/gtest.h>

namespace quoin::test {

/// A formula that must parse; the test fails with the error if it does not.
inline BlockMask parse(llvm::StringRef text) {
  std::string error;
  std::optional<BlockMask> mask = BlockMask::parse(text, error);
  EXPECT_TRUE(mask) << text.str() << ": " << error;
  return mask ? *mask : BlockMask::full();
}

} // namespace quoin::test

#endif
