#include "recipes/model_front.h"

#include <filesystem>

#include "data/chat/checkpoint_template.h"
#include "data/error.h"
#include "data/loader/mask.h"
#include "models/error.h"
#include "models/llama/parameter_shapes.h"
#include "models/weights/hf_directory.h"
#include "recipes/device.h"
#include "recipes/model_folder.h"
#include "recipes/row_messages.h"
#include "recipes/text_front.h"
#include "trainer/metrics/console_sink.h"

namespace caravan::recipes {

namespace {

[[noreturn]] void refuse_row(const std::string& text) {
  throw data::Error(data::Error::Kind::kData, text);
}

std::vector<std::int32_t> read_ids(const data::Json& ids) {
  if (!ids.is_array()) refuse_row("\"ids\" must be a list of token ids");
  std::vector<std::int32_t> out;
  out.reserve(ids.size());
  for (const data::Json& id : ids) {
    // Unsigned numbers beyond int64 would wrap to negative ones, which are refused as well.
    const bool fits =
        id.is_number_integer() && id.get<std::int64_t>() >= 0 && id.get<std::int64_t>() <= INT32_MAX;
    if (!fits)
      refuse_row("found " + id.dump(-1, ' ', false, data::Json::error_handler_t::replace).substr(0, 48) +
                 " in \"ids\"; allowed: whole numbers from 0 on");
    out.push_back(id.get<std::int32_t>());
  }
  return out;
}

at::ScalarType scalar_type(std::optional<models::Dtype> stored, const std::optional<std::string>& dtype) {
  const bool bf16 = dtype ? *dtype == "bf16" : stored == models::Dtype::kBFloat16;
  return bf16 ? at::kBFloat16 : at::kFloat;
}

}  // namespace

namespace {

std::unique_ptr<models::Llama> load_checked(const models::HfDirectory& weights,
                                            const std::optional<std::string>& dtype,
                                            const at::Device& device) {
  weights.check(models::llama_parameter_shapes(weights.config()));
  const at::ScalarType type = scalar_type(weights.config().dtype, dtype);
  auto model = std::make_unique<models::Llama>(weights.config(), type, device);
  model->load(weights);
  return model;
}

}  // namespace

std::unique_ptr<models::Llama> load_model(const std::string& directory,
                                          const std::optional<std::string>& dtype, const at::Device& device) {
  refuse_run_folder(directory);
  const models::HfDirectory weights(directory);
  if (weights.config().num_labels > 0)
    throw models::Error(models::Error::Kind::kData,
                        directory +
                            ": is a reward model, which gives texts a score and no tokens; name a "
                            "language model");
  return load_checked(weights, dtype, device);
}

std::unique_ptr<models::Llama> load_reward_model(const std::string& directory,
                                                 const std::optional<std::string>& dtype,
                                                 const at::Device& device) {
  refuse_run_folder(directory);
  const models::HfDirectory weights(directory);
  if (weights.config().num_labels == 0)
    throw models::Error(models::Error::Kind::kData,
                        directory +
                            ": is a language model, which gives no score; name the result of stage rm, or "
                            "another sequence classifier of one label");
  return load_checked(weights, dtype, device);
}

std::unique_ptr<models::Llama> random_model(const std::string& directory,
                                            const std::optional<std::string>& dtype, const at::Device& device,
                                            std::uint64_t seed) {
  refuse_run_folder(directory);
  const models::LlamaConfig config = models::read_llama_config(directory + "/config.json");
  auto model = std::make_unique<models::Llama>(config, scalar_type(config.dtype, dtype), device);
  model->initialize(seed);
  return model;
}

std::string describe_model(const models::Llama& model) {
  return trainer::with_thousands(static_cast<double>(model.num_parameters())) + " parameters in " +
         (model.dtype() == at::kBFloat16 ? "bf16" : "fp32") + " on " + device_kind(model.device());
}

std::string describe_sampling(const models::SamplingOptions& options) {
  std::string text =
      options.temperature == 0.0 ? "greedy" : "temperature " + trainer::format_value(options.temperature);
  if (options.top_k > 0) text += ", top-k " + std::to_string(options.top_k);
  if (options.top_p < 1.0) text += ", top-p " + trainer::format_value(options.top_p);
  if (options.min_p > 0.0) text += ", min-p " + trainer::format_value(options.min_p);
  if (options.repetition_penalty != 1.0)
    text += ", repetition penalty " + trainer::format_value(options.repetition_penalty);
  return text;
}

std::vector<std::string_view> RowEncoder::own_keys() const {
  std::vector<std::string_view> keys{"ids", "messages"};
  keys.insert(keys.end(), options_.text_keys.begin(), options_.text_keys.end());
  return keys;
}

void RowEncoder::adapt(JsonLine& line) const {
  if (!line.problem.empty()) return;
  try {
    const std::vector<std::string_view> own = own_keys();
    if (!turn_into_messages(line.text, row_format_from_name(options_.format), own, line.row)) return;
    data::Json& messages = line.row["messages"];
    if (options_.add_generation_prompt && messages.back()["role"] == "assistant")
      messages.erase(messages.size() - 1);
  } catch (const data::Error& error) {
    line.problem = error.what();
  }
}

// Which of the input keys a row has. Other keys are the caller's own, or variables of the template.
std::string_view RowEncoder::kind_of(const data::Json& row) const {
  std::vector<std::string_view> found;
  std::string listed;
  for (const std::string_view key : own_keys()) {
    if (row.contains(key)) found.push_back(key);
    listed += (listed.empty() ? "\"" : ", \"") + std::string(key) + "\"";
  }
  if (found.size() != 1)
    refuse_row((found.empty() ? "none" : "more than one") + std::string(" of the keys ") + listed +
               "; a row has exactly one, or the keys of a layout of data/README.md");
  return found.front();
}

void RowEncoder::load_tokenizer() {
  refuse_run_folder(options_.model);
  if (!tokenizer_) tokenizer_ = data::load_tokenizer(options_.model);
}

void RowEncoder::prepare(const data::Json& row) {
  if (row.contains("messages") && !chat_template_) {
    load_tokenizer();
    const data::CheckpointTemplate checkpoint = data::read_checkpoint_template(options_.model);
    variables_ = checkpoint.variables;
    chat_template_.emplace(data::choose_template(options_.chat_template, checkpoint));
  }
  for (const std::string_view key : options_.text_keys)
    if (row.contains(key)) load_tokenizer();
}

const data::Tokenizer* RowEncoder::tokenizer() {
  for (const char* file : {"tokenizer.json", "tokenizer.model", "vocab.json", "encoder.json"})
    if (std::filesystem::exists(std::filesystem::path(options_.model) / file)) {
      load_tokenizer();
      break;
    }
  return tokenizer_.get();
}

std::vector<std::int32_t> RowEncoder::encode_text(const std::string& text) const {
  std::vector<std::int32_t> ids;
  const data::Framing& framing = tokenizer_->framing();
  if (options_.add_special_tokens) ids = framing.before;
  const data::ByteRange all{0, text.size()};
  tokenizer_->encode(text, options_.special ? std::span(&all, 1) : std::span<const data::ByteRange>(), ids);
  // A prompt that is to go on must not end with the text's end.
  if (options_.add_special_tokens && !options_.add_generation_prompt)
    ids.insert(ids.end(), framing.after.begin(), framing.after.end());
  return ids;
}

std::vector<std::int32_t> RowEncoder::encode_messages(data::Json row, std::vector<std::uint8_t>* mask) const {
  if (!row["messages"].is_array() || row["messages"].empty())
    refuse_row("\"messages\" must be a list with a message");
  for (const auto& [name, token] : variables_.items())
    if (!row.contains(name)) row[name] = token;
  if (options_.add_generation_prompt && !row.contains("add_generation_prompt"))
    row["add_generation_prompt"] = true;
  data::RenderOptions render;
  render.now = today();
  const data::Rendered rendered = chat_template_->render(row, render);
  const data::ByteRange all{0, rendered.text.size()};
  std::vector<std::int32_t> ids;
  std::vector<std::uint32_t> begins;
  tokenizer_->encode(rendered.text, options_.special ? std::span(&all, 1) : std::span(rendered.trusted), ids,
                     &begins);
  if (mask != nullptr && rendered.unlocated.empty())
    data::mask_tokens(begins, rendered.text.size(), rendered.spans(options_.train_on), *mask);
  return ids;
}

std::vector<std::int32_t> RowEncoder::encode(const data::Json& row, std::vector<std::uint8_t>* mask) const {
  const std::string_view kind = kind_of(row);
  std::vector<std::int32_t> ids;
  if (kind == "ids") {
    ids = read_ids(row["ids"]);
  } else if (kind == "messages") {
    ids = encode_messages(row, mask);
  } else {
    const data::Json& text = row[std::string(kind)];
    if (!text.is_string()) refuse_row("\"" + std::string(kind) + "\" must be a string");
    ids = encode_text(text.get_ref<const std::string&>());
  }
  if (ids.empty()) refuse_row("\"" + std::string(kind) + "\" gives no token; at least one is needed");
  return ids;
}

const char* const kSamplingUsage =
    "  --max-new-tokens N        at most this many; default: generation_config.json, else 256, and never "
    "beyond the\n"
    "                            model's positions\n"
    "  --temperature T           0 is greedy; default: generation_config.json where it samples, else 0\n"
    "  --top-k K, --top-p P, --min-p P   only the likeliest tokens, applied in this order after the "
    "temperature\n"
    "  --repetition-penalty R    makes tokens that were there less likely; 1 is none\n"
    "  --seed S                  of the random numbers (0)\n";

void SamplingFlags::add_to(CommandFlags& flags) {
  constexpr std::int64_t kMany = std::int64_t{1} << 31;
  flags.add_number("--temperature", temperature, 0.0, 1e6);
  flags.add_number("--top-p", top_p, 1e-9, 1.0);
  flags.add_number("--min-p", min_p, 0.0, 1.0);
  flags.add_number("--repetition-penalty", repetition_penalty, 1e-6, 1e6);
  flags.add_integer("--top-k", top_k, 0, kMany);
  flags.add_integer("--seed", seed, 0, INT64_MAX);
  flags.add_integer("--max-new-tokens", max_new_tokens, 1, kMany);
}

models::SamplingOptions SamplingFlags::resolve(const models::GenerationConfig& file, const std::string& model,
                                               const CommandFlags& flags) const {
  const bool samples = file.do_sample.value_or(false);
  models::SamplingOptions options;
  options.temperature = temperature.value_or(samples ? file.temperature.value_or(1.0) : 0.0);
  options.repetition_penalty = repetition_penalty.value_or(file.repetition_penalty.value_or(1.0));
  if (options.temperature == 0.0) {
    if (top_k || top_p || min_p)
      flags.refuse(
          "--top-k, --top-p and --min-p have no effect at temperature 0, which is greedy; give "
          "--temperature");
  } else {
    options.top_k = top_k.value_or(file.top_k.value_or(0));
    options.top_p = top_p.value_or(file.top_p.value_or(1.0));
    options.min_p = min_p.value_or(file.min_p.value_or(0.0));
  }
  models::check_sampling(options, model + "/generation_config.json: ");
  return options;
}

}  // namespace caravan::recipes
