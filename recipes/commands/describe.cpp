#include "recipes/commands/describe.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <vector>

#include "data/error.h"
#include "recipes/describe_recipe.h"
#include "recipes/nearest_name.h"
#include "recipes/reader/aliases.h"

namespace caravan::recipes {
namespace {

constexpr const char* kUsage =
    "caravan describe [SECTION | KEY] [--markdown] [--check [FILE]]\n"
    "\n"
    "Prints every key of a recipe: what it is, what is allowed, its default, its other names.\n"
    "  SECTION        its keys: model, data, batch, optimizer, ...\n"
    "  KEY            one key: data.max_length, max_length, or a name of other frameworks such as lr\n"
    "  --markdown     the whole as recipes/README.md\n"
    "  --check FILE   exit 1 unless FILE, by default recipes/README.md, is what --markdown prints\n";

struct DescribeArgs {
  std::string section;
  std::string check;
  bool markdown = false;
  bool help = false;
};

DescribeArgs parse_args(std::span<const std::string> args) {
  DescribeArgs parsed;
  const auto refuse = [](const std::string& text) {
    throw data::Error(data::Error::Kind::kUsage,
                      "describe: " + text + "; caravan describe --help tells more");
  };
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (args[i] == "--help" || args[i] == "-h") {
      parsed.help = true;
    } else if (args[i] == "--markdown") {
      parsed.markdown = true;
    } else if (args[i] == "--check") {
      const bool named = i + 1 < args.size() && !args[i + 1].starts_with("--");
      parsed.check = named ? args[++i] : "recipes/README.md";
    } else if (args[i].starts_with("--")) {
      refuse("unknown option " + args[i]);
    } else if (parsed.section.empty()) {
      parsed.section = args[i];
    } else {
      refuse("one section at a time, found " + parsed.section + " and " + args[i]);
    }
  }
  return parsed;
}

int check_page(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw data::Error(data::Error::Kind::kInputOutput, path + ": cannot be read");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  if (page == description_markdown()) return 0;
  std::fprintf(stderr, "caravan: %s is out of date; run: caravan describe --markdown > %s\n", path.c_str(),
               path.c_str());
  return 1;
}

[[noreturn]] void refuse_name(const std::string& name) {
  const std::vector<SectionDescription> sections = describe_recipe();
  std::vector<std::string_view> known, section_names;
  std::string listed;
  for (const SectionDescription& section : sections) {
    if (!section.name.empty()) {
      section_names.push_back(section.name);
      listed += (listed.empty() ? "" : ", ") + section.name;
    }
    for (const KeyDescription& key : section.keys) {
      known.push_back(key.key);
      known.push_back(std::string_view(key.key).substr(key.key.rfind('.') + 1));
      for (const std::string_view alias : aliases_of_key(key.key)) known.push_back(alias);
    }
  }
  std::string text = "describe: no section or key " + name + "; sections: " + listed;
  auto near = nearest_name(name, section_names);
  if (!near) near = nearest_name(name, known);
  if (near) text += "; did you mean " + std::string(*near) + "?";
  throw data::Error(data::Error::Kind::kUsage, text);
}

}  // namespace

int run_describe(std::span<const std::string> args) {
  const DescribeArgs parsed = parse_args(args);
  if (parsed.help) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (!parsed.check.empty()) return check_page(parsed.check);
  if (parsed.markdown) {
    std::fputs(description_markdown().c_str(), stdout);
    return 0;
  }
  const std::optional<std::string> text = description_text(parsed.section);
  if (!text) refuse_name(parsed.section);
  std::fputs(text->c_str(), stdout);
  return 0;
}

}  // namespace caravan::recipes
