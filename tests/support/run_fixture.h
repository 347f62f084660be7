// Runs of the program as processes, for a suite of tests: a folder for all of them, the demo's dialogues and
// its tiny model in it, and what a run leaves.
//
// Children start in an empty folder that must be empty at the end: a recipe may name `run.dir: unset`, and a
// test that forgets to name another one fails.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/program.h"
#include "tests/support/small_config.h"
#include "tests/support/temp_dir.h"

namespace caravan {

namespace fs = std::filesystem;
using nlohmann::json;

class RunFixture : public testing::Test {
 protected:
  using Words = std::vector<std::string>;

  static void make_demo(int rows, int held_out) {
    dir_ = std::make_unique<tests::TempDir>();
    fs::create_directory(path(kStartFolder));
    ASSERT_EQ(run({"demo-data", "--out", path("demo"), "--rows", std::to_string(rows), "--held-out",
                   std::to_string(held_out), "--seed", "3"}),
              0)
        << log();
  }
  static void make_small_demo(int rows, int held_out) {
    make_demo(rows, held_out);
    tests::make_config_small(path("demo/config.json"));
  }
  static void TearDownTestSuite() {
    for (const auto& entry : fs::directory_iterator(path(kStartFolder)))
      ADD_FAILURE() << "a test wrote " << entry.path().filename() << " into the current folder";
    dir_.reset();
  }

  static std::string path(const std::string& name) { return (dir_->path() / name).string(); }

  // ---- Processes. Words are those after the program's path.
  static tests::Program start(const Words& words, const std::string& log_name = "log") {
    return {with_program(words), path(log_name), path(kStartFolder)};
  }
  static int run(const Words& words) { return start(words).wait(); }
  // Sends `signal` once `seen` holds: the exit code, or minus the signal that ended it.
  static int run_until(const std::function<bool()>& seen, int signal, const Words& words) {
    tests::Program program = start(words);
    if (program.wait_until(seen))
      program.signal(signal);
    else
      ADD_FAILURE() << "it ended before: " << program.output();
    return program.wait();
  }
  // What the last one of `start` wrote.
  static std::string log() { return tests::read_bytes(path("log")); }
  static Words with_program(const Words& words) {
    return joined({std::string(CARAVAN_BINARY_DIR) + "/caravan"}, words);
  }
  static Words joined(Words words, const Words& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  // ---- Runs of recipe.yaml, each in a folder of its name.
  static Words train_words(const std::string& run_dir, const Words& more = {}) {
    return joined({"train", path("recipe.yaml"), "--quiet", "run.dir=" + path(run_dir)}, more);
  }
  static int train(const std::string& run_dir, const Words& more = {}) {
    return run(train_words(run_dir, more));
  }
  static Words launch_words(int ranks, const Words& words, const Words& flags = {}) {
    Words all = joined({"launch", "--nproc", std::to_string(ranks)}, flags);
    all.push_back("--");
    return joined(std::move(all), words);
  }
  static int launch(int ranks, const std::string& run_dir, const Words& more = {}) {
    return run(launch_words(ranks, train_words(run_dir, more)));
  }

  // ---- What a run left.
  // Metrics without what measures time and memory.
  static std::vector<json> rows(const std::string& run_dir) {
    std::vector<json> all;
    std::ifstream lines(path(run_dir) + "/metrics.jsonl");
    // A line that is still being written is none yet.
    for (std::string line; std::getline(lines, line) && !lines.eof();) {
      json kept = json::object();
      const json row = json::parse(line);
      for (const auto& [key, value] : row.items())
        if (!key.starts_with("speed/") && !key.starts_with("memory/") && !key.ends_with("seconds") &&
            !key.ends_with("_per_second"))
          kept[key] = value;
      all.push_back(std::move(kept));
    }
    return all;
  }
  // The most bytes that any rank took.
  static double peak_bytes(const std::string& run_dir) {
    std::ifstream lines(path(run_dir) + "/metrics.jsonl");
    double peak = 0.0;
    for (std::string line; std::getline(lines, line);)
      peak = std::max(peak, json::parse(line).value("memory/peak_bytes", 0.0));
    return peak;
  }
  static std::string final_bytes(const std::string& run_dir) {
    return tests::read_bytes(path(run_dir) + "/final/model.safetensors");
  }

  static inline std::unique_ptr<tests::TempDir> dir_;

 private:
  static constexpr const char* kStartFolder = "start";
};

}  // namespace caravan
