// Template.cpp - the way in: what is thrown inside becomes a line of text here.

#include "runtime/template/Template.h"
#include "runtime/template/Renderer.h"
#include "runtime/template/Text.h"

#include <nlohmann/json.hpp>

#include <exception>

using namespace quoin::jinja;

struct Template::Impl {
  Syntax syntax;
};

Template::Template(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Template::~Template() = default;

static std::string describe(const Problem &problem) {
  return (problem.line ? "line " + std::to_string(problem.line) + ": " : "") + shown(problem.text, 600);
}

std::unique_ptr<Template> Template::parse(std::string_view source, std::string &error) {
  try {
    auto impl = std::make_unique<Impl>();
    impl->syntax = jinja::parse(validText(source));
    return std::unique_ptr<Template>(new Template(std::move(impl)));
  } catch (const Problem &problem) {
    error = describe(problem);
  } catch (const std::exception &) {
    error = "expects enough memory for a template of " + std::to_string(source.size()) + " bytes, but there is not";
  }
  return nullptr;
}

bool Template::render(const nlohmann::ordered_json &variables, std::string &out, std::string &error,
                      const Limits &limits, std::time_t now) const {
  try {
    std::vector<std::pair<std::string, Value>> values;
    for (const auto &[name, value] : variables.items())
      if (reads(name))
        values.emplace_back(name, fromJson(value));
    out = Renderer(limits, now).render(impl->syntax, values);
    return true;
  } catch (const Problem &problem) {
    error = describe(problem);
  } catch (const std::exception &) {
    error = "expects enough memory for what the template makes, but there is not";
  }
  return false;
}

bool Template::reads(std::string_view variable) const { return impl->syntax.names.count(std::string(variable)) != 0; }

std::vector<std::string> Template::unsupported() const {
  std::vector<std::string> lines;
  auto add = [&](const char *kind, const std::string &name, int line) {
    std::string text = std::string("the ") + kind + " '" + shown(name) + "' is not supported";
    for (const std::string &known : lines)
      if (known.ends_with(text))
        return;
    lines.push_back("line " + std::to_string(line) + ": " + text);
  };
  for (const auto &[name, line] : impl->syntax.filters)
    if (!findFilter(name) && !findSequenceFilter(name))
      add("filter", name, line);
  for (const auto &[name, line] : impl->syntax.tests)
    if (!findTest(name))
      add("test", name, line);
  return lines;
}
