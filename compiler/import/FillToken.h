//===- FillToken.h - the token that stands at open positions ---------------===//

#ifndef QUOIN_COMPILER_IMPORT_FILLTOKEN_H
#define QUOIN_COMPILER_IMPORT_FILLTOKEN_H

#include "compiler/import/ModelTemplate.h"

namespace quoin {

/// The fill token of a checkpoint, the first that says one: `given` (an option); config.json under the family's key;
/// and, where a decoder needs it, `mask_token_id` of generation_config.json, `mask_token` of tokenizer_config.json,
/// an added token with one of the usual names. The published checkpoints' token is taken if the tokenizer calls it by
/// such a name, or if there is no tokenizer. Nothing without an error means that there is none. `tokenizer` is the
/// folder that the tokenizer lies in.
std::optional<int64_t> findFillToken(const std::string &directory, const ModelDescription &model, ConfigReader &config,
                                     std::optional<int64_t> given, bool needed, const std::string &tokenizer,
                                     std::string &error);

/// One more than the highest id that the tokenizer of a folder has; 0 if there is none, or none that can be read.
int64_t countTokens(const std::string &folder);

} // namespace quoin

#endif
