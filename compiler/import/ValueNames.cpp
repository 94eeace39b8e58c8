//===- ValueNames.cpp - values whose names are given again -----------------===//

#include "compiler/import/ValueNames.h"
#include <algorithm>
#include <utility>

using namespace quoin;

/// Regions nested deeper than this keep the names of the last one.
static constexpr size_t maxScopes = 1000;

static bool isNamePart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         c == '.' || c == '-';
}

/// The name at the front of a text that begins with `%`.
static std::string_view nameAt(std::string_view text) {
  size_t n = 1;
  while (n < text.size() && isNamePart(text[n]))
    ++n;
  return text.substr(0, n);
}

const std::string *ValueNames::find(std::string_view name) const {
  for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope)
    if (auto it = scope->latest.find(name); it != scope->latest.end())
      return &it->second;
  return nullptr;
}

bool ValueNames::isTaken(const std::string &name) const {
  return std::any_of(scopes.begin(), scopes.end(), [&](const Scope &s) { return s.taken.count(name) != 0; });
}

std::string ValueNames::give(std::string_view name) {
  std::string fresh(name);
  for (size_t &number = next[std::string(name)]; isTaken(fresh);)
    fresh = std::string(name) + "_" + std::to_string(++number);
  scopes.back().taken.insert(fresh);
  scopes.back().latest[std::string(name)] = fresh;
  return fresh;
}

/// Where the results at the front of a line end, at their `=`; 0 if there are none.
static size_t resultsEnd(std::string_view line) {
  size_t i = line.find_first_not_of(" \t");
  if (i == std::string_view::npos || line[i] != '%')
    return 0;
  while (i < line.size() && line[i] == '%') {
    i += nameAt(line.substr(i)).size();
    while (i < line.size() && (line[i] == ':' || (line[i] >= '0' && line[i] <= '9')))
      ++i;
    i = std::min(line.find_first_not_of(' ', i), line.size());
    if (i < line.size() && line[i] == ',')
      i = std::min(line.find_first_not_of(' ', i + 1), line.size());
  }
  return i + 1 < line.size() && line[i] == '=' && line[i + 1] != '=' ? i : 0;
}

std::string ValueNames::rename(std::string_view line) {
  size_t equals = resultsEnd(line);
  std::vector<std::pair<size_t, std::string_view>> results; // where in `out` the results' names belong
  std::string out;
  auto giveResults = [&] {
    std::string named;
    size_t from = 0;
    for (auto [at, name] : std::exchange(results, {})) {
      named += out.substr(from, at - from) + give(name);
      from = at;
    }
    out = named + out.substr(from);
  };
  bool arguments = line.substr(std::min(line.find_first_not_of(" \t"), line.size())).starts_with('^');
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    char c = line[i];
    if (quoted || c == '"') {
      quoted = c == '"' ? !quoted : true;
      out += c;
      if (quoted && c == '\\' && i + 1 < line.size())
        out += line[++i];
    } else if (c == '/' && line.substr(i, 2) == "//") {
      out += line.substr(i);
      break;
    } else if (c == '%') {
      std::string_view name = nameAt(line.substr(i));
      i += name.size() - 1;
      bool argument = arguments && line.substr(i + 1).starts_with(':');
      if (i < equals)
        results.emplace_back(out.size(), name);
      else if (argument)
        out += give(name);
      else if (const std::string *known = find(name))
        out += *known;
      else
        out += name;
    } else {
      // What an op's regions hold sees its results neither way; who follows does.
      if (c == '{') {
        giveResults();
        if (scopes.size() < maxScopes)
          scopes.emplace_back();
      } else if (c == '}' && scopes.size() > 1) {
        scopes.pop_back();
      }
      out += c;
    }
  }
  giveResults();
  return out;
}
