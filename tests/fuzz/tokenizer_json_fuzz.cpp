// tokenizer.json.
#include "data/error.h"
#include "data/tokenizers/tokenizer_json.h"
#include "tests/fuzz/tokenizer_fuzz.h"

using namespace caravan;

const fuzz::Registered kTarget("tokenizer_json", [](fuzz::Input input) {
  const std::string text(input.rest());
  fuzz::may_refuse<data::Error>([&] {
    simdjson::dom::parser parser;
    fuzz::check_tokenizer(
        data::BpeTokenizer(data::read_tokenizer_json(data::parse_json(parser, text, "fuzz.json"))));
  });
});
