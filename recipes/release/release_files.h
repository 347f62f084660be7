// The files of a checkpoint that a release takes over, with their hashes.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "recipes/stages/input_hashes.h"

namespace caravan::recipes {

class ReleaseFiles {
 public:
  // config.json, weights, tokenizer, chat template, generation_config.json, licences. Reads all of them.
  // Throws data::Error: formats that run code when they are read among them (unsafe), files that cannot be
  // read (input/output).
  explicit ReleaseFiles(const std::filesystem::path& checkpoint);

  // Name -> "sha256:...".
  const std::map<std::string, std::string>& hashes() const { return hashes_; }
  // Copies them (weights as hard links where `link`), adds chat_template.jinja of `template_text` where it is
  // not empty, and a generation_config.json where the checkpoint has none; then reads everything again.
  // Throws data::Error: a link that the file system refuses (usage), bytes that differ (internal).
  void write_to(const std::filesystem::path& folder, bool link, const std::string& template_text) const;
  // Throws data::Error (unsafe) unless `released` is a release of these files, and its own are unchanged.
  void require_same_release(const std::filesystem::path& released) const;

  // All files of a folder, by name.
  static std::vector<NamedFile> listed(const std::filesystem::path& folder);
  // Syncs the folder and gives it its name; the name must be free.
  static void publish(const std::filesystem::path& partial, const std::filesystem::path& released);
  // Of a small file; of no file nothing.
  static std::string text_of(const std::filesystem::path& file);

 private:
  std::filesystem::path checkpoint_;
  std::vector<NamedFile> files_;
  std::map<std::string, std::string> hashes_;
};

}  // namespace caravan::recipes
