#include "recipes/serving/bounded_stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace caravan::recipes {
namespace {

bool wait_for(socket_t socket, short events, std::chrono::milliseconds time) {
  pollfd one{socket, events, 0};
  int ready = 0;
  do ready = ::poll(&one, 1, static_cast<int>(std::max<std::int64_t>(time.count(), 0)));
  while (ready < 0 && errno == EINTR);
  return ready > 0;
}

// `ask` is getpeername or getsockname.
void read_address(socket_t socket, int (*ask)(int, sockaddr*, socklen_t*), std::string& ip, int& port) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  char text[INET6_ADDRSTRLEN] = {};
  if (ask(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return;
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ip = ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    port = ntohs(v4.sin_port);
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    ip = ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    port = ntohs(v6.sin6_port);
  }
}

}  // namespace

bool BoundedStream::wait_readable(std::chrono::milliseconds time) const {
  return begin_ < end_ || wait_for(socket_, POLLIN, time);
}

bool BoundedStream::is_writable() const {
  return wait_for(socket_, POLLOUT, write_time_);
}

bool BoundedStream::fill() {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until_ - Clock::now());
  if (left.count() <= 0 || !wait_for(socket_, POLLIN, left)) return false;
  ssize_t got = 0;
  do got = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
  while (got < 0 && errno == EINTR);
  begin_ = 0;
  end_ = static_cast<std::size_t>(std::max<ssize_t>(got, 0));
  return got > 0;
}

ssize_t BoundedStream::read(char* out, std::size_t size) {
  gave_out_ = left_ == 0 || (begin_ == end_ && !fill());
  if (gave_out_) return -1;
  const std::size_t count = std::min({size, end_ - begin_, left_});
  std::memcpy(out, buffer_.data() + begin_, count);
  begin_ += count;
  left_ -= count;
  read_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t BoundedStream::write(const char* bytes, std::size_t size) {
  if (!is_writable()) return -1;
  ssize_t put = 0;
  do put = ::send(socket_, bytes, size, MSG_NOSIGNAL);
  while (put < 0 && errno == EINTR);
  return put;
}

void BoundedStream::get_remote_ip_and_port(std::string& ip, int& port) const {
  read_address(socket_, ::getpeername, ip, port);
}

void BoundedStream::get_local_ip_and_port(std::string& ip, int& port) const {
  read_address(socket_, ::getsockname, ip, port);
}

}  // namespace caravan::recipes
