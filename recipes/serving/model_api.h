// The OpenAI API over one model: JSON in, JSON out; no sockets here.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "data/message.h"
#include "models/generation/generation_config.h"
#include "recipes/serving/api_request.h"
#include "recipes/serving/completion_engine.h"
#include "recipes/serving/serving_options.h"
#include "recipes/text_front.h"

namespace caravan::recipes {

// Thread safe. All functions throw ApiError, data::Error or models::Error for what a request has wrong.
class ModelApi {
 public:
  // All must outlive this.
  ModelApi(models::Llama& model, CompletionEngine& engine, const TextFront& front,
           const models::GenerationConfig& file, const ServingOptions& options);

  data::Json completions(const data::Json& body);
  data::Json chat_completions(const data::Json& body);
  data::Json models() const;
  data::Json tokenize(const data::Json& body) const;
  data::Json detokenize(const data::Json& body) const;
  data::Json tokenizer_info() const;

 private:
  struct Answer;
  std::vector<Answer> ask(const ApiRequest& request, std::vector<std::vector<std::int32_t>> prompts,
                          std::int64_t usual_tokens);
  // Its text ends before the first stop text.
  void cut(Answer& answer, const std::vector<std::string>& stops) const;
  void check_model(const std::string& name) const;
  std::vector<std::int32_t> encode(const ApiPrompt& prompt, bool add_special_tokens) const;
  std::vector<std::int32_t> encode_chat(const data::Json& messages, bool add_generation_prompt) const;
  models::SamplingOptions sampling_of(const ApiSampling& wanted) const;
  std::string decode(std::span<const std::int32_t> ids) const;
  std::string token_text(std::int32_t id) const;
  data::Json completion_scores(const Answer& answer, bool echo, std::int64_t top) const;
  data::Json chat_scores(const Answer& answer, std::int64_t top) const;
  data::Json envelope(const char* object, const char* prefix, const std::vector<Answer>& answers);
  std::int64_t positions() const;

  models::Llama& model_;
  CompletionEngine& engine_;
  const TextFront& front_;
  const models::GenerationConfig& file_;
  const ServingOptions& options_;
  std::atomic<std::uint64_t> next_id_{0};
};

}  // namespace caravan::recipes
