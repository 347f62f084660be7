#include "data/rewards/instruction.h"

namespace caravan::data {

bool InstructionArguments::has(const char* name) const {
  const auto found = values_.find(name);
  return found != values_.end() && !found->is_null();
}

const Json& InstructionArguments::value(const char* name) const {
  if (!has(name)) throw BadArgument{std::string("the argument '") + name + "' is missing"};
  return *values_.find(name);
}

const std::string& InstructionArguments::text(const char* name) const {
  const Json& found = value(name);
  if (!found.is_string()) throw BadArgument{std::string("the argument '") + name + "' is no text"};
  return found.get_ref<const std::string&>();
}

std::int64_t InstructionArguments::whole(const char* name) const {
  const Json& found = value(name);
  if (found.is_number_integer()) return found.get<std::int64_t>();
  if (found.is_number_float()) {
    const double real = found.get<double>();
    if (real >= -1e15 && real <= 1e15 && real == static_cast<double>(static_cast<std::int64_t>(real)))
      return static_cast<std::int64_t>(real);
  }
  throw BadArgument{std::string("the argument '") + name + "' is no whole number"};
}

std::vector<std::string> InstructionArguments::texts(const char* name) const {
  const Json& found = value(name);
  if (!found.is_array()) throw BadArgument{std::string("the argument '") + name + "' is no list"};
  std::vector<std::string> texts;
  for (const Json& element : found) {
    if (!element.is_string())
      throw BadArgument{std::string("the argument '") + name + "' holds what is no text"};
    texts.push_back(element.get<std::string>());
  }
  return texts;
}

bool meets(std::int64_t count, std::int64_t wanted, std::string_view relation) {
  if (relation == "less than") return count < wanted;
  if (relation == "at least") return count >= wanted;
  if (relation == "at most") return count <= wanted;
  if (relation == "exactly") return count == wanted;
  throw BadArgument{"the relation '" + std::string(relation.substr(0, 40)) + "' is not known"};
}

}  // namespace caravan::data
