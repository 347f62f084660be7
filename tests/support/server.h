// The misbehaving server as a child of a test.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/json_file.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace caravan::tests {

class Server {
 public:
  Server()
      : program_({std::string(CARAVAN_BINARY_DIR) + "/misbehaving_server", (dir_ / "port").string(),
                  (dir_ / "log").string()},
                 (dir_ / "out").string()) {
    const std::filesystem::path file = dir_ / "port";
    if (!program_.wait_until([&] { return std::filesystem::exists(file); }))
      throw std::runtime_error("the server of the tests did not start: " + program_.output());
    std::ifstream(file) >> port_;
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }
  // What it was asked, in the order of arrival.
  std::vector<data::Json> asked() const { return read_json_lines(dir_ / "log"); }
  std::size_t num_asked() const { return asked().size(); }
  void kill() {
    program_.signal(SIGKILL);
    program_.wait();
  }

 private:
  TempDir dir_;
  int port_ = 0;
  Program program_;
};

}  // namespace caravan::tests
