//===- TemplateRun.cpp - expanding templates -------------------------------===//

#include "compiler/import/Template.h"
#include "compiler/import/ValueNames.h"
#include "support/JsonText.h"
#include <algorithm>

using namespace quoin;

/// Bounds that no model's text reaches.
static constexpr size_t maxResult = size_t(64) << 20;
static constexpr int maxIncludes = 8;

bool TemplateHost::run(const Statement &, TemplateRun &run, std::string &error) {
  error = run.at("expects no statement about a checkpoint in the text of a decoder");
  return false;
}

std::optional<TemplateValue> TemplateHost::call(const std::string &function, const TemplateList &, std::string &error) {
  error = "expects no function about a checkpoint here, but found '" + function + "'";
  return std::nullopt;
}

std::shared_ptr<const Template> TemplateHost::include(const std::string &name, std::string &error) {
  error = "expects no 'include' here, but found one of '" + shortened(name, 40) + "'";
  return nullptr;
}

std::string TemplateHost::refusal(const std::string &key, const std::string &rule) {
  return "'" + key + "' expects " + rule;
}

TemplateRun::TemplateRun(TemplateHost &behind, size_t mostSteps)
    : host(behind), mostSteps(mostSteps), names(std::make_unique<ValueNames>()) {}
TemplateRun::~TemplateRun() = default;

std::string TemplateRun::at(const std::string &message) const {
  return current->name() + ":" + std::to_string(currentLine) + ": " + message;
}

std::string TemplateRun::loop() const {
  auto named = std::find_if(loops.rbegin(), loops.rend(), [](const std::string &name) { return !name.empty(); });
  return named == loops.rend() ? "" : *named;
}

const TemplateValue *TemplateRun::find(const std::string &name) const {
  auto it = values.find(name);
  return it == values.end() ? nullptr : &it->second;
}

std::optional<TemplateValue> TemplateRun::call(const std::string &function, const TemplateList &arguments,
                                               std::string &error) {
  return host.call(function, arguments, error);
}

bool TemplateRun::spend(size_t steps, std::string &error) {
  work += steps;
  if (work > mostSteps)
    error = "expects a template that ends within " + std::to_string(mostSteps) + " steps";
  return work <= mostSteps;
}

std::optional<TemplateValue> TemplateRun::evaluate(const Expression &expression, std::string &error) {
  std::string message;
  std::optional<TemplateValue> value = expression.evaluate(*this, message);
  if (!value)
    error = host.failure().empty() ? at(message) : host.failure();
  return value;
}

std::optional<int64_t> TemplateRun::index(const Expression &expression, std::string &error) {
  std::optional<TemplateValue> value = evaluate(expression, error);
  if (!value)
    return std::nullopt;
  if (const int64_t *it = value->as<int64_t>())
    return *it;
  error = at("expects an index, but found " + std::string(kindOf(*value)) + ", " + describe(*value));
  return std::nullopt;
}

std::optional<std::string> TemplateRun::write(const TemplateText &text, std::string &error) {
  std::string written;
  for (size_t i = 0; i < text.between.size(); ++i) {
    written += text.between[i];
    if (i == text.placeholders.size())
      break;
    std::optional<TemplateValue> value = evaluate(*text.placeholders[i], error);
    if (!value)
      return std::nullopt;
    written += textOf(*value);
  }
  std::string message;
  if (!spend(2 + written.size() / 16, message)) {
    error = at(message);
    return std::nullopt;
  }
  return written;
}

bool TemplateRun::runAll(const std::vector<Statement> &statements, std::string &error) {
  for (const Statement &s : statements) {
    currentLine = s.line;
    std::string message;
    if (!spend(1, message)) {
      error = at(message);
      return false;
    }
    if (!runOne(s, error))
      return false;
  }
  return true;
}

/// What names mean before a loop or an include gives them another meaning.
TemplateRun::Kept TemplateRun::keep(const std::vector<std::string> &all) const {
  Kept kept;
  for (const std::string &name : all) {
    const TemplateValue *value = find(name);
    kept.emplace_back(name, value ? std::optional(*value) : std::nullopt);
  }
  return kept;
}

void TemplateRun::restore(Kept kept) {
  for (auto &[name, value] : kept)
    if (value)
      define(name, std::move(*value));
    else
      values.erase(name);
}

bool TemplateRun::runFor(const Statement &s, std::string &error) {
  std::optional<TemplateValue> over = evaluate(*s.expressions[0], error);
  if (!over)
    return false;
  const int64_t *count = over->as<int64_t>();
  const TemplateList *list = over->as<TemplateList>();
  if (!list && (!count || *count < 0 || s.names.size() > 1)) {
    error = at("expects " + std::string(s.names.size() > 1 ? "a list" : "a list or an index from 0 on") +
               " to go over, but found " + kindOf(*over) + ", " + describe(*over));
    return false;
  }
  loops.push_back(s.expressions[0]->name());
  Kept kept = keep(s.names);
  for (int64_t i = 0, n = list ? static_cast<int64_t>(list->size()) : *count; i < n; ++i) {
    TemplateValue each = list ? (*list)[static_cast<size_t>(i)] : TemplateValue{i};
    if (s.names.size() == 1) {
      define(s.names[0], std::move(each));
    } else {
      const TemplateList *parts = each.as<TemplateList>();
      if (!parts || parts->size() != s.names.size()) {
        currentLine = s.line;
        error = at("expects lists of " + std::to_string(s.names.size()) + " values, but found " + describe(each));
        return false;
      }
      for (size_t part = 0; part < parts->size(); ++part)
        define(s.names[part], (*parts)[part]);
    }
    std::string message;
    if (!spend(1, message)) {
      error = at(message);
      return false;
    }
    if (!runAll(s.body, error))
      return false;
  }
  loops.pop_back();
  restore(std::move(kept));
  return true;
}

bool TemplateRun::runText(const std::string &name, const std::vector<std::pair<std::string, TemplateValue>> &given,
                          const std::vector<std::string> &results, std::string &error) {
  std::map<std::string, TemplateValue> before = values;
  for (const auto &[known, value] : given)
    define(known, value);
  size_t line = currentLine;
  if (!runLibrary(name, error))
    return false;
  currentLine = line;
  for (const std::string &each : results)
    before[each] = values.at(each);
  values = std::move(before);
  return true;
}

/// A text of the library, here.
bool TemplateRun::runLibrary(const std::string &name, std::string &error) {
  if (includes == maxIncludes) {
    error = at("expects texts included at most " + std::to_string(maxIncludes) + " deep");
    return false;
  }
  std::string message;
  std::shared_ptr<const Template> text = host.include(name, message);
  if (!text) {
    error = at(message);
    return false;
  }
  ++includes;
  std::shared_ptr<const Template> before = std::move(current);
  current = std::move(text);
  if (!runAll(current->statements(), error))
    return false;
  current = std::move(before);
  --includes;
  return true;
}

bool TemplateRun::runInclude(const Statement &s, std::string &error) {
  Kept kept = keep(s.names);
  for (size_t i = 0; i < s.names.size(); ++i) {
    std::optional<TemplateValue> value = evaluate(*s.expressions[i], error);
    if (!value)
      return false;
    define(s.names[i], std::move(*value));
  }
  if (!runLibrary(s.word, error))
    return false;
  restore(std::move(kept));
  return true;
}

bool TemplateRun::runOne(const Statement &s, std::string &error) {
  switch (s.kind) {
  case StatementKind::Line: {
    std::optional<std::string> line = write(s.texts[0], error);
    if (!line)
      return false;
    // A placeholder may hold line breaks.
    size_t before = result.size();
    result += names->rename(*line) + "\n";
    for (size_t i = before; i < result.size(); ++i)
      if (result[i] == '\n')
        lines.push_back({current, s.line});
    if (result.size() > maxResult)
      error = at("expects a text of at most " + std::to_string(maxResult) + " bytes to come out");
    return result.size() <= maxResult;
  }
  case StatementKind::If:
  case StatementKind::Require: {
    std::optional<TemplateValue> value = evaluate(*s.expressions[0], error);
    if (!value)
      return false;
    const bool *holds = value->as<bool>();
    if (!holds) {
      error = at("expects a flag as the condition, but found " + std::string(kindOf(*value)) + ", " + describe(*value));
      return false;
    }
    if (s.kind == StatementKind::If)
      return runAll(*holds ? s.body : s.other, error);
    if (*holds)
      return true;
    if (std::optional<std::string> rule = write(s.texts[0], error))
      error = host.refusal(s.names[0], *rule);
    return false;
  }
  case StatementKind::For:
    return runFor(s, error);
  case StatementKind::Let: {
    std::optional<TemplateValue> value = evaluate(*s.expressions[0], error);
    if (value)
      define(s.names[0], std::move(*value));
    return value.has_value();
  }
  case StatementKind::Include:
    return runInclude(s, error);
  case StatementKind::Warn: {
    std::optional<std::string> line = write(s.texts[0], error);
    if (line)
      host.warn(*line);
    return line.has_value();
  }
  default:
    return host.run(s, *this, error);
  }
}

bool TemplateRun::expand(const std::shared_ptr<const Template> &text, std::string &error) {
  current = text;
  return runAll(text->statements(), error);
}
