// Bodies that clients send to `caravan serve`.
#include "recipes/serving/api_error.h"
#include "recipes/serving/api_request.h"
#include "tests/fuzz/fuzz_input.h"

using namespace caravan;

const fuzz::Registered kTarget("api_request", [](fuzz::Input input) {
  const bool chat = input.choose(2) == 1;
  fuzz::may_refuse<recipes::ApiError>([&] {
    const data::Json body = recipes::parse_body(input.rest());
    const recipes::ApiRequest request =
        chat ? recipes::parse_chat_request(body) : recipes::parse_completion_request(body);
    fuzz::require(chat ? request.messages.is_array() : !request.prompts.empty(), "a request asks something");
    fuzz::require(request.sampling.n >= 1, "a request wants an answer");
  });
});
