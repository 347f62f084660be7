#include "data/filters/language.h"

#include <gtest/gtest.h>

#include "data/error.h"

namespace caravan::data {
namespace {

TEST(Language, ByScriptByShortWordsAndByLetters) {
  const std::pair<const char*, const char*> cases[] = {
      {"The boat left before the rain came down on the old town.", "en"},
      {"El barco salió antes de que la lluvia llegara al pueblo viejo.", "es"},
      {"Le bateau est parti avant que la pluie tombe sur la vieille ville.", "fr"},
      {"Das Boot fuhr ab, bevor der Regen über die alte Stadt kam.", "de"},
      {"La barca è partita prima che la pioggia cadesse sulla vecchia città.", "it"},
      {"O barco saiu antes que a chuva caísse sobre a cidade velha e não voltou.", "pt"},
      {"De boot vertrok voordat de regen op het oude dorp viel.", "nl"},
      {"배는 비가 오기 전에 떠났다.", "ko"},
      {"雨が降る前に船は出た。", "ja"},
      {"船在下雨之前离开了。", "zh"},
      {"Το πλοίο έφυγε πριν από τη βροχή.", "el"},
      {"Лодка ушла до дождя.", "cyrillic"},
      {"Perahu berangkat sebelum hujan turun menimpa kota tua itu.", "latin"},
      {"Łódka odpłynęła, zanim deszcz spadł nad starym miastem.", "latin"},
      // Few short words, yet English letters.
      {"Chocolate cake recipes, three simple steps, fresh strawberries, whipped cream topping", "en"},
      {"1 + 2 = 3 !!", ""},
  };
  for (const auto& [text, language] : cases) EXPECT_EQ(guess_language(text).language, language) << text;
}

TEST(Language, EnglishIsLessSurprisingThanOthers) {
  EXPECT_LT(english_surprise("The boat left before the rain came down on the old town."), 3.2);
  EXPECT_GT(english_surprise("Perahu berangkat sebelum hujan turun menimpa kota tua itu."), 3.9);
  EXPECT_EQ(english_surprise("123 ..."), 0.0);
  EXPECT_EQ(english_surprise(""), 0.0);
}

TEST(Language, NamesThatAreNoneAreRefused) {
  FilterOptions options;
  options.languages = "en,klingon";
  EXPECT_THROW(make_language_filter(options), Error);
  options.languages = " , ";
  EXPECT_THROW(make_language_filter(options), Error);
  options.languages = "KO, Latin";
  EXPECT_NO_THROW(make_language_filter(options));
  options.languages = "klingon";
  options.language_field = "language";
  EXPECT_NO_THROW(make_language_filter(options));
}

}  // namespace
}  // namespace caravan::data
