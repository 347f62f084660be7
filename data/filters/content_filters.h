// Filters of how much is said, and of how it is written.
#pragma once

#include "data/filters/row_filter.h"
#include "data/tokenizers/tokenizer.h"

namespace caravan::data {

// trivial:words, trivial:arithmetic: every prompt of the conversation is one of the two; named after the
// first.
std::unique_ptr<RowFilter> make_trivial_filter(std::int64_t max_words, std::int64_t max_operations);

// "12 * 3 =", "What is 7 plus 5?": numbers with at most so many operations between them, and words that ask
// for the result. A number alone is none.
bool is_arithmetic(std::string_view prompt, std::int64_t max_operations);

// too_short:characters, too_long:tokens, ... `tokenizer` is needed where tokens are limited.
std::unique_ptr<RowFilter> make_length_filter(const FilterOptions& options,
                                              std::unique_ptr<Tokenizer> tokenizer);

// repetition:ngrams, repetition:lines, in an answer.
std::unique_ptr<RowFilter> make_repetition_filter(const FilterOptions& options);

// unbalanced_fence: an answer ends inside a fenced code block (CommonMark's rules for fences, wherever the
// line begins).
std::unique_ptr<RowFilter> make_fence_filter();

// Where the fence that is still open at the end of `text` begins; npos where all are closed.
std::size_t open_fence(std::string_view text);

}  // namespace caravan::data
