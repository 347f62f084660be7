#include "trainer/evaluation/sample_store.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "data/bounded_json.h"
#include "data/error.h"
#include "data/readers/row_source.h"
#include "data/walk/row_writer.h"
#include "trainer/error.h"

namespace caravan::trainer {
namespace {

using data::Json;

std::string line_of(const Json& row) {
  return row.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json header_of(const Json& identity) {
  return Json{{"identity", identity}};
}

bool is_sample(const Json& row) {
  const auto is_number = [&](const char* key) { return row.contains(key) && row[key].is_number_integer(); };
  return row.is_object() && is_number("index") && is_number("sample");
}

}  // namespace

SampleStore::SampleStore(const std::filesystem::path& folder, const std::string& task, const Json& identity)
    : done_(folder / (task + ".jsonl.zst")),
      partial_(folder / (task + ".jsonl.partial")),
      identity_(identity) {
  std::filesystem::create_directories(folder);
  if (std::filesystem::exists(done_)) {
    read_finished(done_, identity);
    finished_ = true;
  } else {
    read_partial(identity);
  }
  num_kept_ = rows_.size();
}

void SampleStore::refuse(const std::filesystem::path& path, const Json& found, const Json& wanted) const {
  std::string differs;
  for (const auto& [key, value] : wanted.items())
    if (!found.is_object() || !found.contains(key) || found[key] != value)
      differs += (differs.empty() ? "" : ", ") + key;
  throw Error(Error::Kind::kUnsafe, path.string() + ": holds samples of something else (" + differs +
                                        " differ); name another --out, or remove the file");
}

void SampleStore::read_finished(const std::filesystem::path& path, const Json& identity) {
  const auto source = data::open_rows(path.string());
  data::RowBlock block;
  bool is_first = true;
  while (source->next(block))
    for (const data::RowBlock::Row& line : block.rows) {
      Json row = data::parse_bounded_json(block.text(line));
      if (is_first ? !row.is_object() : !is_sample(row))
        throw data::Error(data::Error::Kind::kData,
                          path.string() + ":" + std::to_string(line.line) +
                              ": is no sample; remove the file to run the task again");
      if (is_first && row.value("identity", Json()) != identity)
        refuse(path, row.value("identity", Json()), identity);
      if (!is_first) take(std::move(row));
      is_first = false;
    }
}

void SampleStore::read_partial(const Json& identity) {
  std::ifstream in(partial_, std::ios::binary);
  if (!in && errno != ENOENT)
    throw Error(Error::Kind::kInputOutput,
                partial_.string() + ": cannot be read: " + std::strerror(errno) + "; check its permissions");
  std::uint64_t whole_bytes = 0, number = 0;
  bool is_first = true;
  // A line without an end was cut short by a kill.
  for (std::string line; in && std::getline(in, line) && !in.eof(); is_first = false) {
    ++number;
    Json row = data::parse_bounded_json(line);
    if (is_first ? !row.is_object() : !is_sample(row))
      throw data::Error(data::Error::Kind::kData,
                        partial_.string() + ":" + std::to_string(number) +
                            ": is no sample; remove the file to run the task again");
    if (is_first && row.value("identity", Json()) != identity)
      refuse(partial_, row.value("identity", Json()), identity);
    if (!is_first) take(std::move(row));
    whole_bytes += line.size() + 1;
  }
  file_.emplace(partial_);
  file_->truncate(whole_bytes);
  if (whole_bytes == 0) file_->write(line_of(header_of(identity)));
}

void SampleStore::take(Json row) {
  const std::pair key{row.at("index").get<std::int64_t>(), row.at("sample").get<std::int64_t>()};
  const auto [place, is_new] = places_.try_emplace(key, rows_.size());
  if (is_new) rows_.push_back(std::move(row));
}

bool SampleStore::has(std::int64_t index, std::int64_t sample) const {
  return places_.contains({index, sample});
}

void SampleStore::add(Json row) {
  if (file_) file_->write(line_of(row));
  take(std::move(row));
}

void SampleStore::extend(std::int64_t index, std::int64_t sample, const Json& keys) {
  rows_[places_.at({index, sample})].update(keys);
}

void SampleStore::sync() {
  if (file_) file_->sync();
}

void SampleStore::finish() {
  // The order in which answers came is the machine's; that of the file is the task's.
  std::vector<Json> ordered;
  for (const auto& [key, place] : places_) ordered.push_back(std::move(rows_[place]));
  rows_ = std::move(ordered);
  std::size_t next = 0;
  for (auto& [key, place] : places_) place = next++;
  if (finished_ || done_.empty()) return;
  data::RowWriter writer(done_.string(), {}, false);
  writer.write(line_of(header_of(identity_)));
  for (const Json& row : rows_) writer.write(line_of(row));
  writer.finish();
  writer.commit();
  finished_ = true;
  std::filesystem::remove(partial_);
}

}  // namespace caravan::trainer
