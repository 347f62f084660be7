#include "data/mixing/content_key.h"

#include <xxhash.h>

namespace caravan::data {
namespace {

void append_length(std::string& out, std::size_t begin) {
  const std::size_t length = out.size() - begin;
  out.append(reinterpret_cast<const char*>(&length), sizeof(length));
}

// Type, content and length of a value: no two different values give the same bytes. Depth is bounded by the
// parser.
void append_value(const JsonValue& value, std::string& out) {
  out += static_cast<char>(value.type());
  const std::size_t begin = out.size();
  if (value.is(JsonValue::Type::kString) || value.is(JsonValue::Type::kNumber)) {
    value.append_text(out);
  } else {
    const bool named = value.is(JsonValue::Type::kObject);
    for (const JsonValue child : value) {
      if (named) {
        const std::size_t key = out.size();
        out += child.key();
        append_length(out, key);
      }
      append_value(child, out);
    }
  }
  append_length(out, begin);
}

}  // namespace

std::uint64_t content_key(const JsonValue& row, std::string& memory) {
  memory.clear();
  for (const JsonValue member : row) {
    if (member.is_key("id") || member.is_key("source")) continue;
    const std::size_t key = memory.size();
    memory += member.key();
    append_length(memory, key);
    append_value(member, memory);
  }
  return XXH3_64bits(memory.data(), memory.size());
}

}  // namespace caravan::data
