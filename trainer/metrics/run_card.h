// run.json: what made this result, so that it can be explained and repeated. Versions, hashes, the command,
// the environment that matters, the machine; one entry a launch, so that a run stopped and resumed five times
// shows six.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "trainer/metrics/host_facts.h"

namespace caravan::trainer {

struct Launch {
  std::chrono::system_clock::time_point started;
  std::vector<std::string> command;
  std::string working_directory;
  std::map<std::string, std::string> versions;     // caravan, libtorch, compiler, ...
  std::map<std::string, std::string> environment;  // from relevant_environment
  HostFacts host;
  int world_size = 1;
  std::int64_t first_step = 1;
};

// What is the same for every launch of the run.
struct RunIdentity {
  std::string stage;  // sft, dpo, ...
  std::uint64_t seed = 0;
  std::map<std::string, std::string>
      hashes;  // recipe, tokenizer, chat_template, each data file, base weights
};

// Writes the card, or adds a launch to one that is there. The file is replaced whole. Throws Error: data
// where the file there is no run card, unsafe where it belongs to a run of other hashes, input/output.
void write_run_card(const std::filesystem::path& path, const RunIdentity& identity, const Launch& launch);

// Adds how the newest launch ended: "done", "stopped", or the error, with the step it reached. Throws Error
// as above.
void close_run_card(const std::filesystem::path& path, std::string_view outcome, std::int64_t last_step,
                    std::chrono::system_clock::time_point ended);

// The variables that change what a run does or how fast, out of `environment` ("NAME=value", ends with
// nullptr). A list of what is taken, not of what is left out: run cards are published, secrets live in the
// environment.
std::map<std::string, std::string> relevant_environment(const char* const* environment);

}  // namespace caravan::trainer
