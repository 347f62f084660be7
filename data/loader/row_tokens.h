// One row of a file to tokens and a fate: what training does with it, and `caravan tokenize --recipe` shows.
#pragma once

#include <string>
#include <string_view>

#include "data/loader/tokenize.h"
#include "data/readers/row.h"

namespace caravan::data {

// What a thread keeps from row to row.
struct RowMemory {
  JsonRow json;
  TrainingRow row;
  TokenizedRow rejected;
};

// "chats.jsonl:17", "chats.json, element 17".
std::string place_of_row(const std::string& file, const RowBlock::Row& row);

// False for a blank line, which is no row. `text` are the bytes of `row`, `format` a layout and not auto.
// Throws data::Error as ConversationTokenizer::tokenize does.
bool tokenize_row(std::string_view text, const RowBlock::Row& row, const std::string& file, RowFormat format,
                  const ConversationTokenizer& tokenizer, RowMemory& memory, TokenizedRow& out);

}  // namespace caravan::data
