#include "recipes/curation/row_story.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>

#include "data/bounded_json.h"
#include "data/error.h"
#include "data/readers/json_text.h"
#include "data/sha256.h"

namespace caravan::recipes {
namespace {

namespace fs = std::filesystem;
using data::Error;
using data::Json;

// Copies of a row that are followed; a row of a great weight has as many lines.
constexpr std::size_t kMaxCopies = 3;

std::string absolute(const std::string& path) {
  std::error_code ignored;
  const fs::path known = fs::weakly_canonical(path, ignored);
  return known.empty() ? path : known.string();
}

std::uint64_t number_of(const Json& fate) {
  for (const char* word : {"line", "element", "row"}) {
    const auto number = fate.find(word);
    if (number != fate.end() && number->is_number_unsigned()) return number->get<std::uint64_t>();
  }
  return 0;
}

std::string text_of(const Json& json, const char* key) {
  const auto value = json.find(key);
  return value != json.end() && value->is_string() ? value->get<std::string>() : std::string();
}

bool is_list(const Json& json, const char* key) {
  const auto value = json.find(key);
  return value != json.end() && value->is_array();
}

// Hands the lines of a fates.jsonl that hold one of `words` to `use`, until it returns false.
void scan(const std::string& folder, const std::vector<std::string>& words,
          const std::function<bool(const Json&)>& use) {
  std::ifstream file(folder + "/fates.jsonl", std::ios::binary);
  if (!file) throw Error(Error::Kind::kInputOutput, folder + "/fates.jsonl: cannot be opened");
  for (std::string line; std::getline(file, line);) {
    const auto holds = [&line](const std::string& word) { return line.find(word) != std::string::npos; };
    if (std::none_of(words.begin(), words.end(), holds)) continue;
    const Json fate = data::parse_bounded_json(line);
    if (!fate.is_object() || !is_list(fate, "rows") || !is_list(fate, "reasons"))
      throw Error(Error::Kind::kData, folder + "/fates.jsonl: is damaged; run the step again");
    if (!use(fate)) return;
  }
}

std::optional<Json> fate_of(const std::string& folder, const RowPlace& place) {
  const std::string number = std::to_string(place.line) + ",";
  std::optional<Json> found;
  scan(folder, {"\"line\":" + number, "\"element\":" + number, "\"row\":" + number}, [&](const Json& fate) {
    if (number_of(fate) == place.line && absolute(text_of(fate, "file")) == absolute(place.file))
      found = fate;
    return !found;
  });
  return found;
}

// The row that became line `line` of the step's output.
std::optional<RowPlace> origin_of(const std::string& folder, std::uint64_t line) {
  std::optional<RowPlace> found;
  scan(folder, {"{\"line\":" + std::to_string(line) + ","}, [&](const Json& fate) {
    for (const Json& row : fate["rows"]) {
      if (number_of(row) == line) found = {text_of(fate, "file"), number_of(fate)};
    }
    return !found;
  });
  return found;
}

std::string place_text(const RowPlace& place) {
  return place.file + ":" + std::to_string(place.line);
}

}  // namespace

RowStories::RowStories(const std::vector<std::string>& folders) {
  constexpr int kMaxLevels = 4;
  for (const std::string& folder : folders) {
    if (!fs::is_directory(folder))
      throw Error(Error::Kind::kUsage, folder + ": is no folder; name one that holds reports");
    add(folder);
    for (auto entry = fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied);
         entry != fs::recursive_directory_iterator(); ++entry) {
      if (entry->is_directory() && entry.depth() < kMaxLevels) add(entry->path().string());
      if (entry.depth() >= kMaxLevels) entry.disable_recursion_pending();
    }
  }
}

void RowStories::add(const std::string& folder) {
  std::ifstream file(folder + "/report.json", std::ios::binary);
  if (!file) return;
  const Json json = data::parse_bounded_json(file);
  const auto is_object = [](const Json& part, const char* key) {
    return part.contains(key) && part[key].is_object();
  };
  if (!json.is_object() || !json.contains("inputs") || !json["inputs"].is_array()) return;
  Report report{folder, text_of(json, "command"), {}, {}};
  for (const Json& input : json["inputs"]) {
    if (input.is_object())
      report.inputs.push_back({absolute(text_of(input, "path")), text_of(input, "sha256")});
  }
  if (is_object(json, "output"))
    report.output = {absolute(text_of(json["output"], "path")), text_of(json["output"], "sha256")};
  reports_.push_back(std::move(report));
}

// The same file by name and bytes is meant before one of equal bytes: a step that keeps all changes nothing.
const RowStories::Report* RowStories::writer_of(const File& file, const Seen& seen) const {
  const Report* alike = nullptr;
  for (const Report& report : reports_) {
    if (seen.contains(&report) || report.output.path.empty()) continue;
    const bool same_bytes = !file.sha256.empty() && report.output.sha256 == file.sha256;
    if (report.output.path == file.path && (same_bytes || file.sha256.empty())) return &report;
    if (same_bytes) alike = &report;
  }
  return alike;
}

std::vector<std::pair<const RowStories::Report*, std::string>> RowStories::readers_of(
    const File& file, const Seen& seen) const {
  std::vector<std::pair<const Report*, std::string>> same, alike;
  for (const Report& report : reports_) {
    if (seen.contains(&report)) continue;
    for (const File& input : report.inputs) {
      const bool same_bytes = !file.sha256.empty() && input.sha256 == file.sha256;
      if (input.path == file.path && (same_bytes || file.sha256.empty()))
        same.emplace_back(&report, input.path);
      else if (same_bytes)
        alike.emplace_back(&report, input.path);
    }
  }
  return same.empty() ? alike : same;
}

void RowStories::follow(const Report& report, const RowPlace& place, const std::string& hash, Seen seen,
                        std::vector<StoryStep>& steps) const {
  const std::optional<Json> fate = fate_of(report.folder, place);
  if (!fate && hash.empty())
    throw Error(Error::Kind::kData,
                place_text(place) + ": by the report " + report.folder + " the file has no such row");
  if (!fate || (!hash.empty() && text_of(*fate, "hash") != hash))
    throw Error(Error::Kind::kData, report.folder + ": does not know " + place_text(place) +
                                        (fate ? " with these bytes" : "") +
                                        "; the reports are not of one run, make them again");
  seen.insert(&report);
  steps.push_back({report.command, report.folder, place, *fate, report.output.path});
  if (report.output.path.empty()) return;
  std::size_t copies = 0;
  for (const Json& row : (*fate)["rows"]) {
    if (++copies > kMaxCopies) break;
    for (const auto& [reader, path] : readers_of(report.output, seen))
      follow(*reader, {path, number_of(row)}, text_of(row, "hash"), seen, steps);
  }
}

std::vector<StoryStep> RowStories::of_place(const RowPlace& place) const {
  RowPlace origin{absolute(place.file), place.line};
  File file{origin.file, fs::is_regular_file(origin.file) ? data::sha256_file_hex(origin.file) : ""};
  Seen seen;
  while (const Report* writer = writer_of(file, seen)) {
    seen.insert(writer);
    const std::optional<RowPlace> before = origin_of(writer->folder, origin.line);
    if (!before)
      throw Error(Error::Kind::kData,
                  place_text(place) + ": the report " + writer->folder + " wrote no such line");
    origin = {absolute(before->file), before->line};
    const auto input = std::ranges::find(writer->inputs, origin.file, &File::path);
    file = input == writer->inputs.end() ? File{origin.file, ""} : *input;
  }
  std::vector<StoryStep> steps;
  const auto readers = readers_of(file, {});
  if (readers.empty())
    throw Error(Error::Kind::kData,
                place_text(place) + ": none of the reports reads or writes this file as it is now");
  for (const auto& [reader, path] : readers) follow(*reader, {path, origin.line}, "", {}, steps);
  return steps;
}

std::vector<StoryStep> RowStories::of_id(const std::string& id) const {
  constexpr std::size_t kMaxListed = 10;
  std::string quoted = "\"id\":";
  data::append_json_string(quoted, id);
  std::vector<RowPlace> places;
  for (const Report& report : reports_) {
    scan(report.folder, {quoted}, [&](const Json& fate) {
      const bool of_row = text_of(fate, "id") == id;
      const bool of_line =
          std::ranges::any_of(fate["rows"], [&](const Json& row) { return text_of(row, "id") == id; });
      if (!of_row && !of_line) return true;
      // A later step sees the row again; where it began is what counts.
      const StoryStep first = of_place({text_of(fate, "file"), number_of(fate)}).front();
      const auto same = [&first](const RowPlace& known) {
        return place_text(known) == place_text(first.place);
      };
      if (std::ranges::none_of(places, same)) places.push_back(first.place);
      return places.size() <= kMaxListed;
    });
  }
  if (places.empty()) throw Error(Error::Kind::kData, "no report knows a row with the id " + id);
  if (places.size() == 1) return of_place(places.front());
  std::string text = "the id " + id + " is that of several rows; name one by its place:";
  for (const RowPlace& place : places) text += "\n  " + place_text(place);
  throw Error(Error::Kind::kUsage, text);
}

std::vector<RowPlace> RowStories::ends_of(const std::vector<StoryStep>& steps) {
  std::vector<RowPlace> ends;
  for (const StoryStep& step : steps) {
    const auto reads_on = [&step](const StoryStep& other) { return other.place.file == step.out; };
    if (step.out.empty() || std::ranges::any_of(steps, reads_on)) continue;
    for (const Json& row : step.fate["rows"]) ends.push_back({step.out, number_of(row)});
  }
  return ends;
}

std::string story_text(const std::vector<StoryStep>& steps) {
  std::string text;
  for (const StoryStep& step : steps) {
    text += place_text(step.place) + "\n  " + step.command + ": " + text_of(step.fate, "fate");
    for (const Json& reason : step.fate["reasons"])
      text += ", " + (reason.is_string() ? reason.get<std::string>() : "");
    for (const auto& [key, value] : step.fate.items()) {
      static const std::set<std::string> own{"file", "line",    "element", "row", "id",
                                             "fate", "reasons", "hash",    "rows"};
      if (!own.contains(key))
        text += ", " + key + " " + value.dump(-1, ' ', false, Json::error_handler_t::replace);
    }
    const Json& rows = step.fate["rows"];
    for (std::size_t i = 0; i < std::min(rows.size(), kMaxCopies); ++i)
      text += "\n  -> " + place_text({step.out, number_of(rows[i])}) +
              (text_of(rows[i], "id").empty() ? "" : " id " + text_of(rows[i], "id"));
    if (rows.size() > kMaxCopies)
      text += "\n  -> and " + std::to_string(rows.size() - kMaxCopies) + " more lines";
    text += "\n  (" + step.folder + ")\n";
  }
  return text;
}

}  // namespace caravan::recipes
