#include "recipes/commands/render.h"

#include <unistd.h>

#include <chrono>
#include <ctime>
#include <iostream>
#include <optional>

#include "data/chat/checkpoint_template.h"
#include "data/chat/template.h"
#include "data/error.h"
#include "recipes/command_flags.h"

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
    "A row is an object with `messages`; further keys (tools, add_generation_prompt, bos_token, ...) are "
    "template\n"
    "variables. Each row gives {\"text\", \"spans\"}, spans being [begin, end) in UTF-8 bytes, or "
    "{\"error\"}.\n"
    "Exit codes: 0 done (rows in error included), 2 usage, 65 the template is malformed, 74 it cannot be "
    "read.\n";

struct RenderArgs {
  std::string chat_template;
  std::string model;
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
  if (!flags.parse(args)) return std::nullopt;
  if (train_on) parsed.train_on = data::train_on_from_name(*train_on);
  if (!date.empty()) parsed.date = data::parse_date(date);
  if (parsed.chat_template.empty() && parsed.model.empty()) flags.refuse("--template or --model is needed");
  return parsed;
}

data::Date today() {
  std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm local{};
  localtime_r(&now, &local);
  return {local.tm_year + 1900, local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec};
}

Json render_row(const data::ChatTemplate& chat_template, const Json& tokens, const std::string& line,
                data::TrainOn train_on, const data::RenderOptions& options) {
  Json row;
  try {
    row = Json::parse(line);
  } catch (const Json::exception& error) {
    throw Error(Error::Kind::kData, std::string("no valid JSON: ") + error.what());
  }
  if (!row.is_object() || !row.contains("messages") || !row["messages"].is_array()) {
    throw Error(Error::Kind::kData, "a row is an object with a list under \"messages\"");
  }
  for (const auto& [name, token] : tokens.items()) {
    if (!row.contains(name)) row[name] = token;
  }
  data::Rendered rendered = chat_template.render(row, options);
  Json spans = Json::array();
  for (const data::ByteRange& range : rendered.spans(train_on)) spans.push_back({range.begin, range.end});
  return {{"text", rendered.text}, {"spans", spans}};
}

}  // namespace

int run_render(std::span<const std::string> args, std::istream& in, std::ostream& out) {
  const std::optional<RenderArgs> asked = parse_args(args);
  if (!asked) return 0;
  const RenderArgs& parsed = *asked;
  data::CheckpointTemplate checkpoint;
  if (!parsed.model.empty()) checkpoint = data::read_checkpoint_template(parsed.model);
  const data::ChatTemplate chat_template =
      data::choose_template(parsed.chat_template.empty() ? "auto" : parsed.chat_template, checkpoint);
  data::RenderOptions options;
  options.now = parsed.date ? *parsed.date : today();
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    Json result;
    try {
      result = render_row(chat_template, checkpoint.variables, line, parsed.train_on, options);
    } catch (const Error& error) {
      result = {{"error", "line " + std::to_string(number) + ": " + error.what()}};
    }
    out << result.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
  }
  if (in.bad()) throw Error(Error::Kind::kInputOutput, "render: stdin cannot be read");
  out.flush();
  if (!out) throw Error(Error::Kind::kInputOutput, "render: stdout cannot be written");
  return 0;
}

int run_render(std::span<const std::string> args) {
  std::ios::sync_with_stdio(false);
  if (isatty(STDIN_FILENO) != 0)
    std::cerr << "caravan: render: reads JSON lines such as {\"messages\": [...]} from here; Ctrl-D ends"
              << std::endl;
  return run_render(args, std::cin, std::cout);
}

}  // namespace caravan::recipes
