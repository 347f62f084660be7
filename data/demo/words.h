// The words that made-up dialogues are about: short, common, each likely to become one token.
#pragma once

#include <array>
#include <string_view>

namespace caravan::data {

inline constexpr std::array<std::string_view, 64> kWords = {
    "apple", "bird", "boat",  "book",  "box",   "cake",  "cat",   "chair", "cloud", "coat", "corn",
    "cow",   "cup",  "dog",   "door",  "duck",  "egg",   "field", "fire",  "fish",  "flag", "fox",
    "frog",  "goat", "gold",  "grass", "hand",  "hat",   "hill",  "horse", "house", "ice",  "king",
    "lake",  "lamp", "leaf",  "lion",  "moon",  "mouse", "night", "owl",   "pen",   "pig",  "plant",
    "rain",  "ring", "river", "road",  "rock",  "rose",  "salt",  "sand",  "sea",   "ship", "shoe",
    "snow",  "star", "stone", "sun",   "table", "train", "tree",  "water", "wind"};

inline constexpr std::array<std::string_view, 12> kColors = {"black", "blue",   "brown",  "gray",
                                                             "green", "orange", "pink",   "purple",
                                                             "red",   "white",  "yellow", "silver"};

inline constexpr std::array<std::string_view, 24> kNames = {
    "Ada",  "Ben",  "Cara", "Dan",  "Eva",  "Finn", "Gina", "Hugo", "Iris", "Jack", "Kim",  "Leo",
    "Mara", "Nick", "Olga", "Paul", "Rosa", "Sam",  "Tina", "Uma",  "Vera", "Will", "Yara", "Zoe"};

// Letters that are spelled out one by one ("r s t"): few enough to be met often.
inline constexpr std::string_view kLetters = "abcdefghiklmnoprstuw";

}  // namespace caravan::data
