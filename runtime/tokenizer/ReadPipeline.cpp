// ReadPipeline.cpp - one reader for each kind of step.

#include "runtime/tokenizer/ReadPipeline.h"
#include "runtime/tokenizer/JsonSettings.h"
#include "runtime/tokenizer/Unicode.h"

using namespace quoin;
using nlohmann::json;

namespace {

/// More steps than any published file has; each costs a pass over the text.
constexpr size_t maxSteps = 16;

const std::string metaspaceMark = "\xE2\x96\x81"; // U+2581

class NormalizerReader : JsonSettings {
public:
  NormalizerReader(Normalizer &out, std::string &error) : JsonSettings(error), out(out) {}

  bool read(const json &value) {
    std::string type;
    if (!readType(value, "normalizer", type))
      return false;
    using Kind = Normalizer::Kind;
    if (type == "NFC")
      return add({Kind::NFC, "", ""});
    if (type == "Prepend") {
      std::string content;
      return readString(value, "prepend", "a 'Prepend'", content) && add({Kind::Prepend, "", std::move(content)});
    }
    if (type == "Precompiled")
      return readMap(value);
    if (type == "Strip") {
      bool start = true, end = true;
      return readBool(value, "strip_left", true, start) && readBool(value, "strip_right", true, end) &&
             add({Kind::Strip, start ? "yes" : "", end ? "yes" : ""});
    }
    // The one pattern that tokenizers made of SentencePiece's files have.
    if (type == "Replace" && member(member(value, "pattern"), "Regex") == " {2,}") {
      Normalizer::Step step{Kind::Spaces, "", ""};
      return readString(value, "content", "a 'Replace'", step.content) && add(std::move(step));
    }
    if (type == "Replace") {
      Normalizer::Step step{Kind::Replace, "", ""};
      if (!readString(member(value, "pattern"), "String", "'pattern' of a 'Replace'", step.pattern) ||
          !readString(value, "content", "a 'Replace'", step.content))
        return false;
      return step.pattern.empty() ? fail("a 'pattern.String' of a 'Replace' that is not empty", "it is ''")
                                  : add(std::move(step));
    }
    const json &members = member(value, "normalizers");
    if (type != "Sequence" || !members.is_array())
      return fail("'NFC', 'Precompiled', 'Replace', 'Prepend', 'Strip', a 'Sequence' of them or null as the normalizer",
                  "it is '" + forMessage(type) + "'");
    for (const json &each : members)
      if (!read(each))
        return false;
    return true;
  }

private:
  Normalizer &out;
  size_t steps = 0;

  bool readMap(const json &value) {
    std::string base64;
    if (member(value, "precompiled_charsmap").is_null())
      return true;
    if (!readString(value, "precompiled_charsmap", "a 'Precompiled'", base64))
      return false;
    std::optional<CharsMap> map = CharsMap::read(base64, error);
    return map && add({Normalizer::Kind::Mapped, "", "", std::make_shared<const CharsMap>(std::move(*map))});
  }

  bool add(Normalizer::Step step) {
    if (++steps > maxSteps)
      return fail("at most " + std::to_string(maxSteps) + " steps of the normalizer", "there are more");
    return out.add(std::move(step)) ||
           fail("a normalizer that makes a text at most " + std::to_string(Normalizer::maxGrowth) + " times as long",
                "it can be longer");
  }
};

class PreTokenizerReader : JsonSettings {
public:
  PreTokenizerReader(PreTokenizer &out, std::string &error) : JsonSettings(error), out(out) {}

  bool read(const json &value) {
    std::string type;
    if (!readType(value, "pre_tokenizer", type))
      return false;
    if (out.byteLevel)
      return fail("'ByteLevel' as the last step of the pre-tokenizer", "'" + forMessage(type) + "' follows it");
    if (type == "Split")
      return readSplit(value);
    if (type == "ByteLevel")
      return readByteLevel(value);
    if (type == "Metaspace")
      return readMetaspace(value);
    if (type == "Digits") {
      PreTokenizer::Step step;
      bool individual = false;
      if (!readBool(value, "individual_digits", false, individual))
        return false;
      step.pattern = SplitPattern::digits(individual);
      return add(std::move(step));
    }
    const json &members = member(value, "pretokenizers");
    if (type != "Sequence" || !members.is_array())
      return fail("'Split', 'ByteLevel', 'Metaspace', 'Digits', a 'Sequence' of them or null as the pre-tokenizer",
                  "it is '" + forMessage(type) + "'");
    for (const json &each : members)
      if (!read(each))
        return false;
    return true;
  }

private:
  PreTokenizer &out;

  bool add(PreTokenizer::Step step) {
    if (out.steps.size() == maxSteps)
      return fail("at most " + std::to_string(maxSteps) + " steps of the pre-tokenizer", "there are more");
    out.steps.push_back(std::move(step));
    return true;
  }

  bool readSplit(const json &split) {
    PreTokenizer::Step step;
    const json &pattern = member(split, "pattern"), &literal = member(pattern, "String");
    if (literal.is_string()) {
      step.literal = literal.get<std::string>();
      if (step.literal.empty())
        return fail("a 'pattern.String' of a 'Split' that is not empty", "it is ''");
    } else if (!member(pattern, "Regex").is_string()) {
      return fail("a string as 'pattern.Regex' or 'pattern.String' of a 'Split'", show(member(pattern, "Regex")));
    } else if (!SplitPattern::parse(member(pattern, "Regex").get_ref<const std::string &>(), step.pattern, error)) {
      return false;
    }
    using Behavior = SplitBehavior;
    const json &behavior = member(split, "behavior");
    const std::pair<const char *, Behavior> behaviors[] = {{"Isolated", Behavior::Isolated},
                                                           {"Removed", Behavior::Removed},
                                                           {"MergedWithPrevious", Behavior::MergedWithPrevious},
                                                           {"MergedWithNext", Behavior::MergedWithNext},
                                                           {"Contiguous", Behavior::Contiguous}};
    const auto *found = std::find_if(std::begin(behaviors), std::end(behaviors),
                                     [&](const auto &each) { return behavior == each.first; });
    if (found == std::end(behaviors))
      return fail("'Isolated', 'Removed', 'MergedWithPrevious', 'MergedWithNext' or 'Contiguous' as the behavior of a "
                  "'Split'",
                  show(behavior));
    step.behavior = found->second;
    return readBool(split, "invert", false, step.invert) && add(std::move(step));
  }

  bool readByteLevel(const json &byteLevel) {
    out.byteLevel = true;
    if (!readBool(byteLevel, "add_prefix_space", true, out.addPrefixSpace) ||
        !readBool(byteLevel, "use_regex", true, out.useLastPattern))
      return false;
    if (out.useLastPattern)
      out.lastPattern = SplitPattern::gpt2();
    return true;
  }

  bool readMetaspace(const json &value) {
    PreTokenizer::Step step;
    step.replacement = metaspaceMark;
    if (!member(value, "replacement").is_null() &&
        !readCharacter(value, "replacement", "a 'Metaspace'", step.replacement))
      return false;
    bool prefix = true;
    if (!readBool(value, "add_prefix_space", true, prefix) || !readBool(value, "split", true, step.cuts))
      return false;
    const json &scheme = member(value, "prepend_scheme");
    if (!scheme.is_null() && scheme != "always" && scheme != "first" && scheme != "never")
      return fail("'always', 'first' or 'never' as 'prepend_scheme' of a 'Metaspace'", show(scheme));
    step.prepend = !prefix || scheme == "never" ? PreTokenizer::Prepend::Never
                   : scheme == "first"          ? PreTokenizer::Prepend::First
                                                : PreTokenizer::Prepend::Always;
    return add(std::move(step));
  }
};

class DecoderReader : JsonSettings {
public:
  DecoderReader(TokenDecoder &out, std::string &error) : JsonSettings(error), out(out) {}

  bool read(const json &value) {
    std::string type;
    if (!readType(value, "decoder", type))
      return false;
    if (const json &members = member(value, "decoders"); type == "Sequence" && members.is_array()) {
      for (const json &each : members)
        if (!read(each))
          return false;
      return true;
    }
    if (++count > maxSteps)
      return fail("at most " + std::to_string(maxSteps) + " steps of the decoder", "there are more");
    if (type == "Fuse")
      return out.fused = true;
    if (out.byteLevel)
      return fail("nothing but 'Fuse' behind 'ByteLevel' in the decoder", "'" + forMessage(type) + "' follows it");
    if (type == "ByteLevel")
      return count == 1 && !out.fused ? out.byteLevel = true
                                      : fail("'ByteLevel' as the first step of the decoder", "it follows another");
    if (type == "ByteFallback")
      return !out.fused && !out.byteFallback
                 ? out.byteFallback = true
                 : fail("'ByteFallback' once and before 'Fuse' in the decoder", "it is not");
    if (type == "Replace")
      return readReplace(value);
    if (type == "Strip")
      return readStrip(value);
    if (type == "Metaspace")
      return readMetaspace(value);
    return fail("'ByteLevel', 'Replace', 'ByteFallback', 'Fuse', 'Strip', 'Metaspace', a 'Sequence' of them or null "
                "as the decoder",
                "it is '" + forMessage(type) + "'");
  }

private:
  TokenDecoder &out;
  size_t count = 0;
  size_t growth = 1;
  using Step = TokenDecoder::Step;

  bool add(Step step) {
    (out.fused ? out.onText : out.byteFallback ? out.afterBytes : out.onTokens).push_back(std::move(step));
    return true;
  }

  bool readReplace(const json &value) {
    Step step{Step::Kind::Replace, "", "", 0, 0, false};
    if (!readString(member(value, "pattern"), "String", "'pattern' of a 'Replace'", step.pattern) ||
        !readString(value, "content", "a 'Replace'", step.content))
      return false;
    if (step.pattern.empty())
      return fail("a 'pattern.String' of a 'Replace' that is not empty", "it is ''");
    // Tokens come one by one, so that a longer pattern could begin in one and end in another.
    if (out.fused && readUtf8(step.pattern).size != step.pattern.size())
      return fail("one character as 'pattern.String' of a 'Replace' behind 'Fuse' in the decoder",
                  "it is '" + forMessage(step.pattern) + "'");
    const size_t factor = std::max<size_t>(1, (step.content.size() + step.pattern.size() - 1) / step.pattern.size());
    if (factor > Normalizer::maxGrowth / growth)
      return fail("a decoder that makes a text at most " + std::to_string(Normalizer::maxGrowth) + " times as long",
                  "it can be longer");
    growth *= factor;
    return add(std::move(step));
  }

  bool readStrip(const json &value) {
    Step step{Step::Kind::Strip, "", "", 0, 0, false};
    if (!readCharacter(value, "content", "a 'Strip'", step.pattern))
      return false;
    for (auto [key, to] : {std::pair("start", &step.start), std::pair("stop", &step.stop)}) {
      const json &number = member(value, key);
      if (!number.is_number_unsigned() || number.get<uint64_t>() > 1024)
        return fail("an integer from 0 to 1024 as '" + std::string(key) + "' of a 'Strip'", show(number));
      *to = number.get<size_t>();
    }
    return add(std::move(step));
  }

  bool readMetaspace(const json &value) {
    Step step{Step::Kind::Metaspace, metaspaceMark, "", 0, 0, false};
    if (!member(value, "replacement").is_null() && !readCharacter(value, "replacement", "a 'Metaspace'", step.pattern))
      return false;
    bool prefix = true;
    if (!readBool(value, "add_prefix_space", true, prefix))
      return false;
    if (out.fused)
      return fail("'Metaspace' before 'Fuse' in the decoder", "it is behind it");
    step.dropsFirst = prefix && member(value, "prepend_scheme") != "never";
    return add(std::move(step));
  }
};

} // namespace

bool quoin::readNormalizer(const json &value, Normalizer &out, std::string &error) {
  return value.is_null() || NormalizerReader(out, error).read(value);
}

bool quoin::readPreTokenizer(const json &value, PreTokenizer &out, std::string &error) {
  return value.is_null() || PreTokenizerReader(out, error).read(value);
}

bool quoin::readDecoder(const json &value, TokenDecoder &out, std::string &error) {
  if (!value.is_null())
    return DecoderReader(out, error).read(value);
  // Without a decoder tokens stand apart.
  out.afterBytes.push_back({TokenDecoder::Step::Kind::SpaceBefore, "", "", 0, 0, false});
  return true;
}
