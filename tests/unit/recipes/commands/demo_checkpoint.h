// A small checkpoint with tokenizer, chat template and random weights, made once per process.
#pragma once

#include <filesystem>
#include <span>
#include <sstream>
#include <string>

#include "data/demo/demo_data.h"
#include "models/llama/llama.h"
#include "models/weights/hf_directory_writer.h"
#include "tests/support/temp_dir.h"

namespace caravan::tests {

inline void write_demo_checkpoint(const TempDir& folder) {
  data::DemoOptions options;
  options.dialogues.training_rows = 60;
  options.dialogues.held_out_rows = 10;
  options.practice_rows = options.quiz_rows = 10;
  options.model.hidden_size = 32;
  options.model.intermediate_size = 48;
  options.model.num_hidden_layers = 2;
  options.model.num_attention_heads = 4;
  options.model.num_key_value_heads = 2;
  options.vocab_size = 400;
  const std::string source = (folder / "source").string();
  data::write_demo(source, options);
  models::Llama model(models::read_llama_config(source + "/config.json"), at::kFloat, at::kCPU);
  model.initialize(3);
  std::vector<models::TensorSpec> specs;
  for (const models::FlatUnit& unit : model.units())
    for (const models::Slot& slot : unit.slots())
      specs.push_back({slot.name, models::Dtype::kFloat32, slot.shape});
  models::HfDirectoryWriter writer((folder / "model").string(), model.config(), specs, {.source = source});
  for (const models::FlatUnit& unit : model.units())
    for (const models::Slot& slot : unit.slots()) writer.add(slot.name, unit.value(slot));
  writer.finish();
}

inline const std::string& demo_checkpoint() {
  static const TempDir folder;
  static const std::string path = [] {
    write_demo_checkpoint(folder);
    return (folder / "model").string();
  }();
  return path;
}

// What the checkpoint was made from: tokenizer and config.json, no weights.
inline std::string demo_source() {
  return (std::filesystem::path(demo_checkpoint()).parent_path() / "source").string();
}

// Output lines of a command and its exit code.
struct Ran {
  int code = -1;
  std::vector<data::Json> rows;
  std::string output;
};

using LineCommand = int (*)(std::span<const std::string>, std::istream&, std::ostream&);

inline Ran run_lines(LineCommand command, const std::vector<std::string>& args, const std::string& input) {
  std::istringstream in(input);
  std::ostringstream out;
  Ran ran;
  ran.code = command(args, in, out);
  ran.output = out.str();
  std::istringstream lines(ran.output);
  for (std::string line; std::getline(lines, line);) ran.rows.push_back(data::Json::parse(line));
  return ran;
}

}  // namespace caravan::tests
