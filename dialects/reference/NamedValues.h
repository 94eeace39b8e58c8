//===- NamedValues.h - what a request's inputs must be ---------------------===//

#ifndef QUOIN_DIALECTS_REFERENCE_NAMEDVALUES_H
#define QUOIN_DIALECTS_REFERENCE_NAMEDVALUES_H

#include "dialects/reference/Program.h"

namespace quoin::ref {

/// Why these numbers are no value of an input, or nothing.
std::string whyNoInput(InputOp op, const NamedValues &given);

} // namespace quoin::ref

#endif
