#include "data/evaluation/task_rows.h"

#include <memory>

#include "data/error.h"
#include "data/readers/csv_rows.h"
#include "data/readers/file_list.h"
#include "data/readers/json_row.h"
#include "data/readers/row.h"
#include "data/sha256.h"

namespace caravan::data {
namespace {

std::string part_of(const std::string& path, const std::string& pattern) {
  const std::size_t star = pattern.find('*');
  if (star == std::string::npos || path == pattern) return {};
  const std::size_t tail = pattern.size() - star - 1;
  if (path.size() < star + tail) return {};
  return path.substr(star, path.size() - star - tail);
}

std::unique_ptr<RowSource> open_task_file(const std::string& path, bool header, Sha256& hash) {
  const ByteSourceOptions bytes{&hash, {}};
  const RowFileKind kind = row_file_kind(path);
  if (kind == RowFileKind::kCsv || kind == RowFileKind::kTsv)
    return std::make_unique<CsvRows>(path, kind == RowFileKind::kCsv ? ',' : '\t', RowLimits{}, bytes,
                                     header);
  return open_rows(path, {}, bytes);
}

}  // namespace

std::vector<TaskFile> list_task_files(const std::string& path_or_glob, const std::string& advice) {
  std::vector<TaskFile> files;
  try {
    for (std::string& path : list_files(path_or_glob)) {
      std::string part = part_of(path, path_or_glob);
      files.push_back({std::move(path), std::move(part), {}});
    }
  } catch (const Error& error) {
    throw Error(error.kind(), error.what() + (advice.empty() ? "" : "; " + advice));
  }
  return files;
}

std::vector<TaskRow> read_task_rows(TaskFile& file, bool header, std::size_t most) {
  Sha256 hash;
  const auto source = open_task_file(file.path, header, hash);
  std::vector<TaskRow> rows;
  RowBlock block;
  JsonRow json;
  // To the end even where enough was read: the hash is of the whole file.
  while (source->next(block)) {
    for (const RowBlock::Row& row : block.rows) {
      if (most > 0 && rows.size() >= most) continue;
      const std::string_view problem = read_object(block.text(row), context_of(row, {}, 0), json);
      if (problem == kBlankLine) continue;
      auto value = problem.empty() ? json.root().to_json() : std::nullopt;
      if (!value)
        throw Error(Error::Kind::kData,
                    file.path + ":" + std::to_string(row.line) + ": the item cannot be read (" +
                        std::string(problem.empty() ? "a number out of range" : problem) +
                        "); mend the file: without the item its results are of another set");
      rows.push_back({std::move(*value), file.part, file.path, row.line});
    }
  }
  file.sha256 = hash.hex();
  return rows;
}

std::string path_of_part(const std::string& pattern, const std::string& part) {
  const std::size_t star = pattern.find('*');
  return star == std::string::npos ? pattern : pattern.substr(0, star) + part + pattern.substr(star + 1);
}

}  // namespace caravan::data
