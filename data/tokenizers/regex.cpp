#include "data/tokenizers/regex.h"

#include <vector>

#include "data/error.h"
#include "data/tokenizers/pcre_search.h"

namespace caravan::data {
namespace {

constexpr std::size_t kMaxPatternBytes = 1u << 16;
// Where there is no just-in-time compiler: levels and kilobytes of the interpreter.
constexpr std::uint32_t kDepthLimit = 100'000;
constexpr std::uint32_t kHeapLimitKib = 64 * 1024;
constexpr std::size_t kJitStackBytes = 16u << 20;

// White_Space and its complement; PCRE2's own \s also holds U+180E.
constexpr std::string_view kSpaces =
    R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";
constexpr std::string_view kNotSpaces =
    R"(\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{84}\x{86}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027})"
    R"(\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{10ffff})";
// PCRE2's own \w lacks marks and connectors.
constexpr std::string_view kWords =
    R"(\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{200c}\x{200d}\x{24b6}-\x{24e9}\x{1f130}-\x{1f149}\x{1f150}-\x{1f169}\x{1f170}-\x{1f189})";

class Translation {
 public:
  Translation(std::string_view pattern, const std::string& where) : in_(pattern), where_(where) {}

  std::string run() {
    while (at_ < in_.size()) {
      if (in_class_) {
        inside_class();
      } else {
        outside_class();
      }
    }
    return std::move(out_);
  }

 private:
  void inside_class() {
    const char c = in_[at_];
    if (c == '\\') {
      escape();
    } else if (c == '[') {
      if (peek(1) != ':') refuse("a class inside a class");
      const std::size_t end = in_.find(":]", at_ + 2);
      if (end == std::string_view::npos) refuse("an unfinished [: class");
      copy(end + 2 - at_);
    } else if (c == '&' && peek(1) == '&') {
      refuse("&&, an intersection of classes");
    } else {
      in_class_ = c != ']';
      copy(1);
    }
  }

  // Keeps `atom_`, where the last thing that a quantifier can repeat begins in the output.
  void outside_class() {
    const char c = in_[at_];
    if (c == '{') return interval();
    const bool is_quantifier = c == '*' || c == '+' || c == '?';
    const bool continues_char = (static_cast<unsigned char>(c) & 0xc0u) == 0x80u;
    if (c == ')' && !groups_.empty()) {
      atom_ = groups_.back();
      groups_.pop_back();
    } else if (!is_quantifier && !continues_char) {
      atom_ = out_.size();
    }
    if (c == '(') groups_.push_back(out_.size());
    if (c == '\\') return escape();
    if (c != '[') return copy(1);
    in_class_ = true;
    copy(peek(1) == '^' ? 2 : 1);
    if (peek(0) == ']') copy(1);
  }

  char peek(std::size_t ahead) const { return at_ + ahead < in_.size() ? in_[at_ + ahead] : '\0'; }

  void copy(std::size_t num_bytes) {
    out_.append(in_.substr(at_, num_bytes));
    at_ += num_bytes;
  }

  void replace(std::string_view inside, std::string_view begin, std::string_view end) {
    if (!in_class_) out_.append(begin);
    out_.append(inside);
    if (!in_class_) out_.append(end);
    at_ += 2;
  }

  void escape() {
    switch (peek(1)) {
      case 's':
        return replace(kSpaces, "[", "]");
      case 'S':
        return in_class_ ? replace(kNotSpaces, "", "") : replace(kSpaces, "[^", "]");
      case 'w':
        return replace(kWords, "[", "]");
      case 'W':
        if (in_class_) refuse("\\W inside a class");
        return replace(kWords, "[^", "]");
      case 'h':
      case 'H':
        refuse("\\h, which means a hexadecimal digit to one engine and a space to another");
        break;
      case '\0':
        refuse("a backslash at the end");
        break;
      default:
        // \p{L}, \x{e9}: these braces are no interval.
        const bool has_braces = std::string_view("pPxkgou").find(peek(1)) != std::string_view::npos;
        copy(2);
        if (has_braces && peek(0) == '{') copy(std::min(in_.find('}', at_), in_.size() - 1) + 1 - at_);
    }
  }

  // {n,m}: a + behind it repeats the whole, where PCRE2 would take it for a possessive mark; {,m} is {0,m}.
  void interval() {
    const std::size_t end = in_.find('}', at_);
    const std::string_view bounds = end == std::string_view::npos ? "" : in_.substr(at_ + 1, end - at_ - 1);
    const bool is_interval = bounds.find_first_of("0123456789") != std::string_view::npos &&
                             bounds.find_first_not_of("0123456789,") == std::string_view::npos;
    if (!is_interval) return copy(1);
    out_.append(bounds[0] == ',' ? "{0" : "{").append(bounds).append("}");
    at_ = end + 1;
    if (peek(0) != '+') return;
    out_.insert(atom_, "(?:");
    out_.append(")+");
    ++at_;
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(Error::Kind::kData, where_ + ": the pattern holds " + what + " at byte " +
                                        std::to_string(at_) +
                                        ", which is not supported; pattern: " + std::string(in_));
  }

  std::string_view in_;
  const std::string& where_;
  std::size_t at_ = 0;
  bool in_class_ = false;
  std::string out_;
  std::size_t atom_ = 0;
  std::vector<std::size_t> groups_;
};

void check_length(std::string_view pattern, const std::string& where) {
  if (pattern.size() <= kMaxPatternBytes) return;
  throw Error(Error::Kind::kData, where + ": a pattern of " + std::to_string(pattern.size()) +
                                      " bytes; at most " + std::to_string(kMaxPatternBytes) + " are allowed");
}

std::string pcre_message(int code) {
  unsigned char text[256];
  pcre2_get_error_message(code, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

// What a match writes to belongs to a thread, not to the pattern.
struct MatchSpace {
  pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  pcre2_jit_stack* stack = pcre2_jit_stack_create(32 * 1024, kJitStackBytes, nullptr);
  MatchSpace() {
    pcre2_set_depth_limit(context, kDepthLimit);
    pcre2_set_heap_limit(context, kHeapLimitKib);
    pcre2_jit_stack_assign(context, nullptr, stack);
  }
  ~MatchSpace() {
    pcre2_jit_stack_free(stack);
    pcre2_match_context_free(context);
    pcre2_match_data_free(data);
  }
  MatchSpace(const MatchSpace&) = delete;
  MatchSpace& operator=(const MatchSpace&) = delete;
};

}  // namespace

struct Regex::Compiled {
  pcre2_code* code = nullptr;
  std::string where;
  Rules rules;
  ~Compiled() { pcre2_code_free(code); }
};

std::string translate_pattern(std::string_view pattern, const std::string& where) {
  return Translation(pattern, where).run();
}

Regex::Regex(std::string_view pattern, std::string where, Rules rules)
    : compiled_(std::make_unique<Compiled>()) {
  check_length(pattern, where);
  const std::string translated = rules.translated ? translate_pattern(pattern, where) : std::string(pattern);
  int code = 0;
  PCRE2_SIZE offset = 0;
  // ^ and $ match at lines in Oniguruma's syntax. The texts are proved to be UTF-8 before they come here.
  // A plain pattern comes from a command line or a recipe: whether it is UTF-8 is for PCRE2 to see.
  const std::uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C |
                                (rules.translated ? PCRE2_MULTILINE | PCRE2_NO_UTF_CHECK : 0);
  compiled_->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(), options,
                                  &code, &offset, nullptr);
  if (!compiled_->code) {
    throw Error(Error::Kind::kData, where + ": the pattern cannot be compiled: " + pcre_message(code) +
                                        " at byte " + std::to_string(offset) + " of " + translated);
  }
  pcre2_jit_compile(compiled_->code,
                    PCRE2_JIT_COMPLETE);  // where it fails, PCRE2 interprets: slower, same matches
  compiled_->where = std::move(where);
  compiled_->rules = rules;
}

Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;

// What PCRE2 answers.
int Regex::match(std::string_view text, std::size_t from, ByteRange& match) const {
  thread_local MatchSpace space;
  const std::uint32_t options = compiled_->rules.translated ? PCRE2_NOTEMPTY : 0;
  const int found = search_bounded(compiled_->code, text, from, options, space.data, space.context,
                                   compiled_->rules.max_steps);
  if (found >= 0) {
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(space.data);
    match = {range[0], range[1]};
  }
  return found;
}

bool Regex::find(std::string_view text, std::size_t from, ByteRange& match) const {
  const int found = this->match(text, from, match);
  if (found == PCRE2_ERROR_NOMATCH) return false;
  if (found < 0) {
    throw Error(Error::Kind::kData, compiled_->where + ": the pattern gave up on a text of " +
                                        std::to_string(text.size()) + " bytes at byte " +
                                        std::to_string(from) + ": " + pcre_message(found) +
                                        "; drop the row, or split it into shorter ones");
  }
  return true;
}

Regex::Found Regex::search(std::string_view text, std::size_t from, ByteRange& match) const {
  const int found = this->match(text, from, match);
  if (found == PCRE2_ERROR_NOMATCH) return Found::kNo;
  return found < 0 ? Found::kGaveUp : Found::kYes;
}

}  // namespace caravan::data
