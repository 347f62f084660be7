// Answers to a list of prompts: dealt to the ranks, each kept as soon as it is there, and on all ranks at the
// end.
//
// Promise: what a sample says depends on the model, the prompt and the settings alone, not on which others
// are asked, on batches, on ranks, nor on where a stopped run went on. The model is used in place, sharded or
// whole. A prompt that the model cannot hold is left out and says why; it is never cut.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/message.h"
#include "data/tokenizers/tokenizer.h"
#include "models/generation/sampler.h"
#include "trainer/distributed/unit_shards.h"
#include "trainer/evaluation/sample_store.h"

namespace caravan::trainer {

// What is asked, by number, and what becomes of an answer.
class Questions {
 public:
  virtual ~Questions() = default;
  virtual std::size_t size() const = 0;
  // How the row of a sample begins: "index" and "sample", which tell it apart, and what else is known before
  // it is answered. With "left_out" in it, it is not asked.
  virtual data::Json head(std::size_t number, std::int64_t sample) const = 0;
  virtual std::vector<std::int32_t> prompt(std::size_t number) const = 0;
  // Adds what is to be said of the completion, which stands in the row.
  virtual void judge(std::size_t number, data::Json& row) const = 0;
};

struct AnswerOptions {
  std::int64_t per_prompt = 1;
  std::int64_t max_new_tokens = 256;
  models::SamplingOptions sampling = {};
  std::vector<std::string> stop = {};  // texts that end a completion and are not part of it
  std::uint64_t key = 0;               // of the random numbers, with the prompt's "index"
  std::int64_t batch_size = 32;        // sequences that are generated together
  std::vector<std::int64_t> stop_ids = {};
  bool keep_ids = false;  // the row has the ids of the completion
  // Beside the signals: whether this rank should stop. Asked for every token; may be empty.
  std::function<bool()> wants_stop = {};
};

// Adds to `store` a row for each of the per_prompt samples of each prompt that it lacks: {"completion",
// "finish_reason", "tokens", "log_probs", "ids", "scaled_log_probs" (with ids, where sampling had a
// temperature)} behind its head, and what judge adds. Collective. `progress` is told how many samples are
// there, by one rank alone or where all ranks are asked; true ends it, as a stop that was requested of any
// rank does: Error (stopped) on all of them, with what is there kept.
void answer_questions(UnitShards& units, const data::Tokenizer& tokenizer, const Questions& questions,
                      const AnswerOptions& options, SampleStore& store,
                      const std::function<bool(std::int64_t done, std::int64_t all)>& progress);

}  // namespace caravan::trainer
