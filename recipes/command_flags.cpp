#include "recipes/command_flags.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <sstream>
#include <utility>

#include "data/error.h"
#include "recipes/nearest_name.h"

namespace caravan::recipes {

namespace {

template <class Number>
std::optional<Number> parse_number(const std::string& text) {
  Number number{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Not in a range where it is no number, or not a number at all.
template <class Number>
bool lies_within(const std::optional<Number>& number, Number low, Number high) {
  return number && *number >= low && *number <= high;
}

bool is_count(const std::string& word) {
  return !word.empty() && word.find_first_not_of("0123456789") == std::string::npos;
}

template <class Number>
std::string range_text(const char* kind, Number low, Number high) {
  std::ostringstream text;
  text << kind << " from " << low << " to " << high;
  return text.str();
}

}  // namespace

void CommandFlags::refuse(const std::string& text) const {
  throw data::Error(data::Error::Kind::kUsage, command_ + ": " + text +
                                                   (text.ends_with('?') ? " caravan " : "; caravan ") +
                                                   command_ + " --help tells more");
}

void CommandFlags::add_text(const std::string& name, std::string& value) {
  flags_.push_back({name, true, [&value](const std::string& text) { value = text; }});
}

void CommandFlags::add_texts(const std::string& name, std::vector<std::string>& values) {
  flags_.push_back({.name = name,
                    .takes_value = true,
                    .set = [&values](const std::string& text) { values.push_back(text); },
                    .repeats = true});
}

void CommandFlags::add_switch(const std::string& name, bool& value) {
  flags_.push_back({name, false, [&value](const std::string&) { value = true; }});
}

void CommandFlags::add_integer(const std::string& name, std::optional<std::int64_t>& value, std::int64_t low,
                               std::int64_t high) {
  flags_.push_back({name, true, [this, name, &value, low, high](const std::string& text) {
                      value = parse_number<std::int64_t>(text);
                      if (!lies_within(value, low, high))
                        refuse(name + ": found \"" + text +
                               "\"; allowed: " + range_text("a whole number", low, high));
                    }});
}

void CommandFlags::add_number(const std::string& name, std::optional<double>& value, double low,
                              double high) {
  flags_.push_back({name, true, [this, name, &value, low, high](const std::string& text) {
                      value = parse_number<double>(text);
                      if (!lies_within(value, low, high))
                        refuse(name + ": found \"" + text +
                               "\"; allowed: " + range_text("a number", low, high));
                    }});
}

void CommandFlags::add_choice(const std::string& name, std::optional<std::string>& value,
                              std::vector<std::string_view> choices) {
  flags_.push_back({name, true, [this, name, &value, choices = std::move(choices)](const std::string& text) {
                      if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
                        std::string allowed;
                        for (const std::string_view choice : choices)
                          allowed += (allowed.empty() ? "" : ", ") + std::string(choice);
                        refuse(name + ": found \"" + text + "\"; allowed: " + allowed);
                      }
                      value = text;
                    }});
}

void CommandFlags::add_count(const std::string& name, std::optional<std::int64_t>& value, std::int64_t alone,
                             std::int64_t low, std::int64_t high) {
  add_integer(name, value, low, high);
  flags_.back().value_is_optional = true;
  flags_.back().set = [&value, alone, set = std::move(flags_.back().set)](const std::string& text) {
    if (text.empty()) {
      value = alone;
    } else {
      set(text);
    }
  };
}

void CommandFlags::add_parsed(const std::string& name, bool takes_value,
                              std::function<std::string(const std::string&)> set) {
  flags_.push_back({name, takes_value, [this, name, set = std::move(set)](const std::string& text) {
                      const std::string problem = set(text);
                      if (!problem.empty()) refuse(name + ": " + problem);
                    }});
}

CommandFlags::Flag& CommandFlags::find(const std::string& name) {
  std::vector<std::string_view> names{"--help"};
  for (Flag& flag : flags_) {
    if (flag.name == name) return flag;
    names.push_back(flag.name);
  }
  const auto near = nearest_name(name, names);
  refuse("found \"" + name + "\", which is no option" +
         (near ? "; did you mean " + std::string(*near) + "?" : ""));
}

bool CommandFlags::take_word(const std::string& argument, bool& only_words) {
  if (words_ == nullptr) return false;
  if (argument == "--" && !only_words) return only_words = true;
  if (!only_words && argument != "-" && argument.starts_with('-')) return false;
  words_->push_back(argument);
  return true;
}

std::size_t CommandFlags::num_given() const {
  return static_cast<std::size_t>(
      std::count_if(flags_.begin(), flags_.end(), [](const Flag& flag) { return flag.given; }));
}

bool CommandFlags::parse(std::span<const std::string> args) {
  bool only_words = false;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (take_word(args[i], only_words)) continue;
    if (args[i] == "--help" || args[i] == "-h") {
      std::fputs(usage_.c_str(), stdout);
      return false;
    }
    if (overrides_ != nullptr && !args[i].starts_with('-') && args[i].find('=') != std::string::npos) {
      overrides_->push_back(args[i]);
      continue;
    }
    const std::size_t equals = args[i].starts_with("--") ? args[i].find('=') : std::string::npos;
    Flag& flag = find(args[i].substr(0, equals));
    if (std::exchange(flag.given, true) && !flag.repeats) refuse(flag.name + " is given twice");
    if (!flag.takes_value) {
      if (equals != std::string::npos) refuse(flag.name + " takes no value");
      flag.set("");
    } else if (equals != std::string::npos) {
      flag.set(args[i].substr(equals + 1));
    } else if (flag.value_is_optional && (i + 1 == args.size() || !is_count(args[i + 1]))) {
      flag.set("");
    } else {
      if (i + 1 == args.size()) refuse(flag.name + " needs a value");
      flag.set(args[++i]);
    }
  }
  return true;
}

}  // namespace caravan::recipes
