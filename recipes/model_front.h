// What the commands that run a model share: its weights, rows to token ids, and how it is sampled.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/chat/template.h"
#include "data/tokenizers/tokenizer.h"
#include "models/generation/generation_config.h"
#include "models/generation/sampler.h"
#include "models/llama/llama.h"
#include "recipes/command_flags.h"
#include "recipes/json_lines.h"

namespace caravan::recipes {

// The checkpoint in `dtype` ("fp32", "bf16"; absent: bf16 where it is stored so, else fp32), every tensor
// checked. Throws models::Error.
std::unique_ptr<models::Llama> load_model(const std::string& directory,
                                          const std::optional<std::string>& dtype, const at::Device& device);

// The same for a reward model, whose head gives scores.
std::unique_ptr<models::Llama> load_reward_model(const std::string& directory,
                                                 const std::optional<std::string>& dtype,
                                                 const at::Device& device);

// The model of config.json with random weights, as a recipe with `model.init: random` and `run.seed: seed`
// starts from; no weights are read. `dtype` as load_model takes it. Throws models::Error.
std::unique_ptr<models::Llama> random_model(const std::string& directory,
                                            const std::optional<std::string>& dtype, const at::Device& device,
                                            std::uint64_t seed);

// "134,515,008 parameters in bf16 on cpu": what the numbers of a command come from, for its first line on
// stderr.
std::string describe_model(const models::Llama& model);
// "greedy", or "temperature 0.7, top-p 0.9".
std::string describe_sampling(const models::SamplingOptions& options);

struct RowEncoderOptions {
  std::string model;                                   // checkpoint directory
  std::string chat_template = "auto";                  // or a built-in name, or a file
  std::vector<std::string_view> text_keys;             // keys of plain text
  bool add_generation_prompt = false;                  // unless the row says
  bool special = false;                                // special tokens are recognised in all text
  bool add_special_tokens = false;                     // the tokenizer's own BOS and EOS around plain text
  std::optional<std::string> format;                   // layout of the rows; absent: by their keys
  data::TrainOn train_on = data::TrainOn::kAssistant;  // what a mask marks
};

// Rows {"ids"}, {"text"} (or other text keys), {"messages"} and the other layouts to ids. Tokenizer and
// template are read when a row first needs them, so that ids need neither.
class RowEncoder {
 public:
  explicit RowEncoder(RowEncoderOptions options) : options_(std::move(options)) {}

  // Turns a row of another layout into one with messages, without its answer where one is to be written; what
  // is wrong with it becomes the line's problem.
  void adapt(JsonLine& line) const;
  // Reads what this row needs. Throws data::Error that concerns all such rows: no tokenizer, no template.
  void prepare(const data::Json& row);
  // After prepare. Throws data::Error that concerns this row alone. `mask`: 1 where training would train the
  // token; empty for rows without messages, and where the template does not tell the turns.
  std::vector<std::int32_t> encode(const data::Json& row, std::vector<std::uint8_t>* mask = nullptr) const;
  // Of the checkpoint, as long as this object lives; null where it has none. Throws data::Error where it is
  // damaged.
  const data::Tokenizer* tokenizer();

 private:
  void load_tokenizer();
  std::string_view kind_of(const data::Json& row) const;
  std::vector<std::int32_t> encode_text(const std::string& text) const;
  std::vector<std::int32_t> encode_messages(data::Json row, std::vector<std::uint8_t>* mask) const;
  std::vector<std::string_view> own_keys() const;

  RowEncoderOptions options_;
  std::unique_ptr<data::Tokenizer> tokenizer_;
  std::optional<data::ChatTemplate> chat_template_;
  data::Json variables_;  // special tokens by name, for the template
};

// Settings of sampling as flags; absent ones come from generation_config.json.
struct SamplingFlags {
  std::optional<double> temperature, top_p, min_p, repetition_penalty;
  std::optional<std::int64_t> top_k, seed, max_new_tokens;

  void add_to(CommandFlags& flags);
  // Flags win over the file. Greedy where the file does not sample and no --temperature is given; a cut that
  // then has no effect is refused. Throws data::Error (usage) and models::Error for values of the file out of
  // range.
  models::SamplingOptions resolve(const models::GenerationConfig& file, const std::string& model,
                                  const CommandFlags& flags) const;
};
// The lines of a usage text that explain them.
extern const char* const kSamplingUsage;

}  // namespace caravan::recipes
