#include "recipes/resolved_recipe.h"

#include <algorithm>
#include <iterator>

#include "recipes/field_list.h"

namespace caravan::recipes {
namespace {

// Writes the keys of one map, `indent` spaces deep.
class YamlWriter {
 public:
  YamlWriter(std::string& out, std::size_t indent) : out_(out), indent_(indent, ' ') {}

  // An optional that is absent and a text that is empty have no line: the reader takes the same default for
  // them.
  template <class T>
  void field(std::string_view key, T& member, const FieldSpec& spec) {
    const std::string text = field_text(member, spec);
    if (text.empty() || text == "\"\"") return;
    out_ += indent_ + std::string(key) + ": " + text + '\n';
  }

  template <class Struct>
  void list(std::string_view key, std::vector<Struct>& members, const FieldSpec&) {
    if (members.empty()) return;
    out_ += indent_ + std::string(key) + ":\n";
    for (Struct& member : members) {
      std::string item = inner(member, indent_.size() + 4);
      // The first key of an element stands beside its dash.
      item[indent_.size() + 2] = '-';
      out_ += item;
    }
  }

  template <class Struct>
  void section(std::string_view key, Struct& member, const FieldSpec&) {
    const std::string keys = inner(member, indent_.size() + 2);
    if (!keys.empty()) out_ += indent_ + std::string(key) + ":\n" + keys;
  }

 private:
  template <class Struct>
  static std::string inner(Struct& member, std::size_t indent) {
    std::string text;
    YamlWriter writer(text, indent);
    member.visit_fields(writer);
    return text;
  }

  std::string& out_;
  std::string indent_;
};

// Takes a copy: visitors see members that may be written.
template <class Struct>
std::string written_out(Struct recipe) {
  std::string text;
  YamlWriter writer(text, 0);
  recipe.visit_fields(writer);
  return text;
}

const FieldEntry* find(const std::vector<FieldEntry>& entries, const std::string& key) {
  const auto found =
      std::find_if(entries.begin(), entries.end(), [&](const FieldEntry& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &*found;
}

template <class Struct>
std::vector<RecipeChange> difference(const Struct& before, const Struct& after) {
  const std::vector<FieldEntry> old_entries = list_fields(before);
  const std::vector<FieldEntry> new_entries = list_fields(after);
  std::vector<RecipeChange> changes;
  for (const FieldEntry& entry : old_entries) {
    const FieldEntry* now = find(new_entries, entry.key);
    const std::string value = now == nullptr ? std::string() : now->value;
    if (value != entry.value) changes.push_back({entry.key, entry.value, value, entry.spec.free_at_resume});
  }
  for (const FieldEntry& entry : new_entries) {
    const bool added = find(old_entries, entry.key) == nullptr && !entry.value.empty();
    if (added) changes.push_back({entry.key, {}, entry.value, entry.spec.free_at_resume});
  }
  return changes;
}

}  // namespace

std::string resolved_yaml(const Recipe& recipe) {
  return written_out(recipe);
}

std::string resolved_yaml(const DataRecipe& recipe) {
  return written_out(recipe);
}

std::string resolved_yaml(const SynthesisRecipe& recipe) {
  return written_out(recipe);
}

std::string resolved_yaml(const PreferenceRecipe& recipe) {
  return written_out(recipe);
}

std::string resolved_yaml(const PipelineRecipe& recipe) {
  return written_out(recipe);
}

std::string resolved_yaml(const EvaluationRecipe& recipe) {
  return written_out(recipe);
}

std::string resolved_yaml(const ReleaseRecipe& recipe) {
  return written_out(recipe);
}

std::string resolved_yaml(const data::TaskOptions& task) {
  return written_out(task);
}

std::vector<RecipeChange> recipe_difference(const Recipe& before, const Recipe& after) {
  return difference(before, after);
}

std::vector<RecipeChange> recipe_difference(const PipelineRecipe& before, const PipelineRecipe& after) {
  return difference(before, after);
}
std::vector<RecipeChange> breaking_changes(std::span<const RecipeChange> changes) {
  std::vector<RecipeChange> breaking;
  std::copy_if(changes.begin(), changes.end(), std::back_inserter(breaking),
               [](const RecipeChange& change) { return !change.free_at_resume; });
  return breaking;
}

std::string difference_text(std::span<const RecipeChange> changes) {
  const auto shown = [](const std::string& value) { return value.empty() ? std::string("not set") : value; };
  std::string text;
  for (const RecipeChange& change : changes) {
    text += change.key + ": " + shown(change.before) + " -> " + shown(change.after) + '\n';
  }
  return text;
}

}  // namespace caravan::recipes
