// TokenDecoder.cpp - decodes a token at a time. Only two things wait: a run of bytes, of which one wrong byte spoils
// all, and what a Strip may take from the end of the text.

#include "runtime/tokenizer/TokenDecoder.h"
#include "runtime/tokenizer/Normalizer.h"
#include "runtime/tokenizer/Unicode.h"

#include <algorithm>

using namespace quoin;

using DecodeStep = TokenDecoder::Step;

/// Applies `step` to the element at `index`.
static void apply(const DecodeStep &step, size_t index, std::string &text) {
  switch (step.kind) {
  case DecodeStep::Kind::Replace:
  case DecodeStep::Kind::Metaspace: {
    if (text.find(step.pattern) == text.npos)
      return;
    std::string out;
    const bool drops = step.dropsFirst && index == 0;
    appendReplaced(text, step.pattern, step.kind == DecodeStep::Kind::Replace ? step.content : drops ? "" : " ", out);
    text = std::move(out);
    return;
  }
  case DecodeStep::Kind::Strip: {
    // What the start takes the end cannot take again.
    size_t begin = 0, end = text.size();
    const size_t size = step.pattern.size();
    for (size_t i = 0; i < step.start && std::string_view(text).substr(begin).starts_with(step.pattern); ++i)
      begin += size;
    for (size_t i = 0; i < step.stop && std::string_view(text).substr(begin, end - begin).ends_with(step.pattern); ++i)
      end -= size;
    text = text.substr(begin, end - begin);
    return;
  }
  case DecodeStep::Kind::SpaceBefore:
    if (index != 0)
      text.insert(text.begin(), ' ');
    return;
  }
}

/// The byte that `<0x41>` stands for, or -1. Rust's parser, which decides, takes a sign.
static int byteOf(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>')
    return -1;
  auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  const int high = token[3] == '+' ? 0 : digit(token[3]), low = digit(token[4]);
  return high < 0 || low < 0 ? -1 : 16 * high + low;
}

void TokenStream::push(std::string_view token, std::string &out) {
  std::string text(token);
  const size_t index = tokens++;
  for (const DecodeStep &step : decoder->onTokens)
    apply(step, index, text);
  if (decoder->byteFallback)
    if (const int byte = byteOf(text); byte >= 0) {
      bytes += static_cast<char>(byte);
      return;
    }
  flushBytes(out);
  emit(std::move(text), out);
}

void TokenStream::flushBytes(std::string &out) {
  if (bytes.empty())
    return;
  std::string text;
  if (isValidUtf8(bytes))
    text.swap(bytes);
  else
    for (size_t i = 0; i < bytes.size(); ++i)
      text += "\xEF\xBF\xBD";
  bytes.clear();
  emit(std::move(text), out);
}

void TokenStream::emit(std::string text, std::string &out) {
  const size_t index = elements++;
  for (const DecodeStep &step : decoder->afterBytes)
    apply(step, index, text);
  for (size_t i = 0; i < decoder->onText.size(); ++i) {
    const DecodeStep &step = decoder->onText[i];
    if (step.kind != DecodeStep::Kind::Strip) {
      apply(step, step.kind == DecodeStep::Kind::Replace ? index : 0, text);
      continue;
    }
    Strip &strip = strips[i];
    const size_t size = step.pattern.size();
    size_t begin = 0;
    for (; !strip.ended && strip.done < step.start && std::string_view(text).substr(begin).starts_with(step.pattern);
         ++strip.done)
      begin += size;
    strip.ended |= begin < text.size();
    text.erase(0, begin);
    std::string all;
    for (; strip.held > 0; --strip.held)
      all += step.pattern;
    all += text;
    while (strip.held < step.stop && all.ends_with(step.pattern)) {
      all.resize(all.size() - size);
      ++strip.held;
    }
    text = std::move(all);
  }
  out += text;
}

void TokenStream::finish(std::string &out) {
  flushBytes(out);
  tokens = elements = 0;
  std::fill(strips.begin(), strips.end(), Strip());
}
