// What reading a recipe gathers besides the recipe: problems, notes, and where each key was given.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "recipes/reader/problem.h"

namespace caravan::recipes {

struct ReadState {
  Where file;                         // the recipe as a whole
  std::filesystem::path file_folder;  // relative input paths of the file start here
  std::vector<Problem> problems;
  std::vector<std::string> notes;  // what the user may want to know, and need not act on
  std::map<std::string, Where, std::less<>>
      given;  // by full key: "optimizer.learning_rate", "data.sources[0].path"
  std::set<std::string, std::less<>> failed;  // keys whose value could not be read

  void report(const Where& where, std::string text) { problems.push_back({where, std::move(text)}); }
  bool is_given(std::string_view key) const { return given.find(key) != given.end(); }
  bool has_failed(std::string_view key) const { return failed.find(key) != failed.end(); }
  // Where the key was given, or else the file.
  const Where& where(std::string_view key) const {
    const auto found = given.find(key);
    return found == given.end() ? file : found->second;
  }
};

}  // namespace caravan::recipes
