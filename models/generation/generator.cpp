#include "models/generation/generator.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <deque>
#include <limits>
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
    : model_(model),
      options_(std::move(options)),
      decoder_(model, options_.units),
      samplers_(static_cast<std::size_t>(at::get_num_threads())) {
  if (options_.batch_size < 1)
    refuse("batch_size is " + std::to_string(options_.batch_size) + "; at least 1 is allowed");
  if (options_.cache_bytes < 0)
    refuse("cache_bytes is " + std::to_string(options_.cache_bytes) + "; allowed: 0 (no bound) or more");
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
  if (request.completions < 1)
    refuse("completions is " + std::to_string(request.completions) + "; at least 1 is allowed");
  check_sampling(request.sampling, "");
  if (pages_of(request) > page_limit())
    refuse("the prompt has " + std::to_string(prompt) + " tokens, and with " +
           std::to_string(request.max_new_tokens) + " new ones takes up to " +
           std::to_string(pages_of(request) * decoder_.cache().page_bytes()) +
           " bytes of keys and values; cache_bytes is " + std::to_string(options_.cache_bytes) +
           "; allow more, shorten the prompt or ask for fewer new tokens");
}

// Set aside as if one completion after the other were begun while the prompt is still there.
std::int64_t Generator::pages_of(const GenerationRequest& request) const {
  const auto prompt = static_cast<std::int64_t>(request.prompt.size());
  return decoder_.cache().pages_for(prompt + request.max_new_tokens - 1, request.completions > 1 ? prompt : 0,
                                    std::min(request.completions, options_.batch_size)) +
         (request.completions > 1 ? model_.config().num_hidden_layers : 0);
}

std::int64_t Generator::page_limit() const {
  return options_.cache_bytes == 0 ? std::numeric_limits<std::int64_t>::max()
                                   : options_.cache_bytes / decoder_.cache().page_bytes();
}

struct Generator::Run {
  std::deque<std::shared_ptr<Group>> unread, open;  // open: read, with completions to begin
  std::optional<GenerationRequest> waiting;         // until there is memory for it
  std::vector<Live> live;
  std::int64_t pages = 0;   // set aside
  std::int64_t places = 0;  // taken by unread prompts, one each
};

void Generator::take(Live& live, const SampledToken& token) const {
  Completion& completion = live.completion;
  completion.ids.push_back(token.id);
  completion.log_probs.push_back(token.log_prob);
  completion.scaled_log_probs.push_back(token.scaled_log_prob);
  const bool ends_text = live.stop_check && live.stop_check(token.id), stop = is_stop(token.id) || ends_text;
  live.finished =
      stop || static_cast<std::int64_t>(completion.ids.size()) == live.group->request.max_new_tokens;
  completion.finish_reason = stop ? FinishReason::kStop : FinishReason::kLength;
}

void Generator::advance(std::span<Live* const> live, const at::Tensor& logits_BV) {
  samplers_.resize(std::max(samplers_.size(), static_cast<std::size_t>(at::get_num_threads())));
  std::vector<SampledToken> tokens(live.size());
  at::parallel_for(0, static_cast<std::int64_t>(live.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    Sampler& sampler = samplers_[static_cast<std::size_t>(at::get_thread_num())];
    for (std::int64_t i = begin; i < end; ++i) {
      const Live& one = *live[static_cast<std::size_t>(i)];
      tokens[static_cast<std::size_t>(i)] =
          sampler.sample(logits_BV[i], one.group->request.sampling, one.sequence.tokens(), one.key,
                         one.completion.ids.size());
    }
  });
  // Stop checks are the caller's code, which need not stand threads.
  for (std::size_t i = 0; i < live.size(); ++i) take(*live[i], tokens[i]);
}

// Takes requests while there are places and memory.
void Generator::admit(const Next& next, Run& run) {
  const auto taken = [&] { return static_cast<std::int64_t>(run.live.size()) + run.places; };
  while (run.open.empty() && taken() < options_.batch_size) {
    if (!run.waiting) {
      run.waiting = next();
      if (!run.waiting) return;
      check_request(*run.waiting);
    }
    const std::int64_t pages = pages_of(*run.waiting);
    if (pages > page_limit() - run.pages) return;
    run.pages += pages;
    run.places += std::min(run.waiting->completions, options_.batch_size - taken());
    auto group = std::make_shared<Group>(Group{std::move(*run.waiting), decoder_.new_sequence(), {}});
    group->pages = pages;
    run.waiting.reset();
    run.unread.push_back(std::move(group));
  }
}

// Of unread prompts as many as fit one pass.
void Generator::read_prompts(Run& run) {
  std::vector<Decoder::Feed> feeds;
  std::int64_t tokens = 0;
  for (const auto& group : run.unread) {
    const auto length = static_cast<std::int64_t>(group->request.prompt.size());
    if (!feeds.empty() && tokens + length > options_.prefill_tokens) break;
    feeds.push_back({&group->prompt, group->request.prompt});
    tokens += length;
  }
  const at::Tensor logits_BV = decoder_.feed(feeds).cpu();
  for (std::size_t i = 0; i < feeds.size(); ++i) {
    run.unread.front()->logits_V = logits_BV[static_cast<std::int64_t>(i)];
    run.open.push_back(std::move(run.unread.front()));
    run.unread.pop_front();
  }
  begin_completions(run);
  if (run.unread.empty()) run.places = 0;
}

// Begins completions of prompts that are read: the last one goes on in the prompt's own sequence.
void Generator::begin_completions(Run& run) {
  const std::size_t before = run.live.size();
  std::vector<at::Tensor> logits;
  while (!run.open.empty() && static_cast<std::int64_t>(run.live.size()) < options_.batch_size) {
    const std::shared_ptr<Group> group = run.open.front();
    const GenerationRequest& request = group->request;
    const std::int64_t sample = group->begun++;
    const bool last = group->begun == request.completions;
    Live& live = run.live.emplace_back(
        Live{group, last ? std::move(group->prompt) : group->prompt.fork(), {}, {}, 0, false});
    live.completion.sample = sample;
    live.key = sample == 0 ? request.key : sampling_key(request.key, static_cast<std::uint64_t>(sample));
    if (request.stop_check) live.stop_check = request.stop_check();
    logits.push_back(group->logits_V);
    if (last) run.open.pop_front();
  }
  if (logits.empty()) return;
  std::vector<Live*> fresh;
  for (std::size_t i = before; i < run.live.size(); ++i) fresh.push_back(&run.live[i]);
  advance(fresh, at::stack(logits));
}

void Generator::decode(Run& run) {
  std::vector<Decoder::Feed> feeds;
  std::vector<Live*> live;
  for (Live& one : run.live) {
    feeds.push_back({&one.sequence, std::span(one.completion.ids).last(1)});
    live.push_back(&one);
  }
  advance(live, decoder_.feed(feeds).cpu());
}

void Generator::report(Run& run, const Done& done) {
  // Memory first: what `done` throws must not keep it.
  std::vector<Live> ended;
  for (Live& one : run.live)
    if (one.finished) ended.push_back(std::move(one));
  std::erase_if(run.live, [](const Live& one) { return one.group == nullptr; });
  for (Live& one : ended) {
    if (++one.group->ended == one.group->request.completions) run.pages -= one.group->pages;
    { const KvSequence dropped = std::move(one.sequence); }
    done(one.group->request.index, std::move(one.completion));
  }
}

void Generator::run(const Next& next, const Done& done) {
  Run run;
  while (true) {
    // Prompts of one token may end at once and leave their places to others.
    do {
      begin_completions(run);
      report(run, done);
    } while (!run.open.empty() && static_cast<std::int64_t>(run.live.size()) < options_.batch_size);
    if (run.unread.empty()) admit(next, run);
    const bool busy = !run.unread.empty() || !run.live.empty();
    if (options_.anyone ? !options_.anyone(busy) : !busy) return;
    if (!run.unread.empty())
      read_prompts(run);
    else if (busy)
      decode(run);
    else
      decoder_.stand_by();
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
  const StopCheck stop_check = request.stop_check ? request.stop_check() : StopCheck();
  while (true) {
    const SampledToken token = samplers_.front().sample(logits_BV[0], request.sampling, sequence.tokens(),
                                                        request.key, completion.ids.size());
    completion.ids.push_back(token.id);
    completion.log_probs.push_back(token.log_prob);
    completion.scaled_log_probs.push_back(token.scaled_log_prob);
    const bool wanted = seen(token.id), ends_text = stop_check && stop_check(token.id),
               stop = is_stop(token.id) || ends_text;
    completion.finish_reason = stop     ? FinishReason::kStop
                               : wanted ? FinishReason::kLength
                                        : FinishReason::kCancelled;
    if (!wanted || stop || static_cast<std::int64_t>(completion.ids.size()) == request.max_new_tokens)
      return completion;
    const Decoder::Feed feed{&sequence, std::span(completion.ids).last(1)};
    logits_BV = decoder_.feed({&feed, 1}).cpu();
  }
}

}  // namespace caravan::models
