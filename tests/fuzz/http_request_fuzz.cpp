// The bytes of a connection to `caravan serve`, requests one after another, with small limits.
#include <sys/socket.h>
#include <unistd.h>

#include "recipes/serving/api_error.h"
#include "recipes/serving/api_request.h"
#include "recipes/serving/bounded_server.h"
#include "tests/fuzz/fuzz_input.h"

using namespace caravan;

namespace {

constexpr recipes::RequestLimits kLimits{.head_bytes = 4096, .body_bytes = 2048};

class Server : public recipes::BoundedServer {
 public:
  Server() : BoundedServer(kLimits) {
    svr_sock_ = 0;  // as if it listened
    Post("/v1/completions", [this](const httplib::Request& request, httplib::Response& response) {
      largest = std::max(largest, request.body.size());
      try {
        recipes::parse_completion_request(recipes::parse_body(request.body));
      } catch (const recipes::ApiError& error) {
        response.status = error.status();
        response.set_content(error.what(), "text/plain");
      }
    });
    Get("/health", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("ok", "text/plain");
    });
  }
  std::size_t largest = 0;
};

}  // namespace

const fuzz::Registered kTarget("http_request", [](fuzz::Input input) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return;
  const int room = 1 << 20;
  ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  const std::string_view bytes = input.rest().substr(0, 100'000);
  const ssize_t sent = ::send(ends[0], bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  fuzz::require(bytes.empty() || sent > 0, "a socket takes what is sent");
  ::shutdown(ends[0], SHUT_WR);
  Server server;
  server.serve_connection(ends[1]);
  fuzz::require(server.largest <= kLimits.body_bytes + kLimits.body_bytes / 8, "bodies are bounded");
  std::string answer(1 << 16, '\0');
  const ssize_t got = ::recv(ends[0], answer.data(), answer.size(), MSG_DONTWAIT);
  fuzz::require(got <= 0 || std::string_view(answer).starts_with("HTTP/1.1 "), "an answer is HTTP");
  ::close(ends[0]);
});
