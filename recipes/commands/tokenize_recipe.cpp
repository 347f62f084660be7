#include "recipes/commands/tokenize_recipe.h"

#include <filesystem>
#include <ostream>
#include <span>

#include "data/chat/template_check.h"
#include "data/loader/row_tokens.h"
#include "data/readers/detect.h"
#include "data/readers/file_list.h"
#include "data/readers/row_stream.h"
#include "recipes/check_files.h"
#include "recipes/commands/show_tokens.h"
#include "recipes/read_recipe.h"
#include "recipes/shown_text.h"
#include "recipes/text_front.h"

namespace caravan::recipes {
namespace {

using data::Json;
using data::TokenizedRow;

class RowPrinter {
 public:
  RowPrinter(const RecipeRows& asked, const data::Tokenizer& tokenizer, std::ostream& out)
      : asked_(asked), tokenizer_(tokenizer), out_(out) {}

  void print(const std::string& file, const data::RowBlock::Row& row, const TokenizedRow& tokens) {
    if (asked_.show)
      show(data::place_of_row(file.substr(file.rfind('/') + 1), row), tokens);
    else
      write(file, row, tokens);
  }

 private:
  template <class Use>
  static void for_each_document(const TokenizedRow& tokens, Use use) {
    std::size_t begin = 0;
    for (const std::uint32_t end : tokens.ends) {
      use(std::span(tokens.ids).subspan(begin, end - begin),
          std::span(tokens.trained).subspan(begin, end - begin));
      begin = end;
    }
  }

  void show(const std::string& place, const TokenizedRow& tokens) {
    out_ << shown_text(place) << ": " << data::name_of(tokens.fate);
    if (tokens.cut_tokens > 0) out_ << ", " << tokens.cut_tokens << " tokens cut";
    if (!tokens.reason.empty()) out_ << ", " << shown_text(tokens.reason);
    out_ << '\n';
    if (tokens.ends.empty()) out_ << '\n';
    for_each_document(tokens, [this](auto ids, auto trained) {
      show_tokens(tokenizer_, ids, trained, asked_.color, out_);
    });
  }

  void write(const std::string& file, const data::RowBlock::Row& row, const TokenizedRow& tokens) {
    Json line{
        {"file", file}, {row.in_array ? "element" : "line", row.line}, {"fate", data::name_of(tokens.fate)}};
    if (!tokens.reason.empty()) line["reason"] = tokens.reason;
    line["documents"] = Json::array();
    for_each_document(tokens, [&line](auto ids, auto trained) {
      line["documents"].push_back({{"ids", std::vector<std::int32_t>(ids.begin(), ids.end())},
                                   {"mask", std::vector<int>(trained.begin(), trained.end())}});
    });
    out_ << line.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
  }

  const RecipeRows& asked_;
  const data::Tokenizer& tokenizer_;
  std::ostream& out_;
};

// Up to `left` rows of one file, or the row of the one line; what is left of them afterwards.
std::int64_t print_file(const std::string& path, data::RowFormat format, data::RowKind kind,
                        const data::ConversationTokenizer& tokenizer, std::int64_t left,
                        std::uint64_t only_line, RowPrinter& printer) {
  if (format == data::RowFormat::kAuto) format = data::detect_format(path, kind);
  data::RowStream stream(path);
  data::RowBlock block;
  data::RowMemory memory;
  TokenizedRow tokens;
  while (left > 0 && stream.next(block)) {
    for (const data::RowBlock::Row& row : block.rows) {
      if (left == 0) break;
      if (only_line != 0 && row.line != only_line) continue;
      if (!data::tokenize_row(block.text(row), row, path, format, tokenizer, memory, tokens)) continue;
      printer.print(path, row, tokens);
      --left;
    }
  }
  return left;
}

}  // namespace

void tokenize_recipe_rows(const RecipeRows& asked, std::ostream& out) {
  const ReadRecipe read = read_recipe(asked.recipe, asked.overrides);
  require_files(read);
  const Recipe& recipe = read.recipe;
  const TextFront front =
      load_text_front(recipe.model.path, recipe.data.tokenizer, recipe.data.chat_template, true);
  data::check_template(*front.chat_template, front.variables, recipe.data.train_on);
  const data::ConversationTokenizer tokenizer(
      *front.tokenizer,
      [&front](const data::Conversation& conversation) {
        return front.chat_template->render(conversation, front.variables);
      },
      {recipe.data.train_on, recipe.data.max_length, recipe.data.too_long});
  RowPrinter printer(asked, *front.tokenizer, out);
  for (const data::SourceOptions& source : recipe.data.sources) {
    std::int64_t left = asked.rows;
    for (const std::string& file : data::list_files(source.path)) {
      if (left == 0) break;
      if (!asked.only_file.empty() && std::filesystem::weakly_canonical(file) != asked.only_file) continue;
      if (asked.only_line != 0) left = 1;
      left = print_file(file, source.format, recipe.row_kind(), tokenizer, left, asked.only_line, printer);
    }
  }
}

}  // namespace caravan::recipes
