#include "data/filters/language.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "data/error.h"
#include "data/filters/english_profile.h"
#include "data/inspection/script.h"
#include "data/tokenizers/unicode.h"

namespace caravan::data {
namespace {

// Enough to tell a language by, and the same for a row of a page as for one of a book.
constexpr std::size_t kMaxBytes = 8192;

struct ScriptName {
  Script script;
  std::string_view name, language;  // the one language written in it, else empty
};
constexpr std::array<ScriptName, 12> kScripts = {{{Script::kLatin, "latin", ""},
                                                  {Script::kHangul, "hangul", "ko"},
                                                  {Script::kKana, "kana", "ja"},
                                                  {Script::kHan, "han", "zh"},
                                                  {Script::kCyrillic, "cyrillic", ""},
                                                  {Script::kArabic, "arabic", ""},
                                                  {Script::kDevanagari, "devanagari", ""},
                                                  {Script::kGreek, "greek", "el"},
                                                  {Script::kHebrew, "hebrew", "he"},
                                                  {Script::kThai, "thai", "th"},
                                                  {Script::kOther, "other", ""},
                                                  {Script::kMixed, "mixed", ""}}};

// Words that running text of a language cannot do without.
struct ShortWords {
  std::string_view language, words;
};
constexpr std::array<ShortWords, 7> kShortWords = {
    {{"en",
      "the of and to in is that for it with as was on are be this by you not or have from at an which but "
      "what we "
      "they can has were their your will how its i would if there these"},
     {"de",
      "der die das und ist in den von zu mit nicht ein eine im auf für dem des sich auch als es an werden "
      "aus er "
      "hat dass sie nach wird bei einer um am sind noch wie einem über ich unter einen"},
     {"es",
      "el la los las de que y en un una es por con para no se del al lo como más pero su sus está son muy "
      "también "
      "este hay fue ser qué mientras"},
     {"fr",
      "le la les de des et est un une du en que qui dans pour pas sur au aux avec ce il elle nous vous je ne "
      "sont "
      "par plus cette mais son ou été pendant"},
     {"it",
      "il la di che e è un una per non in con del della sono le si da dei nel alla come più anche questo ma "
      "al lo "
      "gli ha i delle sul tutto poi"},
     {"nl",
      "de het een en van in is dat op te zijn met voor niet aan er die om ook als bij maar uit door naar nog "
      "wordt "
      "deze was heeft ze ik je wat"},
     {"pt",
      "o a os as de que e é um uma em para com não no na do da dos das por mais se como mas ao foi são seu "
      "sua "
      "também você muito"}}};
constexpr std::size_t kMaxShortBytes = 9;
// Texts with fewer of them are lists of names, code, or in another language.
constexpr double kMinShare = 0.12;
// Bits a letter above which letters are not put together as in English.
constexpr double kMaxSurprise = 3.6;

class ShortWordTable {
 public:
  static const ShortWordTable& instance() {
    static const ShortWordTable table;
    return table;
  }
  // As bits, one for each language.
  unsigned languages_of(std::string_view word) const {
    const auto found = languages_.find(word);
    return found == languages_.end() ? 0 : found->second;
  }

 private:
  ShortWordTable() {
    for (std::size_t i = 0; i < kShortWords.size(); ++i) {
      for (std::string_view rest = kShortWords[i].words; !rest.empty();) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        languages_[rest.substr(0, end)] |= 1u << i;
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
    }
  }
  std::unordered_map<std::string_view, unsigned> languages_;
};

char lower_ascii(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

// Bytes of letters beyond ASCII count as letters.
bool is_word_byte(char c) {
  return static_cast<unsigned char>(c) >= 0x80 || (lower_ascii(c) >= 'a' && lower_ascii(c) <= 'z');
}

// The language with the largest share of short words; empty where none has enough.
std::string_view by_short_words(std::string_view text) {
  std::array<std::size_t, kShortWords.size()> hits{};
  std::size_t words = 0;
  std::array<char, kMaxShortBytes> lower;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::size_t begin = at;
    while (at < text.size() && is_word_byte(text[at])) ++at;
    if (at == begin) continue;
    ++words;
    if (at - begin > kMaxShortBytes) continue;
    std::transform(text.begin() + static_cast<std::ptrdiff_t>(begin),
                   text.begin() + static_cast<std::ptrdiff_t>(at), lower.begin(), lower_ascii);
    const unsigned languages = ShortWordTable::instance().languages_of({lower.data(), at - begin});
    for (std::size_t i = 0; languages >> i != 0; ++i) hits[i] += languages >> i & 1u;
  }
  const auto most = std::ranges::max_element(hits);
  const bool enough = words > 0 && static_cast<double>(*most) >= kMinShare * static_cast<double>(words);
  return enough ? kShortWords[static_cast<std::size_t>(most - hits.begin())].language : std::string_view();
}

std::string_view language_of_latin(std::string_view text) {
  const std::string_view language = by_short_words(text);
  if (!language.empty()) return language;
  return english_surprise(text) <= kMaxSurprise ? "en" : "latin";
}

// Prose of `text`, without fenced code, appended up to the bound.
void append_prose(std::string_view text, std::string& out) {
  bool in_code = false;
  while (!text.empty() && out.size() < kMaxBytes) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with("```")) {
      in_code = !in_code;
      continue;
    }
    if (in_code) continue;
    const std::size_t room = kMaxBytes - out.size();
    if (line.size() > room) line = line.substr(0, room - incomplete_tail(line.substr(0, room)));
    out.append(line);
    out.push_back('\n');
    if (line.size() + 4 > room) return;
  }
}

std::vector<std::string> split_names(const std::string& list) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    std::string name = list.substr(at, end - at);
    std::erase(name, ' ');
    std::ranges::transform(name, name.begin(), lower_ascii);
    if (!name.empty()) names.push_back(std::move(name));
    at = end + 1;
  }
  return names;
}

class LanguageFilter : public RowFilter {
 public:
  explicit LanguageFilter(const FilterOptions& o)
      : wanted_(split_names(o.languages)), field_(o.language_field), min_letters_(o.language_letters) {
    if (wanted_.empty()) refuse("no language is named");
    if (!field_.empty()) return;
    const std::string all = ", " + all_languages() + ',';
    for (const std::string& name : wanted_) {
      if (all.find(", " + name + ',') == std::string::npos) refuse("found \"" + name + '"');
    }
  }

  void judge(const FilterRow& row, FilterSpace& space, std::vector<FilterHit>& hits) const override {
    if (!field_.empty()) return judge_field(row, hits);
    for (std::size_t side = 0; side < row.sides.size(); ++side) {
      space.text.clear();
      for (const Message& message : row.sides[side].messages) {
        if (message.role != "tool") append_prose(message.content, space.text);
      }
      const LanguageGuess guess = guess_language(space.text);
      if (guess.letters < min_letters_ || wants(guess.language) || wants(guess.script)) continue;
      hits.push_back({.reason = "language:" + std::string(guess.language), .side = side});
      return;
    }
  }

 private:
  [[noreturn]] static void refuse(const std::string& found) {
    throw Error(Error::Kind::kUsage, "languages: " + found +
                                         "; allowed, with commas between: " + all_languages() +
                                         "; values of language_field are not bound to these");
  }
  bool wants(std::string_view name) const { return std::ranges::find(wanted_, name) != wanted_.end(); }

  void judge_field(const FilterRow& row, std::vector<FilterHit>& hits) const {
    const auto value = row.json.find(field_);
    std::string found = value && value->is(JsonValue::Type::kString) ? value->text() : "";
    std::ranges::transform(found, found.begin(), lower_ascii);
    std::erase(found, ' ');
    if (wants(found)) return;
    // What rows call their language may be anything; a reason is short.
    constexpr std::size_t kMaxName = 24;
    hits.push_back({.reason = "language:" + (found.empty()             ? "unnamed"
                                             : found.size() > kMaxName ? "long_name"
                                                                       : found)});
  }

  std::vector<std::string> wanted_;
  std::string field_;
  std::int64_t min_letters_;
};

}  // namespace

double english_surprise(std::string_view text) {
  constexpr unsigned kBetween = kProfileSymbols - 1;
  constexpr std::uint64_t kForeign = 24;  // half bits of a byte of a letter that English has not
  unsigned first = kBetween, second = kBetween;
  std::uint64_t half_bits = 0, letters = 0;
  for (const char c : text) {
    const auto letter = static_cast<unsigned>(lower_ascii(c) - 'a');
    const bool foreign = static_cast<unsigned char>(c) >= 0x80;
    const unsigned symbol = letter < kBetween ? letter : kBetween;
    if (!foreign && symbol == kBetween && second == kBetween) continue;
    half_bits +=
        foreign ? kForeign
                : static_cast<std::uint64_t>(
                      kEnglishProfile[(first * kProfileSymbols + second) * kProfileSymbols + symbol] - 'a');
    ++letters;
    first = foreign ? kBetween : second;
    second = symbol;
  }
  return letters == 0 ? 0.0 : static_cast<double>(half_bits) / 2.0 / static_cast<double>(letters);
}

LanguageGuess guess_language(std::string_view text) {
  ScriptCounts counts;
  counts.add(text);
  const Script script = counts.main();
  const auto letters = static_cast<std::int64_t>(counts.letters());
  for (const ScriptName& known : kScripts) {
    if (known.script != script) continue;
    const std::string_view only = known.language.empty() ? known.name : known.language;
    return {script == Script::kLatin ? language_of_latin(text) : only, known.name, letters};
  }
  return {"", "", letters};
}

std::string all_languages() {
  std::string text;
  const auto add = [&text](std::string_view name) {
    if (!name.empty()) text += (text.empty() ? "" : ", ") + std::string(name);
  };
  for (const ShortWords& known : kShortWords) add(known.language);
  for (const ScriptName& known : kScripts) add(known.language);
  for (const ScriptName& known : kScripts) add(known.name);
  return text;
}

std::unique_ptr<RowFilter> make_language_filter(const FilterOptions& options) {
  return std::make_unique<LanguageFilter>(options);
}

}  // namespace caravan::data
