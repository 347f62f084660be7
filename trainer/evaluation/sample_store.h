// Every sample of a task, kept as it comes, so that a run that was stopped goes on where it was.
//
// While a task runs its samples are lines of samples/TASK.jsonl.partial, on the disk after each batch; when
// it is done they become samples/TASK.jsonl.zst, whole or not at all. The first line names what the samples
// are of; samples of something else are refused, never mixed. Free of LibTorch. Not thread safe.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/message.h"
#include "trainer/metrics/append_file.h"

namespace caravan::trainer {

class SampleStore {
 public:
  // In memory alone.
  SampleStore() = default;
  // `identity`: what must be the same for samples to be the same: task, items, model. Reads what is there;
  // a line that was cut short by a kill is dropped. Throws Error (unsafe) where the samples are of something
  // else, data::Error where the file is damaged.
  SampleStore(const std::filesystem::path& folder, const std::string& task, const data::Json& identity);

  // Samples are told apart by "index", the item's number in the task, and "sample".
  bool has(std::int64_t index, std::int64_t sample) const;
  std::size_t num_kept() const { return num_kept_; }  // that were there before
  void add(data::Json row);
  // Adds keys to a sample that is there, before finish(): they are in the finished file alone.
  void extend(std::int64_t index, std::int64_t sample, const data::Json& keys);
  // Everything that was added is on the disk.
  void sync();
  // Orders the samples by item and sample; makes the compressed file.
  void finish();

  const std::vector<data::Json>& rows() const { return rows_; }

 private:
  void read_finished(const std::filesystem::path& path, const data::Json& identity);
  void read_partial(const data::Json& identity);
  void take(data::Json row);
  [[noreturn]] void refuse(const std::filesystem::path& path, const data::Json& found,
                           const data::Json& wanted) const;

  std::filesystem::path done_, partial_;
  data::Json identity_;
  std::optional<AppendFile> file_;
  bool finished_ = false;
  std::size_t num_kept_ = 0;
  std::vector<data::Json> rows_;
  std::map<std::pair<std::int64_t, std::int64_t>, std::size_t> places_;
};

}  // namespace caravan::trainer
