// HTTP exchanges that run side by side. The code lies in a module of its own, libcaravan_http.so, beside the
// program: it is the one place that includes libcurl, and it is loaded when the first request is made, so
// that a program that asks nobody starts without it.
//
// Goals: whatever a server does, an exchange ends in bounded time and memory with a reply or a named failure;
// connections are kept and used again; no redirects, no other protocols, no proxy unless asked, no cookies,
// no .netrc. Non-goals: retries, JSON. Not thread safe. Throws std::bad_alloc where memory is short, and what
// `done` throws.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace caravan::data {

struct HttpOptions {
  std::size_t connections = 16;
  double timeout_seconds = 600.0, connect_timeout_seconds = 10.0;
  std::size_t max_reply_bytes = std::size_t{16} << 20;
  bool use_proxy = false;
  std::string ca_file = {};
};

struct HttpRequest {
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  std::string body;                  // sent by POST
};

// kNotSent: no connection stood, so the server cannot have begun. kCut: it ended early or made no sense.
enum class HttpFailure : std::uint8_t { kNone, kNotSent, kTimeout, kCut, kTooLarge };

struct HttpReply {
  HttpFailure failure = HttpFailure::kNone;
  std::string detail = {};  // of the failure, for people
  long status = 0;
  double retry_after_seconds = 0.0;  // as the server asked; 0: it did not
  std::string body = {};
};

class HttpPool {
 public:
  using Done = std::function<void(std::uint64_t id, HttpReply reply)>;

  virtual ~HttpPool() = default;
  // At most `connections` at once.
  virtual void start(std::uint64_t id, HttpRequest request) = 0;
  virtual std::size_t running() const = 0;
  // Reports what has ended; waits at most so long for something to.
  virtual void wait(double seconds, const Done& done) = 0;
  // Gives up what runs, unreported.
  virtual void cancel() = 0;
};

// Throws data::Error (input/output) where the module is missing.
std::unique_ptr<HttpPool> make_http_pool(const HttpOptions& options);

// What the module exports; its number rises when one of the types above changes.
using HttpEntry = HttpPool* (*)(const HttpOptions&);
inline constexpr const char* kHttpEntry = "caravan_make_http_pool_1";

}  // namespace caravan::data
