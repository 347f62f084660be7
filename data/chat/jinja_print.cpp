#include "data/chat/jinja_print.h"

#include <unicode/uchar.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "data/chat/jinja_fault.h"
#include "data/chat/jinja_interpreter.h"
#include "data/chat/jinja_unicode.h"

namespace caravan::data::jinja {

namespace {

bool is_printable(char32_t c) {
  if (c < 0x7F) return c >= 0x20;
  if (c == U' ') return true;
  switch (u_charType(static_cast<UChar32>(c))) {
    case U_CONTROL_CHAR:
    case U_FORMAT_CHAR:
    case U_SURROGATE:
    case U_PRIVATE_USE_CHAR:
    case U_UNASSIGNED:
    case U_LINE_SEPARATOR:
    case U_PARAGRAPH_SEPARATOR:
    case U_SPACE_SEPARATOR:
      return false;
    default:
      return true;
  }
}

std::string hex(const char* format, char32_t c) {
  std::array<char, 16> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, static_cast<unsigned>(c));
  return buffer.data();
}

std::string repr_char(char32_t c, char quote) {
  std::string result;
  if (c == static_cast<char32_t>(quote) || c == U'\\') {
    result += '\\';
    append_char(result, c);
  } else if (c == U'\n') {
    result = "\\n";
  } else if (c == U'\r') {
    result = "\\r";
  } else if (c == U'\t') {
    result = "\\t";
  } else if (is_printable(c)) {
    append_char(result, c);
  } else {
    result = hex(c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
  }
  return result;
}

std::string repr_string(std::string_view text) {
  bool single = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  char quote = single ? '"' : '\'';
  std::string result(1, quote);
  for (std::size_t at = 0; at < text.size();) result += repr_char(next_char(text, at), quote);
  return result + quote;
}

class Printer {
 public:
  Printer(Interpreter& run, TextBuilder& out) : run_(run), out_(out) {}

  void print_repr(const Value& value) {
    run_.charge(value.is_string() ? value.size * 2 : 8);
    if (value.is_string()) return out_.append(repr_string(value.view()), origin_of(value, 0, value.size));
    print_plain(value);
  }

  void print_plain(const Value& value) {
    switch (value.kind) {
      case Kind::kMissing:
      case Kind::kUndefined:
        return out_.append("Undefined", kTemplateOrigin);
      case Kind::kNone:
        return out_.append("None", value.origin);
      case Kind::kBool:
        return out_.append(value.boolean ? "True" : "False", value.origin);
      case Kind::kInt:
        return out_.append(std::to_string(value.integer), value.origin);
      case Kind::kFloat:
        return out_.append(float_text(value.real), value.origin);
      case Kind::kList:
        return print_list(value, "[", "]");
      case Kind::kTuple:
        return print_list(value, "(", value.list->size == 1 ? ",)" : ")");
      case Kind::kDict:
        return print_dict(value);
      default:
        return print_object(value);
    }
  }

 private:
  void print_list(const Value& value, std::string_view open, std::string_view close) {
    run_.enter();
    out_.append(open, value.origin);
    for (std::uint32_t i = 0; i < value.list->size; ++i) {
      if (i > 0) out_.append(", ", value.origin);
      print_repr(value.list->items[i]);
    }
    out_.append(close, value.origin);
    run_.leave();
  }

  void print_dict(const Value& value) {
    run_.enter();
    out_.append("{", value.origin);
    bool first = true;
    for (const DictEntry& entry : value.dict->span()) {
      if (!first) out_.append(", ", value.origin);
      first = false;
      print_repr(entry.key);
      out_.append(": ", value.origin);
      print_repr(entry.value);
    }
    out_.append("}", value.origin);
    run_.leave();
  }

  // Python would print an address here; a template that does so has a bug, and addresses differ from run to
  // run.
  void print_object(const Value& value) {
    if (value.is(Kind::kRange)) {
      const Range& range = *value.range;
      std::string text = "range(" + std::to_string(range.start) + ", " + std::to_string(range.stop);
      if (range.step != 1) text += ", " + std::to_string(range.step);
      return out_.append(text + ")", kTemplateOrigin);
    }
    std::string advice =
        value.is(Kind::kGenerator) ? "make it a list first: | list" : "print one of its fields, or call it";
    throw Fault(std::string("a '") + type_name(value) + "' object has no text", advice);
  }

  Interpreter& run_;
  TextBuilder& out_;
};

}  // namespace

std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 64> buffer{};
  auto scientific =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  std::string text(buffer.data(), scientific.ptr);
  int exponent = std::stoi(text.substr(text.find('e') + 1));
  // Python switches to an exponent below 1e-4 and from 1e16 on.
  if (exponent < -4 || exponent >= 16) return text;
  auto fixed = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed);
  text.assign(buffer.data(), fixed.ptr);
  return text.find('.') == std::string::npos ? text + ".0" : text;
}

void print(Interpreter& run, TextBuilder& out, const Value& value) {
  if (value.is_string()) {
    out.append(value);
  } else if (!value.is(Kind::kUndefined) && !value.is(Kind::kMissing)) {
    Printer(run, out).print_plain(value);
  }
}

Value to_text(Interpreter& run, const Value& value) {
  if (value.is_string()) return value;
  TextBuilder builder;
  print(run, builder, value);
  return builder.finish(run.arena());
}

}  // namespace caravan::data::jinja
