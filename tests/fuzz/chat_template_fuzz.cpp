// A chat template, rendered for one conversation under small limits.
#include "data/chat/template.h"
#include "data/error.h"
#include "tests/fuzz/fuzz_input.h"

using namespace caravan;

namespace {

data::Json conversation() {
  return data::Json::parse(R"({"bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": false,
      "tools": [{"type": "function", "function": {"name": "add", "parameters": {}}}],
      "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "1 + 1?"},
                   {"role": "assistant", "content": "2"}, {"role": "user", "content": "\u00e9\ud83d\ude00"},
                   {"role": "assistant", "content": "<think>a</think>b"}]})");
}

void check(const data::Rendered& rendered) {
  std::size_t end = 0;
  for (const data::RenderedTurn& turn : rendered.turns) {
    fuzz::require(end <= turn.text.begin && turn.text.begin <= turn.text.end, "turns follow one another");
    fuzz::require(turn.text.end <= turn.marker_end, "a marker ends behind its turn");
    end = turn.marker_end;
  }
  fuzz::require(end <= rendered.text.size(), "turns lie inside the text");
  end = 0;
  for (const data::ByteRange& range : rendered.trusted) {
    fuzz::require(end <= range.begin && range.begin <= range.end, "trusted ranges follow one another");
    end = range.end;
  }
  fuzz::require(end <= rendered.text.size(), "trusted ranges lie inside the text");
}

}  // namespace

const fuzz::Registered kTarget("chat_template", [](fuzz::Input input) {
  static const data::Json variables = conversation();
  const data::RenderOptions options{
      .add_generation_prompt = {},
      .now = {},
      .limits = {.steps = 50'000, .depth = 50, .output_bytes = 1u << 18, .memory_bytes = 8u << 20}};
  fuzz::may_refuse<data::Error>([&] {
    const data::ChatTemplate chat(std::string(input.rest()), "fuzz");
    check(chat.render(variables, options));
  });
});
