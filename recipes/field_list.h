// The fields of a recipe as a flat list: full key, value and rules of each. The difference of two recipes and
// the search for a key are loops over it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "recipes/fields.h"
#include "recipes/reader/field_values.h"

namespace caravan::recipes {

struct FieldEntry {
  std::string key;      // "optimizer.learning_rate", "data.sources[0].path"
  std::string value;    // as a recipe would write it; empty where an optional is absent
  std::string allowed;  // in words
  FieldSpec spec;
};

class FieldLister {
 public:
  explicit FieldLister(std::vector<FieldEntry>& entries, std::string path = {})
      : entries_(entries), path_(std::move(path)) {}

  template <class T>
  void field(std::string_view key, T& member, const FieldSpec& spec) {
    entries_.push_back(
        {path_ + std::string(key), field_text(member, spec), field_allowed(spec, &member), spec});
  }

  template <class Struct>
  void list(std::string_view key, std::vector<Struct>& members, const FieldSpec& spec) {
    for (std::size_t i = 0; i < members.size(); ++i) {
      const std::size_t first = entries_.size();
      section(std::string(key) + '[' + std::to_string(i) + ']', members[i], spec);
      // A list that may differ at resume may differ in everything it holds.
      for (std::size_t j = first; j < entries_.size(); ++j)
        entries_[j].spec.free_at_resume |= spec.free_at_resume;
    }
  }

  template <class Struct>
  void section(std::string_view key, Struct& member, const FieldSpec&) {
    FieldLister inner(entries_, path_ + std::string(key) + '.');
    member.visit_fields(inner);
  }

 private:
  std::vector<FieldEntry>& entries_;
  std::string path_;
};

// Takes a copy: visitors see members that may be written.
template <class Struct>
std::vector<FieldEntry> list_fields(Struct options) {
  std::vector<FieldEntry> entries;
  FieldLister lister(entries);
  options.visit_fields(lister);
  return entries;
}

}  // namespace caravan::recipes
