// Prompts before answers to other prompts: KTO measures on them how far the policy has moved from its
// reference. Private to the loader.
#pragma once

#include <cstdint>
#include <vector>

#include "data/loader/document_set.h"

namespace caravan::data {

// What stands behind a document: its own prompt, all before its first trained token, then the answer of
// another, all from there on.
struct Mismatch {
  std::uint32_t answer_of = 0;  // document
  std::uint32_t prompt_tokens = 0;
  std::uint32_t answer_begin = 0, answer_tokens = 0;
  std::uint32_t trained_tokens = 0;
};

// Of each document. Whose answer it is depends on the rows' content and on nothing else: the next document,
// in the order of their keys, with another prompt. An answer is cut where both are longer than `max_length`.
// Throws data::Error where all documents have one prompt.
std::vector<Mismatch> find_mismatches(const DocumentSet& documents, std::int64_t max_length);

}  // namespace caravan::data
