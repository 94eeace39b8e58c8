// TraceFile.h: what --trace writes: each evaluation as a line of JSON, or a picture of all of them.
#ifndef QUOIN_TOOLS_QUOIN_RUN_TRACE_FILE_H
#define QUOIN_TOOLS_QUOIN_RUN_TRACE_FILE_H

#include "support/WholeFile.h"
#include <cstdint>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace quoin {

/// One evaluation of one session.
struct TraceRecord {
  struct Change {
    int64_t position = 0;
    int32_t token = 0;
    double confidence = 0; // NaN: never scored
  };
  int64_t evaluation = 0, forward = 0;
  std::vector<Change> filled, edited;
  int64_t committedFrom = 0, committedTo = 0;
};

/// All of one session.
struct TraceSession {
  std::string decoder; // empty: the program's first
  std::vector<int32_t> prompt;
  std::vector<TraceRecord> records;
  int64_t forwards = 0; // in all; the last of them may follow the last evaluation
};

/// The text of a token, for a person.
using TokenText = std::function<std::string(int32_t)>;

/// A self-contained picture of the sessions: which position was filled by which evaluation and how confidently, edits,
/// commits, forwards per block. TracePicture.cpp.
std::string drawSvg(const std::vector<TraceSession> &sessions, const TokenText &textOf);
std::string drawHtml(const std::vector<TraceSession> &sessions, const TokenText &textOf);

/// The file behind --trace. Its ending says what is written: `.html`, `.svg`, otherwise lines of JSON.
class TraceFile {
public:
  /// Opens the file. Throws a Failure if it cannot be written.
  TraceFile(std::string path, TokenText textOf);

  void begin(size_t session, std::string decoder, std::vector<int32_t> prompt);
  void add(size_t session, TraceRecord record);
  void end(size_t session, int64_t forwards);
  /// Writes what is left, all of it if it is a picture.
  void finish();

private:
  enum class Format { Lines, Svg, Html };

  TraceSession &at(size_t session);

  std::string path;
  TokenText textOf;
  Format format;
  std::ofstream out;                  // of lines, as they come
  WholeFile picture;                  // of all, at the end
  std::vector<TraceSession> sessions; // of a picture
};

} // namespace quoin

#endif
