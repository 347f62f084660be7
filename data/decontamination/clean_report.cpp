#include "data/decontamination/clean_report.h"

#include <filesystem>
#include <fstream>

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

// The hash of the clean file that the report speaks of.
std::string clean_hash(const std::string& report) {
  std::ifstream file(report, std::ios::binary);
  if (!file) throw Error(Error::Kind::kInputOutput, "data.require_clean: " + report + ": cannot be opened");
  const Json json = Json::parse(file, nullptr, false);
  if (!json.is_object() || json.value("command", Json()) != "data decontaminate")
    refuse(report, "is no report of caravan data decontaminate");
  const Json result = json.value("decontamination", Json::object());
  if (!result.is_object() || result.value("clean", Json()) != true)
    refuse(report, "does not say that what was written is clean");
  const Json output = json.value("output", Json::object());
  const Json hash = output.is_object() ? output.value("sha256", Json()) : Json();
  if (!hash.is_string() || hash.get<std::string>().size() != 64)
    refuse(report, "names no SHA-256 of its output");
  return hash.get<std::string>();
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
