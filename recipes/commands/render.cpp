#include "recipes/commands/render.h"

#include <unistd.h>

#include <iostream>
#include <optional>

#include "data/bounded_json.h"
#include "data/chat/checkpoint_template.h"
#include "data/chat/template.h"
#include "data/error.h"
#include "recipes/command_flags.h"
#include "recipes/model_folder.h"
#include "recipes/row_messages.h"
#include "recipes/text_front.h"

namespace caravan::recipes {
namespace {

using data::Error;
using data::Json;

constexpr const char* kUsage =
    "caravan render --template FILE|NAME | --model DIR [--train-on POLICY] [--date YYYY-MM-DD] < rows.jsonl\n"
    "\n"
    "Renders conversations with a chat template: JSON lines in, JSON lines out.\n"
    "  --template FILE     a file of Jinja text, or a built-in template: tulu, llama3, chatml, mistral, "
    "zephyr, plain\n"
    "  --model DIR         the template and the bos/eos tokens of a checkpoint; with --template only its "
    "tokens\n"
    "  --train-on POLICY   assistant (default), last_assistant, completion, all\n"
    "  --date YYYY-MM-DD   what strftime_now sees; default: today\n"
    "  --format NAME       layout of the rows: auto (default), messages, sharegpt, alpaca, "
    "prompt_completion\n"
    "A row is an object with `messages`; further keys (tools, add_generation_prompt, bos_token, ...) are "
    "template\n"
    "variables. Each row gives {\"text\", \"spans\"}, spans being [begin, end) in UTF-8 bytes, or "
    "{\"error\"}. \"left_out\"\n"
    "is there where the template does not write what the row has: [\"tools\", \"messages[2].tool_calls\"].\n"
    "Exit codes: 0 done, 2 usage, 65 rows in error or a malformed template, 74 it cannot be read.\n";

struct RenderArgs {
  std::string chat_template;
  std::string model;
  data::RowFormat format = data::RowFormat::kAuto;
  data::TrainOn train_on = data::TrainOn::kAssistant;
  std::optional<data::Date> date;
};

// Nothing where help was asked for.
std::optional<RenderArgs> parse_args(std::span<const std::string> args) {
  RenderArgs parsed;
  std::optional<std::string> train_on;
  std::string date;
  CommandFlags flags("render", kUsage);
  flags.add_text("--template", parsed.chat_template);
  flags.add_text("--model", parsed.model);
  flags.add_choice("--train-on", train_on, {"assistant", "last_assistant", "completion", "all"});
  flags.add_text("--date", date);
  std::optional<std::string> format;
  flags.add_choice("--format", format, kRowFormatNames);
  if (!flags.parse(args)) return std::nullopt;
  if (train_on) parsed.train_on = data::train_on_from_name(*train_on);
  parsed.format = row_format_from_name(format);
  if (!date.empty()) parsed.date = data::parse_date(date);
  if (parsed.chat_template.empty() && parsed.model.empty()) flags.refuse("--template or --model is needed");
  return parsed;
}

Json render_row(const data::ChatTemplate& chat_template, const Json& tokens, const std::string& line,
                const RenderArgs& args, const data::RenderOptions& options) {
  Json row;
  if (data::is_nested_deeper(line))
    throw Error(Error::Kind::kData,
                "nested deeper than " + std::to_string(data::kMaxJsonLevels) + " levels; no row needs that");
  if (data::has_crowded_object(line))
    throw Error(Error::Kind::kData, "an object of more than " + std::to_string(data::kMaxJsonMembers) +
                                        " members; no row needs that");
  try {
    row = Json::parse(line);
  } catch (const Json::exception& error) {
    throw Error(Error::Kind::kData, std::string("no valid JSON: ") + error.what());
  }
  constexpr std::string_view kOwn[] = {"messages"};
  if (row.is_object()) turn_into_messages(line, args.format, kOwn, row);
  if (!row.is_object() || !row.contains("messages") || !row["messages"].is_array()) {
    throw Error(Error::Kind::kData, "a row is an object with a list under \"messages\"");
  }
  for (const auto& [name, token] : tokens.items()) {
    if (!row.contains(name)) row[name] = token;
  }
  data::Rendered rendered = chat_template.render(row, options);
  Json spans = Json::array();
  for (const data::ByteRange& range : rendered.spans(args.train_on))
    spans.push_back({range.begin, range.end});
  Json result{{"text", rendered.text}, {"spans", spans}};
  if (rendered.lost_tools) result["left_out"].push_back("tools");
  for (const std::size_t message : rendered.lost_calls)
    result["left_out"].push_back("messages[" + std::to_string(message) + "].tool_calls");
  return result;
}

}  // namespace

int run_render(std::span<const std::string> args, std::istream& in, std::ostream& out) {
  const std::optional<RenderArgs> asked = parse_args(args);
  if (!asked) return 0;
  const RenderArgs& parsed = *asked;
  data::CheckpointTemplate checkpoint;
  refuse_run_folder(parsed.model);
  if (!parsed.model.empty()) checkpoint = data::read_checkpoint_template(parsed.model);
  const data::ChatTemplate chat_template =
      data::choose_template(parsed.chat_template.empty() ? "auto" : parsed.chat_template, checkpoint);
  data::RenderOptions options;
  options.now = parsed.date ? *parsed.date : today();
  std::size_t number = 0, num_errors = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    Json result;
    try {
      result = render_row(chat_template, checkpoint.variables, line, parsed, options);
    } catch (const Error& error) {
      ++num_errors;
      result = {{"error", "line " + std::to_string(number) + ": " + error.what()}};
    }
    out << result.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
  }
  if (in.bad()) throw Error(Error::Kind::kInputOutput, "render: stdin cannot be read");
  out.flush();
  if (!out) throw Error(Error::Kind::kInputOutput, "render: stdout cannot be written");
  return num_errors == 0 ? 0 : static_cast<int>(Error::Kind::kData);
}

int run_render(std::span<const std::string> args) {
  std::ios::sync_with_stdio(false);
  if (isatty(STDIN_FILENO) != 0)
    std::cerr << "caravan: render: reads JSON lines such as {\"messages\": [...]} from here; Ctrl-D ends"
              << std::endl;
  return run_render(args, std::cin, std::cout);
}

}  // namespace caravan::recipes
