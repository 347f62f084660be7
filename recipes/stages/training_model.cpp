#include "recipes/stages/training_model.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <sstream>

#include "models/device.h"
#include "models/llama/parameter_shapes.h"
#include "models/weights/hf_directory_writer.h"
#include "models/weights/link_target.h"
#include "trainer/error.h"
#include "trainer/metrics/process_memory.h"
#include "trainer/objectives/kept_logits.h"

namespace caravan::recipes {

namespace {

at::ScalarType scalar_type(models::DType dtype) {
  return dtype == models::DType::kBf16 ? at::kBFloat16 : at::kFloat;
}

// Sums of several micro-batches are in fp32; the gradients of a single one are rounded to the dtype of the
// parameters as they are written, those of the head once for each chunk of rows.
trainer::ShardOptions shard_options(const Recipe& recipe) {
  trainer::ShardOptions options;
  options.stage = recipe.distributed.shard;
  options.ordered = recipe.run.deterministic;
  options.single_micro_batch = recipe.batch.tokens && *recipe.batch.tokens <= recipe.batch.micro_tokens;
  options.gradient_dtype = options.single_micro_batch ? scalar_type(recipe.model.dtype) : at::kFloat;
  return options;
}

// Reads the checkpoint in `path`, or makes the random weights of a run that starts from them.
void load_units(const std::string& path, models::Init init, std::uint64_t seed, models::Llama& model,
                trainer::UnitShards& units) {
  std::optional<models::HfDirectory> directory;
  bool new_scores = false;
  if (init == models::Init::kPretrained) {
    directory.emplace(path);
    std::vector<models::TensorShape> shapes = models::llama_parameter_shapes(model.config());
    models::CheckOptions options;
    // What becomes a reward model may be a language model still.
    options.may_have_head = new_scores = model.config().num_labels > 0 && directory->config().num_labels == 0;
    if (new_scores) shapes.pop_back();
    directory->check(shapes, options);
  }
  for (std::size_t unit = 0; unit < units.num_units(); ++unit) {
    units.fill(unit, [&](std::size_t u) {
      if (directory)
        model.load_unit(u, *directory);
      else
        model.initialize_unit(u, seed);
      if (new_scores && u + 1 == units.num_units()) model.initialize_scores(seed);
    });
    units.group().note_progress();
  }
}

// What two models must share for each token of one to be a token of the other.
void require_same_architecture(const models::LlamaConfig& policy, const std::string& policy_path,
                               const models::LlamaConfig& reference, const std::string& path) {
  const auto require = [&](const char* what, const auto& own, const auto& other) {
    if (own == other) return;
    std::ostringstream text;
    text << "reference.path: " << path << ": " << what << " is " << other << ", and of " << policy_path << " "
         << own
         << "; the reference must be of the same architecture and vocabulary: name another checkpoint, or "
            "leave reference.path out to compare with the weights that training starts from";
    throw trainer::Error(trainer::Error::Kind::kData, text.str());
  };
  require("model_type", models::model_type_name(policy.model_type),
          models::model_type_name(reference.model_type));
  require("vocab_size", policy.vocab_size, reference.vocab_size);
  require("hidden_size", policy.hidden_size, reference.hidden_size);
  require("intermediate_size", policy.intermediate_size, reference.intermediate_size);
  require("num_hidden_layers", policy.num_hidden_layers, reference.num_hidden_layers);
  require("num_attention_heads", policy.num_attention_heads, reference.num_attention_heads);
  require("num_key_value_heads", policy.num_key_value_heads, reference.num_key_value_heads);
  require("head_dim", policy.head_dim, reference.head_dim);
}

}  // namespace

models::LlamaConfig config_of_stage(const Recipe& recipe, const std::string& file) {
  models::LlamaConfig config = models::read_llama_config(file);
  if (recipe.stage == Stage::kRm) {
    config.num_labels = 1;
    config.tie_word_embeddings = false;
  } else if (config.num_labels > 0) {
    throw trainer::Error(trainer::Error::Kind::kData,
                         file +
                             ": is a reward model, which gives texts a score and no tokens; this stage needs "
                             "a language model: name one, or write stage: rm");
  }
  return config;
}

FrozenModel::FrozenModel(const Recipe& recipe, trainer::ProcessGroup& group, const at::Device& device) {
  const bool own = recipe.reference_path().empty();
  const std::string& path = own ? recipe.model.path : recipe.reference_path();
  const models::LlamaConfig config = config_of_stage(recipe, path + "/config.json");
  if (!own)
    require_same_architecture(config_of_stage(recipe, recipe.model.path + "/config.json"), recipe.model.path,
                              config, path);
  load(path, own ? recipe.model.init : models::Init::kPretrained, config, recipe, group, device);
}

FrozenModel::FrozenModel(const std::string& reward_model, const Recipe& recipe, trainer::ProcessGroup& group,
                         const at::Device& device) {
  const models::LlamaConfig config = models::read_llama_config(reward_model + "/config.json");
  if (config.num_labels == 0)
    throw trainer::Error(trainer::Error::Kind::kData,
                         "reward_model.path: " + reward_model +
                             ": is a language model, which gives no score; name the result of stage rm, or "
                             "another sequence classifier of one label");
  load(reward_model, models::Init::kPretrained, config, recipe, group, device);
}

void FrozenModel::load(const std::string& path, models::Init init, const models::LlamaConfig& config,
                       const Recipe& recipe, trainer::ProcessGroup& group, const at::Device& device) {
  model_ =
      std::make_unique<models::Llama>(config, scalar_type(recipe.model.dtype), device,
                                      trainer::UnitShards::memory_of(recipe.distributed.shard, group.size()));
  units_ = std::make_unique<trainer::UnitShards>(*model_, group, recipe.distributed.shard);
  load_units(path, init, recipe.run.seed, *model_, *units_);
}

TrainingModel::TrainingModel(const Recipe& recipe, trainer::ProcessGroup& group, const at::Device& device,
                             std::int64_t vocab_needed) {
  const models::LlamaConfig config = config_of_stage(recipe, recipe.model.path + "/config.json");
  if (vocab_needed > config.vocab_size)
    throw trainer::Error(trainer::Error::Kind::kData,
                         recipe.model.path + ": the tokenizer has " + std::to_string(vocab_needed) +
                             " tokens but the model has rows for " + std::to_string(config.vocab_size) +
                             "; use the checkpoint's own tokenizer");
  model_ =
      std::make_unique<models::Llama>(config, scalar_type(recipe.model.dtype), device,
                                      trainer::UnitShards::memory_of(recipe.distributed.shard, group.size()));
  units_ = std::make_unique<trainer::UnitShards>(*model_, group, shard_options(recipe));
  models::require_own_companions(recipe.model.path);
  load_units(recipe.model.path, recipe.model.init, recipe.run.seed, *model_, *units_);
}

namespace {

// Of a model with a head of scores beside the one that is trained: where no path is set, it starts from that.
models::LlamaConfig scoring_config(const std::string& key, const std::string& path,
                                   const std::string& instead, const models::LlamaConfig& policy) {
  std::error_code ignored;
  const std::string file = instead.empty() ? path + "/config.json" : instead;
  if (instead.empty() && !path.empty() && !std::filesystem::exists(file, ignored))
    throw trainer::Error(trainer::Error::Kind::kUsage,
                         key + ": no " + file +
                             "; it says how large that model is: put the checkpoint there, or name "
                             "such a file by plan's --scorer-config");
  models::LlamaConfig config = path.empty() && instead.empty() ? policy : models::read_llama_config(file);
  config.num_labels = 1;
  config.tie_word_embeddings = false;
  return config;
}

void add_rollouts(const Recipe& recipe, const models::LlamaConfig& config, const std::string& scorer_config,
                  trainer::MemoryInputs& inputs) {
  const trainer::RolloutOptions& rollout = recipe.rollout;
  inputs.moving_reference = recipe.holds_reference() && recipe.policy_reference.sync_steps;
  if (recipe.has_value_model())
    inputs.value_model = scoring_config("value.path", recipe.value.path, scorer_config, config);
  if (recipe.reward_model.is_there())
    inputs.reward_model =
        scoring_config("reward_model.path", recipe.reward_model.path, scorer_config, config);
  const std::int64_t prompts = (rollout.prompts + inputs.ranks - 1) / inputs.ranks;
  inputs.sampled_sequences = std::min(rollout.batch_size, prompts * rollout.completions);
  inputs.sampled_tokens = recipe.data.max_length;
  // A prompt is read once for all its completions.
  const std::int64_t begun = (inputs.sampled_sequences + rollout.completions - 1) / rollout.completions;
  inputs.sampled_prompt = begun * (recipe.data.max_length - rollout.max_new_tokens);
}

}  // namespace

trainer::MemoryInputs memory_inputs(const Recipe& recipe, const models::LlamaConfig& config,
                                    std::int64_t ranks, bool on_host, const std::string& scorer_config) {
  const trainer::ShardOptions shards = shard_options(recipe);
  trainer::MemoryInputs inputs;
  inputs.bf16 = recipe.model.dtype == models::DType::kBf16;
  inputs.micro_tokens = recipe.batch.micro_tokens;
  inputs.recompute_every = recipe.model.recompute.every;
  inputs.single_micro_batch = shards.single_micro_batch;
  inputs.ordered = shards.ordered;
  inputs.shard = shards.stage;
  inputs.ranks = ranks;
  inputs.on_host = on_host;
  inputs.program_bytes = trainer::read_process_memory().resident_bytes;
  inputs.live_reference = recipe.holds_reference();
  // Losses on whole answers; see trainer/objectives/answers.h.
  if (recipe.stage == Stage::kDpo || recipe.stage == Stage::kKto || recipe.stage == Stage::kRlvr)
    inputs.kept_logits_bytes = trainer::kept_logits_bytes(on_host);
  inputs.saves_meanwhile = recipe.run.checkpoint_every.has_value();
  if (recipe.stage == Stage::kRlvr) add_rollouts(recipe, config, scorer_config, inputs);
  return inputs;
}

void require_memory_for(const Recipe& recipe, const trainer::RankPlace& place, const at::Device& device) {
  const models::LlamaConfig config = config_of_stage(recipe, recipe.model.path + "/config.json");
  const trainer::MemoryInputs inputs = memory_inputs(recipe, config, place.size, device.is_cpu());
  // What the program holds already is in the plan as well.
  const std::uint64_t free = inputs.on_host
                                 ? trainer::free_host_memory(place.local_size) + inputs.program_bytes
                                 : models::device_facts(device).memory_bytes;
  std::string where = inputs.on_host ? "this machine" : device.str();
  if (inputs.on_host && place.local_size > 1) where += ", for each of its ranks,";
  trainer::require_memory(config, inputs, recipe.data.max_length, free, where);
}

void export_model(const Recipe& recipe, trainer::UnitShards& units, const std::filesystem::path& directory) {
  const models::Llama& model = units.model();
  std::optional<models::HfDirectoryWriter> writer;
  if (units.group().is_first()) {
    std::vector<models::TensorSpec> specs;
    for (const models::FlatUnit& unit : model.units())
      for (const models::Slot& slot : unit.slots())
        specs.push_back({slot.name, models::to_dtype(model.dtype()), slot.shape});
    models::HfWriterOptions options;
    options.source = recipe.model.path;
    options.replace_existing = true;
    writer.emplace(directory.string(), model.config(), specs, options);
  }
  for (std::size_t u = 0; u < units.num_units(); ++u) {
    units.need_values(u);
    const models::FlatUnit& unit = model.units()[u];
    if (writer)
      for (const models::Slot& slot : unit.slots()) writer->add(slot.name, unit.value(slot));
    units.release_values(u);
    units.group().note_progress();
  }
  if (writer) writer->finish();
}

}  // namespace caravan::recipes
