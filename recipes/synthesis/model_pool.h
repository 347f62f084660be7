// The models of a recipe, each made when it is first asked.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/endpoint/endpoint_generator.h"
#include "data/text_generator.h"
#include "recipes/synthesis/model_source.h"

namespace caravan::recipes {

struct LocalModelRequest {
  ModelSource source;
  std::string log_path;
  std::function<bool()> stop;
  std::function<void()> make_room;  // called before weights are loaded
};
// A model of a checkpoint: its log and its tokenizer are there from the start, its weights from the first
// request that is not in the log.
class LocalModelGenerator : public data::TextGenerator {
 public:
  // Forgets the weights until they are needed again.
  virtual void release() = 0;
};
// Null in a program that links no LibTorch.
using MakeLocalModel = std::unique_ptr<LocalModelGenerator> (*)(const LocalModelRequest& request);

// Keys, templates and folders that can be looked at before anything is asked. Throws data::Error.
void check_models_of(const std::vector<ModelSource>& models);

// Whether one of them needs LibTorch.
bool any_local(const std::vector<ModelSource>& models);

// What tells one checkpoint from another in the same folder: the bytes of its files, and of weights names,
// sizes and times (to hash gigabytes would take longer than many a run). Throws data::Error.
std::string checkpoint_fingerprint(const std::string& folder);

class ModelPool {
 public:
  // Logs of requests lie in `folder`/requests/NAME.jsonl. `models` outlive this.
  ModelPool(const std::vector<ModelSource>& models, std::string folder, std::uint64_t seed, bool quiet,
            MakeLocalModel make_local);

  // Good as long as this. Of local models the weights of one are in memory at a time.
  data::TextGenerator& get(const std::string& name);
  // The weights of local models leave memory.
  void release_local() {
    for (const auto& [name, model] : local_) model->release();
  }
  // What decides about a model's texts, for the record of a step: name, host and model, or checkpoint, and
  // its template. Throws data::Error as the template and checkpoint_fingerprint.
  data::Json shown(const std::string& name) const;
  // Requests and tokens of each endpoint that was asked, over all runs in the folder.
  data::Json spent() const;

 private:
  const ModelSource& source(const std::string& name) const;
  LocalModelRequest local_request(const ModelSource& asked, const std::string& log);
  void tell(const std::string& name, const data::EndpointCounts& counts);

  const std::vector<ModelSource>& models_;
  std::string folder_;
  std::uint64_t seed_;
  bool quiet_;
  MakeLocalModel make_local_;
  std::map<std::string, std::unique_ptr<data::EndpointGenerator>> endpoints_;
  std::map<std::string, std::unique_ptr<LocalModelGenerator>> local_;
  std::chrono::steady_clock::time_point told_ = std::chrono::steady_clock::now();
};

}  // namespace caravan::recipes
