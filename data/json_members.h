// Objects that keep the order of their members are lists: operator[] looks at every member before it appends
// one, which makes an object of many members quadratic.
#pragma once

#include <string>
#include <utility>

#include "data/message.h"

namespace caravan::data {

// Appends to `object` (null: an empty one) a member whose key the caller knows to be new.
inline void append_new_member(Json& object, std::string key, Json value) {
  if (object.is_null()) object = Json::object();
  auto& members = object.get_ref<Json::object_t&>();
  members.Json::object_t::Container::emplace_back(std::move(key), std::move(value));
}

}  // namespace caravan::data
