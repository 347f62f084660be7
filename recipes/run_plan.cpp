#include "recipes/run_plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "data/text_table.h"
#include "recipes/stages/rollout_prompts.h"
#include "recipes/stages/stage_data.h"
#include "recipes/stages/training_model.h"
#include "trainer/metrics/console_sink.h"
#include "trainer/optim/lr_schedule.h"
#include "trainer/rollout/rollout_source.h"
#include "trainer/stop_request.h"

namespace caravan::recipes {

namespace {

// Steps whose micro-batches are counted: all of a short run, a sample of a long one.
constexpr std::int64_t kMaxStepsLookedAt = 64;
constexpr std::int64_t kRates = 60;

// Without rows: full micro-batches, or a document of the longest each.
std::int64_t guess_micro_batches(const Recipe& recipe) {
  const std::int64_t tokens = recipe.batch.tokens
                                  ? *recipe.batch.tokens
                                  : *recipe.batch.sequences * recipe.sides() * recipe.data.max_length;
  return (tokens + recipe.batch.micro_tokens - 1) / recipe.batch.micro_tokens;
}

// Of a stage that samples: what its prompts make; the tokens are those of one epoch's prompts.
RunPlan::Steps read_prompt_steps(const Recipe& recipe, const TextFront& front) {
  const data::PromptSet prompts =
      open_prompts(recipe, front, [] { return trainer::StopRequest::requested(); });
  RunPlan::Steps steps;
  steps.steps = rollout_steps(recipe, prompts.size());
  steps.documents = static_cast<std::int64_t>(prompts.size());
  steps.tokens = prompts.num_tokens();
  steps.epochs = static_cast<double>(steps.steps) /
                 static_cast<double>(trainer::steps_of_rollout(recipe.rollout, *recipe.batch.sequences)) *
                 static_cast<double>(recipe.rollout.prompts) / static_cast<double>(prompts.size());
  steps.micro_batches = guess_micro_batches(recipe);
  return steps;
}

RunPlan::Steps read_steps(const Recipe& recipe) {
  const TextFront front =
      load_text_front(recipe.model.path, recipe.data.tokenizer, recipe.data.chat_template, true);
  if (recipe.stage == Stage::kRlvr) return read_prompt_steps(recipe, front);
  data::OpenOptions options;
  options.rows = recipe.row_kind();
  options.mismatched = recipe.has_mismatched();
  options.seed = recipe.run.seed;
  options.variables = front.variables;
  options.cancelled = [] { return trainer::StopRequest::requested(); };
  const data::TrainingData rows = data::TrainingData::open(cached_data(recipe, recipe.data.sources),
                                                           *front.tokenizer, *front.chat_template, options);
  const data::BatchPlan plan = rows.plan(plan_options(recipe));
  RunPlan::Steps steps;
  steps.steps = plan.num_steps();
  steps.documents = static_cast<std::int64_t>(rows.num_documents());
  steps.tokens = plan.num_tokens();
  steps.trained_tokens = plan.num_trained_tokens();
  steps.epochs = plan.epochs_after(plan.num_steps() - 1);
  const std::int64_t stride = (plan.num_steps() + kMaxStepsLookedAt - 1) / kMaxStepsLookedAt;
  for (std::int64_t step = 0; step < plan.num_steps(); step += stride)
    steps.micro_batches =
        std::max(steps.micro_batches, static_cast<std::int64_t>(plan.micro_batches(step).size()));
  return steps;
}

std::vector<RunPlan::Rate> rates(const Recipe& recipe, std::int64_t steps) {
  const trainer::LrSchedule schedule(recipe.schedule, recipe.optimizer.learning_rate, steps);
  std::vector<RunPlan::Rate> found;
  for (std::int64_t i = 0; i < std::min(kRates, steps); ++i) {
    const std::int64_t step = steps <= kRates ? i : i * (steps - 1) / (kRates - 1);
    found.push_back({step + 1, schedule.rate(step)});
  }
  return found;
}

// One character a rate, eight heights.
std::string curve(const std::vector<RunPlan::Rate>& rates) {
  constexpr std::array<const char*, 9> kHeights{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  double most = 0.0;
  for (const RunPlan::Rate& rate : rates) most = std::max(most, rate.rate);
  std::string text;
  for (const RunPlan::Rate& rate : rates)
    text += kHeights[most > 0.0 ? static_cast<std::size_t>(std::ceil(rate.rate / most * 8.0 - 1e-9)) : 0];
  return text;
}

std::string rate_text(double rate) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", rate);
  return text;
}

std::string counted(std::int64_t number) {
  return trainer::with_thousands(static_cast<double>(number));
}

std::string gib(std::uint64_t bytes) {
  return trainer::format_gibibytes(static_cast<double>(bytes));
}

struct Part {
  const char *name, *key;
  std::uint64_t trainer::MemoryPlan::*bytes;
};
constexpr std::array<Part, 11> kParts{
    {{"parameters", "parameters", &trainer::MemoryPlan::parameters},
     {"reference", "reference", &trainer::MemoryPlan::reference},
     {"value model", "value_model", &trainer::MemoryPlan::value_model},
     {"reward model", "reward_model", &trainer::MemoryPlan::reward_model},
     {"keys and values", "kv_cache", &trainer::MemoryPlan::kv_cache},
     {"gradients", "gradients", &trainer::MemoryPlan::gradients},
     {"optimizer", "optimizer", &trainer::MemoryPlan::optimizer},
     {"activations", "activations", &trainer::MemoryPlan::activations},
     {"logits, a chunk", "logits", &trainer::MemoryPlan::logits},
     {"copy of a checkpoint", "checkpoint_copy", &trainer::MemoryPlan::checkpoint_copy},
     {"program", "program", &trainer::MemoryPlan::program}}};

// A column for each moment of a step.
std::string memory_table(const RunPlan& plan) {
  std::vector<data::TableLine> table{{"memory of each rank"}};
  for (const trainer::MemoryPlan& moment : plan.moments) table[0].emplace_back(moment.moment);
  for (const Part& part : kParts) {
    const bool any = std::ranges::any_of(
        plan.moments, [&](const trainer::MemoryPlan& moment) { return moment.*part.bytes > 0; });
    if (!any) continue;
    table.push_back({std::string("  ") + part.name});
    for (const trainer::MemoryPlan& moment : plan.moments) table.back().push_back(gib(moment.*part.bytes));
  }
  table.push_back({"  together"});
  for (const trainer::MemoryPlan& moment : plan.moments) table.back().push_back(gib(moment.peak()));
  return data::print_table(table);
}

nlohmann::ordered_json memory_json(const trainer::MemoryPlan& memory) {
  nlohmann::ordered_json json;
  for (const Part& part : kParts) json[part.key] = memory.*part.bytes;
  json["peak"] = memory.peak();
  return json;
}

// What the way back needs of a pass, by the policies a recipe may name.
std::vector<std::pair<std::string, std::uint64_t>> activations_by_policy(const models::LlamaConfig& config,
                                                                         trainer::MemoryInputs inputs) {
  std::vector<std::pair<std::string, std::uint64_t>> found;
  for (const auto& [name, every] :
       {std::pair{"none", std::int64_t{0}}, {"every 2 layers", std::int64_t{2}}, {"all", std::int64_t{1}}}) {
    inputs.recompute_every = every;
    std::uint64_t most = 0;
    for (const trainer::MemoryPlan& moment : trainer::plan_moments(config, inputs))
      most = std::max(most, moment.activations);
    found.emplace_back(name, most);
  }
  return found;
}

}  // namespace

RunPlan make_run_plan(const Recipe& recipe, const PlanRequest& request) {
  const models::LlamaConfig config =
      config_of_stage(recipe, request.config.empty() ? recipe.model.path + "/config.json" : request.config);
  RunPlan plan;
  plan.ranks = request.ranks;
  plan.shard = recipe.distributed.shard;
  plan.parameters = trainer::count_parameters(config);
  plan.inputs = memory_inputs(recipe, config, request.ranks, request.on_host, request.scorer_config);
  plan.moments = trainer::plan_moments(config, plan.inputs);
  plan.memory = trainer::plan_memory(config, plan.inputs);
  plan.activations = activations_by_policy(config, plan.inputs);
  trainer::require_memory(config, plan.inputs, recipe.data.max_length, request.memory_bytes, "each rank");
  if (request.reads_data) plan.data = read_steps(recipe);
  plan.micro_batches = plan.data ? plan.data->micro_batches : guess_micro_batches(recipe);
  plan.traffic = trainer::plan_traffic(config, plan.inputs, plan.micro_batches);
  plan.steps = plan.data ? plan.data->steps : recipe.run.max_steps;
  if (plan.steps) plan.rates = rates(recipe, *plan.steps);
  return plan;
}

std::string describe(const RunPlan& plan) {
  std::string text = counted(plan.parameters) + " parameters in " + (plan.inputs.bf16 ? "bf16" : "fp32") +
                     "; " + counted(plan.ranks) + (plan.ranks == 1 ? " rank" : " ranks") +
                     ", distributed.shard " + std::to_string(plan.shard) + "\n\n";
  text += memory_table(plan) + "\nactivations of " + counted(plan.inputs.micro_tokens) +
          " tokens, by model.recompute:";
  for (const auto& [policy, bytes] : plan.activations)
    text += (policy == plan.activations.front().first ? " " : ", ") + policy + " " + gib(bytes);
  text += "\n";
  if (plan.ranks > 1)
    text += "each rank sends " + gib(plan.traffic.total()) + " in a step of " + counted(plan.micro_batches) +
            " micro-batches: parameters " + gib(plan.traffic.values) + ", gradients " +
            gib(plan.traffic.gradients) + "\n";
  if (plan.data) {
    char epochs[32];
    std::snprintf(epochs, sizeof epochs, "%.4g", plan.data->epochs);
    text += counted(plan.data->steps) + (plan.data->steps == 1 ? " step, " : " steps, ") + epochs +
            (plan.data->epochs == 1.0 ? " epoch of " : " epochs of ") + counted(plan.data->documents);
    text += plan.data->trained_tokens > 0 ? " documents, " + counted(plan.data->tokens) + " tokens, " +
                                                counted(plan.data->trained_tokens) + " of them trained\n"
                                          : " prompts of " + counted(plan.data->tokens) + " tokens\n";
  } else {
    text +=
        plan.steps ? counted(*plan.steps) + " steps\n" : "steps: not counted, for the rows were not read\n";
  }
  if (!plan.rates.empty()) {
    const auto peak = std::max_element(plan.rates.begin(), plan.rates.end(),
                                       [](const auto& a, const auto& b) { return a.rate < b.rate; });
    text += "learning rate " + rate_text(plan.rates.front().rate) + " at step 1, " + rate_text(peak->rate) +
            " at step " + counted(peak->step) + ", " + rate_text(plan.rates.back().rate) + " at step " +
            counted(plan.rates.back().step) + "\n" + curve(plan.rates) + "\n";
  }
  return text;
}

nlohmann::ordered_json to_json(const RunPlan& plan) {
  nlohmann::ordered_json json = {
      {"parameters", plan.parameters},
      {"ranks", plan.ranks},
      {"shard", plan.shard},
      {"memory_bytes", memory_json(plan.memory)},
      {"sent_bytes_of_a_step", {{"parameters", plan.traffic.values}, {"gradients", plan.traffic.gradients}}},
      {"micro_batches", plan.micro_batches}};
  for (const trainer::MemoryPlan& moment : plan.moments)
    json["moments"][std::string(moment.moment)] = memory_json(moment);
  for (const auto& [policy, bytes] : plan.activations) json["activations_by_recompute"][policy] = bytes;
  if (plan.steps) json["steps"] = *plan.steps;
  if (plan.data) {
    json["epochs"] = plan.data->epochs;
    json["documents"] = plan.data->documents;
    json["tokens"] = plan.data->tokens;
    json["trained_tokens"] = plan.data->trained_tokens;
  }
  for (const RunPlan::Rate& rate : plan.rates)
    json["learning_rates"].push_back({{"step", rate.step}, {"rate", rate.rate}});
  return json;
}

}  // namespace caravan::recipes
