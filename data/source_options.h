// One source of rows in a recipe: a file or a glob, how to read it, and how much of it to use.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "data/quantity.h"

namespace caravan::data {

enum class RowFormat { kAuto, kMessages, kSharegpt, kAlpaca, kPromptCompletion, kPreference, kLabelled };
constexpr std::array<std::string_view, 7> choice_names(RowFormat) {
  return {"auto", "messages", "sharegpt", "alpaca", "prompt_completion", "preference", "labelled"};
}

// What a row is to a stage: an answer to imitate, two answers of which one is better, an answer with a
// verdict.
enum class RowKind { kExample, kPair, kLabelled };
constexpr RowKind kind_of(RowFormat format) {
  return format == RowFormat::kPreference ? RowKind::kPair
         : format == RowFormat::kLabelled ? RowKind::kLabelled
                                          : RowKind::kExample;
}

struct SourceOptions {
  std::string path = {};  // absolute once the recipe is read; a glob may match many files
  RowFormat format = RowFormat::kAuto;
  std::optional<Quantity> take = {};       // rows or %; absent: all rows
  double weight = 1.0;                     // times each taken row is seen in an epoch
  std::optional<std::uint64_t> seed = {};  // which rows `take` picks; absent: run.seed
  bool operator==(const SourceOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("path", path,
            {.help = "file or glob of rows: jsonl, json, csv, tsv, each also .gz or .zst, or parquet",
             .required = true,
             .path = true});
    v.field("format", format, {.help = "layout of a row; auto looks at the first rows of each file"});
    v.field("take", take,
            {.help = "how much of the source to use, picked by seed; absent: all of it",
             .units = "% rows",
             .min = 0,
             .min_excluded = true});
    v.field(
        "weight", weight,
        {.help = "times each taken row is seen in an epoch; 2.5 is twice, and half of the rows a third time",
         .min = 0,
         .max = 1000,
         .min_excluded = true});
    v.field("seed", seed, {.help = "which rows take picks; absent: run.seed"});
  }
};

}  // namespace caravan::data
