// Completions of many prompts: a batch that refills itself as sequences end.
//
// Promise: a request's completion depends on the model, its prompt and its settings alone, never on the batch
// it was in, its size or the number of threads: on the CPU bit for bit. Requests are taken as places become
// free, so the input may be longer than memory. Non-goals: beams; stop texts (stop ids only).
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

struct GenerationRequest {
  std::size_t index = 0;  // the caller's number for it
  std::vector<std::int32_t> prompt = {};
  std::int64_t max_new_tokens = 0;
  SamplingOptions sampling = {};
  std::uint64_t key = 0;  // of its random numbers: sampling_key
};

struct Completion {
  std::vector<std::int32_t> ids;  // the stop id, where one ended it, included
  std::vector<float> log_probs;   // one an id, see SampledToken
  FinishReason finish_reason = FinishReason::kLength;
};

struct GeneratorOptions {
  std::int64_t batch_size = 32;             // sequences that decode together
  std::int64_t prefill_tokens = 4096;       // prompts that are read in one pass, unless one alone is longer
  std::vector<std::int64_t> stop_ids = {};  // of generation_config.json and config.json; may be empty
};

// The end-of-text ids of both files of a checkpoint, each once.
std::vector<std::int64_t> stop_ids_of(const LlamaConfig& config, const GenerationConfig& generation);

class Generator {
 public:
  Generator(Llama& model, GeneratorOptions options);

  // Asks `next` for requests until it has no more, and reports each completion to `done` as it ends: in no
  // order. Throws Error (65) for a request that the model cannot hold (empty prompt, ids, positions);
  // check_request says so before.
  void run(const std::function<std::optional<GenerationRequest>()>& next,
           const std::function<void(std::size_t index, Completion)>& done);
  // One completion that goes on from what `sequence` shares with the prompt, which stays in it for the next
  // call. `seen` gets every token as it comes, the stop id included; false ends the completion.
  Completion run_one(KvSequence& sequence, const GenerationRequest& request,
                     const std::function<bool(std::int32_t)>& seen);

  // Throws Error (65) with the reason: no prompt, an id outside the vocabulary, prompt and new tokens that
  // exceed max_position_embeddings, settings out of range.
  void check_request(const GenerationRequest& request) const;

  Decoder& decoder() { return decoder_; }

 private:
  struct Live {
    GenerationRequest request;
    std::unique_ptr<KvSequence> sequence;
    Completion completion;
    bool finished = false;
  };
  void admit(const std::function<std::optional<GenerationRequest>()>& next, std::vector<Live>& live);
  void read_prompts(std::span<Live> fresh);
  // Samples one token for a sequence from its logits.
  void advance(Live& live, const at::Tensor& logits_V);
  bool is_stop(std::int32_t id) const;

  Llama& model_;
  GeneratorOptions options_;
  Decoder decoder_;
  Sampler sampler_;
};

}  // namespace caravan::models
