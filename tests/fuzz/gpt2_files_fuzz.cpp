// GPT-2's pair of files. Input: the vocabulary up to a line "---", then the merges.
#include "data/error.h"
#include "data/tokenizers/tokenizer.h"
#include "tests/fuzz/tokenizer_fuzz.h"

using namespace caravan;

const fuzz::Registered kTarget("gpt2_files", [](fuzz::Input input) {
  constexpr std::string_view kBorder = "\n---\n";
  const std::string_view all = input.rest();
  const std::size_t border = std::min(all.find(kBorder), all.size());
  const std::string vocabulary = fuzz::file_of("vocab.json", all.substr(0, border));
  fuzz::file_of("merges.txt", all.substr(std::min(border + kBorder.size(), all.size())));
  fuzz::may_refuse<data::Error>([&] { fuzz::check_tokenizer(*data::load_tokenizer(vocabulary)); });
});
