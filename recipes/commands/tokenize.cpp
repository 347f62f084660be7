#include "recipes/commands/tokenize.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iostream>
#include <optional>

#include "data/bounded_json.h"
#include "data/chat/checkpoint_template.h"
#include "data/error.h"
#include "data/loader/mask.h"
#include "data/tokenizers/tokenizer.h"
#include "recipes/command_flags.h"
#include "recipes/commands/show_tokens.h"
#include "recipes/commands/tokenize_recipe.h"
#include "recipes/model_folder.h"
#include "recipes/row_messages.h"
#include "recipes/text_front.h"
#include "trainer/metrics/terminal.h"

namespace caravan::recipes {
namespace {

using data::ByteRange;
using data::Error;
using data::Json;

constexpr const char* kUsage =
    "caravan tokenize --model DIR | --tokenizer PATH [options] < rows.jsonl\n"
    "caravan tokenize --recipe RECIPE.yaml [--show] [--rows N] [key=value ...]\n"
    "\n"
    "Text or conversations to token ids: JSON lines in, JSON lines out. With a recipe: the first rows of its "
    "data.sources\n"
    "exactly as its training would see them, each with its fate (take, weights and order aside).\n"
    "  --recipe FILE       layouts, template, train_on, max_length and too_long of this recipe\n"
    "  --rows N            of each source (10)\n"
    "  --model DIR         tokenizer and chat template of a checkpoint\n"
    "  --tokenizer PATH    a tokenizer directory or file (tokenizer.json, tokenizer.model, vocab.json)\n"
    "  --special           special tokens are recognised in all text; default: only where a template writes "
    "them\n"
    "  --template NAME     chat template: a file of Jinja text or a built-in one; default: the checkpoint's\n"
    "  --train-on POLICY   assistant (default), last_assistant, completion, all: what \"mask\" marks\n"
    "  --date YYYY-MM-DD   what a template's strftime_now sees; default: today\n"
    "  --decode            rows {\"ids\"} to {\"text\"}; with --skip-special without special tokens\n"
    "  --show              tokens in colours for eyes, trained ones underlined, instead of JSON\n"
    "  --format NAME       layout of the rows: auto (default), messages, sharegpt, alpaca, "
    "prompt_completion\n"
    "A row {\"text\"} gives {\"ids\"}, without BOS and EOS. A row {\"messages\"}, or of another layout, "
    "gives {\"ids\", \"mask\"},\n"
    "mask being 1 where the policy trains. A row that cannot be done gives {\"error\"}.\n"
    "Exit codes: 0 done, 2 usage, 65 rows in error or a damaged file, 74 a file cannot be read.\n";

struct TokenizeArgs {
  std::string model, tokenizer, chat_template = "auto";
  RecipeRows recipe;
  std::optional<std::string> format;
  data::TrainOn train_on = data::TrainOn::kAssistant;
  std::optional<data::Date> date;
  bool special = false, decode = false, skip_special = false, show = false;
};

// Nothing where help was asked for.
std::optional<TokenizeArgs> parse_args(std::span<const std::string> args) {
  TokenizeArgs parsed;
  std::optional<std::string> train_on;
  std::string date;
  CommandFlags flags("tokenize", kUsage);
  flags.add_text("--model", parsed.model);
  flags.add_text("--tokenizer", parsed.tokenizer);
  flags.add_text("--template", parsed.chat_template);
  flags.add_choice("--train-on", train_on, {"assistant", "last_assistant", "completion", "all"});
  flags.add_text("--date", date);
  flags.add_switch("--special", parsed.special);
  flags.add_switch("--decode", parsed.decode);
  flags.add_switch("--skip-special", parsed.skip_special);
  flags.add_switch("--show", parsed.show);
  flags.add_text("--recipe", parsed.recipe.recipe);
  std::optional<std::int64_t> rows;
  flags.add_integer("--rows", rows, 1, INT64_MAX);
  flags.add_choice("--format", parsed.format, kRowFormatNames);
  flags.add_overrides(parsed.recipe.overrides);
  if (!flags.parse(args)) return std::nullopt;
  if (train_on) parsed.train_on = data::train_on_from_name(*train_on);
  if (!date.empty()) parsed.date = data::parse_date(date);
  if (!parsed.recipe.recipe.empty()) {
    if (flags.num_given() > 1u + parsed.show + rows.has_value())
      flags.refuse("--recipe goes with --show, --rows and key=value only: the recipe says the rest");
    parsed.recipe.rows = rows.value_or(parsed.recipe.rows);
    parsed.recipe.show = parsed.show;
    return parsed;
  }
  if (rows || !parsed.recipe.overrides.empty()) flags.refuse("--rows and key=value go with --recipe only");
  if (parsed.model.empty() && parsed.tokenizer.empty())
    flags.refuse("--model, --tokenizer or --recipe is needed");
  if (parsed.skip_special && !parsed.decode) flags.refuse("--skip-special has a meaning only with --decode");
  if (parsed.decode && (parsed.show || parsed.special))
    flags.refuse("--decode goes with neither --show nor --special");
  return parsed;
}

// What a row becomes.
struct Tokenized {
  std::vector<std::int32_t> ids;
  std::vector<std::uint8_t> mask;  // per id, for conversations
  bool has_mask = false;
};

// A failure that concerns every row, such as a template that does not parse: it must not pass for one row's
// error.
struct SetupFailure {
  Error error;
};

// One tokenizer and, once a conversation asks for it, one template.
class RowTokenizer {
 public:
  explicit RowTokenizer(const TokenizeArgs& args) : args_(args) {
    refuse_run_folder(args.model);
    tokenizer_ = data::load_tokenizer(args.tokenizer.empty() ? args.model : args.tokenizer);
  }

  const data::Tokenizer& tokenizer() const { return *tokenizer_; }

  Tokenized encode(const Json& row) {
    if (row.contains("messages") == row.contains("text")) {
      throw Error(Error::Kind::kData,
                  std::string("a row has either \"text\" or \"messages\", or the keys of a "
                              "layout of data/README.md") +
                      (row.contains("ids") ? "; --decode turns \"ids\" into text" : ""));
    }
    return row.contains("text") ? encode_text(row["text"]) : encode_messages(row);
  }

 private:
  Tokenized encode_text(const Json& text) const {
    if (!text.is_string()) throw Error(Error::Kind::kData, "\"text\" must be a string");
    Tokenized result;
    const auto& plain = text.get_ref<const std::string&>();
    const ByteRange all{0, plain.size()};
    tokenizer_->encode(plain, args_.special ? std::span(&all, 1) : std::span<const ByteRange>(), result.ids);
    return result;
  }

  Tokenized encode_messages(Json row) {
    if (!row["messages"].is_array()) throw Error(Error::Kind::kData, "\"messages\" must be a list");
    load_template();
    for (const auto& [name, token] : checkpoint_.variables.items()) {
      if (!row.contains(name)) row[name] = token;
    }
    data::RenderOptions options;
    options.now = args_.date ? *args_.date : today();
    const data::Rendered rendered = chat_template_->render(row, options);
    const ByteRange all{0, rendered.text.size()};
    Tokenized result;
    std::vector<std::uint32_t> begins;
    tokenizer_->encode(rendered.text, args_.special ? std::span(&all, 1) : std::span(rendered.trusted),
                       result.ids, &begins);
    const std::vector<ByteRange> spans = rendered.spans(args_.train_on);
    data::mask_tokens(begins, rendered.text.size(), spans, result.mask);
    result.has_mask = true;
    return result;
  }

  void load_template() {
    if (chat_template_) return;
    const bool own_folder = std::filesystem::is_directory(args_.tokenizer);
    const std::string& folder = own_folder ? args_.tokenizer : args_.model;
    try {
      if (!folder.empty()) checkpoint_ = data::read_checkpoint_template(folder);
      chat_template_.emplace(data::choose_template(args_.chat_template, checkpoint_));
    } catch (const Error& error) {
      throw SetupFailure{error};
    }
  }

  const TokenizeArgs& args_;
  std::unique_ptr<data::Tokenizer> tokenizer_;
  data::CheckpointTemplate checkpoint_;
  std::optional<data::ChatTemplate> chat_template_;
};

template <class Number>
void append_list(std::string& line, std::string_view key, const std::vector<Number>& numbers) {
  char digits[16];
  line.append("\"").append(key).append("\":[");
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0) line.push_back(',');
    line.append(digits,
                std::to_chars(digits, digits + sizeof digits, static_cast<std::int64_t>(numbers[i])).ptr);
  }
  line.push_back(']');
}

std::string to_line(const Tokenized& row) {
  std::string line = "{";
  append_list(line, "ids", row.ids);
  if (row.has_mask) {
    line.push_back(',');
    append_list(line, "mask", row.mask);
  }
  return line + "}";
}

std::string decode_row(const data::Tokenizer& tokenizer, const Json& row, bool skip_special) {
  const auto ids = row.find("ids");
  if (ids == row.end() || !ids->is_array())
    throw Error(Error::Kind::kData, "a row to decode has a list of ids under \"ids\"");
  std::vector<std::int32_t> numbers;
  for (const Json& id : *ids) {
    const bool fits = id.is_number_integer() && id.get<std::int64_t>() >= 0 &&
                      id.get<std::int64_t>() < tokenizer.vocab_size();
    if (!fits) {
      throw Error(Error::Kind::kData, "found " + id.dump() + " in \"ids\"; ids lie in 0.." +
                                          std::to_string(tokenizer.vocab_size() - 1));
    }
    numbers.push_back(id.get<std::int32_t>());
  }
  return Json{{"text", tokenizer.decode(numbers, skip_special)}}.dump();
}

void write_row(RowTokenizer& rows, const TokenizeArgs& args, const Json& row, bool color, std::ostream& out) {
  if (args.decode) {
    out << decode_row(rows.tokenizer(), row, args.skip_special) << '\n';
    return;
  }
  const Tokenized tokenized = rows.encode(row);
  if (args.show) {
    show_tokens(rows.tokenizer(), tokenized.ids, tokenized.mask, color, out);
  } else {
    out << to_line(tokenized) << '\n';
  }
}

Json parse_row(const std::string& line, const TokenizeArgs& args) {
  Json row = data::parse_bounded_json(line);
  if (row.is_discarded())
    throw Error(Error::Kind::kData, "no valid JSON; a row looks like {\"text\": \"...\"}");
  if (!row.is_object()) throw Error(Error::Kind::kData, "a row is an object");
  constexpr std::string_view kOwn[] = {"text", "messages", "ids"};
  if (!args.decode) turn_into_messages(line, row_format_from_name(args.format), kOwn, row);
  return row;
}

std::string error_line(std::size_t number, const std::string& what) {
  const Json error = {{"error", "line " + std::to_string(number) + ": " + what}};
  return error.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

int run_tokenize(std::span<const std::string> args, std::istream& in, std::ostream& out, bool color) {
  const std::optional<TokenizeArgs> asked = parse_args(args);
  if (!asked) return 0;
  const TokenizeArgs& parsed = *asked;
  if (!parsed.recipe.recipe.empty()) {
    RecipeRows recipe = parsed.recipe;
    recipe.color = color;
    tokenize_recipe_rows(recipe, out);
    out.flush();
    if (!out) throw Error(Error::Kind::kInputOutput, "tokenize: stdout cannot be written");
    return 0;
  }
  RowTokenizer rows(parsed);
  std::size_t number = 0, num_errors = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      write_row(rows, parsed, parse_row(line, parsed), color, out);
    } catch (const SetupFailure& failure) {
      throw failure.error;
    } catch (const Error& error) {
      ++num_errors;
      out << error_line(number, error.what()) << '\n';
    }
  }
  if (in.bad()) throw Error(Error::Kind::kInputOutput, "tokenize: stdin cannot be read");
  out.flush();
  if (!out) throw Error(Error::Kind::kInputOutput, "tokenize: stdout cannot be written");
  return num_errors == 0 ? 0 : static_cast<int>(Error::Kind::kData);
}

int run_tokenize(std::span<const std::string> args) {
  std::ios::sync_with_stdio(false);
  const bool color = trainer::detect_terminal(STDOUT_FILENO, false).color;
  const bool reads_stdin = std::find(args.begin(), args.end(), "--recipe") == args.end();
  if (reads_stdin && isatty(STDIN_FILENO) != 0)
    std::cerr << "caravan: tokenize: reads JSON lines such as {\"text\": \"...\"} from here; Ctrl-D ends"
              << std::endl;
  return run_tokenize(args, std::cin, std::cout, color);
}

}  // namespace caravan::recipes
