#include "data/preferences/ratings.h"

#include <gtest/gtest.h>

namespace caravan::data {
namespace {

using Values = std::vector<int>;

TEST(Ratings, FormsThatJudgesUse) {
  EXPECT_EQ(parse_ratings("## Answer 1\nRating: 4\nReason: good.\n\n## Answer 2\nRating: 2\nReason: no.\n", 2)
                .values,
            (Values{4, 2}));
  EXPECT_EQ(parse_ratings("**Answer 1**\n**Rating:** 5/5\n**Answer 2**\n- rating - 3\n", 2).values,
            (Values{5, 3}));
  EXPECT_EQ(parse_ratings("Rating: 1\nRating: 2\nRating: 3", 3).values, (Values{1, 2, 3}));
  EXPECT_EQ(parse_ratings("# Response 2\r\nScore = [2]\r\n# Response 1\r\nScore: (5)\r\n", 2).values,
            (Values{5, 2}));
  EXPECT_EQ(parse_ratings("Rating: 4.\n", 1).values, Values{4});
}

TEST(Ratings, AnythingElseIsAProblem) {
  EXPECT_EQ(parse_ratings("", 2).problem, "no_ratings");
  EXPECT_EQ(parse_ratings("All of them are fine. I rate them 5.", 2).problem, "no_ratings");
  EXPECT_EQ(parse_ratings("Rating: 4\n", 2).problem, "too_few");
  EXPECT_EQ(parse_ratings("Rating: 4\nRating: 4\nRating: 4\n", 2).problem, "too_many");
  EXPECT_EQ(parse_ratings("Answer 1\nRating: 4\nAnswer 1\nRating: 5\n", 2).problem, "wrong_answer");
  EXPECT_EQ(parse_ratings("Answer 9\nRating: 4\n", 2).problem, "wrong_answer");
  for (const char* text : {"Rating: 0", "Rating: 6", "Rating: -3x", "Rating: 4.5", "Rating: N/A",
                           "Rating:", "Rating: 99999999999", "Rating: 4th"})
    EXPECT_EQ(parse_ratings(text, 1).problem, "out_of_range") << text;
}

TEST(Ratings, HostileTextIsReadOnce) {
  std::string text;
  for (int i = 0; i < 1 << 20; ++i) text += "answer ";
  EXPECT_EQ(parse_ratings(text + "\nrating", 3).problem, "out_of_range");
  EXPECT_EQ(parse_ratings(std::string(1 << 22, '*'), 3).problem, "no_ratings");
}

}  // namespace
}  // namespace caravan::data
