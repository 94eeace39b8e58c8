// TokenizerFile.cpp - turns the parsed tokenizer.json into settings, refusing
// whatever would silently give other ids than Hugging Face's `tokenizers`.

#include "runtime/tokenizer/TokenizerFile.h"
#include "runtime/tokenizer/JsonReader.h"
#include "runtime/tokenizer/JsonSettings.h"
#include "runtime/tokenizer/ReadPipeline.h"
#include "runtime/tokenizer/Unicode.h"

using namespace quoin;
using nlohmann::json;

namespace {

class Settings : public JsonSettings {
public:
  Settings(TokenizerFile &file, std::string &error) : JsonSettings(error), file(file) {}

  bool readModel(const json &root);
  bool readAddedTokens(const json &value);
  bool readPostProcessor(const json &value);

private:
  TokenizerFile &file;

  bool readTemplate(const json &processor);
  bool readPair(const json &processor, const char *key, std::vector<int32_t> &ids);
};

bool Settings::readModel(const json &root) {
  const json &model = member(root, "model");
  if (!model.is_object())
    return fail("an object as 'model'", show(model));
  const json &type = member(model, "type");
  if (type == "Unigram") {
    file.unigram = true;
    const json &unknown = member(model, "unk_id");
    if (!unknown.is_number_unsigned() || unknown.get<uint64_t>() > INT32_MAX)
      return fail("the number of a token as 'unk_id'", show(unknown));
    file.unknownId = unknown.get<int64_t>();
    return readBool(model, "byte_fallback", false, file.unknown.byteFallback);
  }
  if (!type.is_null() && type != "BPE")
    return fail("'BPE' or 'Unigram' as the type of the model", show(type));
  const json &dropout = member(model, "dropout");
  if (!dropout.is_null() && !(dropout.is_number() && dropout == 0))
    return fail("no 'dropout'", show(dropout));
  for (const char *key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (const json &affix = member(model, key); !affix.is_null() && affix != "")
      return fail("no '" + std::string(key) + "'", show(affix));
  if (!member(model, "unk_token").is_null() && !readString(model, "unk_token", "the model", file.unknown.token))
    return false;
  return readBool(model, "byte_fallback", false, file.unknown.byteFallback) &&
         readBool(model, "fuse_unk", false, file.unknown.fused) &&
         readBool(model, "ignore_merges", false, file.ignoreMerges);
}

bool Settings::readAddedTokens(const json &value) {
  if (value.is_null())
    return true;
  if (!value.is_array())
    return fail("an array as 'added_tokens'", show(value));
  for (const json &each : value) {
    AddedToken token;
    const json &content = member(each, "content"), &id = member(each, "id");
    const std::string what = "of added token " + std::to_string(file.addedTokens.size());
    if (!content.is_string())
      return fail("a string as 'content' " + what, show(content));
    if (!id.is_number_unsigned() || id.get<uint64_t>() > INT32_MAX)
      return fail("an integer from 0 to 2147483647 as 'id' " + what, show(id));
    token.content = content.get<std::string>();
    token.id = id.get<int32_t>();
    if (!readBool(each, "special", false, token.special) ||
        !readBool(each, "normalized", !token.special, token.normalized) ||
        !readBool(each, "lstrip", false, token.lstrip) || !readBool(each, "rstrip", false, token.rstrip) ||
        !readBool(each, "single_word", false, token.singleWord))
      return false;
    file.addedTokens.push_back(std::move(token));
  }
  return true;
}

static bool isId(const json &value) { return value.is_number_unsigned() && value.get<uint64_t>() <= INT32_MAX; }

/// ["<s>", 0], as the two older post-processors have it.
bool Settings::readPair(const json &processor, const char *key, std::vector<int32_t> &ids) {
  const json &pair = member(processor, key);
  if (!pair.is_array() || pair.size() != 2 || !isId(pair[1]))
    return fail("a token and its id as '" + std::string(key) + "' of the post-processor", show(pair));
  ids.push_back(pair[1].get<int32_t>());
  return true;
}

/// What the template for one text puts before it and behind it.
bool Settings::readTemplate(const json &processor) {
  const json &parts = member(processor, "single"), &tokens = member(processor, "special_tokens");
  if (!parts.is_array())
    return fail("an array as 'single' of the post-processor", show(parts));
  std::vector<int32_t> before, behind;
  bool sawText = false;
  for (const json &part : parts) {
    const json &sequence = member(part, "Sequence"), &special = member(part, "SpecialToken");
    if (!sequence.is_null()) {
      if (sawText || member(sequence, "id") != "A")
        return fail("the text once in 'single' of the post-processor", "found " + forMessage(part.dump()));
      sawText = true;
      continue;
    }
    const json &name = member(special, "id");
    if (!name.is_string())
      return fail("'Sequence' or 'SpecialToken' in 'single' of the post-processor", show(part));
    const json &ids = member(member(tokens, name.get_ref<const std::string &>().c_str()), "ids");
    if (!ids.is_array())
      return fail("'ids' of '" + forMessage(name.get_ref<const std::string &>()) + "' in the post-processor",
                  show(ids));
    for (const json &id : ids) {
      if (!isId(id))
        return fail("ids from 0 to 2147483647 in the post-processor", show(id));
      (sawText ? behind : before).push_back(id.get<int32_t>());
    }
  }
  if (!sawText)
    return fail("the text in 'single' of the post-processor", "it is not there");
  file.prefix.insert(file.prefix.begin(), before.begin(), before.end());
  file.suffix.insert(file.suffix.end(), behind.begin(), behind.end());
  return true;
}

bool Settings::readPostProcessor(const json &value) {
  if (value.is_null())
    return true;
  std::string type;
  if (!readType(value, "post_processor", type))
    return false;
  // It says where tokens stand in the text, and adds none.
  if (type == "ByteLevel")
    return true;
  if (type == "TemplateProcessing")
    return readTemplate(value);
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    std::vector<int32_t> before, behind;
    if (!readPair(value, "cls", before) || !readPair(value, "sep", behind))
      return false;
    file.prefix.insert(file.prefix.begin(), before.begin(), before.end());
    file.suffix.insert(file.suffix.end(), behind.begin(), behind.end());
    return true;
  }
  const json &members = member(value, "processors");
  if (type != "Sequence" || !members.is_array())
    return fail("'TemplateProcessing', 'ByteLevel', 'BertProcessing', 'RobertaProcessing' or a 'Sequence' of them as "
                "the post-processor",
                "it is '" + forMessage(type) + "'");
  for (const json &each : members)
    if (!readPostProcessor(each))
      return false;
  return true;
}

} // namespace

bool TokenizerFile::parse(std::string_view text, TokenizerFile &out, std::string &error) {
  out = TokenizerFile();
  JsonReader reader(out);
  if (!json::sax_parse(text, &reader)) {
    error = reader.error.empty() ? "expects valid JSON, but it is not" : std::move(reader.error);
    return false;
  }
  const json &root = reader.root;
  Settings settings(out, error);
  if (!settings.readModel(root))
    return false;
  if (out.unigram && (!reader.sawScores || out.scores.empty() || out.scores.size() != out.vocabulary.size())) {
    error = "expects an array of tokens with their scores as 'model.vocab', but there is none";
    return false;
  }
  if (!out.unigram && (!reader.sawVocabulary || !reader.sawMerges)) {
    error = std::string("expects ") +
            (reader.sawVocabulary ? "an array as 'model.merges'" : "an object as 'model.vocab'") +
            ", but there is none";
    return false;
  }
  auto section = [&](const char *key) -> const json & { return Settings::member(root, key); };
  return readNormalizer(section("normalizer"), out.normalizer, error) &&
         readPreTokenizer(section("pre_tokenizer"), out.preTokenizer, error) &&
         readDecoder(section("decoder"), out.decoder, error) && settings.readAddedTokens(section("added_tokens")) &&
         settings.readPostProcessor(section("post_processor"));
}
