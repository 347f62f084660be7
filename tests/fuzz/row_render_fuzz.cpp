// A row through the template of another line's choice, to tokens and mask. Whatever a row says, its text
// never becomes a special token. Input: a line with the name of a built-in template, then a row.
#include "data/chat/builtin_templates.h"
#include "data/error.h"
#include "data/loader/tokenize.h"
#include "data/readers/row.h"
#include "data/tokenizers/tokenizer_json.h"
#include "tests/fuzz/fuzz_input.h"

using namespace caravan;

namespace {

// Every byte a token, and the special texts of all built-in templates.
const data::Tokenizer& tokenizer() {
  static const data::BpeTokenizer made = [] {
    const std::string text =
        tests::read_bytes(std::filesystem::path(CARAVAN_SOURCE_DIR) / "tests/fuzz/row_render_tokenizer.json");
    simdjson::dom::parser parser;
    return data::BpeTokenizer(data::read_tokenizer_json(data::parse_json(parser, text, "fuzz.json")));
  }();
  return made;
}

void check(const data::ChatTemplate& chat, const data::Conversation& row, data::TrainOn train_on) {
  const auto render = [&](const data::Conversation& conversation) {
    return chat.render(conversation, data::Json{{"bos_token", "<s>"}, {"eos_token", "</s>"}});
  };
  const data::ConversationTokenizer tokens(tokenizer(), render, {.train_on = train_on, .max_length = 4096});
  data::TokenizedRow out;
  tokens.tokenize(row, "fuzz", out);
  fuzz::require(out.ids.size() == out.trained.size(), "every id is trained or not");
  fuzz::require(out.reason.find("mask_mismatch") == std::string::npos, "the two masks agree");
  if (out.ids.empty()) return;
  // As many special tokens as the template writes for rows that say nothing of the kind.
  data::Conversation plain = row;
  for (data::Message& message : plain.messages)
    for (char& c : message.content)
      if (c == '<' || c == '[' || c == '|') c = '.';
  data::TokenizedRow other;
  tokens.tokenize(plain, "fuzz", other);
  if (other.ids.empty()) return;
  const auto specials = [](const std::vector<std::int32_t>& ids) {
    return std::ranges::count_if(ids, [](std::int32_t id) { return tokenizer().is_special(id); });
  };
  fuzz::require(specials(out.ids) == specials(other.ids), "text of a row is no special token");
}

}  // namespace

const fuzz::Registered kTarget("row_render", [](fuzz::Input input) {
  const data::BuiltinTemplate* builtin = data::find_builtin_template(input.line());
  if (builtin == nullptr) return;
  const auto train_on = static_cast<data::TrainOn>(input.choose(4));
  data::JsonRow json;
  data::TrainingRow row;
  const data::RowOutcome outcome =
      data::parse_training_row(input.rest(), data::RowFormat::kMessages, {"fuzz", {0, 1}}, json, row);
  if (outcome.fate != data::RowFate::kKept && outcome.fate != data::RowFate::kRepaired) return;
  fuzz::may_refuse<data::Error>([&] {
    const data::ChatTemplate chat = data::make_builtin_template(builtin->name);
    check(chat, row.conversation, train_on);
  });
});
