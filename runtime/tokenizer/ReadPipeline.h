// ReadPipeline.h - reads the three lists of steps of tokenizer.json, refusing whatever would silently give other ids or
// texts than Hugging Face's `tokenizers`.

#ifndef QUOIN_RUNTIME_TOKENIZER_READPIPELINE_H
#define QUOIN_RUNTIME_TOKENIZER_READPIPELINE_H

#include "runtime/tokenizer/Normalizer.h"
#include "runtime/tokenizer/PreTokenizer.h"
#include "runtime/tokenizer/TokenDecoder.h"

#include <nlohmann/json.hpp>

#include <string>

namespace quoin {

/// Null is no step, of the decoder its default. False with one line in `error`.
bool readNormalizer(const nlohmann::json &value, Normalizer &out, std::string &error);
bool readPreTokenizer(const nlohmann::json &value, PreTokenizer &out, std::string &error);
bool readDecoder(const nlohmann::json &value, TokenDecoder &out, std::string &error);

} // namespace quoin

#endif // QUOIN_RUNTIME_TOKENIZER_READPIPELINE_H
