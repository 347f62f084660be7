#include "data/decontamination/row_words.h"

namespace caravan::data {

void split_row(const Conversation& row, SearchScope scope, const WordSplitter& splitter, RowWords& out) {
  out.words.clear();
  out.parts.clear();
  out.row = &row;
  for (std::uint32_t i = 0; i < row.messages.size(); ++i) {
    const Message& message = row.messages[i];
    if (!is_in_scope(message.role, scope)) continue;
    RowWords::Part part;
    part.first_word = static_cast<std::uint32_t>(out.words.size());
    splitter.append(message.content, out.words);
    part.end_word = static_cast<std::uint32_t>(out.words.size());
    part.message = i;
    part.from_user = message.role == "user";
    out.parts.push_back(part);
  }
}

}  // namespace caravan::data
