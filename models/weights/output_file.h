// Files that are written safely: every byte accounted for, synced, renamed when whole. Free of LibTorch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace caravan::models {

// A new file, open for writing. Destroyed before close() it stays where it is: its owner removes it.
class OutputFile {
 public:
  // Replaces a file of that name. All functions throw Error (74) with path, system's reason and what to do.
  explicit OutputFile(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // Sets the size and takes the room on the disk now, so that a full disk is known before the work is done.
  void reserve(std::uint64_t bytes);
  void write_at(std::uint64_t offset, std::span<const std::byte> content);
  // To the disk; also asks the system to forget the cached pages, so that a later read sees what the disk
  // has.
  void sync();
  void close();

 private:
  std::string path_;
  int descriptor_ = -1;
};

// Writes and syncs a whole file.
void write_file(const std::string& path, std::string_view content);
// Makes renames and new files in this folder survive a power cut.
void sync_folder(const std::string& path);
void rename_path(const std::string& from, const std::string& to);
// Puts `from` in the place of the existing `to` in one step where the file system can, and removes the old
// one.
void replace_folder(const std::string& from, const std::string& to);

}  // namespace caravan::models
