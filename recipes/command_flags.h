// The flags of a command: --name VALUE, --name=VALUE and --switch, each declared once with its range.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::recipes {

// Every error is a data::Error (kUsage) that names the command, the flag, what was found and what is allowed,
// with the nearest flag for an unknown one.
class CommandFlags {
 public:
  CommandFlags(std::string command, std::string usage)
      : command_(std::move(command)), usage_(std::move(usage)) {}

  void add_text(const std::string& name, std::string& value);
  void add_switch(const std::string& name, bool& value);
  // May be given several times.
  void add_texts(const std::string& name, std::vector<std::string>& values);
  // What stands without a flag: words that do not begin with "--", "-" alone, and all words behind "--".
  void add_words(std::vector<std::string>& words) { words_ = &words; }
  // Within [low, high].
  void add_integer(const std::string& name, std::optional<std::int64_t>& value, std::int64_t low,
                   std::int64_t high);
  void add_number(const std::string& name, std::optional<double>& value, double low, double high);
  void add_choice(const std::string& name, std::optional<std::string>& value,
                  std::vector<std::string_view> choices);

  // May stand alone, which means `alone`; a whole number behind it is its value.
  void add_count(const std::string& name, std::optional<std::int64_t>& value, std::int64_t alone,
                 std::int64_t low, std::int64_t high);
  // `set` returns what is wrong with the text, or nothing: "found ...; allowed: ...".
  void add_parsed(const std::string& name, bool takes_value,
                  std::function<std::string(const std::string&)> set);

  // Words that are no flags: key=value.
  void add_overrides(std::vector<std::string>& words) { overrides_ = &words; }

  // False where help was asked for; it is on stdout then. A flag given twice is an error.
  bool parse(std::span<const std::string> args);
  std::size_t num_given() const;
  [[noreturn]] void refuse(const std::string& text) const;

 private:
  struct Flag {
    std::string name;
    bool takes_value;
    std::function<void(const std::string&)> set;
    bool given = false;
    bool repeats = false;
    bool value_is_optional = false;
  };
  bool take_word(const std::string& argument, bool& only_words);
  Flag& find(const std::string& name);

  std::string command_, usage_;
  std::vector<Flag> flags_;
  std::vector<std::string>* words_ = nullptr;
  std::vector<std::string>* overrides_ = nullptr;
};

}  // namespace caravan::recipes
