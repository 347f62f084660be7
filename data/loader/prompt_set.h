// Rows with a question and what its answer is checked against: what a stage that generates trains on.
//
// A row is {"messages" (or "prompt"), "ground_truth", "dataset"}, as published sets for verifiable rewards
// are; `dataset` names the verifier. Both may be lists, then each verifier has a truth of its own. The prompt
// ends with the last turn of the user. Every row has one fate in the ledger. All prompts are in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/chat/template.h"
#include "data/data_options.h"
#include "data/loader/ledger.h"
#include "data/message.h"
#include "data/tokenizers/tokenizer.h"

namespace caravan::data {

struct RewardTruth {
  std::string verifier;  // as make_verifier knows it
  Json ground_truth;
};

struct Prompt {
  std::vector<std::int32_t> ids;  // with the template's generation prompt
  std::vector<RewardTruth> truths;
  // Where they were asked for: up to the user's last turn, and what the row has as ground_truth.
  std::vector<Message> messages = {};
  std::string ground_truth = {};
  SourceLine where;
};

struct PromptOptions {
  std::int64_t longest = 0;    // tokens of a prompt; a longer one is dropped
  std::string verifier = {};   // of every row; empty: the row says
  bool has_verifiers = true;   // false: nothing but the prompt of a row is read
  bool keep_messages = false;  // and the ground truth as text: what is not a text is written as JSON
  std::uint64_t seed = 0;      // picks the rows of `take` where a source has no seed of its own
  Json variables;              // template variables; object or null
  std::optional<Date> today = {};
  std::function<bool()> cancelled = {};
};

class PromptSet {
 public:
  // Reasons of dropped rows: those of RowWalk, no_prompt, no_ground_truth, no_dataset, template_refused:TEXT,
  // not_encodable:WHY, too_long. Throws data::Error: files that cannot be read, a `dataset` that no verifier
  // has, lists of different lengths, no prompt left.
  static PromptSet open(const DataOptions& options, const Tokenizer& tokenizer,
                        const ChatTemplate& chat_template, const PromptOptions& prompt_options);

  std::size_t size() const { return prompts_.size(); }
  const Prompt& operator[](std::size_t index) const { return prompts_[index]; }
  // Prompt `place` of an endless sequence of epochs, each all prompts once: in an order that is a pure
  // function of seed and epoch with `shuffle`, else in that of the files.
  std::uint32_t at(std::uint64_t place, std::uint64_t seed, bool shuffle) const;

  std::int64_t num_tokens() const;
  const Ledger& ledger() const { return ledger_; }
  // "prompts.jsonl:17".
  std::string name_of(const SourceLine& where) const;

 private:
  struct Found;
  void add_source(const SourceOptions& source, std::uint64_t seed, std::vector<Found> found);

  std::vector<Prompt> prompts_;
  std::vector<std::uint64_t> keys_;
  Ledger ledger_;
  // The epoch that was asked for last.
  mutable std::optional<std::uint64_t> epoch_ = {};
  mutable std::vector<std::uint32_t> order_ = {};
};

}  // namespace caravan::data
