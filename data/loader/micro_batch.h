// What one forward and backward pass eats: whole documents, one after the other, in flat arrays of T tokens.
//
// There is no padding and no attention mask: document n is the tokens doc_starts[n] .. doc_starts[n + 1] - 1,
// attention must not cross that border but to a prefix that is shared, and positions start at 0 in each
// document, or behind its prefix. All arrays are plain so that this header needs no tensor library.
#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

#include "data/message.h"

namespace caravan::data {

// What a document is to an objective. The two sides of a pair stand side by side: a chosen document is
// followed by its rejected one, and an answer with a verdict by its mismatched one, where there is one: the
// same prompt before the answer of another row.
enum class DocumentRole : std::uint8_t {
  kExample,
  kChosen,
  kRejected,
  kDesirable,
  kUndesirable,
  kMismatched
};
constexpr bool is_second_side(DocumentRole role) {
  return role == DocumentRole::kRejected || role == DocumentRole::kMismatched;
}

// Of completions that a policy sampled, at trained targets: [T] each, or empty where nobody needs them.
struct SampledTokens {
  std::vector<float> sampling_log_probs;  // by the sampler
  std::vector<float> old_log_probs;       // by the policy as it was when the rollout was made
  std::vector<float> advantages;
  std::vector<float> old_values, returns;  // of a value model
};

struct MicroBatch {
  std::vector<std::int32_t> ids;      // [T]
  std::vector<std::int32_t> targets;  // [T] the next token of the same document; kNoTarget at its last token
  std::vector<float>
      weights;  // [T] 1 where targets[t] is trained, else 0: position t answers for predicting ids[t + 1]
  std::vector<std::int32_t> positions;   // [T] 0, 1, 2, ... in each document and its prefix
  std::vector<std::int32_t> doc_starts;  // [N + 1] ascending, first 0, last T
  // [N], or empty: document n continues the prefix_lengths[n] tokens from prefix_starts[n] on, the beginning
  // of an earlier document that has no prefix itself.
  std::vector<std::int32_t> prefix_starts, prefix_lengths;
  std::vector<SourceLine> documents;  // [N] where each document was read; TrainingData::name_of prints it
  std::vector<std::uint32_t> document_indices;  // [N] index of each document in TrainingData; a pair has one
  std::vector<DocumentRole> roles;              // [N]; empty: all are examples
  // [N] by how much its row says that the chosen answer is the better one; NaN where it does not say.
  std::vector<float> margins;
  // [T] what a frozen reference gives each trained target, where an objective compares with one; else empty.
  std::vector<float> reference_log_probs;
  SampledTokens sampled;
  // What an objective found out about the whole step before its first loss: Objective::prepare.
  std::vector<double> step_values;

  static constexpr std::int32_t kNoTarget = -1;
  std::int64_t num_tokens() const noexcept { return static_cast<std::int64_t>(ids.size()); }
  // As many as there would be if nothing were shared.
  std::int64_t num_document_tokens() const noexcept {
    return std::accumulate(prefix_lengths.begin(), prefix_lengths.end(), num_tokens());
  }
};

}  // namespace caravan::data
