// A socket that stops giving bytes when a request has had as many, or as long, as it may have.
#pragma once

#include <httplib.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>

namespace caravan::recipes {

class BoundedStream : public httplib::Stream {
 public:
  BoundedStream(socket_t socket, std::chrono::seconds write_time)
      : socket_(socket), write_time_(write_time) {}

  // From here on, so many bytes may come, and until so far from now.
  void allow(std::size_t bytes, std::chrono::seconds time) {
    left_ = bytes;
    until_ = Clock::now() + time;
  }
  // Whether something can be read within `time`; it may have come with what was read before.
  bool wait_readable(std::chrono::milliseconds time) const;
  // Whether something was read for that was not there, not yet, or not allowed.
  bool gave_out() const { return gave_out_; }
  // Bytes given away so far.
  std::size_t bytes_read() const { return read_; }

  bool is_readable() const override { return wait_readable(std::chrono::milliseconds(0)); }
  bool is_writable() const override;
  ssize_t read(char* out, std::size_t size) override;
  ssize_t write(const char* bytes, std::size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  using Clock = std::chrono::steady_clock;
  bool fill();

  socket_t socket_;
  std::chrono::seconds write_time_;
  std::size_t left_ = 0, read_ = 0;
  Clock::time_point until_ = Clock::now();
  std::array<char, 4096> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  bool gave_out_ = false;
};

}  // namespace caravan::recipes
