// A file that is there whole or not at all.
//
// Written beside its place as NAME.partial, synced by finish(), renamed by commit(); destroyed before that,
// nothing is left. What a killed process left is written over by the next; two that write the same file at
// once are told apart by a lock, and the second is refused. Non-goals: appending, reading.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace caravan::data {

struct WholeFileOptions {
  bool force = false;                    // replace a file that exists
  std::vector<std::string> inputs = {};  // files that must not be written over, by whatever path
};

class WholeFile {
 public:
  // Throws data::Error before anything is written: a file that exists or is one of the inputs, another
  // process that writes it (unsafe), something that is no plain file (usage), a folder that is missing
  // (input/output).
  WholeFile(std::string path, const WholeFileOptions& options);
  ~WholeFile();
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  // Throw data::Error (input/output), a full disk included.
  void write(std::string_view bytes);
  // Everything on the disk, still under the other name. Nothing may be written after it.
  void finish();
  // Puts the file in its place; finish() must have been called.
  void commit();
  const std::string& path() const { return path_; }

 private:
  void open_partial();

  std::string path_, partial_;
  int descriptor_ = -1;
};

// Writes all of a file, or nothing.
void write_whole_file(const std::string& path, std::string_view bytes, const WholeFileOptions& options);

// The folder and those above it. Throws data::Error (input/output).
void make_folder(const std::string& path);

}  // namespace caravan::data
