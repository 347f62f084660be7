// tokenizer.model, which is tiktoken's ranks or a SentencePiece model.
#include "data/error.h"
#include "data/tokenizers/tokenizer.h"
#include "tests/fuzz/tokenizer_fuzz.h"

using namespace caravan;

const fuzz::Registered kTarget("tokenizer_model", [](fuzz::Input input) {
  const std::string path = fuzz::file_of("tokenizer.model", input.rest());
  fuzz::may_refuse<data::Error>([&] { fuzz::check_tokenizer(*data::load_tokenizer(path)); });
});
