//===- Spellings.h - writes spellings out -----------------------------------===//

#ifndef QUOIN_PASSES_SPELLINGS_H
#define QUOIN_PASSES_SPELLINGS_H

#include "dialects/quoin/QuoinDialect.h"

namespace quoin {

/// Replaces each op of the model that is a spelling by what it means; how many there were.
int64_t expandSpellings(ModelOp model);

} // namespace quoin

#endif
