// How much a server takes on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace caravan::recipes {

struct ServingOptions {
  std::string host = "127.0.0.1";
  std::int64_t port = 8000;  // 0: any that is free
  std::string token = {};    // empty: none is asked for
  std::string model_name = {};
  std::string model_path = {};
  std::size_t body_bytes = std::size_t{16} << 20;  // of a request
  std::int64_t queue = 4096;                       // answers that wait or are being made
  std::int64_t prompts = 1024;                     // of one request, times n
  std::int64_t timeout_seconds = 600;              // of one request
  std::int64_t connections = 64;                   // served at a time
  std::uint64_t seed = 0;                          // of requests without one
};

}  // namespace caravan::recipes
