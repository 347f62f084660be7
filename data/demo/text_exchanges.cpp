// Questions about words, letters and the form of an answer.
#include <algorithm>
#include <string>
#include <vector>

#include "data/demo/exchange.h"
#include "data/demo/words.h"

namespace caravan::data {
namespace {

using Strings = std::vector<std::string>;

Strings draw_distinct(Random& random, std::span<const std::string_view> from, std::size_t count) {
  std::vector<std::string_view> pool(from.begin(), from.end());
  random.shuffle(pool);
  return {pool.begin(), pool.begin() + static_cast<std::ptrdiff_t>(count)};
}

std::size_t draw_length(Random& random, Difficulty difficulty) {
  return static_cast<std::size_t>(random.between(3, 4 + static_cast<int>(difficulty)));
}

// Few words at first: a model learns to copy a word it has met often.
std::span<const std::string_view> words_of(Difficulty difficulty) {
  return std::span(kWords).first(difficulty == Difficulty::kEasy ? 24 : kWords.size());
}

Strings draw_words(Random& random, Difficulty difficulty) {
  return draw_distinct(random, words_of(difficulty), draw_length(random, difficulty));
}

std::string join(const Strings& parts, std::string_view between = " ") {
  std::string joined;
  for (const std::string& part : parts) {
    if (!joined.empty()) joined += between;
    joined += part;
  }
  return joined;
}

std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

// The same words in another order or question are other problems: keys name the kind and the words as they
// stand.
Exchange about_words(Random& random, std::string_view kind, std::span<const std::string_view> phrasings,
                     const Strings& words, std::string answer) {
  return {kind, std::string(random.pick(phrasings)) + join(words), std::move(answer),
          std::string(kind) + " " + join(words)};
}

Exchange make_repeat(Random& random, Difficulty difficulty) {
  static constexpr std::string_view kPhrasings[] = {"Repeat:\n", "Say this back to me:\n",
                                                    "Write exactly:\n"};
  const Strings words = draw_words(random, difficulty);
  return about_words(random, "repeat", kPhrasings, words, join(words));
}

Exchange make_uppercase(Random& random, Difficulty difficulty) {
  static constexpr std::string_view kPhrasings[] = {"Write in capital letters:\n", "Uppercase:\n",
                                                    "Shout:\n"};
  const Strings words = draw_words(random, difficulty);
  return about_words(random, "uppercase", kPhrasings, words, upper(join(words)));
}

Exchange make_lowercase(Random& random, Difficulty difficulty) {
  static constexpr std::string_view kPhrasings[] = {"Write in small letters:\n", "Lowercase:\n",
                                                    "Whisper:\n"};
  const Strings words = draw_words(random, difficulty);
  Exchange made = about_words(random, "lowercase", kPhrasings, {upper(join(words))}, join(words));
  return made;
}

Exchange make_reverse_words(Random& random, Difficulty difficulty) {
  static constexpr std::string_view kPhrasings[] = {"Reverse the words:\n", "Say these words backwards:\n"};
  Strings words = draw_words(random, difficulty);
  const Strings forwards = words;
  std::reverse(words.begin(), words.end());
  return about_words(random, "reverse_words", kPhrasings, forwards, join(words));
}

Exchange make_reverse_letters(Random& random, Difficulty difficulty) {
  static constexpr std::string_view kPhrasings[] = {"Reverse the letters:\n", "Spell backwards:\n"};
  Strings letters;
  const std::size_t length = draw_length(random, difficulty) - 1;
  while (letters.size() < length) letters.emplace_back(1, kLetters[random.below(kLetters.size())]);
  const Strings forwards = letters;
  std::reverse(letters.begin(), letters.end());
  return about_words(random, "reverse_letters", kPhrasings, forwards, join(letters));
}

Exchange make_first_or_last(Random& random, Difficulty difficulty) {
  static constexpr std::string_view kFirst[] = {"Give the first word:\n", "Which word comes first?\n"};
  static constexpr std::string_view kLast[] = {"Give the last word:\n", "Which word comes last?\n"};
  const Strings words = draw_words(random, difficulty);
  return random.one_in(2) ? about_words(random, "first_word", kFirst, words, words.front())
                          : about_words(random, "last_word", kLast, words, words.back());
}

Exchange make_count_words(Random& random, Difficulty difficulty) {
  static constexpr std::string_view kPhrasings[] = {"How many words are here?\n", "Count the words:\n"};
  const Strings words = draw_distinct(
      random, kWords, static_cast<std::size_t>(random.between(1, 4 + static_cast<int>(difficulty))));
  Exchange made = about_words(random, "count_words", kPhrasings, words, std::to_string(words.size()));
  made.is_number = true;
  return made;
}

Exchange make_count_letter(Random& random, Difficulty difficulty) {
  const char wanted = kLetters[random.below(kLetters.size())];
  Strings letters;
  const std::size_t length = draw_length(random, difficulty);
  while (letters.size() < length) {
    letters.emplace_back(1, random.one_in(3) ? wanted : kLetters[random.below(kLetters.size())]);
  }
  const auto count = std::count(letters.begin(), letters.end(), std::string(1, wanted));
  const std::string listed = join(letters);
  static constexpr std::string_view kPhrasings[] = {"How many times is ", "Count the letter "};
  const std::string_view phrasing = random.pick(kPhrasings);
  const std::string question =
      std::string(phrasing) + wanted + (phrasing.front() == 'H' ? " here?\n" : ":\n") + listed;
  return {"count_letter", question, std::to_string(count),
          "count_letter " + std::string(1, wanted) + " " + listed, true};
}

Exchange make_say_times(Random& random, Difficulty difficulty) {
  const std::string word(random.pick(words_of(difficulty)));
  const int times = random.between(2, 4 + static_cast<int>(difficulty));
  const Strings said(static_cast<std::size_t>(times), word);
  const std::string count = std::to_string(times);
  static constexpr std::string_view kPhrasings[] = {"Say this ", "Write this "};
  const std::string question = std::string(random.pick(kPhrasings)) + count + " times:\n" + word;
  return {"say_times", question, join(said), "say_times " + count + " " + word};
}

Exchange make_list(Random& random, Difficulty difficulty) {
  static constexpr std::string_view kPhrasings[] = {"Make a list of: ", "Write one on each line: "};
  const Strings items = draw_words(random, difficulty);
  Exchange made = about_words(random, "list", kPhrasings, {join(items, ", ")}, "- " + join(items, "\n- "));
  made.has_own_form = true;
  return made;
}

Exchange make_replace(Random& random, Difficulty difficulty) {
  const Strings words = draw_words(random, difficulty);
  const std::string from = words[random.below(words.size())];
  const std::string to(random.pick(kColors));
  Strings replaced = words;
  std::replace(replaced.begin(), replaced.end(), from, to);
  const std::string task = from + " with " + to;
  return {"replace", "Replace " + task + ":\n" + join(words), join(replaced),
          "replace " + task + " " + join(words)};
}

// The first ones ask for copies of what stands in the question: a model learns that first.
constexpr MakeExchange kMakers[] = {
    make_repeat,    make_uppercase, make_first_or_last, make_count_words,   make_say_times,      make_list,
    make_lowercase, make_replace,   make_count_letter,  make_reverse_words, make_reverse_letters};
constexpr std::size_t kNumEasyMakers = 6;

}  // namespace

std::span<const MakeExchange> text_makers(Difficulty difficulty) {
  return difficulty == Difficulty::kEasy ? std::span(kMakers).first(kNumEasyMakers) : std::span(kMakers);
}

Recall make_recall(Random& random, Difficulty difficulty) {
  const std::string name(random.pick(kNames));
  const std::string_view color = random.pick(kColors);
  const std::string owned = (color == "orange" ? "an " : "a ") + std::string(color) + " " +
                            std::string(random.pick(words_of(difficulty)));
  const bool asks_name = random.one_in(2);
  Recall recall;
  recall.statement.kind = "statement";
  recall.statement.question = "My name is " + name + " and I have " + owned + ".";
  recall.statement.answer = "Hello " + name + "!";
  recall.question.kind = "recall";
  recall.question.question = asks_name ? "What is my name?" : "What do I have?";
  recall.question.answer = asks_name ? "Your name is " + name + "." : "You have " + owned + ".";
  recall.question.operands = "recall " + name + " " + owned;
  recall.statement.operands = recall.question.operands;
  recall.statement.has_own_form = recall.question.has_own_form = true;
  return recall;
}

}  // namespace caravan::data
