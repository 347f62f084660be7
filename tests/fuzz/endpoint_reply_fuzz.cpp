// What a server of the OpenAI API sends back, and what is read out of a model's text: ratings, prompts.
#include "data/endpoint/endpoint_reply.h"
#include "data/preferences/ratings.h"
#include "data/synthesis/made_text.h"
#include "data/tokenizers/unicode.h"
#include "tests/fuzz/fuzz_input.h"

using namespace caravan;

const fuzz::Registered kTarget("endpoint_reply", [](fuzz::Input input) {
  const auto api = input.choose(2) == 0 ? data::EndpointApi::kChat : data::EndpointApi::kCompletions;
  const std::string_view key = "sk-fuzz/\"\\7";
  const data::EndpointReply reply = data::read_endpoint_reply(input.rest(), api);
  fuzz::require(data::find_invalid_utf8(reply.text) == std::string_view::npos, "an answer is UTF-8");
  fuzz::require(!reply.tokens || *reply.tokens >= 0, "nothing is paid back");
  const std::string shown = data::endpoint_error_text(input.rest(), key);
  fuzz::require(shown.find(key) == std::string::npos && shown.size() <= 300,
                "errors are short, without the key");
  const std::string text = reply.problem.empty() ? reply.text : std::string(input.rest());
  const data::Ratings ratings = data::parse_ratings(text, 4);
  fuzz::require(ratings.problem.empty() == (ratings.values.size() == 4), "ratings are all there or none");
  const data::MadeText made = data::made_prompt({.text = text}, "before");
  fuzz::require(made.reason.empty() != made.text.empty(), "a prompt, or why there is none");
});
