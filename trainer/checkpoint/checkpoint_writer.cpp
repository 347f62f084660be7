#include "trainer/checkpoint/checkpoint_writer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "models/weights/output_file.h"
#include "models/weights/safetensors.h"
#include "models/weights/safetensors_writer.h"
#include "trainer/checkpoint/checkpoint_files.h"
#include "trainer/fault_point.h"

namespace caravan::trainer {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// What this rank writes: of what all ranks have, a share each.
std::vector<StatePart> own_share(const std::vector<StatePart>& state, const ProcessGroup& group) {
  std::vector<StatePart> share;
  for (StatePart part : state) {
    if (part.everywhere) {
      const std::int64_t begin = part.size * group.rank() / group.size(),
                         end = part.size * (group.rank() + 1) / group.size();
      part.part = part.part.narrow(0, begin, end - begin);
      part.begin = begin;
      part.everywhere = false;
    }
    if (part.part.numel() > 0) share.push_back(std::move(part));
  }
  return share;
}

}  // namespace

CheckpointWriter::CheckpointWriter(fs::path run_dir, std::int64_t keep, ProcessGroup& group)
    : run_dir_(std::move(run_dir)), keep_(keep), group_(group) {}

CheckpointWriter::~CheckpointWriter() {
  if (running_) give_up();
}

void CheckpointWriter::prepare(const std::vector<StatePart>& state) {
  for (const StatePart& part : own_share(state, group_))
    copies_.push_back(at::empty_like(part.part, at::TensorOptions(at::kCPU)));
  // The first touch of memory costs ten times a copy.
  touched_ = std::async(std::launch::async, [this] {
    for (const at::Tensor& copy : copies_) std::memset(copy.data_ptr(), 0, copy.nbytes());
  });
}

// The share that is written, apart from the state where training will change that.
std::vector<StatePart> CheckpointWriter::share_of(const std::vector<StatePart>& state, bool is_last) {
  std::vector<StatePart> share = own_share(state, group_);
  if (touched_.valid()) touched_.get();
  for (std::size_t i = 0; i < share.size(); ++i) {
    if (is_last && share[i].part.is_cpu()) continue;
    if (copies_.size() <= i) copies_.push_back(at::empty_like(share[i].part, at::TensorOptions(at::kCPU)));
    share[i].part = copies_[i].copy_(share[i].part);
  }
  return share;
}

void CheckpointWriter::give_up() noexcept {
  if (running_->written.valid()) running_->written.wait();
  std::error_code ignored;
  if (group_.is_first()) fs::remove_all(partial_folder(run_dir_, running_->content.step), ignored);
  running_.reset();
}

std::optional<SavedCheckpoint> CheckpointWriter::begin(CheckpointContent content, bool is_last) {
  std::optional<SavedCheckpoint> before = finish();
  const auto start = Clock::now();
  const fs::path partial = partial_folder(run_dir_, content.step);
  if (group_.is_first()) {
    fs::remove_all(partial);
    fs::create_directories(partial);
  }
  group_.barrier("begin of a checkpoint");
  content.state = share_of(content.state, is_last);
  Running& running = running_.emplace();
  running.content = std::move(content);
  running.begun = start;
  running.written = std::async(std::launch::async, [this, &running] { return write_part(running.content); });
  running.blocked_seconds = seconds_since(start);
  return before;
}

std::optional<SavedCheckpoint> CheckpointWriter::poll() {
  if (!running_) return std::nullopt;
  const auto start = Clock::now();
  double done = running_->written.wait_for(std::chrono::seconds(0)) == std::future_status::ready ? 1.0 : 0.0;
  group_.all_reduce(std::span(&done, 1), Reduce::kMin, "state of a checkpoint");
  running_->blocked_seconds += seconds_since(start);
  return done == 1.0 ? finish() : std::nullopt;
}

std::optional<SavedCheckpoint> CheckpointWriter::finish() {
  if (!running_) return std::nullopt;
  const auto start = Clock::now();
  while (running_->written.wait_for(std::chrono::milliseconds(500)) != std::future_status::ready)
    group_.note_progress();
  try {
    SavedCheckpoint saved = complete(running_->written.get());
    saved.blocked_seconds += seconds_since(start);
    running_.reset();
    return saved;
  } catch (...) {
    give_up();
    throw;
  }
}

// On the writing thread: one file, and what the manifest says of it.
json CheckpointWriter::write_part(const CheckpointContent& content) const {
  fault_point("write");
  const fs::path file = partial_folder(run_dir_, content.step) / state_file(group_.rank(), group_.size());
  std::vector<models::TensorSpec> specs;
  for (const StatePart& part : content.state)
    specs.push_back({part.name, models::to_dtype(part.part.scalar_type()), part.part.sizes().vec()});
  models::SafetensorsWriter writer(file.string(), specs);
  json state = json::object();
  for (const StatePart& part : content.state)
    state[part.name] = {{"size", part.size},
                        {"file", group_.rank()},
                        {"begin", part.begin},
                        {"count", part.part.numel()},
                        {"hash", writer.add(part.name, part.part)}};
  writer.finish();
  return {{"file", file.filename().string()}, {"bytes", fs::file_size(file)}, {"state", state}};
}

SavedCheckpoint CheckpointWriter::complete(const json& own) {
  const std::vector<std::string> parts = group_.all_gather_text(own.dump(), "parts of a checkpoint");
  if (group_.is_first()) write_manifest(parts);
  return {running_->content.step, running_->blocked_seconds, seconds_since(running_->begun)};
}

void CheckpointWriter::write_manifest(const std::vector<std::string>& parts) {
  const CheckpointContent& content = running_->content;
  const fs::path partial = partial_folder(run_dir_, content.step),
                 target = checkpoint_folder(run_dir_, content.step);
  json manifest = {{"step", content.step}, {"progress", content.progress}, {"ranks", group_.size()}};
  for (const std::string& text : parts) {
    const json part = json::parse(text);
    manifest["files"][part.at("file").get<std::string>()] = part.at("bytes");
    for (const auto& [name, entry] : part.at("state").items()) {
      json slice = entry;
      manifest["state"][name]["size"] = entry.at("size");
      slice.erase("size");
      manifest["state"][name]["parts"].push_back(slice);  // ranks in order: begins rise
    }
  }
  models::write_file((partial / kRecipeFile).string(), content.recipe_yaml);
  manifest["recipe"] = text_hash(content.recipe_yaml);
  manifest["files"][kRecipeFile] = content.recipe_yaml.size();
  models::write_file((partial / kManifestFile).string(), sealed(std::move(manifest)));
  models::sync_folder(partial.string());
  remove_checkpoint(target);  // an incomplete one of the same step
  models::rename_path(partial.string(), target.string());
  models::sync_folder(target.parent_path().string());
  remove_older(run_dir_, content.step, keep_);
}

}  // namespace caravan::trainer
