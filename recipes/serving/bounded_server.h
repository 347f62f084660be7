// An HTTP server that believes no length: what one request may send and how long it may take are bounded
// before anything of it is parsed.
//
// The library bounds bodies whose length is announced, and nothing else: a line without end, headers without
// end and a body in chunks would each be kept until the memory is full, and a byte every half minute would
// hold a connection for ever.
#pragma once

#include <httplib.h>

#include <chrono>
#include <cstddef>

namespace caravan::recipes {

struct RequestLimits {
  std::size_t head_bytes = std::size_t{64} << 10;  // request line and headers
  std::size_t body_bytes = std::size_t{16} << 20;
  std::chrono::seconds head_time{30}, body_time{300};
};

class BoundedServer : public httplib::Server {
 public:
  explicit BoundedServer(const RequestLimits& limits) : limits_(limits) {
    set_payload_max_length(limits.body_bytes);
  }
  // Answers what comes over a connection until it ends, and closes it. False where a request could not be
  // read.
  bool serve_connection(socket_t socket);

 private:
  bool process_and_close_socket(socket_t socket) override { return serve_connection(socket); }
  // True where the connection must end. `unread`: more may wait that belongs to the request.
  bool answer_one(class BoundedStream& stream, bool is_last, bool& good, bool& unread);

  RequestLimits limits_;
};

}  // namespace caravan::recipes
