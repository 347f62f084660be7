#include "data/readers/file_list.h"

#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "data/error.h"

namespace caravan::data {
namespace {

bool take_ending(std::string_view& name, std::string_view ending) {
  if (!name.ends_with(ending)) return false;
  name.remove_suffix(ending.size());
  return true;
}

std::vector<std::string> match_glob(const std::string& pattern) {
  glob_t found{};
  const int code = ::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found);
  std::vector<std::string> paths;
  for (std::size_t i = 0; code == 0 && i < found.gl_pathc; ++i) paths.emplace_back(found.gl_pathv[i]);
  ::globfree(&found);
  if (code == GLOB_NOSPACE) throw std::bad_alloc();
  if (code == GLOB_ABORTED) {
    throw Error(Error::Kind::kInputOutput,
                pattern + ": a folder of this glob cannot be read; check its permissions");
  }
  return paths;
}

}  // namespace

RowFileKind row_file_kind(const std::string& path) {
  std::string_view name = path;
  if (name.ends_with(".parquet")) return RowFileKind::kParquet;
  take_ending(name, ".gz") || take_ending(name, ".zst");
  if (name.ends_with(".jsonl") || name.ends_with(".ndjson")) return RowFileKind::kJsonLines;
  if (name.ends_with(".json")) return RowFileKind::kJson;
  if (name.ends_with(".csv")) return RowFileKind::kCsv;
  if (name.ends_with(".tsv")) return RowFileKind::kTsv;
  throw Error(
      Error::Kind::kData,
      path +
          ": no row format is known by this ending; allowed are .jsonl, .ndjson, .json, .csv and .tsv, "
          "each also with .gz or .zst, and .parquet; rename or convert the file");
}

std::vector<std::string> list_files(const std::string& path_or_glob) {
  std::error_code error;
  std::vector<std::string> paths;
  if (std::filesystem::exists(path_or_glob, error)) {
    paths.push_back(path_or_glob);
  } else if (path_or_glob.find_first_of("*?[") == std::string::npos) {
    throw Error(Error::Kind::kData, path_or_glob + ": no such file; check the path");
  } else {
    paths = match_glob(path_or_glob);
    std::erase_if(paths,
                  [&error](const std::string& path) { return std::filesystem::is_directory(path, error); });
    if (paths.empty()) {
      throw Error(Error::Kind::kData, path_or_glob + ": no file matches this glob; check the path");
    }
  }
  if (std::filesystem::is_directory(paths.front(), error)) {
    throw Error(Error::Kind::kData,
                path_or_glob + ": is a folder; name a file or a glob such as " + path_or_glob + "/*.jsonl");
  }
  for (const std::string& path : paths) {
    row_file_kind(path);
    if (!std::filesystem::is_regular_file(path, error)) {
      throw Error(Error::Kind::kData,
                  path + ": is no plain file, and rows are read more than once; copy it to a file first");
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace caravan::data
