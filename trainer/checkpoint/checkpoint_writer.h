// Writes checkpoints while training goes on: the state is copied to the host, then a thread brings it to the
// disk. What goes wrong there is thrown by the next call; older checkpoints are untouched then, and nothing
// half-written is left under a final name.
#pragma once

#include <chrono>
#include <filesystem>
#include <future>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "trainer/checkpoint/checkpoint.h"
#include "trainer/distributed/process_group.h"

namespace caravan::trainer {

struct CheckpointContent {
  std::int64_t step = 0;         // optimizer steps done
  std::vector<StatePart> state;  // what this rank has
  nlohmann::json progress;       // small things: tokens done, ...; the first rank's counts
  std::string recipe_yaml;       // the resolved recipe, for comparison at resume
};

// A checkpoint that became complete.
struct SavedCheckpoint {
  std::int64_t step = 0;
  double blocked_seconds = 0.0;  // that training waited, all told
  double seconds = 0.0;          // from begin until it was complete
};

// All calls but the destructor are collective. They throw models::Error or Error (74) where the disk is full
// or fails.
class CheckpointWriter {
 public:
  // `keep`: newest complete checkpoints that stay, 0: all. `group` must outlive the writer.
  CheckpointWriter(std::filesystem::path run_dir, std::int64_t keep, ProcessGroup& group);
  // Gives up one that is on its way.
  ~CheckpointWriter();

  // Takes the memory of copies beforehand, in the background: the first save then waits no longer than later
  // ones. Once; `state` as in all that is written. Not collective.
  void prepare(const std::vector<StatePart>& state);
  // Copies the state and begins to write it. Waits first for one that is on its way. `is_last`: the state
  // stays as it is until finish, and need not be copied.
  std::optional<SavedCheckpoint> begin(CheckpointContent content, bool is_last = false);
  // Between steps: completes the one on its way if every rank has written its part by now. Costs nothing
  // where there is none.
  std::optional<SavedCheckpoint> poll();
  // Waits until it is complete.
  std::optional<SavedCheckpoint> finish();

 private:
  using Clock = std::chrono::steady_clock;
  struct Running {
    CheckpointContent content;  // the state is a copy
    std::future<nlohmann::json> written;
    Clock::time_point begun;
    double blocked_seconds = 0.0;
  };
  nlohmann::json write_part(const CheckpointContent& content) const;
  std::vector<StatePart> share_of(const std::vector<StatePart>& state, bool is_last);
  SavedCheckpoint complete(const nlohmann::json& own);
  void write_manifest(const std::vector<std::string>& parts);
  void give_up() noexcept;

  std::filesystem::path run_dir_;
  std::int64_t keep_;
  ProcessGroup& group_;
  std::vector<at::Tensor> copies_;  // on the host; kept for the next save
  std::future<void> touched_;
  std::optional<Running> running_;
};

}  // namespace caravan::trainer
