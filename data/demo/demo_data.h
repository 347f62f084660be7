// Writes the whole demo: train.jsonl, held_out.jsonl, held_out_prompts.jsonl (the same without the last
// answers), practice.jsonl (prompts whose answers a verifier can check), quiz.jsonl (held-out questions), and
// a checkpoint directory without weights (tokenizer.json, tokenizer_config.json, config.json,
// generation_config.json), to train a small chat model from nothing.
#pragma once

#include <cstdint>
#include <filesystem>

#include "data/demo/checkpoint_files.h"
#include "data/demo/dialogues.h"

namespace caravan::data {

struct DemoOptions {
  DialogueOptions dialogues;
  std::size_t practice_rows = 12000;
  std::size_t quiz_rows = 1000;
  DemoModelOptions model;
  std::size_t vocab_size = 1024;
};

struct DemoSummary {
  std::size_t training_rows = 0;
  std::size_t held_out_rows = 0;
  std::size_t practice_rows = 0;
  std::size_t quiz_rows = 0;
  std::size_t vocab_size = 0;
  std::uint64_t parameters = 0;
};

// Files that are there already are replaced, each whole. Throws data::Error: usage for options that cannot be
// honoured, input/output.
DemoSummary write_demo(const std::filesystem::path& folder, const DemoOptions& options);

}  // namespace caravan::data
