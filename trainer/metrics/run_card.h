// run.json: what made this result, so that it can be explained and repeated. Hashes of everything that went
// in and of what came out, and one entry a launch: command, recipe, versions, the environment that matters,
// the machine, how it ended. A run stopped and resumed five times shows six.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "trainer/metrics/host_facts.h"

namespace caravan::trainer {

struct Launch {
  std::chrono::system_clock::time_point started;
  std::vector<std::string> command;
  std::string working_directory;
  std::map<std::string, std::string> versions;              // caravan, libtorch, compiler, ...
  std::map<std::string, std::string> environment;           // from relevant_environment
  std::vector<std::pair<std::string, std::string>> recipe;  // key -> value, every default written out
  HostFacts host;
  std::string device;  // "cpu", or which GPU
  int threads = 0;
  int world_size = 1;
  std::int64_t first_step = 1;
};

// What is the same for every launch of the run.
struct RunIdentity {
  std::string stage;  // sft, dpo, ...
  std::uint64_t seed = 0;
  std::map<std::string, std::string> hashes;  // tokenizer, chat_template, each data file, base weights
  nlohmann::ordered_json sizes;               // parameters, documents, tokens, steps: how large the run is
};

// How a launch ended.
struct Ending {
  std::string outcome;  // "done", "stopped" or "failed"
  std::string reason;   // the signal, or the error; empty where it is done
  std::int64_t last_step = 0;
  std::chrono::system_clock::time_point ended;
  nlohmann::ordered_json totals;                    // of RunTotals
  std::map<std::string, std::string> final_hashes;  // of what it wrote; empty unless done
};

// Writes the card, or adds a launch to one that is there; a launch before it that never told its end is then
// marked as lost. The file is replaced whole. Throws Error: data
// where the file there is no run card, unsafe where it belongs to a run of other hashes, input/output.
void write_run_card(const std::filesystem::path& path, const RunIdentity& identity, const Launch& launch);

// Adds how the newest launch ended. Throws Error as above.
void close_run_card(const std::filesystem::path& path, const Ending& ending);

// The variables that change what a run does or how fast, out of `environment` ("NAME=value", ends with
// nullptr). A list of what is taken, not of what is left out: run cards are published, secrets live in the
// environment.
std::map<std::string, std::string> relevant_environment(const char* const* environment);

}  // namespace caravan::trainer
