#include "data/rewards/language.h"

#include <unicode/uscript.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "data/rewards/text_pieces.h"
#include "data/tokenizers/unicode.h"

namespace caravan::data {
namespace {

// Scripts that one language uses almost alone.
constexpr std::pair<UScriptCode, std::string_view> kOwnScripts[] = {
    {USCRIPT_BENGALI, "bn"}, {USCRIPT_GUJARATI, "gu"}, {USCRIPT_GURMUKHI, "pa"},  {USCRIPT_KANNADA, "kn"},
    {USCRIPT_TAMIL, "ta"},   {USCRIPT_TELUGU, "te"},   {USCRIPT_MALAYALAM, "ml"}, {USCRIPT_THAI, "th"},
    {USCRIPT_HANGUL, "ko"},  {USCRIPT_HEBREW, "he"},   {USCRIPT_GREEK, "el"},     {USCRIPT_HIRAGANA, "ja"},
    {USCRIPT_KATAKANA, "ja"}};

struct SmallWords {
  std::string_view language;
  UScriptCode script;
  std::string_view words;  // frequent in it, rarer in the others of its script
};

constexpr SmallWords kSmallWords[] = {
    {"en", USCRIPT_LATIN,
     "the of and to in is that it for was on are as with his they at be this have from or had by but what "
     "were we when your can said there each which she do how their if will up other about out many then them "
     "these so some her would make like him into has look more could go see no way been who its now find "
     "long down did get come made may i you my me our not all an s t re ve ll"},
    {"de", USCRIPT_LATIN,
     "der die und das ist nicht ein eine zu den von mit auf für im dem des sich auch es an werden aus er hat "
     "dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor "
     "zur bis mehr durch man sein wurde ich du wir ihr"},
    {"fr", USCRIPT_LATIN,
     "le la les de des et est un une du dans que qui en pour pas sur au avec ce il elle nous vous ils sont "
     "plus par mais ou se ne cette être aux leur ses son sa je tu on été aussi comme"},
    {"es", USCRIPT_LATIN,
     "el la los las de que y en un una es del se por con no su para al lo como más pero sus le ya este sí "
     "porque esta entre cuando muy sin sobre también me hasta hay donde quien desde todo nos durante todos "
     "uno les ni contra otros hoy son está"},
    {"pt", USCRIPT_LATIN,
     "o a os as de que e do da em um para é com não uma no se na por mais dos como mas foi ao ele das tem à "
     "seu sua ou ser quando muito há nos já está eu também só pelo pela até isso ela entre era depois sem "
     "mesmo aos seus você são"},
    {"it", USCRIPT_LATIN,
     "il di che è la e un a per non in una sono mi si ho lo ha le con ti se cosa come da ci questo qui hai "
     "sei del bene gli della più al mio anche nel dei alla ma delle dal questa essere molto"},
    {"nl", USCRIPT_LATIN,
     "de het een en van ik te dat die in je niet zijn is was op aan met als voor had er maar om hem dan zou "
     "of wat mijn men dit zo door over ze zich bij ook tot naar hebben worden"},
    {"sv", USCRIPT_LATIN,
     "och det att i en jag hon som han på den med var sig för så till är men ett om hade de av icke mig du "
     "henne då sin nu har inte hans honom skulle eller"},
    {"da", USCRIPT_LATIN,
     "og i jeg det at en den til er som på de med han af for ikke der var mig sig men et har om vi min havde "
     "ham hun nu over da fra du ud sin dem os op hvad"},
    {"no", USCRIPT_LATIN,
     "og i jeg det at en et den til er som på de med han av ikke der så var meg seg men ett har om vi min "
     "mitt ha hadde hun nå over da ved fra du ut sin dem oss opp man kan hans hvor eller hva skal"},
    {"fi", USCRIPT_LATIN,
     "ja on ei että se hän oli joka ovat mutta kun niin kuin myös ole sen voi nyt jos tai hänen olla minä "
     "sinä me te he tämä mitä mikä sekä kanssa ettei olen jotka vain kaikki kuten"},
    {"vi", USCRIPT_LATIN,
     "và của là có các cho được không trong một những với người để này khi từ tôi bạn đến cũng như về ra đã "
     "sẽ rất nhiều nó lại thì phải trên vào năm đó mà"},
    {"sw", USCRIPT_LATIN,
     "na ya wa kwa ni za katika la kama cha kuwa hii yake lakini au watu pia hiyo hivyo sana yangu wake huu "
     "zaidi kutoka kila vya mimi wewe yako ambayo ambao bila hata kwamba moja wao yetu"},
    {"pl", USCRIPT_LATIN,
     "i w na się nie z do to że jest o jak co po ale za od tak dla jego przez są był tym już czy tego może "
     "być lub także oraz"},
    {"cs", USCRIPT_LATIN,
     "a se v na je že s z do o to i ve by jsem pro ale jako jeho jsou byl nebo které který co tak po své už "
     "není být také"},
    {"ro", USCRIPT_LATIN,
     "și de la în o că nu un pe cu din mai este pentru care să sunt au a fost se le dar prin sau ca al fi "
     "acest"},
    {"tr", USCRIPT_LATIN,
     "ve bir bu da de için ile çok ne gibi daha en ben sen olarak olan var kadar ama o şey mi sonra her "
     "değil olduğu veya"},
    {"id", USCRIPT_LATIN,
     "yang dan di itu dengan untuk tidak ini dari dalam akan pada juga saya ke karena tersebut bisa ada "
     "mereka lebih kata tahun sudah atau saat oleh menjadi kami kita adalah telah"},
    {"hu", USCRIPT_LATIN,
     "a az és hogy nem is egy ez de meg azt csak van volt már ha el én mint mi még vagy lesz nagyon"},
    {"ru", USCRIPT_CYRILLIC,
     "и в не на я быть он с что а по это она этот к но они мы весь который из у то за свой от так же для вы "
     "как о его до или если уже нет бы есть были была было только может чтобы также ещё их все при"},
    {"bg", USCRIPT_CYRILLIC,
     "и на в за да се от не е с че са по ще като което който до или но са към той тя са бъде има може още "
     "при след които това тази този ми си сме съм ако много както чрез без"},
    {"uk", USCRIPT_CYRILLIC,
     "і в не на я що він з та це до як за по у його але від є для ми про вони або цей якщо було був ще бути "
     "також які який"},
    {"ar", USCRIPT_ARABIC,
     "في من على إلى أن هذا التي عن مع هذه كان أو لا ما هو ذلك الذي هي كما بين بعد كل قد لم كانت إن حيث أنا "
     "يمكن و"},
    {"fa", USCRIPT_ARABIC,
     "و در به از که این را با است برای آن یک خود تا کرد بر هم نیز شده می ما شما من های اما یا هر بود شود "
     "باید دارد اگر"},
    {"ur", USCRIPT_ARABIC,
     "کے کی میں ہے اور سے کا کو اس کہ نے پر ہیں یہ بھی ایک کر تھا نہیں ہو وہ جو آپ اپنے ہم تو لئے لیے گیا "
     "کیا رہے"},
    {"hi", USCRIPT_DEVANAGARI,
     "के में है की और का से को पर यह कि हैं एक ने भी नहीं तो कर इस हो था वह जो लिए अपने आप हम या जा रहा गया करने मैं"},
    {"mr", USCRIPT_DEVANAGARI,
     "आहे आणि या हे ते तो ही मी आपण नाही आहेत एक त्या होते असे केले काही तर पण म्हणून होता की त्यांच्या मला करण्यासाठी हा "
     "झाले च्या साठी जे माझ्या तुम्ही"},
    {"ne", USCRIPT_DEVANAGARI,
     "छ र को मा पनि हो यो छन् गर्न लागि भने एक थियो गर्नुहोस् तपाईं हुन्छ हामी यस भएको गरेको त्यो उनले साथ छु गर्छ मेरो "
     "आफ्नो तर वा गर्दै"}};

using Scripts = std::map<UScriptCode, std::size_t>;

Scripts count_scripts(std::string_view text) {
  Scripts scripts;
  std::size_t latin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto first = static_cast<unsigned char>(text[at]);
    if (first < 0x80) {
      latin += (first | 0x20u) >= 'a' && (first | 0x20u) <= 'z';
      ++at;
      continue;
    }
    const DecodedChar c = decode_valid(text.data() + at);
    at += c.num_bytes;
    UErrorCode status = U_ZERO_ERROR;
    const UScriptCode script = uscript_getScript(static_cast<UChar32>(c.value), &status);
    if (U_SUCCESS(status) && script != USCRIPT_COMMON && script != USCRIPT_INHERITED) ++scripts[script];
  }
  scripts[USCRIPT_LATIN] += latin;
  return scripts;
}

// Words of a script: letters and marks, which \w leaves out of Indic words.
std::vector<std::string> words_of(std::string_view lowered) {
  std::vector<std::string> words;
  std::string word;
  for (std::size_t at = 0; at <= lowered.size();) {
    const DecodedChar c = at < lowered.size() ? decode_valid(lowered.data() + at) : DecodedChar{' ', 1};
    if (CharClasses::instance().of(c.value) & (kLetter | kUpper | kLower))
      append_utf8(c.value, word);
    else if (!word.empty())
      words.push_back(std::exchange(word, {}));
    at += c.num_bytes;
  }
  return words;
}

using Lists = std::map<std::string, std::vector<std::size_t>, std::less<>>;

// Which languages have a word.
const Lists& lists() {
  static const Lists made = [] {
    Lists all;
    for (std::size_t i = 0; i < std::size(kSmallWords); ++i) {
      for (const std::string_view word : split_words(kSmallWords[i].words)) {
        std::vector<std::size_t>& languages = all[std::string(word)];
        if (languages.empty() || languages.back() != i) languages.push_back(i);
      }
    }
    return all;
  }();
  return made;
}

std::size_t index_of(std::string_view language) {
  std::size_t at = 0;
  while (kSmallWords[at].language != language) ++at;
  return at;
}

std::string best_by_words(std::string_view text, UScriptCode script) {
  std::array<double, std::size(kSmallWords)> scores{};
  for (const std::string& word : words_of(lower(text))) {
    // The retroflex l is at home in Marathi, and neither in Hindi nor in Nepali.
    if (script == USCRIPT_DEVANAGARI && contains(word, "\xe0\xa4\xb3")) scores[index_of("mr")] += 0.5;
    const auto found = lists().find(word);
    if (found == lists().end()) continue;
    // A word that several languages share tells less.
    for (const std::size_t language : found->second)
      scores[language] += 1.0 / static_cast<double>(found->second.size());
  }
  std::size_t best = scores.size();
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (kSmallWords[i].script == script && scores[i] > 0 &&
        (best == scores.size() || scores[i] > scores[best]))
      best = i;
  }
  return best == scores.size() ? std::string() : std::string(kSmallWords[best].language);
}

}  // namespace

bool has_letters(std::string_view text) {
  const CharClasses& classes = CharClasses::instance();
  for (std::size_t at = 0; at < text.size();) {
    const DecodedChar c = decode_valid(text.data() + at);
    if (classes.of(c.value) & kLetter) return true;
    at += c.num_bytes;
  }
  return false;
}

std::string detect_language(std::string_view text) {
  constexpr std::size_t kEnough = 20000;
  if (text.size() > kEnough) {
    std::size_t cut = kEnough;
    while ((static_cast<unsigned char>(text[cut]) & 0xc0u) == 0x80u) --cut;
    text = text.substr(0, cut);
  }
  const Scripts scripts = count_scripts(text);
  const auto most = std::max_element(scripts.begin(), scripts.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most == scripts.end() || most->second == 0) return {};
  if (most->first == USCRIPT_HAN)
    return scripts.contains(USCRIPT_HIRAGANA) || scripts.contains(USCRIPT_KATAKANA) ? "ja" : "zh-cn";
  for (const auto& [script, language] : kOwnScripts) {
    if (script == most->first) return std::string(language);
  }
  return best_by_words(text, most->first);
}

}  // namespace caravan::data
