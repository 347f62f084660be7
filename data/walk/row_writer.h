// Where the lines of a command go: a .jsonl, .ndjson, .jsonl.gz or .jsonl.zst file by its ending, or "-" for
// standard output. A file is there whole or not at all (WholeFile); its bytes depend on the lines alone.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "data/sha256.h"
#include "data/walk/whole_file.h"

namespace caravan::data {

class OutputEncoder;

class RowWriter {
 public:
  // `hash`: keep the SHA-256 of the bytes written. Throws data::Error before anything is written: an ending
  // that is not allowed (usage), and as WholeFile.
  RowWriter(const std::string& path, const WholeFileOptions& options, bool hash);
  ~RowWriter();

  // Whole lines, each with its line feed. Throws data::Error (input/output), a full disk included.
  void write(std::string_view lines);
  // As WholeFile: finish, then commit.
  void finish();
  void commit();

  // Of the file as it lies on the disk, after finish().
  std::uint64_t bytes() const { return bytes_; }
  const std::string& sha256() const { return sha256_; }

 private:
  void write_encoded(std::string_view bytes);

  std::optional<WholeFile> file_;  // none: standard output
  std::unique_ptr<OutputEncoder> encoder_;
  bool hash_wanted_;
  std::uint64_t bytes_ = 0;
  Sha256 hash_;
  std::string sha256_;
};

}  // namespace caravan::data
