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
};
// Makes a model of a checkpoint; null in a program that links no LibTorch.
using MakeLocalModel = std::unique_ptr<data::TextGenerator> (*)(const LocalModelRequest& request);

// Whether one of them needs LibTorch.
bool any_local(const std::vector<ModelSource>& models);

// What tells one checkpoint from another in the same folder: the bytes of its json files, and of its weights
// names, sizes and times (to hash gigabytes would take longer than many a run). Throws data::Error.
std::string checkpoint_fingerprint(const std::string& folder);

class ModelPool {
 public:
  // Logs of requests lie in `folder`/requests/NAME.jsonl. `models` outlive this.
  ModelPool(const std::vector<ModelSource>& models, std::string folder, std::uint64_t seed, bool quiet,
            MakeLocalModel make_local);

  // Of local models one is in memory at a time: a reference is good until another name is asked for.
  data::TextGenerator& get(const std::string& name);
  // The local model leaves memory.
  void release_local() {
    local_.reset();
    local_name_.clear();
  }
  // What decides about a model's texts, for the record of a step: name, host and model, or checkpoint.
  data::Json shown(const std::string& name) const;
  // Requests and tokens of each endpoint that was asked, over all runs in the folder.
  data::Json spent() const;

 private:
  const ModelSource& source(const std::string& name) const;
  void tell(const std::string& name, const data::EndpointCounts& counts);

  const std::vector<ModelSource>& models_;
  std::string folder_;
  std::uint64_t seed_;
  bool quiet_;
  MakeLocalModel make_local_;
  std::map<std::string, std::unique_ptr<data::EndpointGenerator>> endpoints_;
  std::string local_name_;
  std::unique_ptr<data::TextGenerator> local_;
  std::chrono::steady_clock::time_point told_ = std::chrono::steady_clock::now();
};

}  // namespace caravan::recipes
