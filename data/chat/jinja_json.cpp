// json.dumps over values.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include "data/chat/jinja_fault.h"
#include "data/chat/jinja_interpreter.h"
#include "data/chat/jinja_print.h"
#include "data/chat/jinja_unicode.h"

namespace caravan::data::jinja {

namespace {

std::string unicode_escape(char32_t c) {
  std::array<char, 16> buffer{};
  if (c >= 0x10000) {
    auto high = static_cast<unsigned>(0xD800 + ((c - 0x10000) >> 10));
    auto low = static_cast<unsigned>(0xDC00 + ((c - 0x10000) & 0x3FF));
    std::snprintf(buffer.data(), buffer.size(), "\\u%04x\\u%04x", high, low);
  } else {
    std::snprintf(buffer.data(), buffer.size(), "\\u%04x", static_cast<unsigned>(c));
  }
  return buffer.data();
}

// The escape of an ASCII character, or empty.
std::string short_escape(char c) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\b':
      return "\\b";
    case '\f':
      return "\\f";
    default:
      return static_cast<unsigned char>(c) < 0x20 ? unicode_escape(static_cast<unsigned char>(c))
                                                  : std::string();
  }
}

class JsonWriter {
 public:
  JsonWriter(Interpreter& run, const JsonStyle& style) : run_(run), style_(style) {}

  void write(const Value& value) {
    run_.charge(8 + style_.item_separator.size() + style_.key_separator.size());
    switch (value.kind) {
      case Kind::kNone:
        return out_.append("null", value.origin);
      case Kind::kBool:
        return out_.append(value.boolean ? "true" : "false", value.origin);
      case Kind::kInt:
        return out_.append(std::to_string(value.integer), value.origin);
      case Kind::kFloat:
        return out_.append(number_text(value.real), value.origin);
      case Kind::kString:
        return write_string(value);
      case Kind::kList:
      case Kind::kTuple:
        return write_list(value);
      case Kind::kDict:
        return write_dict(value);
      case Kind::kUndefined:
        if (value.absence != nullptr) {
          throw Fault("'" + std::string(value.absence->name) + "' is undefined and has no JSON form");
        }
        [[fallthrough]];
      default:
        throw Fault(std::string("Object of type ") + type_name(value) + " is not JSON serializable",
                    value.is(Kind::kGenerator) ? "make it a list first: | list" : "");
    }
  }

  Value finish() { return out_.finish(run_.arena()); }

 private:
  static std::string number_text(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
    return float_text(value);
  }

  // Stretches that need no escape are copied with their own origins.
  void write_string(const Value& string) {
    std::string_view text = string.view();
    run_.charge(text.size());
    Origin quote = origin_of(string, 0, text.size());
    out_.append("\"", quote);
    std::size_t begin = 0;
    for (std::size_t at = 0; at < text.size();) {
      std::size_t next = at;
      char32_t c = next_char(text, next);
      std::string escape = c < 0x80              ? short_escape(static_cast<char>(c))
                           : style_.ensure_ascii ? unicode_escape(c)
                                                 : "";
      if (!escape.empty()) {
        run_.charge(string.num_runs());
        out_.append(string, begin, at);
        out_.append(escape, origin_of(string, at, next));
        begin = next;
      }
      at = next;
    }
    out_.append(string, begin, text.size());
    out_.append("\"", quote);
  }

  void new_line(Origin origin) {
    if (!style_.pretty) return;
    run_.charge(depth_ * style_.indent.size());
    out_.append("\n", origin);
    for (std::size_t i = 0; i < depth_; ++i) out_.append(style_.indent, origin);
  }

  void open(const char* bracket, Origin origin) {
    run_.enter();
    ++depth_;
    out_.append(bracket, origin);
  }
  void close(const char* bracket, Origin origin, bool empty) {
    --depth_;
    if (!empty) new_line(origin);
    out_.append(bracket, origin);
    run_.leave();
  }

  void write_list(const Value& value) {
    open("[", value.origin);
    for (std::uint32_t i = 0; i < value.list->size; ++i) {
      if (i > 0) out_.append(style_.item_separator, value.origin);
      new_line(value.origin);
      write(value.list->items[i]);
    }
    close("]", value.origin, value.list->size == 0);
  }

  void write_key(const Value& key, Origin origin) {
    if (key.is_string()) return write_string(key);
    TextBuilder text;
    if (key.is(Kind::kNone)) {
      text.append("null", origin);
    } else if (key.is(Kind::kBool)) {
      text.append(key.boolean ? "true" : "false", origin);
    } else if (key.is_number()) {
      print(run_, text, key);
    } else {
      throw Fault(std::string("JSON keys are texts, found ") + type_name(key));
    }
    out_.append("\"", origin);
    out_.append(text.text(), origin);
    out_.append("\"", origin);
  }

  void write_dict(const Value& value) {
    std::vector<const DictEntry*> entries;
    for (const DictEntry& entry : value.dict->span()) entries.push_back(&entry);
    if (style_.sort_keys) {
      for (const DictEntry* entry : entries) {
        if (!entry->key.is_string())
          throw Fault(std::string("sort_keys needs texts as keys, found ") + type_name(entry->key));
      }
      std::stable_sort(entries.begin(), entries.end(),
                       [](const DictEntry* a, const DictEntry* b) { return a->key.view() < b->key.view(); });
    }
    open("{", value.origin);
    bool first = true;
    for (const DictEntry* entry : entries) {
      if (!first) out_.append(style_.item_separator, value.origin);
      first = false;
      new_line(value.origin);
      write_key(entry->key, value.origin);
      out_.append(style_.key_separator, value.origin);
      write(entry->value);
    }
    close("}", value.origin, entries.empty());
  }

  Interpreter& run_;
  const JsonStyle& style_;
  TextBuilder out_;
  std::size_t depth_ = 0;
};

}  // namespace

Value to_json(Interpreter& run, const Value& value, const JsonStyle& style) {
  JsonWriter writer(run, style);
  writer.write(value);
  return writer.finish();
}

}  // namespace caravan::data::jinja
