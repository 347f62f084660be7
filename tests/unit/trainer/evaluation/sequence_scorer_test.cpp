// Sequences that begin alike get the numbers that each gets alone, and what they share is read once.
#include "trainer/evaluation/sequence_scorer.h"

#include <gtest/gtest.h>

#include "tests/unit/trainer/tiny_training.h"

namespace caravan::trainer {
namespace {

void extend(std::vector<std::int32_t>& ids, std::int32_t first, std::uint32_t salt, std::size_t length) {
  ids.push_back(first);
  for (std::size_t t = 1; t < length; ++t)
    ids.push_back(static_cast<std::int32_t>(models::mix_bits(salt, t) % 97));
}

// `examples` tokens before every question, 10 of each of 4 questions, and its answers of 3, 4 and 5 tokens.
std::vector<data::ScoredIds> questions(std::size_t examples) {
  std::vector<data::ScoredIds> all;
  for (std::int32_t question = 0; question < 4; ++question)
    for (std::int32_t answer = 0; answer < 3; ++answer) {
      data::ScoredIds& one = all.emplace_back();
      if (examples > 0) extend(one.ids, 5, 1, examples);
      extend(one.ids, 10 + question, 20 + static_cast<std::uint32_t>(question), 10);
      one.first = one.ids.size();
      extend(one.ids, 30 + answer, 50 + static_cast<std::uint32_t>(answer),
             3 + static_cast<std::size_t>(answer));
    }
  return all;
}

void expect_numbers_of_each_alone(const std::vector<data::ScoredIds>& requests, std::int64_t batch_tokens) {
  models::Llama model = tiny_model(tiny_config());
  UnitShards units(model);
  const auto together = SequenceScorer(units, batch_tokens).score(requests);
  ASSERT_EQ(together.size(), requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto alone = SequenceScorer(units, 4096).score(std::span(requests).subspan(i, 1));
    ASSERT_EQ(together[i].size(), requests[i].ids.size() - requests[i].first);
    for (std::size_t t = 0; t < alone[0].size(); ++t) EXPECT_NEAR(together[i][t], alone[0][t], 1e-5);
  }
}

std::int64_t tokens_read(const std::vector<data::ScoredIds>& requests, std::int64_t batch_tokens) {
  models::Llama model = tiny_model(tiny_config());
  UnitShards units(model);
  SequenceScorer scorer(units, batch_tokens);
  scorer.score(requests);
  return scorer.tokens_read();
}

TEST(SequenceScorer, NumbersAreThoseOfEachAlone) {
  for (const std::int64_t batch_tokens : {4096, 100, 20})
    for (const std::size_t examples : {0, 50})
      expect_numbers_of_each_alone(questions(examples), batch_tokens);
  // Two that are scored from different places on, and one that ends within the other.
  std::vector<data::ScoredIds> ends = questions(50);
  ends.resize(1);
  ends.push_back(ends[0]);
  ends[1].first = 20;
  ends.push_back({{ends[0].ids.begin(), ends[0].ids.begin() + 30}, 3});
  expect_numbers_of_each_alone(ends, 4096);
}

TEST(SequenceScorer, ReadsWhatIsSharedOnce) {
  // The last id of an answer is not read; an answer's first number comes from the question's last token,
  // which each has for itself. With examples, one sequence lends them to all: 60 - 1 + (3 + 4 + 5), and for
  // the other questions 3 * 9 + (3 + 4 + 5) each.
  EXPECT_EQ(tokens_read(questions(50), 4096), 71 + 3 * 39);
  // Without, the first answer to each question lends it to the others: 10 - 1 + (3 + 4 + 5).
  EXPECT_EQ(tokens_read(questions(0), 4096), 4 * 21);
}

}  // namespace
}  // namespace caravan::trainer
