// settings.cpp: what a request sets by name: numbers and words of its decoder, and those of every sampler.

#include "internal.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>

using namespace quoin::rt;

static const quoin_setting_t *findSetting(const quoin_decoder_t &decoder, const char *name) {
  for (int32_t i = 0; i < decoder.settings_count; ++i)
    if (!std::strcmp(decoder.settings[i].name, name))
      return &decoder.settings[i];
  return nullptr;
}

/// Values every decoder's sampler knows, and the range of each.
static double *samplerValue(quoin_session_t &session, const char *name, double &low, double &high) {
  low = 0;
  if (!std::strcmp(name, "temperature"))
    return high = HUGE_VAL, &session.temperature;
  if (!std::strcmp(name, "top_k"))
    return high = INT32_MAX, &session.topK;
  if (!std::strcmp(name, "top_p"))
    return high = 1, &session.topP;
  return nullptr;
}

/// Says what there is to set: the decoder's own names, then those of every sampler.
static quoin_status_t failUnknown(quoin_session_t &session, const char *name) {
  const quoin_decoder_t &decoder = *session.decoder;
  char names[kErrorBytes / 2];
  size_t used = 0;
  auto add = [&](const char *known) {
    if (int more = std::snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", known);
        more > 0 && static_cast<size_t>(more) < sizeof names - used)
      used += static_cast<size_t>(more);
    names[used] = 0;
  };
  names[0] = 0;
  for (int32_t i = 0; i < decoder.settings_count; ++i)
    add(decoder.settings[i].name);
  for (const char *known : {"temperature", "top_k", "top_p"})
    if (!findSetting(decoder, known))
      add(known);
  return session.context()->fail(QUOIN_STATUS_NOT_FOUND, "the decoder '%s' has no setting '%s'; it has %s",
                                 decoder.name, name, names);
}

/// "cosine, uniform, pow*".
static quoin_status_t failWord(quoin_context_t &context, const quoin_setting_t &setting, const char *found) {
  char words[kErrorBytes / 2] = "";
  for (int32_t i = 0; i < setting.words_count; ++i) {
    size_t used = std::strlen(words);
    std::snprintf(words + used, sizeof(words) - used, "%s%s", i ? ", " : "", setting.words[i]);
  }
  return context.fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects the setting '%s' to be one of %s, but it is '%s'",
                      setting.name, words, found);
}

static quoin_status_t failWord(quoin_context_t &context, const quoin_setting_t &setting, double found) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g", found);
  return failWord(context, setting, text);
}

/// Which of the setting's words a text is, or -1, and the number behind it. A word without a number is found first.
static int32_t findWord(const quoin_setting_t &setting, const char *text, double &number) {
  number = 0;
  for (int32_t i = 0; i < setting.words_count; ++i)
    if (!std::strcmp(setting.words[i], text) && text[0] && text[std::strlen(text) - 1] != '*')
      return i;
  const char *end = text + std::strlen(text);
  for (int32_t i = 0; i < setting.words_count; ++i) {
    size_t stem = std::strlen(setting.words[i]);
    if (stem == 0 || setting.words[i][--stem] != '*' || std::strncmp(setting.words[i], text, stem) != 0)
      continue;
    auto [next, error] = std::from_chars(text + stem, end, number);
    if (error == std::errc() && next == end && std::isfinite(number))
      return i;
  }
  return -1;
}

quoin_status_t quoin_session_set_word(quoin_session_t *session, const char *name, const char *word) {
  quoin_context_t &context = *session->context();
  if (quoin_status_t status = checkIdle(*session))
    return status;
  const quoin_setting_t *setting = findSetting(*session->decoder, name);
  double low, high;
  if (!setting && !samplerValue(*session, name, low, high) && !hasInput(*session, name))
    return failUnknown(*session, name);
  if (!setting || setting->type != QUOIN_SETTING_WORD)
    return context.fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects the setting '%s' to be a number, but it is '%s'", name,
                        word);
  double number = 0;
  int32_t which = findWord(*setting, word, number);
  if (which < 0)
    return failWord(context, *setting, word);
  if (!setting->run_time && (which != setting->value || number != setting->number))
    return context.fail(QUOIN_STATUS_INVALID_ARGUMENT,
                        "the setting '%s' was fixed when the model was compiled, but the request wants '%s'", name,
                        word);
  auto place = static_cast<size_t>(setting - session->decoder->settings);
  session->settings[place] = which;
  session->settings[place + static_cast<size_t>(session->decoder->settings_count)] = number;
  return QUOIN_STATUS_OK;
}

bool quoin::rt::isSetting(const quoin_session_t &session, const char *name) {
  return findSetting(*session.decoder, name) || !std::strcmp(name, "temperature") || !std::strcmp(name, "top_k") ||
         !std::strcmp(name, "top_p");
}

quoin_status_t quoin_session_set(quoin_session_t *session, const char *name, double value) {
  quoin_context_t &context = *session->context();
  if (quoin_status_t status = checkIdle(*session))
    return status;
  const quoin_decoder_t &decoder = *session->decoder;
  double low, high;
  double *sampler = samplerValue(*session, name, low, high);
  const quoin_setting_t *setting = findSetting(decoder, name);
  if (quoin_status_t status = QUOIN_STATUS_OK; !setting && isNumberInput(*session, name, status, value))
    return status;
  if (!sampler && !setting)
    return failUnknown(*session, name);
  if (setting && setting->type == QUOIN_SETTING_WORD)
    return failWord(context, *setting, value);
  // Reals are kept as f32: 0.1 is the number that is written so.
  if (setting && !setting->run_time && value != setting->value && static_cast<float>(value) != setting->value)
    return context.fail(QUOIN_STATUS_INVALID_ARGUMENT,
                        "the setting '%s' was fixed as %g when the model was compiled, but the request wants %g", name,
                        setting->value, value);
  bool whole = setting ? setting->type == QUOIN_SETTING_INDEX : !std::strcmp(name, "top_k");
  // Programs convert whole numbers to 64-bit integers; beyond 2^53 a double does not tell them apart.
  constexpr double mostWhole = 9007199254740992.0;
  bool past = whole && !sampler && std::fabs(value) > mostWhole;
  if (!std::isfinite(value) || (whole && value != std::floor(value)) || past ||
      (sampler && (value < low || value > high)))
    return context.fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects the setting '%s' to be %s%s, but it is %g", name,
                        whole ? "a whole number" : "a number",
                        past        ? " of at most 2^53"
                        : !sampler  ? ""
                        : high == 1 ? " in [0, 1]"
                                    : " of at least 0",
                        value);
  if (sampler)
    *sampler = value;
  if (setting)
    session->settings[static_cast<size_t>(setting - decoder.settings)] = value;
  return QUOIN_STATUS_OK;
}

quoin_status_t quoin_session_set_defaults(quoin_session_t *session) {
  if (quoin_status_t status = checkIdle(*session))
    return status;
  const quoin_program_t &program = *session->model->program;
  if (!session->stops.assign(program.stops, static_cast<size_t>(std::max(program.stops_count, 0))))
    return session->context()->outOfMemory();
  session->inputs.clear();
  session->maxTokens = 64;
  session->maxRounds = QUOIN_DEFAULT_ROUNDS;
  session->seed = 0;
  session->temperature = session->topK = 0;
  session->topP = 1;
  for (int32_t i = 0; i < session->decoder->settings_count; ++i) {
    const quoin_setting_t &setting = session->decoder->settings[i];
    double low, high;
    session->settings[static_cast<size_t>(i)] = setting.value;
    session->settings[static_cast<size_t>(i) + static_cast<size_t>(session->decoder->settings_count)] = setting.number;
    if (double *sampler = samplerValue(*session, setting.name, low, high))
      *sampler = setting.value;
  }
  return QUOIN_STATUS_OK;
}
