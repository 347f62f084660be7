// Completions of many prompts: a batch that refills itself as sequences end.
//
// Promise: a request's completion depends on the model, its prompt and its settings alone, never on the batch
// it was in, its size or the number of threads: on the CPU bit for bit. Requests are taken as places and
// cache memory become free, so the input may be longer than memory. A prompt is read once, however many
// completions of it are wanted. Non-goals: beams. Texts that end a completion are the caller's: see
// StopCheck.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "models/generation/decoder.h"
#include "models/generation/generation_config.h"
#include "models/generation/sampler.h"

namespace caravan::models {

enum class FinishReason { kStop, kLength, kCancelled };
std::string_view finish_reason_name(FinishReason reason);  // "stop", "length", "cancelled"

// Is told every new id of one completion; true: the text ends with it.
using StopCheck = std::function<bool(std::int32_t id)>;

struct GenerationRequest {
  std::size_t index = 0;  // the caller's number for it
  std::vector<std::int32_t> prompt = {};
  std::int64_t max_new_tokens = 0;
  SamplingOptions sampling = {};
  std::uint64_t key = 0;  // of its random numbers: sampling_key
  std::int64_t completions =
      1;  // each with random numbers of its own; the first has those of completions = 1
  std::function<StopCheck()> stop_check = {};  // called once a completion; may be empty
};

struct Completion {
  std::vector<std::int32_t> ids;                   // the stop id, where one ended it, included
  std::vector<float> log_probs, scaled_log_probs;  // one an id, see SampledToken
  FinishReason finish_reason = FinishReason::kLength;
  std::int64_t sample = 0;  // which of the request's completions
};

struct GeneratorOptions {
  std::int64_t batch_size = 32;             // sequences that decode together
  std::int64_t prefill_tokens = 4096;       // prompts that are read in one pass, unless one alone is longer
  std::vector<std::int64_t> stop_ids = {};  // of generation_config.json and config.json; may be empty
  // Keys and values may take so much memory; 0: as much as batch_size sequences need. A request waits until
  // what it may come to need is free.
  std::int64_t cache_bytes = 0;
  UnitAccess* units = nullptr;  // who holds the parameters, where they are in parts
  // With ranks that hold parts: asked before each pass whether any rank has work, with whether this one has;
  // collective. A rank without work stands by until nobody has any.
  std::function<bool(bool)> anyone = {};
};

// The end-of-text ids of both files of a checkpoint, each once.
std::vector<std::int64_t> stop_ids_of(const LlamaConfig& config, const GenerationConfig& generation);

class Generator {
 public:
  Generator(Llama& model, GeneratorOptions options);

  // Asks `next` for requests wherever there is a place, and reports each completion to `done` as it ends: in
  // no order, with the request's index. Ends when `next` has none and all completions are done; until then it
  // is asked again, as requests may come meanwhile. Throws Error (65) for a request that the model cannot
  // hold (empty prompt, ids, positions); check_request says so before.
  void run(const std::function<std::optional<GenerationRequest>()>& next,
           const std::function<void(std::size_t index, Completion)>& done);
  // One completion that goes on from what `sequence` shares with the prompt, which stays in it for the next
  // call. `seen` gets every token as it comes, the stop id included; false ends the completion.
  Completion run_one(KvSequence& sequence, const GenerationRequest& request,
                     const std::function<bool(std::int32_t)>& seen);

  // Throws Error (65) with the reason: no prompt, an id outside the vocabulary, prompt and new tokens that
  // exceed max_position_embeddings, settings out of range, more cache memory than cache_bytes.
  void check_request(const GenerationRequest& request) const;

  bool is_stop(std::int32_t id) const;
  Decoder& decoder() { return decoder_; }

 private:
  // A prompt that is read, or is to be, and whose completions are not all begun.
  struct Group {
    GenerationRequest request;
    KvSequence prompt;
    at::Tensor logits_V;  // behind the prompt
    std::int64_t begun = 0, ended = 0;
    std::int64_t pages = 0;  // set aside for it
  };
  struct Live {
    std::shared_ptr<Group> group;
    KvSequence sequence;
    Completion completion;
    StopCheck stop_check;
    std::uint64_t key = 0;
    bool finished = false;
  };
  using Next = std::function<std::optional<GenerationRequest>()>;
  using Done = std::function<void(std::size_t, Completion)>;
  struct Run;

  void admit(const Next& next, Run& run);
  void read_prompts(Run& run);
  void begin_completions(Run& run);
  void decode(Run& run);
  // Samples one token for each from its row of logits.
  void advance(std::span<Live* const> live, const at::Tensor& logits_BV);
  void take(Live& live, const SampledToken& token) const;
  void report(Run& run, const Done& done);
  std::int64_t pages_of(const GenerationRequest& request) const;
  std::int64_t page_limit() const;

  Llama& model_;
  GeneratorOptions options_;
  Decoder decoder_;
  std::vector<Sampler> samplers_;  // one a thread
};

}  // namespace caravan::models
