#include "models/generation/generator.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>

#include "models/error.h"

namespace caravan::models {

namespace {

// Tokens of a prompt that continues a sequence, a pass: bounds the activations of a long one.
constexpr std::size_t kExtendTokens = 256;

[[noreturn]] void refuse(const std::string& text) {
  throw Error(Error::Kind::kData, text);
}

}  // namespace

std::string_view finish_reason_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kCancelled:
      return "cancelled";
  }
  return "";
}

std::vector<std::int64_t> stop_ids_of(const LlamaConfig& config, const GenerationConfig& generation) {
  std::vector<std::int64_t> ids = generation.eos_token_id;
  ids.insert(ids.end(), config.eos_token_id.begin(), config.eos_token_id.end());
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

Generator::Generator(Llama& model, GeneratorOptions options)
    : model_(model), options_(std::move(options)), decoder_(model) {
  if (options_.batch_size < 1)
    refuse("batch_size is " + std::to_string(options_.batch_size) + "; at least 1 is allowed");
}

bool Generator::is_stop(std::int32_t id) const {
  return std::find(options_.stop_ids.begin(), options_.stop_ids.end(), id) != options_.stop_ids.end();
}

void Generator::check_request(const GenerationRequest& request) const {
  const LlamaConfig& config = model_.config();
  if (request.prompt.empty())
    refuse("the prompt has no token; at least one is needed (a model's BOS token is one)");
  for (const std::int32_t id : request.prompt)
    if (id < 0 || id >= config.vocab_size)
      refuse("token id " + std::to_string(id) +
             " of the prompt is outside the model's vocabulary; allowed: 0 to " +
             std::to_string(config.vocab_size - 1));
  if (request.max_new_tokens < 1)
    refuse("max_new_tokens is " + std::to_string(request.max_new_tokens) + "; at least 1 is allowed");
  const auto prompt = static_cast<std::int64_t>(request.prompt.size());
  if (request.max_new_tokens > config.max_position_embeddings - prompt)
    refuse("the prompt has " + std::to_string(prompt) + " tokens, and with " +
           std::to_string(request.max_new_tokens) + " new ones exceeds max_position_embeddings, " +
           std::to_string(config.max_position_embeddings) +
           "; shorten the prompt or ask for fewer new tokens");
  check_sampling(request.sampling, "");
}

void Generator::advance(Live& live, const at::Tensor& logits_V) {
  const GenerationRequest& request = live.request;
  Completion& completion = live.completion;
  const SampledToken token = sampler_.sample(logits_V, request.sampling, live.sequence->tokens(), request.key,
                                             completion.ids.size());
  completion.ids.push_back(token.id);
  completion.log_probs.push_back(token.log_prob);
  const bool stop = is_stop(token.id);
  live.finished = stop || static_cast<std::int64_t>(completion.ids.size()) == request.max_new_tokens;
  completion.finish_reason = stop ? FinishReason::kStop : FinishReason::kLength;
}

void Generator::read_prompts(std::span<Live> fresh) {
  for (std::size_t first = 0; first < fresh.size();) {
    std::vector<Decoder::Feed> feeds;
    std::int64_t tokens = 0;
    for (std::size_t i = first; i < fresh.size(); ++i) {
      const auto length = static_cast<std::int64_t>(fresh[i].request.prompt.size());
      if (!feeds.empty() && tokens + length > options_.prefill_tokens) break;
      feeds.push_back({fresh[i].sequence.get(), fresh[i].request.prompt});
      tokens += length;
    }
    const at::Tensor logits_BV = decoder_.feed(feeds).cpu();
    for (std::size_t i = 0; i < feeds.size(); ++i)
      advance(fresh[first + i], logits_BV[static_cast<std::int64_t>(i)]);
    first += feeds.size();
  }
}

void Generator::admit(const std::function<std::optional<GenerationRequest>()>& next,
                      std::vector<Live>& live) {
  const std::size_t running = live.size();
  while (static_cast<std::int64_t>(live.size()) < options_.batch_size) {
    std::optional<GenerationRequest> request = next();
    if (!request) break;
    check_request(*request);
    Live& added = live.emplace_back();
    added.request = std::move(*request);
    added.sequence = std::make_unique<KvSequence>(decoder_.new_sequence());
  }
  read_prompts(std::span(live).subspan(running));
}

void Generator::run(const std::function<std::optional<GenerationRequest>()>& next,
                    const std::function<void(std::size_t, Completion)>& done) {
  std::vector<Live> live;
  while (true) {
    admit(next, live);
    for (Live& one : live)
      if (one.finished) done(one.request.index, std::move(one.completion));
    const auto ended = std::erase_if(live, [](const Live& one) { return one.finished; });
    if (live.empty() && ended == 0) return;
    if (live.empty()) continue;
    std::vector<Decoder::Feed> feeds;
    for (const Live& one : live) feeds.push_back({one.sequence.get(), std::span(one.completion.ids).last(1)});
    const at::Tensor logits_BV = decoder_.feed(feeds).cpu();
    for (std::size_t i = 0; i < live.size(); ++i) advance(live[i], logits_BV[static_cast<std::int64_t>(i)]);
  }
}

Completion Generator::run_one(KvSequence& sequence, const GenerationRequest& request,
                              const std::function<bool(std::int32_t)>& seen) {
  check_request(request);
  // The last token is fed again in any case: its logits are what comes next.
  const std::vector<std::int32_t>& prompt = request.prompt;
  std::size_t same = 0;
  while (same + 1 < prompt.size() && same < sequence.tokens().size() &&
         sequence.tokens()[same] == prompt[same])
    ++same;
  same = static_cast<std::size_t>(sequence.truncate(static_cast<std::int64_t>(same)));
  at::Tensor logits_BV;
  while (same < prompt.size()) {
    const std::size_t count = same == 0 ? prompt.size() : std::min(kExtendTokens, prompt.size() - same);
    const Decoder::Feed feed{&sequence, std::span(prompt).subspan(same, count)};
    logits_BV = decoder_.feed({&feed, 1}).cpu();
    same += count;
  }
  Completion completion;
  while (true) {
    const SampledToken token = sampler_.sample(logits_BV[0], request.sampling, sequence.tokens(), request.key,
                                               completion.ids.size());
    completion.ids.push_back(token.id);
    completion.log_probs.push_back(token.log_prob);
    const bool wanted = seen(token.id);
    completion.finish_reason = is_stop(token.id) ? FinishReason::kStop
                               : wanted          ? FinishReason::kLength
                                                 : FinishReason::kCancelled;
    if (!wanted || is_stop(token.id) ||
        static_cast<std::int64_t>(completion.ids.size()) == request.max_new_tokens)
      return completion;
    const Decoder::Feed feed{&sequence, std::span(completion.ids).last(1)};
    logits_BV = decoder_.feed({&feed, 1}).cpu();
  }
}

}  // namespace caravan::models
