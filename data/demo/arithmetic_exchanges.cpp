// Questions about small numbers.
#include <algorithm>
#include <array>
#include <vector>

#include "data/demo/exchange.h"

namespace caravan::data {
namespace {

struct Operands {
  int a = 0;
  int b = 0;
};

// The largest operand; the easy level stays at two digits and never carries, so that each digit can be
// learned by itself.
int largest_number(Difficulty difficulty) {
  return difficulty == Difficulty::kHard ? 999 : 99;
}

Operands draw_addends(Random& random, Difficulty difficulty) {
  if (difficulty == Difficulty::kHard) return {random.between(0, 999), random.between(0, 999)};
  if (difficulty == Difficulty::kMedium) return {random.between(0, 99), random.between(0, 99)};
  const int tens = random.between(2, 9);
  const int units = random.between(0, 9);
  const int other_tens = random.between(1, tens - 1);
  const int other_units = random.between(0, units);
  return {10 * (tens - other_tens) + units - other_units, 10 * other_tens + other_units};
}

// The pair in a fixed order: 3 + 4 and 4 + 3 are one problem.
std::string pair_key(std::string_view kind, int a, int b) {
  return std::string(kind) + " " + std::to_string(std::min(a, b)) + " " + std::to_string(std::max(a, b));
}

std::string ask(Random& random, std::span<const std::array<std::string_view, 3>> phrasings, int a, int b) {
  const auto& phrasing = random.pick(phrasings);
  return std::string(phrasing[0]) + std::to_string(a) + std::string(phrasing[1]) + std::to_string(b) +
         std::string(phrasing[2]);
}

Exchange make_add(Random& random, Difficulty difficulty) {
  static constexpr std::array<std::string_view, 3> kPhrasings[] = {
      {"What is ", " + ", "?"}, {"Add ", " and ", "."}, {"What is ", " plus ", "?"}, {"", " + ", " ="}};
  const auto [a, b] = draw_addends(random, difficulty);
  return {"add", ask(random, kPhrasings, a, b), std::to_string(a + b), pair_key("add", a, b), true};
}

Exchange make_subtract(Random& random, Difficulty difficulty) {
  static constexpr std::array<std::string_view, 3> kPhrasings[] = {
      {"What is ", " - ", "?"}, {"What is ", " minus ", "?"}, {"", " - ", " ="}};
  const auto [rest, b] = draw_addends(random, difficulty);
  const int a = rest + b;
  return {"subtract", ask(random, kPhrasings, a, b), std::to_string(a - b), pair_key("subtract", a, b), true};
}

Exchange make_compare(Random& random, Difficulty difficulty) {
  static constexpr std::array<std::string_view, 3> kLarger[] = {{"Which is larger, ", " or ", "?"},
                                                                {"Which number is bigger: ", " or ", "?"},
                                                                {"Give the larger of ", " and ", "."}};
  static constexpr std::array<std::string_view, 3> kSmaller[] = {{"Which is smaller, ", " or ", "?"},
                                                                 {"Which number is less: ", " or ", "?"},
                                                                 {"Give the smaller of ", " and ", "."}};
  const int a = random.between(10, largest_number(difficulty));
  int b = random.between(10, largest_number(difficulty) - 1);
  if (b >= a) ++b;
  const bool larger = random.one_in(2);
  return {"compare", larger ? ask(random, kLarger, a, b) : ask(random, kSmaller, a, b),
          std::to_string(larger ? std::max(a, b) : std::min(a, b)), pair_key("compare", a, b), true};
}

// Rules about the last digit need many different numbers: of ninety, a model learns each by heart.
constexpr int kLargestToLookAt = 999;

Exchange make_neighbour(Random& random, Difficulty difficulty) {
  const int n = random.between(10, kLargestToLookAt);
  // The easy level has no carry: 9 counts back, 0 counts on.
  const bool may_choose = difficulty != Difficulty::kEasy || (n % 10 != 0 && n % 10 != 9);
  const bool after = may_choose ? random.one_in(2) : n % 10 == 0;
  const std::string number = std::to_string(n);
  static constexpr std::string_view kAfter[] = {"What number comes after ", "Count on from "};
  static constexpr std::string_view kBefore[] = {"What number comes before ", "Count back from "};
  std::string question(after ? random.pick(kAfter) : random.pick(kBefore));
  question += number + (question[0] == 'W' ? "?" : " by one.");
  return {"neighbour", question, std::to_string(after ? n + 1 : n - 1), "neighbour " + number, true};
}

Exchange make_parity(Random& random, Difficulty) {
  static constexpr std::array<std::string_view, 2> kPhrasings[] = {
      {"Is ", " even or odd?"}, {"Even or odd: ", "?"}, {"Tell me if ", " is even or odd."}};
  const auto& phrasing = random.pick(kPhrasings);
  const std::string number = std::to_string(random.between(10, kLargestToLookAt));
  const bool odd = (number.back() - '0') % 2 == 1;
  return {"parity", std::string(phrasing[0]) + number + std::string(phrasing[1]), odd ? "odd" : "even",
          "parity " + number, false};
}

Exchange make_sort(Random& random, Difficulty difficulty) {
  static constexpr std::string_view kPhrasings[] = {
      "Sort these numbers: ", "Put in order: ", "Sort from small to large: "};
  std::vector<int> digits = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  random.shuffle(digits);
  digits.resize(static_cast<std::size_t>(random.between(3, 2 + static_cast<int>(difficulty))));
  std::string listed;
  for (int digit : digits) listed += (listed.empty() ? "" : " ") + std::to_string(digit);
  std::sort(digits.begin(), digits.end());
  std::string sorted;
  for (int digit : digits) sorted += (sorted.empty() ? "" : " ") + std::to_string(digit);
  return {"sort", std::string(random.pick(kPhrasings)) + listed, sorted, "sort " + listed, false};
}

// Sums and differences twice: they take the most practice, and what is learned there helps elsewhere.
constexpr MakeExchange kMakers[] = {make_add,     make_add,       make_subtract, make_subtract,
                                    make_compare, make_neighbour, make_parity,   make_sort};

}  // namespace

std::span<const MakeExchange> arithmetic_makers() {
  return kMakers;
}

Exchange make_follow_up(Random& random, Difficulty difficulty, int previous) {
  static constexpr std::string_view kAdd[] = {"Add ", "Now add "};
  static constexpr std::string_view kTake[] = {"Take away ", "Now take away "};
  const int units = previous % 10;
  const bool may_carry = difficulty != Difficulty::kEasy;
  const int max_taken = may_carry ? std::min(previous, 9) : units;
  const int max_added = may_carry ? 9 : 9 - units;
  const bool take = max_added == 0 || (max_taken > 0 && random.one_in(2));
  const int n = random.between(1, take ? max_taken : max_added);
  std::string question(take ? random.pick(kTake) : random.pick(kAdd));
  question += std::to_string(n) + (take ? " from that." : " to that.");
  const std::string key = pair_key(take ? "subtract" : "add", previous, n);
  return {"follow_up", question, std::to_string(take ? previous - n : previous + n), key, true};
}

}  // namespace caravan::data
