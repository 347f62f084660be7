#include "trainer/rollout/local_text_generator.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "data/error.h"
#include "data/tokenizers/stream_decoder.h"
#include "models/llama/llama.h"

namespace caravan::trainer {
namespace {

using data::Generation;
using data::GenerationRequest;

std::string exact(double number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof(text), number).ptr};
}

}  // namespace

LocalTextGenerator::LocalTextGenerator(const models::LlamaConfig& config, Load load,
                                       const data::Tokenizer& tokenizer,
                                       const data::ChatTemplate& chat_template, const std::string& log_path,
                                       LocalTextOptions options)
    : config_(config),
      load_(std::move(load)),
      tokenizer_(tokenizer),
      chat_template_(chat_template),
      options_(std::move(options)),
      log_(log_path) {}

LocalTextGenerator::~LocalTextGenerator() = default;

void LocalTextGenerator::release() {
  generator_.reset();
  model_.reset();
}

std::string LocalTextGenerator::encode(const GenerationRequest& request,
                                       std::vector<std::int32_t>& ids) const {
  data::Conversation conversation;
  conversation.messages = request.messages;
  data::Rendered rendered;
  try {
    rendered = chat_template_.render(conversation, options_.variables,
                                     {.add_generation_prompt = true, .now = options_.today, .limits = {}});
  } catch (const data::Error&) {
    return "template_refused";
  }
  try {
    tokenizer_.encode(rendered.text, rendered.trusted, ids);
  } catch (const data::Error&) {
    return "not_encodable";
  }
  const auto room = config_.max_position_embeddings - static_cast<std::int64_t>(ids.size());
  return ids.empty() || room < 1 ? "prompt_too_long" : "";
}

data::RequestLog::RequestHash LocalTextGenerator::hash_of(const GenerationRequest& request,
                                                          const std::vector<std::int32_t>& ids) const {
  data::Sha256 hash;
  hash.update(options_.fingerprint);
  for (const std::string& part : {exact(request.temperature), exact(request.top_p),
                                  std::to_string(request.max_tokens), std::to_string(request.seed)})
    hash.update("\n").update(part);
  hash.update("\n").update(ids.data(), ids.size() * sizeof(std::int32_t));
  return hash.digest();
}

Generation LocalTextGenerator::text_of(const models::Completion& completion) const {
  return {.text = data::written_text(tokenizer_, completion.ids),
          .problem = {},
          .cut = completion.finish_reason == models::FinishReason::kLength};
}

bool LocalTextGenerator::is_settled(const GenerationRequest& request, models::GenerationRequest& asked,
                                    data::RequestLog::RequestHash& hash, Generation& result) const {
  result.problem = encode(request, asked.prompt);
  if (!result.problem.empty()) return true;
  hash = hash_of(request, asked.prompt);
  auto known = log_.find(hash);
  if (known) result = std::move(*known);
  return known.has_value();
}

void LocalTextGenerator::set_sampling(const GenerationRequest& request,
                                      models::GenerationRequest& asked) const {
  const auto room = config_.max_position_embeddings - static_cast<std::int64_t>(asked.prompt.size());
  asked.max_new_tokens = std::min(request.max_tokens, room);
  asked.sampling.temperature = request.temperature;
  // Nothing is drawn at temperature 0, so nothing can be cut off.
  if (request.temperature > 0) asked.sampling.top_p = request.top_p;
  asked.key = models::sampling_key(request.seed, 0);
}

std::vector<Generation> LocalTextGenerator::generate(std::span<const GenerationRequest> requests) {
  std::vector<Generation> results(requests.size());
  std::vector<data::RequestLog::RequestHash> hashes(requests.size());
  std::size_t taken = 0;
  bool stopped = false;
  const auto next = [&]() -> std::optional<models::GenerationRequest> {
    for (; taken < requests.size() && !stopped; ++taken) {
      models::GenerationRequest asked;
      if (is_settled(requests[taken], asked, hashes[taken], results[taken])) continue;
      stopped = options_.stop && options_.stop();
      if (stopped) break;
      set_sampling(requests[taken], asked);
      asked.index = taken++;
      return asked;
    }
    return std::nullopt;
  };
  std::optional<models::GenerationRequest> first = next();
  if (first) {
    if (!generator_) {
      model_ = load_();
      generator_.emplace(*model_, options_.generator);
    }
    const auto first_then_next = [&] { return first ? std::exchange(first, std::nullopt) : next(); };
    generator_->run(first_then_next, [&](std::size_t i, models::Completion completion) {
      results[i] = text_of(completion);
      log_.answered(0, hashes[i], results[i], 0);
    });
  }
  log_.sync();
  if (stopped)
    throw data::Error(data::Error::Kind::kInterrupted,
                      options_.name + ": stopped on request; run again: it goes on from here");
  return results;
}

}  // namespace caravan::trainer
