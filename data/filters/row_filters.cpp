#include "data/filters/row_filters.h"

#include <algorithm>

#include "data/error.h"
#include "data/filters/content_filters.h"
#include "data/filters/keyword_lists.h"
#include "data/filters/language.h"
#include "data/filters/text_filters.h"
#include "data/filters/turn_filters.h"
#include "data/visible_text.h"
#include "data/walk/row_messages.h"

namespace caravan::data {

RowFilters::RowFilters(const FilterOptions& options) {
  check_filter_options(options);
  if (!names_a_filter(options))
    throw Error(Error::Kind::kUsage, "no filter is named; data/filters/README.md lists them");
  if (options.reference) filters_.push_back(make_empty_turns_filter(true));
  if (options.empty_turns) filters_.push_back(make_empty_turns_filter(false));
  if (options.role_order) filters_.push_back(make_role_order_filter());
  if (options.duplicate_system) filters_.push_back(make_duplicate_system_filter());
  if (options.moderation) filters_.push_back(make_moderation_filter());
  add_text_filters(options);
  add_content_filters(options);
}

void RowFilters::add_text_filters(const FilterOptions& options) {
  const TurnsOf turns = options.keyword_turns;
  if (options.reference || options.provider_names)
    filters_.push_back(make_keyword_filter("provider_name", reference_keywords(), {},
                                           options.provider_names ? turns : TurnsOf::kAssistant));
  if (options.identity_statements)
    filters_.push_back(make_keyword_filter("identity", identity_statements(), {}, turns));
  if (!options.keyword_file.empty())
    filters_.push_back(make_keyword_filter(
        "keyword", read_keyword_file(options.keyword_file),
        {options.keyword_case == KeywordCase::kIgnore, options.keyword_whole_words}, turns));
  if (!options.drop_pattern.empty())
    filters_.push_back(make_pattern_filter(options.drop_pattern, options.pattern_turns));
}

void RowFilters::add_content_filters(const FilterOptions& o) {
  if (o.trivial_prompts) filters_.push_back(make_trivial_filter(o.trivial_words, o.trivial_operations));
  const bool counts_tokens = o.min_tokens || o.max_tokens;
  if (counts_tokens || o.min_characters || o.max_characters || o.min_turns || o.max_turns)
    filters_.push_back(make_length_filter(o, counts_tokens ? load_tokenizer(o.tokenizer) : nullptr));
  if (!o.languages.empty()) filters_.push_back(make_language_filter(o));
  if (o.max_repeated_ngrams || o.max_repeated_lines) filters_.push_back(make_repetition_filter(o));
  if (o.unbalanced_fences) filters_.push_back(make_fence_filter());
}

const std::vector<FilterHit>& RowFilters::judge(const JsonValue& row, Workspace& work) const {
  work.hits.clear();
  if (!read_row_sides(row, work.sides)) {
    work.hits.push_back({.reason = "no_text"});
    return work.hits;
  }
  for (const auto& filter : filters_) filter->judge({row, work.sides}, work.space, work.hits);
  return work.hits;
}

std::string excerpt(const FilterHit& hit, std::span<const Conversation> sides, std::size_t width) {
  if (hit.side >= sides.size() || sides[hit.side].messages.empty()) return {};
  const std::vector<Message>& messages = sides[hit.side].messages;
  const std::size_t index = std::min(hit.message, messages.size() - 1);
  const bool whole = hit.message == FilterHit::kNoMessage;
  const Message& message = messages[whole ? 0 : index];
  std::string head = sides.size() > 1 ? (hit.side == 0 ? "chosen, " : "rejected, ") : "";
  head += visible_text(message.role, 16) + " turn " + std::to_string((whole ? 0 : index) + 1) + ": ";
  const std::size_t room = width > head.size() ? width - head.size() : 0;
  // What is to blame stands in the middle.
  const std::size_t before = hit.end > hit.begin + room / 2 ? 0 : room / 3;
  std::size_t begin = hit.begin > before ? hit.begin - before : 0;
  while (begin > 0 && begin < message.content.size() &&
         (static_cast<unsigned char>(message.content[begin]) & 0xc0u) == 0x80u)
    --begin;
  const std::string_view text =
      std::string_view(message.content).substr(std::min(begin, message.content.size()));
  return head + visible_text((begin > 0 ? "..." : "") + std::string(text.substr(0, 4 * room)), room);
}

}  // namespace caravan::data
