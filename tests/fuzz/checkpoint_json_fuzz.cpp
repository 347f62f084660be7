// The JSON files of a checkpoint: config.json, the index of its shards, generation_config.json, the manifest
// of a run's own.
#include "models/error.h"
#include "models/generation/generation_config.h"
#include "models/llama/config.h"
#include "models/weights/hf_layout.h"
#include "tests/fuzz/fuzz_input.h"
#include "trainer/checkpoint/checkpoint_files.h"
#include "trainer/error.h"

using namespace caravan;

namespace {

void check_index(std::string_view text) {
  for (const auto& [tensor, file] :
       models::read_weight_map(fuzz::file_of("model.safetensors.index.json", text)))
    fuzz::require(models::is_plain_file_name(file), "shards stay in their folder");
}

std::string folder_of(const char* name, std::string_view text) {
  return std::filesystem::path(fuzz::file_of(name, text)).parent_path().string();
}

}  // namespace

const fuzz::Registered kTarget("checkpoint_json", [](fuzz::Input input) {
  const std::size_t which = input.choose(4);
  fuzz::may_refuse<models::Error>([&] {
    if (which == 0) models::read_llama_config(fuzz::file_of("config.json", input.rest()));
    if (which == 1) check_index(input.rest());
    if (which == 2) models::read_generation_config(folder_of("generation_config.json", input.rest()));
    if (which == 3)
      fuzz::may_refuse<trainer::Error>(
          [&] { trainer::read_manifest(folder_of(trainer::kManifestFile, input.rest())); });
  });
});
