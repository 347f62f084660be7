// Lower-case letters of other scripts that are drawn as a Latin letter in ordinary fonts, looked up in the
// code charts. Letters that only resemble one (Cyrillic en, Greek nu) count where that is how disguises are
// made: this is a table of what passes for what, not of what is the same.
#include <algorithm>
#include <array>
#include <utility>

#include "data/words/folding_table.h"

namespace caravan::data {
namespace {

using Pair = std::pair<char32_t, char>;
constexpr std::array kLookalikes = {
    Pair{0x0131, 'i'},  // dotless i
    Pair{0x0138, 'k'}, Pair{0x017f, 's'}, Pair{0x0251, 'a'}, Pair{0x0261, 'g'}, Pair{0x0269, 'i'},
    Pair{0x026a, 'i'}, Pair{0x028b, 'u'}, Pair{0x028f, 'y'},
    // Greek
    Pair{0x03b1, 'a'}, Pair{0x03b3, 'y'}, Pair{0x03b5, 'e'}, Pair{0x03b9, 'i'}, Pair{0x03ba, 'k'},
    Pair{0x03bd, 'v'}, Pair{0x03bf, 'o'}, Pair{0x03c1, 'p'}, Pair{0x03c3, 'o'}, Pair{0x03c4, 't'},
    Pair{0x03c5, 'u'}, Pair{0x03c7, 'x'}, Pair{0x03f2, 'c'}, Pair{0x03f3, 'j'}, Pair{0x03f8, 'p'},
    // Cyrillic
    Pair{0x0430, 'a'}, Pair{0x0432, 'b'}, Pair{0x0433, 'r'}, Pair{0x0435, 'e'}, Pair{0x043a, 'k'},
    Pair{0x043c, 'm'}, Pair{0x043d, 'h'}, Pair{0x043e, 'o'}, Pair{0x043f, 'n'}, Pair{0x0440, 'p'},
    Pair{0x0441, 'c'}, Pair{0x0442, 't'}, Pair{0x0443, 'y'}, Pair{0x0445, 'x'}, Pair{0x044c, 'b'},
    Pair{0x0455, 's'}, Pair{0x0456, 'i'}, Pair{0x0458, 'j'}, Pair{0x04bb, 'h'}, Pair{0x04cf, 'l'},
    Pair{0x0501, 'd'}, Pair{0x051b, 'q'}, Pair{0x051d, 'w'},
    // Armenian
    Pair{0x0561, 'w'}, Pair{0x0563, 'q'}, Pair{0x0566, 'q'}, Pair{0x0570, 'h'}, Pair{0x0578, 'n'},
    Pair{0x057c, 'n'}, Pair{0x057d, 'u'}, Pair{0x0581, 'g'}, Pair{0x0584, 'f'}, Pair{0x0585, 'o'},
    // small capitals, which NFKC leaves alone
    Pair{0x1d00, 'a'}, Pair{0x1d04, 'c'}, Pair{0x1d05, 'd'}, Pair{0x1d07, 'e'}, Pair{0x1d0a, 'j'},
    Pair{0x1d0b, 'k'}, Pair{0x1d0d, 'm'}, Pair{0x1d0f, 'o'}, Pair{0x1d18, 'p'}, Pair{0x1d1b, 't'},
    Pair{0x1d1c, 'u'}, Pair{0x1d20, 'v'}, Pair{0x1d21, 'w'}, Pair{0x1d22, 'z'}};
static_assert(std::is_sorted(kLookalikes.begin(), kLookalikes.end()));

}  // namespace

char32_t latin_lookalike(char32_t c) {
  const auto found = std::lower_bound(kLookalikes.begin(), kLookalikes.end(), Pair{c, '\0'});
  return found != kLookalikes.end() && found->first == c ? static_cast<char32_t>(found->second) : c;
}

}  // namespace caravan::data
