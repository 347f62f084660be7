// Hand-written scanners for the split patterns that the field uses, recognised by their exact text. They find
// the same words as the regular expression, in linear time, several times faster than a regular-expression
// engine.
//
// Patterns covered: GPT-2; cl100k as Llama 3 and OLMo 2 write it; Qwen 2; o200k as Llama 4 and gpt-oss write
// it; Mistral's tekken. Anything else goes to Regex.
#pragma once

#include <string_view>

namespace caravan::data {

// End of the word that starts at `begin` < `end`, in valid UTF-8. The word never depends on what precedes
// `begin`; `end` counts as the end of the text. Thread safe.
using NextWord = const char* (*)(const char* begin, const char* end);

// The scanner for a pattern, or null where the pattern is not one of those above. Every character belongs to
// some word.
NextWord find_scanner(std::string_view pattern);

// The pattern that ByteLevel(use_regex) stands for, and the one that Llama 3 rank files go with.
extern const std::string_view kGpt2Pattern;
extern const std::string_view kLlama3Pattern;

}  // namespace caravan::data
