#include "recipes/stages/stage_value.h"

#include "models/weights/hf_directory.h"
#include "recipes/stages/stage_reference.h"
#include "trainer/ask_model.h"

namespace caravan::recipes {
namespace {

// As of a reward model, once nothing speaks against training it.
Recipe value_recipe(const Recipe& recipe, const TextFront& front) {
  require_same_tokenizer("value.path", recipe.value.path, front);
  Recipe value = recipe;
  value.stage = Stage::kRm;
  if (!recipe.value.path.empty()) {
    value.model.path = recipe.value.path;
    value.model.init = models::Init::kPretrained;
  }
  value.optimizer.learning_rate = recipe.value.learning_rate.value_or(recipe.optimizer.learning_rate);
  return value;
}

}  // namespace

StageValue::StageValue(const Recipe& recipe, trainer::ProcessGroup& group, const at::Device& device,
                       const TextFront& front)
    : recipe_(value_recipe(recipe, front)),
      model_(recipe_, group, device, front.tokenizer->vocab_size()),
      pass_(model_.units(), 0),
      objective_(recipe.value.cliprange_value, recipe.value.vf_coef) {}

trainer::AskModel StageValue::ask() {
  return trainer::ask_model(model_.units(), pass_);
}

void StageValue::connect(trainer::BatchSource& source, bool resumes) {
  trainer::TrainerOptions options;
  options.optimizer = recipe_.optimizer;
  options.schedule = recipe_.schedule;
  options.recompute_every = recipe_.model.recompute.every;
  options.seed = recipe_.run.seed;
  trainer_.emplace(options, model_.units(), objective_, source);
  if (!resumes && recipe_.model.init == models::Init::kPretrained &&
      recipe_.model.dtype == models::DType::kBf16)
    trainer_->optimizer().load_master(models::HfDirectory(recipe_.model.path));
}

std::vector<trainer::MetricValue> StageValue::train_step() {
  std::vector<trainer::MetricValue> values;
  for (trainer::MetricValue& value : trainer_->train_step()) {
    if (value.name.starts_with("train/value/")) value.name.erase(0, std::string("train/").size());
    if (value.name == "train/loss" || value.name == "train/grad_norm")
      value.name.replace(0, std::string("train").size(), "value");
    if (value.name.starts_with("value/")) values.push_back(std::move(value));
  }
  return values;
}

std::vector<trainer::StatePart> StageValue::state() {
  std::vector<trainer::StatePart> parts = trainer_->optimizer().state();
  for (trainer::StatePart& part : parts) part.name = "value." + part.name;
  return parts;
}

void StageValue::state_restored(std::int64_t steps) {
  trainer_->optimizer().state_restored();
  trainer_->set_steps_done(steps);
}

void StageValue::write(const std::filesystem::path& folder) {
  export_model(recipe_, model_.units(), folder);
}

std::vector<NamedFile> value_files(const Recipe& recipe) {
  if (!recipe.has_value_model() || recipe.value.path.empty()) return {};
  return checkpoint_files(recipe.value.path, "value:", true);
}

}  // namespace caravan::recipes
