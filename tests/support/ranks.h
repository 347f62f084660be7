// The real program as several ranks: one process each, its words and its end.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/program.h"

namespace caravan::tests {

// A port that is free now; `hold` keeps a socket listening there that answers nothing.
inline int free_port(int* hold = nullptr) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), length) != 0) return -1;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  if (hold != nullptr) {
    listen(listener, 8);
    *hold = listener;
  } else {
    close(listener);
  }
  return ntohs(address.sin_port);
}

// Ranks `first` .. of `size`; logs beside each other in `folder`.
class Ranks {
 public:
  Ranks(std::string folder, int size, int port) : folder_(std::move(folder)), size_(size), port_(port) {}

  // `words`: the program and its arguments; `shell`: what to do before, in a shell ("ulimit -f 100").
  void start(int rank, const std::vector<std::string>& words, const std::string& shell = "") {
    std::vector<std::string> all{"/usr/bin/env",
                                 "RANK=" + std::to_string(rank),
                                 "WORLD_SIZE=" + std::to_string(size_),
                                 "LOCAL_RANK=" + std::to_string(rank),
                                 "LOCAL_WORLD_SIZE=" + std::to_string(size_),
                                 "MASTER_ADDR=127.0.0.1",
                                 "MASTER_PORT=" + std::to_string(port_)};
    if (!shell.empty()) all.insert(all.end(), {"/bin/bash", "-c", shell + "; exec \"$0\" \"$@\""});
    all.insert(all.end(), words.begin(), words.end());
    if (programs_.size() < static_cast<std::size_t>(size_)) programs_.resize(static_cast<std::size_t>(size_));
    programs_[static_cast<std::size_t>(rank)] =
        std::make_unique<Program>(all, folder_ + "/rank" + std::to_string(rank) + ".log");
  }
  void start_all(const std::vector<std::string>& words) {
    for (int rank = 0; rank < size_; ++rank) start(rank, words);
  }
  Program& operator[](int rank) { return *programs_[static_cast<std::size_t>(rank)]; }

  // The lines in which a rank says why it ended.
  std::vector<std::string> last_words(int rank) {
    std::istringstream lines((*this)[rank].output());
    std::vector<std::string> found;
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with("caravan: ")) found.push_back(line);
    return found;
  }

 private:
  std::string folder_;
  int size_, port_;
  std::vector<std::unique_ptr<Program>> programs_;
};

}  // namespace caravan::tests
