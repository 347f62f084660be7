// Evaluation files to items: which field of a row is the text that must not be trained on.
#pragma once

#include <string>
#include <vector>

#include "data/decontamination/eval_items.h"

namespace caravan::data {

// NAME=FILE or NAME=FILE#FIELD, as on the command line. FILE is a file or a glob; several sources may share a
// name. FIELD is a key of the rows; absent, it is the one of question, prompt, query, problem, instruction,
// goal, text, input, or messages (then the texts of the user) that the first row has. #N, a number, reads csv
// files without a header: the text is column N, counted from 1.
struct EvalSource {
  std::string name;
  std::string path;
  std::string field;
};

// Throws data::Error(kUsage) where it is not of that form.
EvalSource parse_eval_source(const std::string& argument);

// Throws data::Error: files that cannot be read, a file without rows or with a row that has no text under the
// field, and where the field is not named, rows that have none or several of the known ones.
EvalItems read_eval_items(const std::vector<EvalSource>& sources);

}  // namespace caravan::data
