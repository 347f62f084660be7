#include "data/demo/demo_data.h"

#include <cerrno>
#include <fstream>
#include <system_error>

#include "data/demo/problems.h"
#include "data/error.h"

namespace caravan::data {
namespace {

void write_file(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::path temporary = path;
  temporary += ".writing";
  {
    std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
    out << text << std::flush;
    if (!out) {
      const int code = errno;
      std::error_code ignored;
      std::filesystem::remove(temporary, ignored);
      throw Error(Error::Kind::kInputOutput,
                  path.string() + ": cannot write: " + std::generic_category().message(code));
    }
  }
  std::error_code code;
  std::filesystem::rename(temporary, path, code);
  if (code)
    throw Error(Error::Kind::kInputOutput, path.string() + ": cannot put in place: " + code.message());
}

template <class Row>
std::string as_lines(const std::vector<Row>& rows, Json (*to_row)(const Row&)) {
  std::string text;
  for (const Row& row : rows) text += to_row(row).dump() + "\n";
  return text;
}

// The questions alone, for `caravan generate`.
std::string as_prompts(const std::vector<Dialogue>& dialogues) {
  std::string text;
  for (const Dialogue& dialogue : dialogues) {
    Json row = to_json(dialogue);
    row.erase("ground_truth");
    row["messages"].erase(row["messages"].size() - 1);
    text += row.dump() + "\n";
  }
  return text;
}

BpeVocabulary train_tokenizer(const std::vector<Dialogue>& dialogues, std::size_t vocab_size) {
  BpeTrainerOptions options;
  options.vocab_size = vocab_size;
  options.special_tokens = demo_special_tokens();
  BpeTrainer trainer(options);
  for (const Dialogue& dialogue : dialogues) {
    for (const Message& message : dialogue.conversation.messages) trainer.add(message.content);
  }
  return trainer.train();
}

std::uint64_t count_parameters(const DemoModelOptions& model, std::size_t vocab_size) {
  const auto hidden = static_cast<std::uint64_t>(model.hidden_size);
  const std::uint64_t key_value = hidden / static_cast<std::uint64_t>(model.num_attention_heads) *
                                  static_cast<std::uint64_t>(model.num_key_value_heads);
  const std::uint64_t layer = 2 * hidden * hidden + 2 * hidden * key_value +
                              3 * hidden * static_cast<std::uint64_t>(model.intermediate_size) + 2 * hidden;
  return vocab_size * hidden + static_cast<std::uint64_t>(model.num_hidden_layers) * layer + hidden;
}

void check(const DemoModelOptions& model) {
  if (model.hidden_size < 1 || model.num_attention_heads < 1 || model.num_key_value_heads < 1 ||
      model.hidden_size % model.num_attention_heads != 0 ||
      model.num_attention_heads % model.num_key_value_heads != 0 ||
      model.hidden_size / model.num_attention_heads % 2 != 0) {
    throw Error(
        Error::Kind::kUsage,
        "demo model: found hidden_size " + std::to_string(model.hidden_size) + ", num_attention_heads " +
            std::to_string(model.num_attention_heads) + ", num_key_value_heads " +
            std::to_string(model.num_key_value_heads) +
            "; heads must divide the width into even parts, and be a multiple of the key-value heads");
  }
}

}  // namespace

DemoSummary write_demo(const std::filesystem::path& folder, const DemoOptions& options) {
  check(options.model);
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code)
    throw Error(Error::Kind::kInputOutput, folder.string() + ": cannot make the folder: " + code.message());

  const DialogueSets sets = make_dialogues(options.dialogues);
  // Seeds of their own: how many dialogues there are changes no problem.
  Random seeds(options.dialogues.seed ^ 0x70726f626c656d73u);
  const Difficulty difficulty = options.dialogues.difficulty;
  const auto practice =
      make_problems("practice", options.practice_rows, seeds.next(), Side::kTraining, difficulty);
  const auto quiz = make_problems("quiz", options.quiz_rows, seeds.next(), Side::kHeldOut, difficulty);
  const BpeVocabulary vocabulary = train_tokenizer(sets.training, options.vocab_size);
  write_file(folder / "train.jsonl", as_lines(sets.training, to_json));
  write_file(folder / "held_out.jsonl", as_lines(sets.held_out, to_json));
  write_file(folder / "held_out_prompts.jsonl", as_prompts(sets.held_out));
  write_file(folder / "practice.jsonl", as_lines(practice, practice_row));
  write_file(folder / "quiz.jsonl", as_lines(quiz, quiz_row));
  write_file(folder / "tokenizer.json", vocabulary.to_json().dump(1) + "\n");
  write_file(folder / "tokenizer_config.json", demo_tokenizer_config(options.model).dump(2) + "\n");
  write_file(folder / "generation_config.json", demo_generation_config(vocabulary).dump(2) + "\n");
  write_file(folder / "config.json", demo_config(options.model, vocabulary).dump(2) + "\n");
  return {sets.training.size(),     sets.held_out.size(),
          practice.size(),          quiz.size(),
          vocabulary.tokens.size(), count_parameters(options.model, vocabulary.tokens.size())};
}

}  // namespace caravan::data
