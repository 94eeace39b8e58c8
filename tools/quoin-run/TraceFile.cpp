// TraceFile.cpp: lines of a trace as they come, pictures when all is known.

#include "TraceFile.h"
#include "QuoinRun.h"

#include <nlohmann/json.hpp>

#include <cerrno>
#include <cmath>
#include <cstring>

using namespace quoin;
using json = nlohmann::ordered_json;

static json changes(const std::vector<TraceRecord::Change> &list) {
  json result = json::array();
  for (const TraceRecord::Change &c : list)
    result.push_back({c.position, c.token, std::isnan(c.confidence) ? json() : json(c.confidence)});
  return result;
}

TraceFile::TraceFile(std::string path, TokenText textOf)
    : path(std::move(path)), textOf(std::move(textOf)), format(this->path.ends_with(".html")  ? Format::Html
                                                               : this->path.ends_with(".svg") ? Format::Svg
                                                                                              : Format::Lines),
      picture(this->path) {
  if (format != Format::Lines) {
    std::string error;
    if (!picture.open(error))
      throw Failure{error};
    return;
  }
  out.open(this->path, std::ios::binary);
  if (!out)
    throw Failure{"cannot write '" + this->path + "': " + std::strerror(errno)};
}

TraceSession &TraceFile::at(size_t session) {
  if (sessions.size() <= session)
    sessions.resize(session + 1);
  return sessions[session];
}

void TraceFile::begin(size_t session, std::string decoder, std::vector<int32_t> prompt) {
  if (format != Format::Lines)
    at(session) = {std::move(decoder), std::move(prompt), {}, 0};
}

void TraceFile::add(size_t session, TraceRecord record) {
  if (format != Format::Lines) {
    at(session).records.push_back(std::move(record));
    return;
  }
  json line = {{"session", session},
               {"evaluation", record.evaluation},
               {"forward", record.forward},
               {"filled", changes(record.filled)},
               {"edited", changes(record.edited)},
               {"committed", {record.committedFrom, record.committedTo}}};
  out << line.dump() << '\n';
}

void TraceFile::end(size_t session, int64_t forwards) {
  if (format != Format::Lines)
    at(session).forwards = forwards;
}

void TraceFile::finish() {
  if (format != Format::Lines) {
    std::string drawn = format == Format::Svg ? drawSvg(sessions, textOf) : drawHtml(sessions, textOf), error;
    if (!picture.write(drawn.data(), drawn.size(), error) || !picture.commit(error))
      throw Failure{error};
    return;
  }
  if (!out.flush())
    throw Failure{"cannot write '" + path + "': " + std::strerror(errno)};
}
