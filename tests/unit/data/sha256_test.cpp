#include "data/sha256.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

// Examples of FIPS 180-4.
TEST(Sha256, KnownDigests) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesAndPathsGiveTheSameDigest) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text.push_back(static_cast<char>(i * 7 + i / 256));
  for (std::size_t length = 0; length < 200; ++length) {
    const std::string_view whole = std::string_view(text).substr(0, length);
    Sha256 portable, pieces;
    portable.use_portable();
    for (std::size_t at = 0; at < length; at += 1 + length % 7)
      pieces.update(whole.substr(at, 1 + length % 7));
    EXPECT_EQ(portable.update(whole).hex(), pieces.hex()) << length;
  }
}

TEST(Sha256, ResetStartsAnew) {
  Sha256 hash;
  hash.update("something").hex();
  hash.reset();
  EXPECT_EQ(hash.update("abc").hex(), sha256_hex("abc"));
}

TEST(Sha256, FilesAreHashedWholeAndMissingOnesRefused) {
  const tests::TempDir folder;
  const std::string bytes(3'000'001, 'x');
  EXPECT_EQ(sha256_file_hex(folder.write("file", bytes)), sha256_hex(bytes));
  try {
    sha256_file_hex((folder / "absent").string());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 74);
  }
}

}  // namespace
}  // namespace caravan::data
