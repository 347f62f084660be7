// Reads the fields of one JSON object and collects everything wrong with it, so that a user sees all of it at
// once.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::models {

// A key whose value is null counts as absent, as Hugging Face files use it. Wrong values are noted and read
// as absent.
class JsonFields {
 public:
  // `prefix` stands before each key in messages, "rope_scaling." for instance. `object` must outlive this.
  JsonFields(const nlohmann::json& object, std::string prefix = "");

  bool has(const std::string& key);
  std::optional<std::int64_t> integer(const std::string& key, std::int64_t least, std::int64_t most);
  // Finite and within [least, most].
  std::optional<double> number(const std::string& key, double least, double most);
  std::optional<bool> boolean(const std::string& key);
  std::optional<std::string> text(const std::string& key);
  // The value, or null, of a key with a shape of its own.
  const nlohmann::json* value(const std::string& key);

  std::int64_t required_integer(const std::string& key, std::int64_t least, std::int64_t most);
  // A token id or a list of them: eos_token_id has both forms.
  std::vector<std::int64_t> integer_or_list(const std::string& key, std::int64_t least, std::int64_t most);

  void missing(const std::string& key, const std::string& what_to_do);
  // Notes "KEY is VALUE; allowed: ...".
  void refuse(const std::string& key, const std::string& allowed);
  void note(const std::string& problem);
  const std::vector<std::string>& problems() const { return problems_; }

  // Keys nobody asked for.
  nlohmann::json unread() const;

 private:
  const nlohmann::json& object_;
  std::string prefix_;
  std::set<std::string> read_;
  std::vector<std::string> problems_;
};

// One message of all problems. Throws Error (65) where there are any.
void throw_problems(const std::string& where, const std::vector<std::string>& problems);

// A JSON value as it may stand in a message: short and printable.
std::string value_text(const nlohmann::json& value);

}  // namespace caravan::models
