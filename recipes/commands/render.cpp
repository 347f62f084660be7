#include "recipes/commands/render.h"

#include <chrono>
#include <ctime>
#include <iostream>
#include <optional>

#include "data/chat/checkpoint_template.h"
#include "data/chat/template.h"
#include "data/error.h"

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
  bool help = false;
};

[[noreturn]] void refuse_usage(const std::string& found) {
  throw Error(Error::Kind::kUsage, "render: " + found + "\n" + kUsage);
}

RenderArgs parse_args(std::span<const std::string> args) {
  RenderArgs parsed;
  for (std::size_t i = 0; i < args.size(); ++i) {
    std::string name = args[i].substr(0, args[i].find('='));
    if (name == "--help" || name == "-h") {
      parsed.help = true;
      return parsed;
    }
    bool known = name == "--template" || name == "--model" || name == "--train-on" || name == "--date";
    if (!known) refuse_usage("unknown option " + args[i]);
    bool attached = name.size() < args[i].size();
    if (!attached && i + 1 == args.size()) refuse_usage(name + " needs a value");
    std::string value = attached ? args[i].substr(name.size() + 1) : args[++i];
    if (name == "--template") parsed.chat_template = value;
    if (name == "--model") parsed.model = value;
    if (name == "--train-on") parsed.train_on = data::train_on_from_name(value);
    if (name == "--date") parsed.date = data::parse_date(value);
  }
  if (parsed.chat_template.empty() && parsed.model.empty())
    refuse_usage("neither --template nor --model is given");
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
  const RenderArgs parsed = parse_args(args);
  if (parsed.help) {
    out << kUsage;
    return 0;
  }
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
  out.flush();
  if (!out) throw Error(Error::Kind::kInputOutput, "render: stdout cannot be written");
  return 0;
}

int run_render(std::span<const std::string> args) {
  std::ios::sync_with_stdio(false);
  return run_render(args, std::cin, std::cout);
}

}  // namespace caravan::recipes
