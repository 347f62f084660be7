#include "recipes/reader/aliases.h"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "recipes/reader/field_values.h"

namespace caravan::recipes {
namespace {

using Kind = YamlNode::Kind;

// Turns the value as others write it into ours; returns what is wrong, or nothing.
using Convert = std::string (*)(YamlNode& value);

struct Alias {
  std::string_view name;
  std::string_view key;  // empty: has no key because it always is as asked; "batch.sequences" and
                         // "optimizer.betas" take several
  Convert convert;
};

std::optional<double> number(const YamlNode& value) {
  double parsed = 0.0;
  const char* const last = value.text.data() + value.text.size();
  const auto [end, error] = std::from_chars(value.text.data(), last, parsed);
  const bool whole = error == std::errc() && end == last && !value.text.empty() && std::isfinite(parsed);
  return value.kind == Kind::kScalar && whole ? std::optional(parsed) : std::nullopt;
}

void turn_off(YamlNode& value) {
  value.kind = Kind::kNull;
  value.text.clear();
}

std::string as_is(YamlNode&) {
  return {};
}

std::string in_tokens(YamlNode& value) {
  if (number(value)) value.text += " tokens";
  return {};
}

// Trainers of others also take a share of the run here.
std::string in_steps(YamlNode& value) {
  const std::optional<double> steps = number(value);
  if (steps && *steps > 0 && *steps < 1)
    return "found " + value.text + "; a share of the run has no key here: write steps";
  if (steps) value.text += " steps";
  return {};
}

std::string in_percent(YamlNode& value) {
  const std::optional<double> ratio = number(value);
  if (!ratio) return "found " + found_text(value) + "; allowed: a number of at least 0 and at most 1";
  // 0.07 * 100 is 7.000000000000001; twelve digits are what a person meant.
  std::array<char, 40> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), *ratio * 100.0,
                                          std::chars_format::general, 12);
  value.text = std::string(digits.data(), error == std::errc() ? end : digits.data()) + " %";
  return {};
}

std::string off_below_zero(YamlNode& value) {
  const std::optional<double> amount = number(value);
  if (amount && *amount < 0) turn_off(value);
  return {};
}

std::string zero_below_zero(YamlNode& value) {
  const std::optional<double> amount = number(value);
  if (amount && *amount < 0) value.text = "0";
  return {};
}

std::string flag(YamlNode& value, std::string_view when_true, std::string_view when_false) {
  if (value.text != "true" && value.text != "false")
    return "found " + found_text(value) + "; allowed: true, false";
  value.text = value.text == "true" ? when_true : when_false;
  return {};
}

std::string dtype_of_bf16(YamlNode& value) {
  return flag(value, "bf16", "fp32");
}
std::string recompute_flag(YamlNode& value) {
  return flag(value, "all", "none");
}

std::string optimizer_name(YamlNode& value) {
  if (value.text == "adamw_torch" || value.text == "adamw_torch_fused" || value.text == "adamw_hf")
    value.text = "adamw";
  return {};
}

std::string schedule_name(YamlNode& value) {
  if (value.text == "constant_with_warmup") value.text = "constant";
  if (value.text == "warmup_stable_decay") value.text = "wsd";
  return {};
}

// What others call mean is a mean of micro-batch means, which changes with the number of micro-batches.
std::string reduction_name(YamlNode& value) {
  if (value.text != "mean") return {};
  return "found \"mean\", a mean of micro-batch means elsewhere, which is not offered; write loss.reduction: "
         "token_mean (all tokens "
         "of a step weigh the same) or example_mean";
}

std::string resume_choice(YamlNode& value) {
  if (value.text != "true" && value.text != "false") {
    return "found " + found_text(value) +
           "; allowed: true, false: a run goes on from the checkpoints in its own run.dir";
  }
  return flag(value, "required", "never");
}

std::string assistant_only(YamlNode& value) {
  return value.text == "true" ? flag(value, "assistant", "") : flag(value, "", "all");
}

// Documents never see each other, packed or not, so either answer gives what was asked.
std::string always_packed(YamlNode& value) {
  return flag(value, "", "");
}

std::string refuse_true(YamlNode& value) {
  if (value.text == "true") return "found true; not offered: model.dtype is bf16 or fp32";
  return flag(value, "", "");
}

// [name, amount, name, amount, ...]: an amount with a point is a share, without one it is rows.
std::string mixer_list(YamlNode& value) {
  if (value.kind != Kind::kSequence || value.items.empty() || value.items.size() % 2 != 0) {
    return "found " + found_text(value) + "; allowed: a list of path, amount, path, amount";
  }
  YamlNode sources{.kind = Kind::kSequence, .where = value.where};
  for (std::size_t i = 0; i < value.items.size(); i += 2) {
    YamlNode amount = value.items[i + 1];
    const std::optional<double> parsed = number(amount);
    const bool share = amount.text.find('.') != std::string::npos;
    if (!parsed || *parsed <= 0 || (share && *parsed > 1)) {
      return "found " + found_text(amount) +
             " as an amount; allowed: a share such as 0.5, or a number of rows such as 500";
    }
    if (share) in_percent(amount);
    if (!share) amount.text += " rows";
    YamlNode source{.kind = Kind::kMap, .where = value.items[i].where};
    source.entries.push_back({"path", value.items[i].where, value.items[i]});
    if (!share || *parsed < 1) source.entries.push_back({"take", amount.where, amount});
    sources.items.push_back(std::move(source));
  }
  value = std::move(sources);
  return {};
}

constexpr std::string_view kSequences = "batch.sequences";
constexpr std::string_view kBetas = "optimizer.betas";

constexpr std::array kAliases = {
    Alias{"model_name_or_path", "model.path", as_is},
    Alias{"base_model", "model.path", as_is},
    Alias{"torch_dtype", "model.dtype", as_is},
    Alias{"bf16", "model.dtype", dtype_of_bf16},
    Alias{"fp16", "", refuse_true},
    Alias{"gradient_checkpointing", "model.recompute", recompute_flag},
    Alias{"tokenizer_name_or_path", "data.tokenizer", as_is},
    Alias{"dataset_mixer_list", "data.sources", mixer_list},
    Alias{"mixer_list", "data.sources", mixer_list},
    Alias{"chat_template_name", "data.chat_template", as_is},
    Alias{"chat_template", "data.chat_template", as_is},
    Alias{"assistant_only_loss", "data.train_on", assistant_only},
    Alias{"max_seq_length", "data.max_length", in_tokens},
    Alias{"max_length", "data.max_length", in_tokens},
    Alias{"cutoff_len", "data.max_length", in_tokens},
    Alias{"sequence_len", "data.max_length", in_tokens},
    Alias{"packing", "", always_packed},
    Alias{"sample_packing", "", always_packed},
    Alias{"per_device_train_batch_size", kSequences, as_is},
    Alias{"micro_batch_size", kSequences, as_is},
    Alias{"gradient_accumulation_steps", kSequences, as_is},
    Alias{"optim", "optimizer.name", optimizer_name},
    Alias{"learning_rate", "optimizer.learning_rate", as_is},
    Alias{"lr", "optimizer.learning_rate", as_is},
    Alias{"weight_decay", "optimizer.weight_decay", as_is},
    Alias{"adam_beta1", kBetas, as_is},
    Alias{"adam_beta2", kBetas, as_is},
    Alias{"adam_epsilon", "optimizer.eps", as_is},
    Alias{"max_grad_norm", "optimizer.max_grad_norm", zero_below_zero},
    Alias{"clip_grad_norm", "optimizer.max_grad_norm", zero_below_zero},
    Alias{"lr_scheduler_type", "schedule.name", schedule_name},
    Alias{"lr_scheduler", "schedule.name", schedule_name},
    Alias{"warmup_ratio", "schedule.warmup", in_percent},
    Alias{"warmup_steps", "schedule.warmup", in_steps},
    Alias{"reduce_loss", "loss.reduction", reduction_name},
    Alias{"label_smoothing_factor", "loss.label_smoothing_factor", as_is},
    Alias{"neftune_noise_alpha", "loss.neftune_noise_alpha", as_is},
    Alias{"ref_model_sync_steps", "reference.sync_steps", as_is},
    Alias{"ref_policy_update_freq", "reference.sync_steps", as_is},
    Alias{"ref_model_mixup_alpha", "reference.mixup_alpha", as_is},
    Alias{"output_dir", "run.dir", as_is},
    Alias{"num_train_epochs", "run.epochs", as_is},
    Alias{"num_epochs", "run.epochs", as_is},
    Alias{"max_steps", "run.max_steps", off_below_zero},
    Alias{"max_train_steps", "run.max_steps", off_below_zero},
    Alias{"seed", "run.seed", as_is},
    Alias{"save_steps", "run.checkpoint_every", in_steps},
    Alias{"save_total_limit", "run.keep", as_is},
    Alias{"keep_last_n_checkpoints", "run.keep", zero_below_zero},
    Alias{"resume_from_checkpoint", "run.resume", resume_choice},
    Alias{"logging_steps", "run.log_every", as_is},
    Alias{"eval_steps", "evaluation.every", in_steps},
};

const Alias* find_alias(std::string_view name) {
  for (const Alias& alias : kAliases) {
    if (alias.name == name) return &alias;
  }
  return nullptr;
}

const YamlNode::Entry* find_entry(std::span<const YamlNode::Entry> entries, std::string_view name) {
  for (const YamlNode::Entry& entry : entries) {
    if (entry.key == name) return &entry;
  }
  return nullptr;
}

std::string shown(const YamlNode& value) {
  if (value.kind == Kind::kNull) return "not set";
  return value.kind == Kind::kScalar ? value.text : "the list below it";
}

std::string label(std::string_view name, std::string_view key) {
  return std::string(name) + " (" + std::string(key) + ")";
}

// sequences of a step = sequences of a device x accumulation, where there is one device.
void map_batch(std::span<const YamlNode::Entry> entries, std::vector<Assignment>& assignments,
               std::vector<std::string>& notes, std::vector<Problem>& problems) {
  const YamlNode::Entry* device = find_entry(entries, "per_device_train_batch_size");
  if (device == nullptr) device = find_entry(entries, "micro_batch_size");
  const YamlNode::Entry* steps = find_entry(entries, "gradient_accumulation_steps");
  if (device == nullptr && steps == nullptr) return;
  if (device == nullptr) {
    problems.push_back(
        {steps->where,
         "gradient_accumulation_steps: says nothing without per_device_train_batch_size; write "
         "batch.sequences, or batch.tokens"});
    return;
  }
  double product = 1.0;
  for (const YamlNode::Entry* entry : {device, steps}) {
    if (entry == nullptr) continue;
    const std::optional<double> amount = number(entry->value);
    if (!amount || *amount != std::floor(*amount) || *amount < 1 || *amount > 1e6) {
      problems.push_back({entry->where, entry->key + ": found " + found_text(entry->value) +
                                            "; allowed: a whole number of at least 1"});
      return;
    }
    product *= *amount;
  }
  YamlNode value{.kind = Kind::kScalar, .text = value_text(product), .where = device->value.where};
  value.label = label(device->key, kSequences);
  notes.push_back(device->where.text() + ": " + device->key +
                  (steps == nullptr ? "" : " x gradient_accumulation_steps") +
                  " is read as batch.sequences: " + value.text +
                  ", a step of one rank; for R ranks write batch.sequences");
  assignments.push_back({std::string(kSequences), device->where, std::move(value)});
}

void map_betas(std::span<const YamlNode::Entry> entries, std::vector<Assignment>& assignments,
               std::vector<std::string>& notes) {
  const std::array<const YamlNode::Entry*, 2> given = {find_entry(entries, "adam_beta1"),
                                                       find_entry(entries, "adam_beta2")};
  const YamlNode::Entry* first = given[0] != nullptr ? given[0] : given[1];
  if (first == nullptr) return;
  constexpr std::array<std::string_view, 2> kDefaults = {"0.9", "0.999"};
  YamlNode value{.kind = Kind::kSequence, .where = first->value.where};
  value.label = label(first->key, kBetas);
  std::string text;
  for (std::size_t i = 0; i < given.size(); ++i) {
    YamlNode beta{.kind = Kind::kScalar, .text = std::string(kDefaults[i]), .where = value.where};
    if (given[i] != nullptr) beta = given[i]->value;
    text += (i == 0 ? "" : ", ") + shown(beta);
    value.items.push_back(std::move(beta));
  }
  notes.push_back(first->where.text() + ": " + first->key + " is read as optimizer.betas: [" + text + "]");
  assignments.push_back({std::string(kBetas), first->where, std::move(value)});
}

}  // namespace

bool is_alias(std::string_view name) {
  return find_alias(name) != nullptr;
}

std::string_view key_of_alias(std::string_view name) {
  const Alias* alias = find_alias(name);
  return alias == nullptr ? std::string_view() : alias->key;
}

std::vector<std::string_view> aliases_of_key(std::string_view key) {
  std::vector<std::string_view> names;
  for (const Alias& alias : kAliases) {
    if (alias.key == key) names.push_back(alias.name);
  }
  return names;
}

std::vector<Assignment> map_aliases(std::span<const YamlNode::Entry> entries, std::vector<std::string>& notes,
                                    std::vector<Problem>& problems) {
  std::vector<Assignment> assignments;
  for (const YamlNode::Entry& entry : entries) {
    const Alias* alias = find_alias(entry.key);
    if (alias == nullptr || alias->key == kSequences || alias->key == kBetas) continue;
    YamlNode value = entry.value;
    value.label = alias->key.empty() ? entry.key : label(entry.key, alias->key);
    const std::string problem = alias->convert(value);
    if (!problem.empty()) {
      problems.push_back({entry.value.where, value.label + ": " + problem});
    } else if (alias->key.empty()) {
      notes.push_back(
          entry.where.text() + ": " + entry.key + " changes nothing here: " +
          (alias->convert == always_packed ? "documents are packed and never see each other" : "it is off"));
    } else {
      notes.push_back(entry.where.text() + ": " + entry.key + " is read as " + std::string(alias->key) +
                      ": " + shown(value));
      assignments.push_back({std::string(alias->key), entry.where, std::move(value)});
    }
  }
  map_batch(entries, assignments, notes, problems);
  map_betas(entries, assignments, notes);
  return assignments;
}

}  // namespace caravan::recipes
