#include "recipes/reader/unknown_key.h"

#include <algorithm>
#include <array>
#include <vector>

#include "recipes/field_list.h"
#include "recipes/nearest_name.h"
#include "recipes/reader/aliases.h"
#include "recipes/recipe.h"

namespace caravan::recipes {
namespace {

struct Planned {
  std::string_view key;
  std::string_view instead;
};

// Keys that documents of this project or habits from elsewhere make people write.
constexpr std::array kPlanned = {
    Planned{"evaluation.gate", "read evaluation's loss from metrics.jsonl and decide"},
    Planned{"lora", "fine-tuning changes every parameter"},
    Planned{"model.lora", "fine-tuning changes every parameter"},
    Planned{"use_lora", "fine-tuning changes every parameter"},
    Planned{"use_peft", "fine-tuning changes every parameter"},
    Planned{"load_in_4bit", "model.dtype is bf16 or fp32"},
    Planned{"load_in_8bit", "model.dtype is bf16 or fp32"},
};

std::vector<std::string> keys_of(Stage stage) {
  Recipe recipe;
  recipe.stage = stage;
  std::vector<std::string> keys;
  for (const FieldEntry& entry : list_fields(recipe)) keys.push_back(entry.key);
  return keys;
}

// Listed once: a hostile recipe has thousands of unknown keys.
const std::vector<std::string>& all_keys() {
  static const std::vector<std::string> keys = [] {
    std::vector<std::string> found;
    for (std::size_t stage = 0; stage < choice_names(Stage{}).size(); ++stage)
      for (const std::string& key : keys_of(static_cast<Stage>(stage)))
        if (std::find(found.begin(), found.end(), key) == found.end()) found.push_back(key);
    return found;
  }();
  return keys;
}

// The stages that have this key, ", " between them; of those that differ in it.
std::string stages_with(const std::string& full) {
  std::string names;
  for (std::size_t stage = 0; stage < choice_names(Stage{}).size(); ++stage) {
    const std::vector<std::string> keys = keys_of(static_cast<Stage>(stage));
    const bool has = std::any_of(keys.begin(), keys.end(), [&](const std::string& key) {
      return key == full || key.starts_with(full + '.');
    });
    if (has) names += (names.empty() ? "" : ", ") + std::string(choice_names(Stage{})[stage]);
  }
  return names;
}

std::string shown(std::string key) {
  constexpr std::size_t kShown = 80;
  return key.size() <= kShown ? key : key.substr(0, kShown) + "...";
}

// The full key that ends in `.key`, in another section.
std::string key_elsewhere(std::string_view key) {
  const std::string ending = '.' + std::string(key);
  for (const std::string& candidate : all_keys()) {
    if (candidate.ends_with(ending)) return candidate;
  }
  return {};
}

}  // namespace

std::string unknown_key_text(std::string_view section, std::string_view key,
                             std::span<const std::string_view> known) {
  const std::string full = section.empty() ? std::string(key) : std::string(section) + '.' + std::string(key);
  for (const Planned& planned : kPlanned) {
    if (planned.key == full) return full + ": not built yet in this version; " + std::string(planned.instead);
  }
  std::string text = shown(full) + ": unknown key";
  const std::size_t dot = full.find('.');
  if (section.empty() && dot != std::string::npos &&
      std::count(all_keys().begin(), all_keys().end(), full) > 0) {
    return text + "; keys of a section stand below it: write " + full.substr(0, dot) + ": {" +
           full.substr(dot + 1) + ": ...}";
  }
  // It was asked for although this stage does not take it.
  const bool is_key = std::any_of(all_keys().begin(), all_keys().end(), [&](const std::string& candidate) {
    return candidate == full || candidate.starts_with(full + '.');
  });
  if (is_key)
    return shown(full) + ": has no effect in this stage; it is a key of stage " + stages_with(full) +
           ": remove it";
  if (const auto near = nearest_name(key, known)) return text + "; did you mean " + std::string(*near) + "?";
  const std::string_view own = key_of_alias(key);
  if (!own.empty()) return text + " here; its name is " + std::string(own);
  const std::string elsewhere = key_elsewhere(key);
  if (!elsewhere.empty()) return text + " here; did you mean " + elsewhere + "?";
  text += "; allowed" + (section.empty() ? std::string() : " in " + std::string(section)) + ":";
  for (std::size_t i = 0; i < known.size(); ++i) text += (i == 0 ? " " : ", ") + std::string(known[i]);
  return text;
}

}  // namespace caravan::recipes
