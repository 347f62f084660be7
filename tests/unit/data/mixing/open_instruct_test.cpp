// The reference's counts, rows and generators, against goldens made with numpy.
#include "data/mixing/open_instruct_mixer.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "data/mixing/mix_plan.h"
#include "data/mixing/numpy_random.h"
#include "tests/support/json_file.h"
#include "tests/support/shared_data.h"

namespace caravan::data {
namespace {

std::vector<Json> golden_lines(const std::string& name) {
  return tests::read_json_lines(tests::shared_data() / "goldens/data/mixing" / name);
}

TEST(NumpyRandom, GivesNumpysWordsAndPermutations) {
  SKIP_WITHOUT_SHARED_DATA();
  const Json goldens = tests::read_json(tests::shared_data() / "goldens/data/mixing/generators.json");
  LegacyRandom legacy(42);
  for (const Json& word : goldens["mt19937_randomstate_42_first_uint32"])
    EXPECT_EQ(legacy.next(), word.get<std::uint32_t>());
  const auto each = [](const Json& cases, std::vector<std::uint32_t> (*permutation)(unsigned, unsigned)) {
    std::size_t checked = 0;
    for (const auto& [name, expected] : cases.items()) {
      unsigned seed = 0, n = 0;
      ASSERT_EQ(std::sscanf(name.c_str(), "seed=%u,n=%u", &seed, &n), 2);
      EXPECT_EQ(permutation(seed, n), expected.get<std::vector<std::uint32_t>>()) << name;
      ++checked;
    }
    EXPECT_EQ(checked, 18u);
  };
  each(goldens["randomstate_permutation"],
       [](unsigned seed, unsigned n) { return LegacyRandom(seed).permutation(n); });
  each(goldens["default_rng_permutation"],
       [](unsigned seed, unsigned n) { return GeneratorRandom(seed).permutation(n); });
}

// Every size and amount of the table: the target, or that there is none.
TEST(OpenInstruct, CountsAsTheReference) {
  SKIP_WITHOUT_SHARED_DATA();
  std::size_t checked = 0;
  for (const Json& line : golden_lines("counts.jsonl")) {
    const auto spec = line["spec"].get<std::string>();
    const auto size = line["size"].get<std::uint64_t>();
    const Json& expected = line["open_instruct"];
    const auto amount = parse_mixer_amount(spec);
    const auto target = amount ? mixer_target(*amount, size) : std::nullopt;
    ++checked;
    if (expected.contains("error")) {
      EXPECT_FALSE(target) << line.dump();
      continue;
    }
    ASSERT_TRUE(target) << line.dump();
    EXPECT_EQ(*target, expected["target"].get<std::uint64_t>()) << line.dump();
    EXPECT_EQ(amount->is_proportion, expected["kind"] == "proportion") << line.dump();
  }
  EXPECT_GT(checked, 500u);
}

TEST(OpenInstruct, PicksTheSameRowsInTheSameOrder) {
  SKIP_WITHOUT_SHARED_DATA();
  for (const Json& line : golden_lines("select_indices.jsonl")) {
    EXPECT_EQ(mixer_rows(line["size"].get<std::uint32_t>(), line["target"].get<std::uint64_t>(),
                         line["seed"].get<std::uint32_t>()),
              line["indices"].get<std::vector<std::uint32_t>>())
        << line.dump();
  }
}

TEST(OpenInstruct, MixerListsGiveTheSamePartsOrErrors) {
  SKIP_WITHOUT_SHARED_DATA();
  for (const Json& line : golden_lines("mixer_lists.jsonl")) {
    const Json& list = line["mixer_list"];
    const Json& expected = line["expected"];
    std::vector<MixPart> parts;
    std::vector<std::uint64_t> sizes;
    for (std::size_t i = 0; i + 1 < list.size(); i += 2) {
      // A set may stand twice in the list; our sources have names of their own.
      parts.push_back({list[i].get<std::string>() + std::to_string(i), {}});
      parts.back().amount.amount = list[i + 1].get<std::string>();
      sizes.push_back(line["sizes"][list[i].get<std::string>()].get<std::uint64_t>());
    }
    // An odd list cannot be written in our form: its last source has no amount.
    if (list.size() % 2 == 1) parts.push_back({"last", {}});
    const MixOptions options{.semantics = MixSemantics::kOpenInstruct};
    if (expected.contains("error")) {
      EXPECT_THROW(
          {
            check_mix(parts, options);
            plan_mix(parts, sizes, options);
          },
          Error)
          << line.dump();
      continue;
    }
    const MixPlan plan = plan_mix(parts, sizes, options);
    ASSERT_EQ(plan.parts.size(), expected["parts"].size());
    for (std::size_t i = 0; i < plan.parts.size(); ++i)
      EXPECT_EQ(plan.parts[i].written, expected["parts"][i]["rows"].get<std::uint64_t>()) << line.dump();
    EXPECT_EQ(plan.written(), expected["total"].get<std::uint64_t>());
    EXPECT_EQ(plan.warnings.size(), expected["warn_small_count"].size()) << line.dump();
  }
}

TEST(OpenInstruct, TheOlderHelperTakesFractionsOrCounts) {
  SKIP_WITHOUT_SHARED_DATA();
  for (const Json& line : golden_lines("older_helper.jsonl")) {
    std::vector<HelperAmount> amounts;
    std::vector<std::uint64_t> sizes;
    for (const auto& [name, number] : line["mixer"].items()) {
      amounts.push_back({number.get<double>(), number.is_number_integer()});
      sizes.push_back(line["size_of_each"].get<std::uint64_t>());
    }
    const HelperTargets targets = helper_targets(amounts, sizes);
    const Json& expected = line["train"];
    EXPECT_EQ(targets.problem, expected.value("error", "")) << line.dump();
    if (expected.contains("error")) continue;
    std::size_t i = 0;
    for (const auto& [name, rows] : expected["rows"].items())
      EXPECT_EQ(targets.rows[i++], rows.get<std::uint64_t>()) << line.dump();
  }
}

TEST(OpenInstruct, TheHelpersRowsAreTheFirstAfterAShuffle) {
  SKIP_WITHOUT_SHARED_DATA();
  const Json goldens = tests::read_json(tests::shared_data() / "goldens/data/mixing/generators.json");
  auto expected = goldens["default_rng_permutation"]["seed=42,n=33"].get<std::vector<std::uint32_t>>();
  expected.resize(7);
  EXPECT_EQ(helper_rows(33, 7, 42), expected);
}

}  // namespace
}  // namespace caravan::data
