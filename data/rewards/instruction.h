// One checkable instruction of IFEval: a name, arguments, and a test of a text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "data/message.h"
#include "data/rewards/verdict.h"

namespace caravan::data {

// Thrown by checks where an argument is missing or of the wrong type; verifiers turn it into "unknown".
struct BadArgument {
  std::string reason;
};

// The arguments of one instruction; nulls count as missing. Throws BadArgument.
class InstructionArguments {
 public:
  explicit InstructionArguments(const Json& values) : values_(values) {}
  const std::string& text(const char* name) const;
  std::int64_t whole(const char* name) const;
  std::vector<std::string> texts(const char* name) const;
  bool has(const char* name) const;

 private:
  const Json& value(const char* name) const;
  const Json& values_;
};

// "less than" or "at least" (and "at most", "exactly", which some sets add). Throws BadArgument for other
// words.
bool meets(std::int64_t count, std::int64_t wanted, std::string_view relation);

// IFEval's 25 instructions by their ids, such as keywords:existence. A prefix en: is dropped. Nothing where
// the id is not known. `by_rules` as below.
std::optional<Verdict> check_instruction(std::string_view id, const InstructionArguments& arguments,
                                         std::string_view text, bool by_rules = false);

// The 25 functions of Tulu 3's training prompts, such as verify_keywords. `rules`: letter by letter as the
// reference does; otherwise what a careful grader would say.
std::optional<Verdict> check_function(std::string_view name, const InstructionArguments& arguments,
                                      std::string_view text, bool by_rules);

}  // namespace caravan::data
