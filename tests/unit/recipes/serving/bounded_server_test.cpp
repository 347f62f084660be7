// Connections with clients that send too much, too slowly, or many at once.
#include "recipes/serving/bounded_server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

namespace caravan::recipes {
namespace {

// A server that answers on a pair of sockets, as if it listened.
class Pair : public BoundedServer {
 public:
  explicit Pair(const RequestLimits& limits) : BoundedServer(limits) {
    svr_sock_ = 0;
    Post("/size", [](const httplib::Request& request, httplib::Response& response) {
      response.set_content(std::to_string(request.body.size()), "text/plain");
    });
    Get("/", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("here", "text/plain");
    });
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_), 0);
  }
  ~Pair() override {
    ::close(ends_[0]);
    if (served_.valid()) served_.wait();
  }
  // The first bytes open the connection.
  bool send(const std::string& bytes) {
    if (!served_.valid())
      served_ = std::async(std::launch::async, [this] { return serve_connection(ends_[1]); });
    return ::send(ends_[0], bytes.data(), bytes.size(), MSG_NOSIGNAL) == std::ssize(bytes);
  }
  // Everything that comes until the server ends the connection.
  std::string answers() const {
    std::string all, piece(4096, '\0');
    for (ssize_t got; (got = ::recv(ends_[0], piece.data(), piece.size(), 0)) > 0;)
      all.append(piece, 0, static_cast<std::size_t>(got));
    return all;
  }
  bool wait(std::chrono::seconds time) const { return served_.wait_for(time) == std::future_status::ready; }

 private:
  int ends_[2] = {-1, -1};
  std::future<bool> served_;
};

std::string post(const std::string& headers, const std::string& body) {
  return "POST /size HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n" + body;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++found;
  return found;
}

TEST(BoundedServer, RequestsOfOneConnectionAreAnsweredInTurnThoughTheyCameTogether) {
  Pair server({.head_bytes = 200, .body_bytes = 100});
  const std::string body(100, 'a');
  EXPECT_TRUE(server.send(post("Content-Length: 100\r\n", body) + post("Content-Length: 0\r\n", "") +
                          post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n") +
                          "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"));
  const std::string answers = server.answers();
  EXPECT_EQ(count(answers, "HTTP/1.1 200"), 4u) << answers;
  EXPECT_NE(answers.find("\r\n\r\n100HTTP"), std::string::npos) << answers;
  EXPECT_NE(answers.find("\r\n\r\n3HTTP"), std::string::npos) << answers;
  EXPECT_TRUE(answers.ends_with("here")) << answers;
}

TEST(BoundedServer, TheLimitOfTheHeadIsExact) {
  const std::string request = "GET / HTTP/1.1\r\nConnection: close\r\nA: bcd\r\n\r\n";
  for (const std::size_t spare : {0u, 1u}) {
    Pair server({.head_bytes = request.size() - spare});
    server.send(request);
    EXPECT_EQ(count(server.answers(), "here"), 1 - spare);
  }
}

TEST(BoundedServer, ABodyOverTheLimitIsNotAnswered) {
  const std::string body(101, 'a');
  Pair told({.body_bytes = 100});
  told.send(post("Content-Length: 101\r\nConnection: close\r\n", body));
  EXPECT_TRUE(told.answers().starts_with("HTTP/1.1 413"));
  Pair untold({.body_bytes = 100});
  untold.send(post("Transfer-Encoding: chunked\r\n", "ff\r\n" + std::string(255, 'a') + "\r\n0\r\n\r\n"));
  const std::string answer = untold.answers();
  EXPECT_EQ(answer.find("200"), std::string::npos) << answer;
}

// A byte now and then is no reason to wait for ever.
TEST(BoundedServer, ASlowRequestIsGivenUp) {
  Pair server({.head_time = std::chrono::seconds(1)});
  const auto begin = std::chrono::steady_clock::now();
  server.send("G");
  for (int i = 0; i < 200 && !server.wait(std::chrono::seconds(0)); ++i) {
    server.send("G");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  EXPECT_EQ(count(server.answers(), "200"), 0u);
}

TEST(BoundedServer, ABodyThatNobodyReadIsNoRequest) {
  Pair server({});
  server.set_pre_routing_handler([](const httplib::Request&, httplib::Response& response) {
    response.status = 401;
    return httplib::Server::HandlerResponse::Handled;
  });
  server.send(post("Content-Length: 18\r\n", "GET / HTTP/1.1\r\n\r\n"));
  const std::string answers = server.answers();
  EXPECT_EQ(count(answers, "HTTP/1.1"), 1u) << answers;
}

TEST(BoundedServer, ManyConnectionsAtOnce) {
  BoundedServer server({});
  std::atomic<int> asked{0};
  server.Post("/size", [&](const httplib::Request& request, httplib::Response& response) {
    ++asked;
    response.set_content(std::to_string(request.body.size()), "text/plain");
  });
  const int port = server.bind_to_any_port("127.0.0.1");
  ASSERT_GT(port, 0);
  std::thread listener([&] { server.listen_after_bind(); });
  while (!server.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::vector<std::future<int>> clients;
  for (int c = 0; c < 8; ++c)
    clients.push_back(std::async(std::launch::async, [port, c] {
      httplib::Client client("127.0.0.1", port);
      client.set_keep_alive(true);
      int good = 0;
      for (int i = 0; i < 12; ++i) {
        const std::string body(static_cast<std::size_t>(1000 * c + i), 'x');
        const auto result = client.Post("/size", body, "text/plain");
        good += result && result->status == 200 && result->body == std::to_string(body.size());
      }
      return good;
    }));
  for (auto& client : clients) EXPECT_EQ(client.get(), 12);
  server.stop();
  listener.join();
  EXPECT_EQ(asked, 96);
}

}  // namespace
}  // namespace caravan::recipes
