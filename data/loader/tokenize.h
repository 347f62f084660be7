// A conversation to token ids and the mask of what is trained, proved on the way.
//
// Goals: one render and one encoding per row; a token is trained when it overlaps a span that the policy
// trains. A token that lies partly outside (a header's last space that merges with the first word) is trained
// and counted as straddling. The proof: the text of the trained tokens must be the text of the spans.
// Non-goals: files, caching. Safe to use from several threads.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/chat/template.h"
#include "data/data_options.h"
#include "data/loader/ledger.h"
#include "data/loader/micro_batch.h"
#include "data/message.h"
#include "data/tokenizers/tokenizer.h"

namespace caravan::data {

struct TokenizeOptions {
  TrainOn train_on = TrainOn::kAssistant;
  std::int64_t max_length = 4096;  // tokens of a document
  TooLong too_long = TooLong::kDrop;
};

// Conversation to text with turns and trusted ranges; throws data::Error where the template refuses the row.
using Render = std::function<Rendered(const Conversation&)>;

// What became of one row; reused from row to row.
struct TokenizedRow {
  Fate fate = Fate::kDropped;
  std::string reason;                 // codes, joined by commas; empty: nothing to say
  std::vector<std::int32_t> ids;      // of all documents made of the row, one after the other
  std::vector<std::uint8_t> trained;  // per id: 1 where it is a target that is trained
  std::vector<std::uint32_t> ends;    // per document: index after its last id; of a pair: of each side
  DocumentRole role =
      DocumentRole::kExample;  // kChosen: the row is a pair, its two sides one after the other
  float margin = std::numeric_limits<float>::quiet_NaN();  // of a pair, where its row says so
  std::uint32_t cut_tokens = 0;
  std::uint32_t straddling_tokens = 0;

  void clear();
  void add_reason(std::string_view code);
};

// Text of every id of a tokenizer in one block of memory: proofs ask for it once per token.
class TokenTexts {
 public:
  explicit TokenTexts(const Tokenizer& tokenizer);
  std::string_view operator[](std::int32_t id) const;

 private:
  std::string bytes_;
  std::vector<std::uint32_t> starts_;
};

class ConversationTokenizer {
 public:
  // Refers to `tokenizer`, which must outlive it.
  ConversationTokenizer(const Tokenizer& tokenizer, Render render, const TokenizeOptions& options);

  // Fills `out`; a row that cannot be used is dropped in it with a reason:
  //   template_refused:TEXT, turns_unlocated:WHY, template_left_out:tool_calls, not_encodable:WHY, too_long,
  //   no_trained_tokens, cut_left_no_answer, mask_mismatch, wrong_value:weight.
  // Throws data::Error where the row says that the set-up is wrong: too long under too_long: error, a doubled
  // BOS, an id outside the vocabulary. `where` is printed then.
  void tokenize(const Conversation& conversation, const std::string& where, TokenizedRow& out) const;

  // The same for both sides of a pair, which are used or dropped together. Further reasons:
  //   chosen:REASON, rejected:REASON, chosen_equals_rejected (the same tokens), cut_left_no_prompt,
  //   cut_left_no_difference.
  // truncate_left takes the same tokens of the prompt from both sides; split is refused by TrainingData.
  // `second` is working memory.
  void tokenize_pair(const Conversation& chosen, const Conversation& rejected, const std::string& where,
                     TokenizedRow& second, TokenizedRow& out) const;

 private:
  // Ids and mask of the whole conversation; false where it is dropped, with the reason in `out`.
  bool encode(const Conversation& conversation, const std::string& where, TokenizedRow& out) const;
  bool fit_pair(const std::string& where, TokenizedRow& chosen, TokenizedRow& rejected) const;
  void fit(const std::string& where, TokenizedRow& out) const;
  void split(TokenizedRow& out) const;

  const Tokenizer& tokenizer_;
  Render render_;
  TokenizeOptions options_;
  TokenTexts texts_;
};

// The spans of a policy without the turns whose message says weight 0 (also loss_weight, train): sorted,
// disjoint, touching ones joined. Throws data::Error for a weight that is neither 0 nor 1.
std::vector<ByteRange> trained_spans(const Rendered& rendered, const Conversation& conversation,
                                     TrainOn policy);

// Positions of a document with a trained target: its first token has no position before it.
std::uint32_t count_trained_targets(std::span<const std::uint8_t> trained);

}  // namespace caravan::data
