#include "recipes/local_model.h"

#include <filesystem>

#include "models/generation/generation_config.h"
#include "models/llama/config.h"
#include "models/llama/llama.h"
#include "recipes/device.h"
#include "recipes/model_front.h"
#include "recipes/text_front.h"
#include "trainer/rollout/local_text_generator.h"

namespace caravan::recipes {
namespace {

namespace fs = std::filesystem;

class LocalModel : public LocalModelGenerator {
 public:
  explicit LocalModel(const LocalModelRequest& request)
      : front_(load_text_front(request.source.checkpoint, "", request.source.chat_template, true)),
        config_(models::read_llama_config((fs::path(request.source.checkpoint) / "config.json").string())),
        text_(config_, loader(request), *front_.tokenizer, *front_.chat_template, request.log_path,
              options(request)) {}

  std::string name() const override { return text_.name(); }
  std::vector<data::Generation> generate(std::span<const data::GenerationRequest> requests) override {
    return text_.generate(requests);
  }
  void release() override { text_.release(); }

 private:
  // A device that is not there is told at once, a damaged weight when it is read.
  static trainer::LocalTextGenerator::Load loader(const LocalModelRequest& request) {
    const at::Device device = choose_device(request.source.device, ask_cuda(), "models[].device");
    return [request, device] {
      if (request.make_room) request.make_room();
      return load_model(request.source.checkpoint, dtype_name(request.source.dtype), device);
    };
  }

  trainer::LocalTextOptions options(const LocalModelRequest& request) const {
    const std::string& folder = request.source.checkpoint;
    trainer::LocalTextOptions options;
    options.name = fs::path(folder).filename().string() + " (" + request.source.name + ")";
    options.fingerprint = checkpoint_fingerprint(folder) + ' ' + front_.tokenizer->fingerprint() + ' ' +
                          front_.chat_template->fingerprint() + ' ' +
                          std::to_string(static_cast<int>(request.source.dtype));
    options.variables = front_.variables;
    options.today = today();
    options.generator.batch_size = request.source.batch_size;
    options.generator.stop_ids = models::stop_ids_of(config_, models::read_generation_config(folder));
    options.stop = request.stop;
    return options;
  }

  TextFront front_;
  models::LlamaConfig config_;
  trainer::LocalTextGenerator text_;
};

}  // namespace

std::unique_ptr<LocalModelGenerator> make_local_model(const LocalModelRequest& request) {
  return std::make_unique<LocalModel>(request);
}

}  // namespace caravan::recipes
