"""Makes components.json: small tokenizers, one for each component that tokenizer.json may hold, with strings and
what Hugging Face's library makes of them. Text, vocabularies and strings are our own.

    python make_components.py [--seed N] [--strings N] [--out FILE]        (needs: pip install tokenizers)
"""
import argparse
import json
import random

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

TEXT = """The model reads a line and writes a line. It's what they've said: we'll see, I'd say you're right, aren't you?
THE MODEL READS THE LINE. It'S odd, THEY'VE SAID. Numbers: 1 12 123 1234 12345, 3.14, 1,000,000 and 2024-05-06.
def add(a, b):\n    return a + b  # the sum\n\n\tfor (int i = 0; i < n; ++i) { x[i] += y[i]; }\r\n
Der Fuchs läuft über die Straße. L'été, où est la forêt? El niño come una manzana. Привет, мир! Ещё раз.
안녕하세요 세계. 모델이 글을 읽습니다. 你好，世界。模型读一行字。こんにちは世界。カタカナ。 नमस्ते दुनिया। שלום עולם. مرحبا بالعالم.
camelCase HTTPServer parseJSONFile snake_case_name a_b __init__ e.g. i.e. www.example.com/path?q=1&r=2 #tag @user
\\frac{a}{b} + \\sqrt{x^2 + y^2} = \\int_0^1 f(t)\\,dt   spaces    and     more      spaces
""" * 3

LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
LEAD, CONTRACTIONS = r"[^\r\n\p{L}\p{N}]?", r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"


def by_case(contractions, numbers):
    return (f"{LEAD}{UPPER}*{LOWER}+{contractions}|{LEAD}{UPPER}+{LOWER}*{contractions}|{numbers}"
            r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def train(tokenizer, alphabet, size=420, specials=("<|end|>",), few=False):
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, special_tokens=list(specials),
                                  show_progress=False, min_frequency=2)
    tokenizer.train_from_iterator([TEXT[:240] if few else TEXT], trainer)
    return tokenizer


def byte_level(pre, normalizer=None, **options):
    tokenizer = Tokenizer(models.BPE(**options))
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre
    tokenizer.decoder = decoders.ByteLevel()
    return train(tokenizer, pre_tokenizers.ByteLevel.alphabet())


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern), behavior, invert)


def then_bytes(*steps):
    return pre_tokenizers.Sequence([*steps, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def marked(pre=None, normalizer=None, decoder=None, bytes_in=range(256), fuse=True, few=False, size=420):
    """SentencePiece's manner: spaces as marks, bytes as a last resort."""
    byte_tokens = [f"<0x{b:02X}>" for b in bytes_in]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=fuse, byte_fallback=bool(byte_tokens)))
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre:
        tokenizer.pre_tokenizer = pre
    if decoder:
        tokenizer.decoder = decoder
    train(tokenizer, ["\u2581"], size + len(byte_tokens), ["<unk>", "<s>", "</s>", *byte_tokens], few)
    text = json.loads(tokenizer.to_str())
    # The byte tokens are of the model, not added ones.
    text["added_tokens"] = [t for t in text["added_tokens"] if not t["content"].startswith("<0x")]
    return Tokenizer.from_str(json.dumps(text))


def make_all():
    llama_decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(),
                                       decoders.Strip(" ", 1, 0)])
    llama_normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    out = {
        "gpt2_prefix_space": byte_level(pre_tokenizers.ByteLevel(add_prefix_space=True)),
        "digits_then_gpt2": byte_level(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                                pre_tokenizers.ByteLevel(add_prefix_space=False)])),
        "qwen2_nfc": byte_level(then_bytes(split(QWEN2)), normalizers.NFC()),
        "llama3_inverted": byte_level(then_bytes(split(LLAMA3, "removed", True)), ignore_merges=True),
        "o200k": byte_level(then_bytes(split(by_case(CONTRACTIONS, r"\p{N}{1,3}")))),
        "tekken": byte_level(then_bytes(split(by_case("", r"\p{N}")))),
        "three_splits": byte_level(then_bytes(
            split(r"\p{N}{1,3}"), split(r"[一-龥぀-ゟ゠-ヿ]+"),
            split(r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|"
                  r"\s*[\r\n]+|\s+(?!\S)|\s+"))),
        "possessive": byte_level(then_bytes(split(
            r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"))),
        "next_and_contiguous": byte_level(then_bytes(split(r"\s", "merged_with_next"), split(r"[\d_]", "contiguous"))),
        "previous_inverted": byte_level(then_bytes(split(r"\w", "merged_with_previous", True), split(r"[^\S\n]+", "isolated"))),
        "words_nfkd": byte_level(then_bytes(pre_tokenizers.Whitespace()),
                                 normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()])),
        "punctuation": byte_level(then_bytes(pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation(), pre_tokenizers.Digits()),
                                  normalizers.Sequence([normalizers.NFKC(), normalizers.Strip()])),
        "llama2": marked(None, llama_normalizer, llama_decoder),
        "some_bytes": marked(None, llama_normalizer, llama_decoder, bytes_in=[0xc3, 0xa9, 0xe4, 0xbd, 0xa0], few=True),
        "gemma": marked(pre_tokenizers.Split(" ", "merged_with_previous"), normalizers.Replace(" ", "\u2581"),
                        decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])),
        "metaspace_first": marked(pre_tokenizers.Metaspace(prepend_scheme="first"), None, decoders.Metaspace(prepend_scheme="first")),
        "metaspace_whole": marked(pre_tokenizers.Metaspace(prepend_scheme="always", split=False), None,
                                  decoders.Metaspace(prepend_scheme="always"), bytes_in=[], few=True),
        "metaspace_never": marked(pre_tokenizers.Metaspace(prepend_scheme="never"), normalizers.Replace(Regex(r"\s+"), " "),
                                  decoders.Metaspace(prepend_scheme="never"), bytes_in=[], fuse=False, few=True),
    }
    added = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False), normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()]))
    added.add_tokens([AddedToken(" " * n, normalized=True) for n in (2, 3, 5, 8)])
    added.add_tokens([AddedToken("WORD", single_word=True, normalized=False), AddedToken("Both", lstrip=True, rstrip=True, normalized=True),
                      AddedToken("<a>", rstrip=True, normalized=False), AddedToken("<a><b>", normalized=False)])
    added.add_special_tokens([AddedToken("<|left|>", lstrip=True), AddedToken("<|right|>", rstrip=True),
                              AddedToken("<|CASE|>", normalized=True)])
    out["added_tokens"] = added
    out["llama2"].post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    return out


PIECES = ["the", "The", "THE", " the", "'s", "'S", "'LL", "'\u017f", "It's", "camelCase", "HTTPServer", "x", "y", "1", "12", "1234", "½", "²",
          "٣", " ", "  ", "   ", "     ", "\t", "\n", "\n\n", "\r\n", "\r", "\u00a0", "\u3000", "\u2028", "\u0085", "\u200b", "\u180e",
          "\u200d", "é", "e\u0301", "É", "ß", "Ⅷ", "ﬁ", "Å", "Å", "İ", "ǅ", "ʰ", "ª", "ñ", "Привет", "мир", "안녕하세요",
          "각", "\u1100\u1161", "你", "你好", "。", "，", "カタ", "नमस्ते", "שלום", "مرحبا", "🙂", "👨‍👩‍👧", "🇰🇷",
          ".", ",", "...", "!", "?!", "-", "_", "__", "/", "//", "\\frac{", "}", "(", ")", "[", "]", "<", ">", "|", "#", "$", "€", "\u2581",
          "\u2581\u2581", "<|end|>", "<s>", "</s>", "<unk>", "<0x41>", "<a>", "<a><b>", "WORD", "aWORD", "WORD1", "Both", " Both ",
          "<|left|>", " <|left|>", "<|right|> ", "<|CASE|>", "<|case|>", "\u0000", "\u0007", "\ufeff", "\U00010348", "aaaa", "ąaaa", "ABCdef"]


def make_strings(count, rng):
    strings = ["", " ", "\n", "a", "the line", "  two  spaces  ", "<|end|>", "a<|end|>b", " <s> a</s>"]
    while len(strings) < count:
        strings.append("".join(rng.choice(PIECES) + rng.choice(["", "", " "]) for _ in range(rng.randint(1, 9))))
    return strings


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--strings", type=int, default=60)
    parser.add_argument("--out", default="components.json")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    result = []
    for name, tokenizer in make_all().items():
        cases = []
        for text in make_strings(args.strings, rng):
            tokenizer.encode_special_tokens = True
            plain = tokenizer.encode(text, add_special_tokens=False).ids
            tokenizer.encode_special_tokens = False
            special = tokenizer.encode(text, add_special_tokens=False).ids
            decoded = tokenizer.decode(plain, skip_special_tokens=False)
            decoded = decoded if decoded != text else None
            # The library writes such tokens in their normalized form; we write them as the file does.
            if name == "added_tokens" and {tokenizer.token_to_id("Both"), tokenizer.token_to_id("<|CASE|>")} & set(plain):
                decoded = False
            cases.append([text, plain, special if special != plain else None, decoded])
        result.append({"name": name, "library": "tokenizers " + tokenizers.__version__,
                       "tokenizer": json.loads(tokenizer.to_str()), "cases": cases})
    with open(args.out, "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(one, ensure_ascii=True, separators=(",", ":")) for one in result) + "\n]\n")


if __name__ == "__main__":
    main()
