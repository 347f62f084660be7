#include "data/converters/verifiable_sets.h"

#include <algorithm>

#include "data/json_members.h"
#include "data/readers/json_text.h"

namespace caravan::data {
namespace {

using Type = JsonValue::Type;

void set_truth(ConvertedRow& row, Json truth, const char* verifier) {
  row.more["ground_truth"] = Json::array({std::move(truth)});
  row.more["dataset"] = Json::array({verifier});
}

Json as_list(const JsonValue& value) {
  Json json = keep(value);
  return json.is_array() ? json : Json::array({std::move(json)});
}

// What stands in the braces of the last \boxed{...}.
std::optional<std::string_view> last_boxed(std::string_view text) {
  constexpr std::string_view kMark = "\\boxed";
  const std::size_t mark = text.rfind(kMark);
  if (mark == std::string_view::npos) return std::nullopt;
  const std::size_t open = mark + kMark.size();
  if (open >= text.size() || text[open] != '{') return std::nullopt;
  int depth = 0;
  for (std::size_t at = open; at < text.size(); ++at) {
    depth += (text[at] == '{') - (text[at] == '}');
    if (depth == 0) return text.substr(open + 1, at - open - 1);
  }
  return std::nullopt;
}

// JSON with the blanks that Python's writer puts behind commas and colons: verifiers of the field compare and
// hash this text.
void append_spaced(const Json& value, std::string& out) {
  if (!value.is_structured() || value.empty()) {
    out += value.dump();
    return;
  }
  out += value.is_array() ? '[' : '{';
  bool first = true;
  for (const auto& [key, element] : value.items()) {
    if (!first) out += ", ";
    first = false;
    if (value.is_object()) {
      append_json_string(out, key);
      out += ": ";
    }
    append_spaced(element, out);
  }
  out += value.is_array() ? ']' : '}';
}

// The arguments of one constraint: null where none is set.
Json arguments_of(const JsonValue& value) {
  if (value.is(Type::kNull)) return nullptr;
  if (!value.is(Type::kObject)) throw DropRow{"wrong_type:kwargs"};
  Json kept = Json::object();
  for (const JsonValue argument : value) {
    if (!argument.is(Type::kNull)) append_new_member(kept, argument.key(), keep(argument));
  }
  return kept.empty() ? Json(nullptr) : kept;
}

// 145.0 as 145: the verifiers compare what is written.
std::string plain_number(const JsonValue& value) {
  std::string text = value.text();
  const std::size_t point = text.find('.');
  if (point != std::string::npos && text.find_first_not_of('0', point + 1) == std::string::npos)
    text.resize(point);
  return text;
}

}  // namespace

bool fits_rlvr(const JsonValue& row) {
  return has_array(row, "messages") && has_key(row, "ground_truth") && has_key(row, "dataset");
}

void convert_rlvr(const JsonValue& row, Conversion& out) {
  const JsonValue messages = need(row, "messages"), truth = need(row, "ground_truth"),
                  dataset = need(row, "dataset");
  Json truths = as_list(truth), datasets = as_list(dataset);
  if (truths.size() != datasets.size()) throw DropRow{"length_mismatch"};
  const bool missing =
      std::any_of(truths.begin(), truths.end(), [](const Json& value) { return value.is_null(); });
  if (missing || truths.empty()) throw DropRow{"empty_ground_truth"};
  if (!messages.is(Type::kArray) || messages.num_children() == 0) throw DropRow{"wrong_type:messages"};
  ConvertedRow& made = out.add();
  for (const JsonValue message : messages) append_message(message, made.messages, out.notes);
  made.more["ground_truth"] = std::move(truths);
  made.more["dataset"] = std::move(datasets);
}

bool fits_gsm8k(const JsonValue& row) {
  const std::optional<JsonValue> answer = row.find("answer");
  return has_text(row, "question") && answer && answer->is(Type::kString) &&
         answer->text().find("####") != std::string::npos;
}

void convert_gsm8k(const JsonValue& row, Conversion& out) {
  const JsonValue question = need(row, "question"), value = need(row, "answer");
  if (!value.is(Type::kString)) throw DropRow{"wrong_type:answer"};
  std::string answer = value.text();
  const std::size_t mark = answer.rfind("####");
  if (mark == std::string::npos) throw DropRow{"no_ground_truth"};
  const std::string truth(stripped(std::string_view(answer).substr(mark + 4)));
  if (truth.empty()) throw DropRow{"no_ground_truth"};
  std::string prompt = need_text(question, "prompt", out.notes);
  ConvertedRow& made = out.add();
  made.messages = exchange(std::move(prompt), need_text(value, "response", out.notes));
  set_truth(made, truth, "gsm8k");
}

bool fits_math(const JsonValue& row) {
  return has_text(row, "problem") && has_text(row, "solution") && !has_key(row, "messages");
}

void convert_math(const JsonValue& row, Conversion& out) {
  const JsonValue problem = need(row, "problem"), solution = need(row, "solution");
  if (!solution.is(Type::kString)) throw DropRow{"wrong_type:solution"};
  const std::string text = solution.text();
  const std::optional<std::string_view> truth = last_boxed(text);
  if (!truth) throw DropRow{"no_ground_truth"};
  std::string prompt = need_text(problem, "prompt", out.notes);
  ConvertedRow& made = out.add();
  made.messages = exchange(std::move(prompt), need_text(solution, "response", out.notes));
  set_truth(made, *truth, "MATH");
}

bool fits_math_steps(const JsonValue& row) {
  return has_text(row, "context") && has_text(row, "answer") && has_text(row, "chain_of_thought");
}

void convert_math_steps(const JsonValue& row, Conversion& out) {
  std::string prompt = text_of(row, "context", "prompt", out.notes);
  ConvertedRow& made = out.add();
  made.messages = exchange(std::move(prompt), text_of(row, "chain_of_thought", "response", out.notes));
  set_truth(made, text_of(row, "answer", "answer", out.notes), "MATH");
}

bool fits_ifeval(const JsonValue& row) {
  return has_text(row, "prompt") && has_array(row, "instruction_id_list") && has_array(row, "kwargs");
}

void convert_ifeval(const JsonValue& row, Conversion& out) {
  const JsonValue prompt = need(row, "prompt"), ids = need_array(row, "instruction_id_list");
  const JsonValue kwargs = need_array(row, "kwargs");
  if (ids.num_children() != kwargs.num_children()) throw DropRow{"length_mismatch"};
  if (ids.num_children() == 0) throw DropRow{"empty_ground_truth"};
  Json arguments = Json::array();
  for (const JsonValue value : kwargs) arguments.push_back(arguments_of(value));
  std::string truth;
  append_spaced(Json::array({{{"instruction_id", keep(ids)}, {"kwargs", std::move(arguments)}}}), truth);
  ConvertedRow& made = out.add();
  made.messages.push_back(turn("user", need_text(prompt, "prompt", out.notes)));
  set_truth(made, std::move(truth), "ifeval");
}

bool fits_svamp(const JsonValue& row) {
  return has_text(row, "Body") && has_text(row, "Question") && has_key(row, "Answer");
}

void convert_svamp(const JsonValue& row, Conversion& out) {
  std::string prompt = text_of(row, "Body", "prompt", out.notes);
  prompt += " " + text_of(row, "Question", "prompt", out.notes);
  const JsonValue answer = need(row, "Answer");
  if (!answer.is(Type::kNumber) && !answer.is(Type::kString)) throw DropRow{"wrong_type:Answer"};
  ConvertedRow& made = out.add();
  made.messages.push_back(turn("user", std::move(prompt)));
  set_truth(made, plain_number(answer), "gsm8k");
}

bool fits_mawps(const JsonValue& row) {
  const std::optional<JsonValue> target = row.find("target");
  return has_text(row, "input") && target && target->is(Type::kNumber);
}

void convert_mawps(const JsonValue& row, Conversion& out) {
  const JsonValue target = need(row, "target");
  if (!target.is(Type::kNumber)) throw DropRow{"wrong_type:target"};
  ConvertedRow& made = out.add();
  made.messages.push_back(turn("user", text_of(row, "input", "prompt", out.notes)));
  set_truth(made, plain_number(target), "gsm8k");
}

bool fits_acecode(const JsonValue& row) {
  return has_text(row, "question") && has_array(row, "test_cases");
}

void convert_acecode(const JsonValue& row, Conversion& out) {
  const JsonValue tests = need_array(row, "test_cases");
  if (tests.num_children() == 0) throw DropRow{"empty_ground_truth"};
  ConvertedRow& made = out.add();
  made.messages.push_back(turn("user", text_of(row, "question", "prompt", out.notes)));
  set_truth(made, keep(tests), "code");
}

}  // namespace caravan::data
