#include "trainer/distributed/store_address.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>

#include "trainer/error.h"

namespace caravan::trainer {

using namespace std::chrono_literals;

namespace {

class Socket {
 public:
  Socket(int family, int type) : descriptor_(socket(family, type | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int get() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Addresses resolve(const std::string& host, int port, int type, std::string& why) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = type;
  const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) why = gai_strerror(error);
  return {error == 0 ? found : nullptr, freeaddrinfo};
}

std::string numeric(const sockaddr* address, socklen_t length) {
  char text[NI_MAXHOST] = {};
  if (getnameinfo(address, length, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) return "";
  return text;
}

bool connects(const addrinfo& address, std::string& why) {
  const Socket peer(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK);
  int error = 0;
  if (peer.get() < 0 ||
      (connect(peer.get(), address.ai_addr, address.ai_addrlen) != 0 && errno != EINPROGRESS)) {
    error = errno;
  } else {
    pollfd ready{peer.get(), POLLOUT, 0};
    socklen_t length = sizeof error;
    if (poll(&ready, 1, 2000) <= 0)
      error = ETIMEDOUT;
    else
      getsockopt(peer.get(), SOL_SOCKET, SO_ERROR, &error, &length);
  }
  if (error != 0) why = std::strerror(error);
  return error == 0;
}

std::string first_outside_address() {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return "";
  std::string found;
  for (const ifaddrs* one = all; one != nullptr && found.empty(); one = one->ifa_next)
    if (one->ifa_addr != nullptr && one->ifa_addr->sa_family == AF_INET && (one->ifa_flags & IFF_UP) != 0 &&
        (one->ifa_flags & IFF_LOOPBACK) == 0)
      found = numeric(one->ifa_addr, sizeof(sockaddr_in));
  freeifaddrs(all);
  return found;
}

}  // namespace

int open_store_port(int port, bool loopback_only) {
  Socket listener(AF_INET, SOCK_STREAM);
  const int yes = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(loopback_only ? INADDR_LOOPBACK : INADDR_ANY);
  if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener.get(), SOMAXCONN) != 0)
    throw Error(Error::Kind::kPeerLost, "rank 0 cannot open port " + std::to_string(port) +
                                            ", where the ranks are to meet: " + std::strerror(errno) +
                                            "; is another run using it? Choose another MASTER_PORT");
  return listener.release();
}

std::string reach(const std::string& host, int port, std::chrono::milliseconds longest,
                  const std::function<bool()>& cancelled, std::string& why) {
  const auto end = std::chrono::steady_clock::now() + longest;
  while (true) {
    const Addresses addresses = resolve(host, port, SOCK_STREAM, why);
    for (const addrinfo* one = addresses.get(); one != nullptr; one = one->ai_next)
      if (connects(*one, why)) return numeric(one->ai_addr, one->ai_addrlen);
    if (std::chrono::steady_clock::now() > end || (cancelled && cancelled())) return "";
    std::this_thread::sleep_for(100ms);
  }
}

std::string own_address_towards(const std::string& host, int port) {
  std::string why;
  const Addresses addresses = resolve(host, port, SOCK_DGRAM, why);
  for (const addrinfo* one = addresses.get(); one != nullptr; one = one->ai_next) {
    // Connecting such a socket sends nothing; it only chooses the way.
    const Socket way(one->ai_family, SOCK_DGRAM);
    sockaddr_storage own{};
    socklen_t length = sizeof own;
    if (way.get() < 0 || connect(way.get(), one->ai_addr, one->ai_addrlen) != 0 ||
        getsockname(way.get(), reinterpret_cast<sockaddr*>(&own), &length) != 0)
      continue;
    const std::string text = numeric(reinterpret_cast<const sockaddr*>(&own), length);
    // A machine often knows its own name as a loopback address, which is of no use to others.
    if (!text.empty() && !text.starts_with("127.") && text != "::1") return text;
  }
  const std::string outside = first_outside_address();
  return outside.empty() ? "127.0.0.1" : outside;
}

}  // namespace caravan::trainer
