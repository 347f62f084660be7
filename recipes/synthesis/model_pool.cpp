#include "recipes/synthesis/model_pool.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>

#include "data/chat/checkpoint_template.h"
#include "data/choice_name.h"
#include "data/endpoint/endpoint_address.h"
#include "data/error.h"
#include "data/sha256.h"
#include "data/text_table.h"
#include "data/walk/whole_file.h"
#include "recipes/shown_text.h"
#include "trainer/stop_request.h"

namespace caravan::recipes {

using data::Error;
using data::Json;

bool any_local(const std::vector<ModelSource>& models) {
  return std::ranges::any_of(models, &ModelSource::is_local);
}

namespace {

namespace fs = std::filesystem;

bool is_weights(const fs::path& name) {
  constexpr std::array<std::string_view, 7> kEndings{".safetensors", ".bin", ".pt",  ".pth",
                                                     ".gguf",        ".h5",  ".onnx"};
  return std::ranges::find(kEndings, name.extension().string()) != kEndings.end();
}

// Words for people, which no model reads.
bool is_page(const fs::path& name) {
  return name.extension() == ".md" || name.string().starts_with('.');
}

// Of a template that is named besides the checkpoint's own; empty: there is none.
std::string template_fingerprint(const std::string& chosen) {
  if (chosen.empty() || chosen == "auto") return {};
  return data::choose_template(chosen, data::CheckpointTemplate()).fingerprint();
}

}  // namespace

void check_models_of(const std::vector<ModelSource>& models) {
  for (const ModelSource& model : models) {
    if (model.is_local()) {
      checkpoint_fingerprint(model.checkpoint);
      template_fingerprint(model.chat_template);
    } else {
      data::endpoint_key(model.endpoint, data::parse_endpoint_url(model.endpoint.url));
      template_fingerprint(model.endpoint.prompt_template);
    }
  }
}

std::string checkpoint_fingerprint(const std::string& folder) {
  bool has_weights = false;
  std::map<std::string, std::string> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = entry.path().filename().string();
    if (is_page(name)) continue;
    has_weights = has_weights || entry.path().extension() == ".safetensors";
    if (is_weights(name))
      files[name] = std::to_string(entry.file_size()) + ' ' +
                    std::to_string(entry.last_write_time().time_since_epoch().count());
    else
      files[name] = data::sha256_file_hex(entry.path().string());
  }
  if (!files.contains("config.json"))
    throw Error(Error::Kind::kInputOutput,
                folder + ": there is no config.json; checkpoint names a folder in Hugging Face layout");
  if (!has_weights)
    throw Error(Error::Kind::kInputOutput,
                folder + ": there is no .safetensors file; checkpoint names a folder with weights");
  std::string text;
  for (const auto& [name, what] : files) text += name + ' ' + what + '\n';
  return data::sha256_hex(text);
}

ModelPool::ModelPool(const std::vector<ModelSource>& models, std::string folder, std::uint64_t seed,
                     bool quiet, MakeLocalModel make_local)
    : models_(models), folder_(std::move(folder)), seed_(seed), quiet_(quiet), make_local_(make_local) {}

const ModelSource& ModelPool::source(const std::string& name) const {
  const auto found = std::ranges::find(models_, name, &ModelSource::name);
  if (found == models_.end()) throw Error(Error::Kind::kInternal, "no model " + name + " in this recipe");
  return *found;
}

data::TextGenerator& ModelPool::get(const std::string& name) {
  const ModelSource& asked = source(name);
  if (asked.is_local() && local_.contains(name)) return *local_.at(name);
  if (!asked.is_local() && endpoints_.contains(name)) return *endpoints_.at(name);
  data::make_folder(folder_ + "/requests");
  const std::string log = folder_ + "/requests/" + name + ".jsonl";
  if (asked.is_local()) {
    if (make_local_ == nullptr)
      throw Error(Error::Kind::kInternal, "model " + name + " needs the program that computes");
    return *local_.emplace(name, make_local_(local_request(asked, log))).first->second;
  }
  data::EndpointHooks hooks{.stop = trainer::StopRequest::requested, .seed = seed_};
  hooks.progress = [this, name](const data::EndpointCounts& counts) { tell(name, counts); };
  auto made = std::make_unique<data::EndpointGenerator>(asked.endpoint, log, std::move(hooks));
  return *endpoints_.emplace(name, std::move(made)).first->second;
}

LocalModelRequest ModelPool::local_request(const ModelSource& asked, const std::string& log) {
  const auto make_room = [this, name = asked.name] {
    for (const auto& [other, model] : local_)
      if (other != name) model->release();
  };
  return {asked, log, trainer::StopRequest::requested, make_room};
}

void ModelPool::tell(const std::string& name, const data::EndpointCounts& counts) {
  constexpr std::chrono::seconds kBetween(10);
  const auto now = std::chrono::steady_clock::now();
  if (quiet_ || now - told_ < kBetween) return;
  told_ = now;
  const std::uint64_t settled = counts.from_log + counts.answered + counts.given_up;
  std::fprintf(stderr, "%s: %s of %s requests, %s from the log, %s attempts, %s tokens\n",
               shown_text(name).c_str(), data::grouped(settled).c_str(), data::grouped(counts.asked).c_str(),
               data::grouped(counts.from_log).c_str(), data::grouped(counts.attempts).c_str(),
               data::grouped(static_cast<std::uint64_t>(counts.tokens)).c_str());
}

Json ModelPool::shown(const std::string& name) const {
  const ModelSource& asked = source(name);
  if (!asked.is_local())
    return {{"name", name},
            {"url", asked.endpoint.url},
            {"model", asked.endpoint.model},
            {"api", data::choice_name(asked.endpoint.api)},
            {"prompt_template", asked.endpoint.prompt_template},
            {"template_sha256", template_fingerprint(asked.endpoint.prompt_template)}};
  return {{"name", name},
          {"checkpoint", asked.checkpoint},
          {"fingerprint", checkpoint_fingerprint(asked.checkpoint)},
          {"dtype", data::choice_name(asked.dtype)},
          {"chat_template", asked.chat_template},
          {"template_sha256", template_fingerprint(asked.chat_template)}};
}

Json ModelPool::spent() const {
  Json list = Json::array();
  for (const auto& [name, endpoint] : endpoints_)
    list.push_back({{"model", name},
                    {"requests", endpoint->log().requests_spent()},
                    {"tokens", endpoint->log().tokens_spent()},
                    {"answers", endpoint->log().num_answers()}});
  return list;
}

}  // namespace caravan::recipes
