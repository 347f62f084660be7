#include "models/weights/link_target.h"

#include <algorithm>

#include "models/error.h"
#include "models/weights/hf_layout.h"

namespace caravan::models {
namespace {

namespace fs = std::filesystem;

bool is_inside(const fs::path& file, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), file.begin(), file.end()).first == folder.end();
}

}  // namespace

void require_own_file(const fs::path& folder, const fs::path& file) {
  std::error_code ignored;
  const fs::path home = fs::canonical(folder, ignored), target = fs::weakly_canonical(file, ignored);
  if (is_inside(target, home)) return;
  const fs::path snapshots = home.parent_path();
  if (snapshots.filename() == "snapshots" && is_inside(target, snapshots.parent_path() / "blobs")) return;
  throw Error(
      Error::Kind::kUnsafe,
      file.string() + ": leads to " + target.string() +
          ", which is outside of the checkpoint and would be copied with it; allowed are files of the "
          "folder and links into a hub cache. Look at what it is, and put the file in its place");
}

void require_own_companions(const fs::path& folder) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored))
    if (is_companion_file(entry.path().filename().string())) require_own_file(folder, entry.path());
  for (const fs::directory_entry& entry : fs::directory_iterator(folder / kTemplateFolder, ignored))
    require_own_file(folder, entry.path());
}

}  // namespace caravan::models
