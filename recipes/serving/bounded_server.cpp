#include "recipes/serving/bounded_server.h"

#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <limits>

#include "recipes/serving/bounded_stream.h"

namespace caravan::recipes {
namespace {

constexpr std::chrono::milliseconds kLook{50};  // how soon a stop is seen between two requests

bool has_body(const httplib::Request& request) {
  const std::string length = request.get_header_value("Content-Length");
  return (!length.empty() && length != "0") || request.has_header("Transfer-Encoding");
}

// What is announced is held against the limit by the library; what is not (chunks, their frames included)
// must be held here.
std::size_t allowed_bytes(const httplib::Request& request, std::size_t most) {
  const bool announced = request.has_header("Content-Length") && !request.has_header("Transfer-Encoding");
  return announced ? std::numeric_limits<std::size_t>::max() : most + most / 8;
}

// Closing over bytes that wait to be read would take the answer away from who sent them.
void let_go(BoundedStream& stream) {
  constexpr std::size_t kMax = std::size_t{1} << 20;
  char ignored[4096];
  ::shutdown(stream.socket(), SHUT_WR);
  stream.allow(kMax, std::chrono::seconds(1));
  while (stream.read(ignored, sizeof ignored) > 0) {
  }
}

}  // namespace

bool BoundedServer::serve_connection(socket_t socket) {
  BoundedStream stream(socket, std::chrono::seconds(write_timeout_sec_));
  bool good = true, unread = false;
  for (std::size_t left = keep_alive_max_count_; good && left > 0; --left) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(keep_alive_timeout_sec_);
    bool came = false;
    while (!came && svr_sock_ != INVALID_SOCKET && std::chrono::steady_clock::now() < until)
      came = stream.wait_readable(kLook);
    if (!came || answer_one(stream, left == 1, good, unread)) break;
  }
  if (unread) let_go(stream);
  ::shutdown(socket, SHUT_RDWR);
  ::close(socket);
  return good;
}

bool BoundedServer::answer_one(BoundedStream& stream, bool is_last, bool& good, bool& unread) {
  stream.allow(limits_.head_bytes, limits_.head_time);
  std::size_t head = std::numeric_limits<std::size_t>::max();
  bool body = false, closed = false;
  good = process_request(stream, is_last, closed, [&](httplib::Request& request) {
    head = stream.bytes_read();
    body = has_body(request);
    stream.allow(allowed_bytes(request, limits_.body_bytes), limits_.body_time);
  });
  // A body that nobody read, or not to its end, would be taken for the next request.
  unread = !good || stream.gave_out() || (body && stream.bytes_read() == head);
  return closed || unread;
}

}  // namespace caravan::recipes
