// Where a file of a checkpoint really lies. Archives carry links too, so what is copied out of a checkpoint
// must be the checkpoint's own: a LICENSE that is a link to somebody's key would be published with the model.
#pragma once

#include <filesystem>

namespace caravan::models {

// The file lies in `folder`, or a hub cache's link (models--NAME/snapshots/REVISION/FILE) leads to the store
// beside it (models--NAME/blobs). Throws Error (77) naming the target otherwise.
void require_own_file(const std::filesystem::path& folder, const std::filesystem::path& file);
// The same of all companion files, chat templates included.
void require_own_companions(const std::filesystem::path& folder);

}  // namespace caravan::models
