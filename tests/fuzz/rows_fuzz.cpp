// Rows of every layout, as lines and as an array, in UTF-8 or not.
#include "data/error.h"
#include "data/readers/row.h"
#include "data/tokenizers/unicode.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

using namespace caravan;

void check_kept(const data::Conversation& conversation) {
  fuzz::require(!conversation.messages.empty(), "a kept row has messages");
  for (const data::Message& message : conversation.messages) {
    fuzz::require(!message.role.empty(), "a message has a role");
    fuzz::require(data::find_invalid_utf8(message.content) == std::string_view::npos, "text is UTF-8");
  }
}

}  // namespace

const fuzz::Registered kTarget("rows", [](fuzz::Input input) {
  constexpr data::RowFormat kFormats[] = {data::RowFormat::kMessages,   data::RowFormat::kSharegpt,
                                          data::RowFormat::kAlpaca,     data::RowFormat::kPromptCompletion,
                                          data::RowFormat::kPreference, data::RowFormat::kLabelled};
  const data::RowFormat format = kFormats[input.choose(std::size(kFormats))];
  const char* name = input.choose(2) == 0 ? "rows.jsonl" : "rows.json";
  const std::string path = fuzz::file_of(name, input.rest());
  fuzz::may_refuse<data::Error>([&] {
    const auto source = data::open_rows(path, {.row_bytes = 4096, .block_bytes = 1024});
    data::JsonRow json;
    for (data::RowBlock block; source->next(block);)
      for (const data::RowBlock::Row& row : block.rows) {
        data::TrainingRow out;
        const data::RowOutcome outcome =
            data::parse_training_row(block.text(row), format, data::context_of(row, "fuzz", 0), json, out);
        if (outcome.fate == data::RowFate::kDropped || outcome.fate == data::RowFate::kIgnored)
          fuzz::require(outcome.reasons.size() == 1, "what is not kept has one reason");
        else
          check_kept(out.conversation);
      }
  });
});
