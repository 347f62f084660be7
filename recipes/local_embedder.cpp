#include "recipes/local_embedder.h"

#include <filesystem>

#include "data/sha256.h"
#include "models/llama/llama.h"
#include "recipes/device.h"
#include "recipes/model_front.h"
#include "recipes/stages/input_hashes.h"
#include "trainer/rollout/local_text_embedder.h"

namespace caravan::recipes {
namespace {

class LocalEmbedder : public data::TextEmbedder {
 public:
  explicit LocalEmbedder(const EmbedderSource& source)
      : tokenizer_(data::load_tokenizer(source.embedder)),
        model_(load_model(source.embedder, dtype_name(source.embedder_dtype),
                          choose_device(source.embedder_device, ask_cuda(), "embedder_device"))),
        vectors_(*model_, *tokenizer_, {.name = full_name(source)}) {}

  std::string name() const override { return vectors_.name(); }
  std::size_t num_dimensions() const override { return vectors_.num_dimensions(); }
  void embed(std::span<const std::string_view> texts, std::span<float> vectors) const override {
    vectors_.embed(texts, vectors);
  }

 private:
  // All that fixes the vectors but the device.
  std::string full_name(const EmbedderSource& source) const {
    std::string text = tokenizer_->fingerprint();
    for (const auto& [file, hash] : hash_files(checkpoint_files(source.embedder, "", true)))
      text += '\n' + file + ' ' + hash;
    const std::filesystem::path folder =
        std::filesystem::absolute(source.embedder).lexically_normal() / "config.json";
    return folder.parent_path().filename().string() + ' ' +
           (model_->dtype() == at::kBFloat16 ? "bf16" : "fp32") + " mean " + data::sha256_hex(text);
  }

  std::unique_ptr<data::Tokenizer> tokenizer_;
  std::unique_ptr<models::Llama> model_;
  trainer::LocalTextEmbedder vectors_;
};

}  // namespace

std::unique_ptr<data::TextEmbedder> make_local_embedder(const EmbedderSource& source) {
  return std::make_unique<LocalEmbedder>(source);
}

}  // namespace caravan::recipes
