//===- Families.cpp - the templates of families ----------------------------===//

#include "compiler/import/Families.h"
#include "compiler/import/ModelTemplate.h"
#include "support/JsonText.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

using namespace quoin;

static constexpr std::pair<std::string_view, std::string_view> texts[] = {
#include "compiler/import/ModelTexts.inc"
};

/// A user's text has to be a file, and not a long one.
static constexpr size_t maxFile = size_t(1) << 20;
static constexpr std::string_view fileEnd = ".mlir.in";

static std::string lower(std::string text) {
  for (char &c : text)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

using Texts = std::map<std::string, std::shared_ptr<const Template>, std::less<>>;

/// The library's own texts are read once; a mistake in one is ours.
static const Texts &allTexts() {
  static const Texts all = [] {
    Texts made;
    for (auto [name, text] : texts) {
      std::string error;
      std::shared_ptr<const Template> read = Template::parse("models/" + std::string(name) + ".mlir.in", text, error);
      if (!read) {
        std::fprintf(stderr, "internal error: %s\n", error.c_str());
        std::abort();
      }
      made.emplace(name, std::move(read));
    }
    return made;
  }();
  return all;
}

std::shared_ptr<const Template> quoin::familyText(const std::string &name, std::string &error) {
  auto it = allTexts().find(name);
  if (it != allTexts().end())
    return it->second;
  std::string known;
  for (const auto &[each, text] : allTexts())
    known += (known.empty() ? "" : ", ") + each;
  error = "expects one of the library's texts (" + known + "), but found '" + shortened(name, 40) + "'";
  return nullptr;
}

const std::vector<std::shared_ptr<const Template>> &quoin::families() {
  static const std::vector<std::shared_ptr<const Template>> all = [] {
    std::vector<std::shared_ptr<const Template>> made;
    for (const auto &[name, text] : allTexts())
      if (!text->families().empty() || !text->recognitions().empty())
        made.push_back(text);
    return made;
  }();
  return all;
}

static std::string familyNames() {
  std::string names;
  for (const auto &family : families())
    for (const std::string &name : family->families())
      names += (names.empty() ? "" : ", ") + name;
  return names;
}

static std::shared_ptr<const Template> familyNamed(const std::string &name) {
  for (const auto &family : families())
    for (const std::string &each : family->families())
      if (lower(each) == lower(name))
        return family;
  return nullptr;
}

static std::shared_ptr<const Template> readFile(const std::string &path, std::string &error) {
  std::ifstream in(path, std::ios::binary);
  std::string text(maxFile + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in.eof() || in.bad()) {
    error = in.is_open() && !in.bad() && in.gcount() == static_cast<std::streamsize>(text.size())
                ? path + ": expects a text of at most " + std::to_string(maxFile) + " bytes"
                : "'--architecture' expects a file that can be read, but found '" + shortened(path, 200) + "'";
    return nullptr;
  }
  text.resize(static_cast<size_t>(in.gcount()));
  std::shared_ptr<const Template> family = Template::parse(shortened(path, 200), text, error);
  if (family && family->families().empty()) {
    error = path + ": expects a statement 'family' with the family's name, but there is none";
    return nullptr;
  }
  return family;
}

std::shared_ptr<const Template> quoin::findFamily(const std::string &architecture, ConfigReader &config,
                                                  const CheckpointFiles *files, std::string &error) {
  if (architecture.ends_with(fileEnd))
    return readFile(architecture, error);
  if (!architecture.empty()) {
    std::shared_ptr<const Template> family = familyNamed(architecture);
    if (!family)
      error = "'--architecture' expects one of " + familyNames() + ", or a file that ends in " + std::string(fileEnd) +
              ", but found '" + shortened(architecture, 200) + "'";
    return family;
  }
  for (const auto &family : families())
    for (const Statement *recognition : family->recognitions()) {
      std::optional<bool> is = holds(family, *recognition, config, files, error);
      if (!is)
        return nullptr;
      if (*is)
        return family;
    }
  std::string type = config.text("model_type");
  std::shared_ptr<const Template> family = config.failed() ? nullptr : familyNamed(type);
  if (!family) {
    config.fail("model_type", "one of " + familyNames());
    error = config.error();
  }
  return family;
}
