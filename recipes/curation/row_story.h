// The story of one row, told by the reports that commands left: from the published file to the last file that
// holds it.
//
// A row is followed by file and line: a report says which lines a row became in its output, and the next
// report reads that output (the same path and SHA-256, else the same SHA-256). The hash of the line's bytes
// stands in both and must agree. Reports are read line by line; memory does not grow with them.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "data/message.h"

namespace caravan::recipes {

struct RowPlace {
  std::string file;
  std::uint64_t line = 0;
};

struct StoryStep {
  std::string command;  // "data dedup"
  std::string folder;   // of the report
  RowPlace place;       // of the row in the step's input
  data::Json fate;      // its line of fates.jsonl
  std::string out;      // the step's output
};

class RowStories {
 public:
  // Finds report.json in the folders and up to four levels below. Throws data::Error (usage) where one is no
  // folder.
  explicit RowStories(const std::vector<std::string>& folders);
  bool empty() const { return reports_.empty(); }

  // The steps of the row from its beginning, whichever of the files on its way is named. Throws data::Error
  // (data): no report knows it, the reports contradict each other.
  std::vector<StoryStep> of_place(const RowPlace& place) const;
  // The same for the row that had this id first. Rows that share it are listed in an error (usage).
  std::vector<StoryStep> of_id(const std::string& id) const;
  // Where the row stands in the end; empty for one that was dropped.
  static std::vector<RowPlace> ends_of(const std::vector<StoryStep>& steps);

 private:
  struct File {
    std::string path, sha256;
  };
  struct Report {
    std::string folder, command;
    std::vector<File> inputs;
    File output;
  };
  using Seen = std::set<const Report*>;

  void add(const std::string& folder);
  const Report* writer_of(const File& file, const Seen& seen) const;
  std::vector<std::pair<const Report*, std::string>> readers_of(const File& file, const Seen& seen) const;
  void follow(const Report& report, const RowPlace& place, const std::string& hash, Seen seen,
              std::vector<StoryStep>& steps) const;

  std::vector<Report> reports_;
};

// For people, ends in a line feed.
std::string story_text(const std::vector<StoryStep>& steps);

}  // namespace caravan::recipes
