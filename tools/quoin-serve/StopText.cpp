// StopText.cpp: see StopText.h.

#include "StopText.h"

#include <algorithm>
#include <string_view>
#include <utility>

using namespace quoin;

std::string StopText::take(const std::string &piece) {
  if (met)
    return "";
  if (stops.empty())
    return piece;
  held += piece;
  size_t from = std::string::npos, to = std::string::npos;
  for (const std::string &stop : stops) {
    size_t at = held.find(stop);
    if (at == std::string::npos)
      continue;
    if (at + stop.size() < to || (at + stop.size() == to && at < from)) {
      from = at;
      to = at + stop.size();
    }
  }
  if (from != std::string::npos) {
    met = true;
    std::string shown = held.substr(0, from);
    held.clear();
    return shown;
  }
  // The longest end that begins one of them.
  size_t keep = 0;
  for (const std::string &stop : stops)
    for (size_t length = std::min(held.size(), stop.size() - 1); length > keep; --length)
      if (std::string_view(held).ends_with(std::string_view(stop).substr(0, length)))
        keep = length;
  std::string shown = held.substr(0, held.size() - keep);
  held.erase(0, shown.size());
  return shown;
}

std::string StopText::rest() { return std::exchange(held, {}); }
