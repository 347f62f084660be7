#include "data/decontamination/clean_report.h"

#include <filesystem>
#include <fstream>
#include <set>

#include "data/bounded_json.h"
#include "data/error.h"
#include "data/message.h"
#include "data/sha256.h"

namespace caravan::data {
namespace {

[[noreturn]] void refuse(const std::string& report, const std::string& what) {
  throw Error(
      Error::Kind::kUnsafe,
      "data.require_clean: " + report + ": " + what +
          "; search the data with caravan data decontaminate, train on the file it writes, and name its "
          "report here");
}

Json read_report(const std::string& report) {
  std::ifstream file(report, std::ios::binary);
  if (!file) throw Error(Error::Kind::kInputOutput, "data.require_clean: " + report + ": cannot be opened");
  return parse_bounded_json(file);
}

std::string hash_in(const Json& file) {
  const Json hash = file.is_object() ? file.value("sha256", Json()) : Json();
  return hash.is_string() && hash.get<std::string>().size() == 64 ? hash.get<std::string>() : std::string();
}

// The hash of the clean file that a report of a search speaks of.
std::string searched_hash(const std::string& report, const Json& json) {
  const Json result = json.value("decontamination", Json::object());
  if (!result.is_object() || result.value("clean", Json()) != true)
    refuse(report, "does not say that what was written is clean");
  const std::string hash = hash_in(json.value("output", Json()));
  if (hash.empty()) refuse(report, "names no SHA-256 of its output");
  return hash;
}

// A mix of clean files is clean: each of its inputs must be what a search wrote whose report lies in a folder
// beside its own.
std::string mixed_hash(const std::string& report, const Json& json) {
  std::set<std::string> clean;
  const std::filesystem::path beside = std::filesystem::absolute(report).parent_path().parent_path();
  for (const auto& folder : std::filesystem::directory_iterator(beside)) {
    const std::string other = (folder.path() / "report.json").string();
    if (!std::filesystem::is_regular_file(other)) continue;
    const Json search = read_report(other);
    if (search.is_object() && search.value("command", Json()) == "data decontaminate")
      clean.insert(searched_hash(other, search));
  }
  for (const Json& input : json.value("inputs", Json::array())) {
    if (!clean.contains(hash_in(input)))
      refuse(report, "an input of this mix was written by no search whose report lies beside it");
  }
  const std::string hash = hash_in(json.value("output", Json()));
  if (hash.empty()) refuse(report, "names no SHA-256 of its output");
  return hash;
}

std::string clean_hash(const std::string& report) {
  const Json json = read_report(report);
  const Json command = json.is_object() ? json.value("command", Json()) : Json();
  if (command == "data mix") return mixed_hash(report, json);
  if (command != "data decontaminate") refuse(report, "is no report of caravan data decontaminate or mix");
  return searched_hash(report, json);
}

}  // namespace

void require_clean(const std::string& report, const std::vector<std::string>& files) {
  const bool folder = std::filesystem::is_directory(report);
  const std::string path = folder ? report + "/report.json" : report;
  const std::string expected = clean_hash(path);
  for (const std::string& file : files) {
    const std::string found = sha256_file_hex(file);
    if (found == expected) continue;
    refuse(path, "found " + file + " with SHA-256 " + found + ", allowed: the file it wrote, with SHA-256 " +
                     expected);
  }
}

}  // namespace caravan::data
