// The `data` section of a recipe: from rows in files to tokens with a mask.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/chat/train_on.h"
#include "data/source_options.h"

namespace caravan::data {

// What becomes of a conversation of more than max_length tokens.
enum class TooLong { kDrop, kTruncateLeft, kTruncateRight, kSplit, kError };
constexpr std::array<std::string_view, 5> choice_names(TooLong) {
  return {"drop", "truncate_left", "truncate_right", "split", "error"};
}

struct DataOptions {
  std::vector<SourceOptions> sources = {};
  std::string chat_template = "auto";  // auto, the name of a built-in template, or an absolute path
  TrainOn train_on = TrainOn::kAssistant;
  std::int64_t max_length = 4096;  // tokens
  TooLong too_long = TooLong::kDrop;
  bool shuffle = true;
  std::string cache_dir = {};      // empty: run.dir/data/cache
  std::string tokenizer = {};      // empty: model.path
  std::string require_clean = {};  // report of caravan data decontaminate; empty: none is asked for
  std::int64_t threads = 0;        // 0: every core
  bool operator==(const DataOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.list("sources", sources, {.help = "where the rows come from", .required = true});
    v.field("chat_template", chat_template,
            {.help = "auto (the checkpoint's own), the name of a built-in template, or a file that ends in "
                     ".jinja or holds a /",
             .path_or_name = true});
    v.field("train_on", train_on,
            {.help = "which tokens the model learns from; an end-of-turn marker belongs to its turn"});
    v.field("max_length", max_length,
            {.help = "longest conversation in tokens",
             .units = "tokens",
             .unit_required = true,
             .min = 2,
             .max = 1 << 24});
    v.field("too_long", too_long, {.help = "what becomes of a conversation of more than max_length tokens"});
    v.field("shuffle", shuffle,
            {.help = "a new order each epoch, a pure function of run.seed and the epoch"});
    v.field("cache_dir", cache_dir,
            {.help = "where tokens are kept between runs; absent: data/cache in run.dir",
             .output_path = true,
             .free_at_resume = true});
    v.field(
        "tokenizer", tokenizer,
        {.help = "tokenizer.json, tokenizer.model or a folder with one; absent: model.path", .path = true});
    v.field(
        "require_clean", require_clean,
        {.help = "report of caravan data decontaminate, or its folder: training is refused (77) unless every "
                 "file of data.sources is the clean file it speaks of, byte for byte; absent: not asked",
         .path = true});
    v.field("threads", threads,
            {.help = "threads that read and tokenize; 0: every core",
             .min = 0,
             .max = 4096,
             .free_at_resume = true});
  }
};

}  // namespace caravan::data
