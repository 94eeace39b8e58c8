// Limits.h: what bounds the server, each number in one place.
#ifndef QUOIN_SERVE_LIMITS_H
#define QUOIN_SERVE_LIMITS_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace quoin {

/// What the command line says.
struct ServeOptions {
  std::string out, host = "127.0.0.1", keyFile, name;
  int port = 8080;
  int64_t batch = 16;        // sessions in a step
  int64_t queue = 256;       // answers that wait for a place
  int64_t connections = 256; // a thread each
  int64_t maxTokens = 1024;  // where a request names none; less where there is no room
  int64_t maxBody = int64_t(4) << 20;
  int64_t timeout = 600; // seconds that a request may wait and run
  int64_t piece = 1024;  // tokens of a prompt that one step computes
  int32_t threads = 0;
};

inline constexpr int64_t kMostChoices = 16;    // `n`
inline constexpr size_t kMostPrompts = 16;     // of a completion
inline constexpr size_t kMostStops = 16;       // texts in `stop`
inline constexpr size_t kLongestStop = 256;    // bytes
inline constexpr int64_t kMostLogprobs = 20;   // alternatives of a token
inline constexpr int64_t kMostHead = 64 << 10; // bytes of a request before its body

// Seconds.
inline constexpr int kHeadSeconds = 10;  // from the first byte of a request to the end of its head
inline constexpr int kIdleSeconds = 30;  // between requests of a connection
inline constexpr int kBodySeconds = 60;  // for the body
inline constexpr int kWriteSeconds = 20; // without the reader taking anything
inline constexpr int kQuietSeconds = 15; // until a stream says that it is alive

} // namespace quoin

#endif
