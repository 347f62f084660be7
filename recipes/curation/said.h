// What the keys of a part of a recipe say, for the record of a step.
#pragma once

#include "data/message.h"
#include "recipes/field_list.h"

namespace caravan::recipes {

// {"KEY": "value as a recipe writes it"}
template <class Struct>
data::Json said(const Struct& options) {
  data::Json text = data::Json::object();
  for (const FieldEntry& entry : list_fields(options)) text[entry.key] = entry.value;
  return text;
}

}  // namespace caravan::recipes
