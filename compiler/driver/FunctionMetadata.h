//===- FunctionMetadata.h - what a function's artefact says of itself -------===//
//
// As Metadata.h, of attention by itself: for people, and for the runtime that loads it.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_DRIVER_FUNCTIONMETADATA_H
#define QUOIN_COMPILER_DRIVER_FUNCTIONMETADATA_H

#include "compiler/cpu/EmitObject.h"
#include "compiler/decoder/ProgramTable.h"
#include "passes/stage/Functions.h"

namespace quoin {

/// What quoin_function_program_t says of a function whose step is that of `model`.
decoder::FunctionNumbers functionNumbers(const FunctionPlan &plan, const cpu::Target &target,
                                         decoder::ModelNumbers model);

/// The text of model.json; `symbol` is that of an object, or empty.
std::string functionJson(const FunctionPlan &plan, const cpu::Target &target, llvm::StringRef symbol);
/// The text of model.h, for hosts that link model.o.
std::string functionHeader(const FunctionPlan &plan, llvm::StringRef symbol);

} // namespace quoin

#endif
