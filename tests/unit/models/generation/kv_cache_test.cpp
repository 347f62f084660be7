// Decoding with pages against the packed pass of training, and what pages cost.
#include "models/generation/kv_cache.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "models/error.h"
#include "models/generation/decoder.h"
#include "tests/support/close.h"
#include "tests/unit/models/generation/tiny_model.h"

namespace caravan::models {
namespace {

using tests::make_tiny;
using tests::tiny_prompt;
using tests::TinyModel;

// Logits behind every token of one document, through the packed kernels.
at::Tensor packed_logits(Llama& model, const std::vector<std::int32_t>& ids) {
  at::NoGradGuard no_grad;
  PackedLayout layout;
  layout.doc_starts = {0, static_cast<std::int32_t>(ids.size())};
  for (std::size_t i = 0; i < ids.size(); ++i) layout.positions.push_back(static_cast<std::int32_t>(i));
  const auto context = model.context(layout);
  at::Tensor hidden = model.embed(at::tensor(ids, at::kInt).to(at::kLong));
  for (std::int64_t layer = 0; layer < model.config().num_hidden_layers; ++layer)
    hidden = model.block(layer, hidden, context);
  return model.logits(model.final_norm(hidden));
}

// The same by feeding a prompt and then `step` tokens at a time; rows of the tokens that ended a call.
// On kernels of ours bit for bit: `tolerance` is for the composed operations.
void expect_decoding_equals_packed(const TinyModel& tiny, std::size_t prompt, std::size_t step, bool composed,
                                   double tolerance) {
  const auto model = make_tiny(tiny);
  const auto ids = tiny_prompt(210, 4);
  const at::Tensor wanted = packed_logits(*model, ids);
  Decoder decoder(*model);
  if (composed) decoder.cache().use_composed_ops();
  KvSequence sequence = decoder.new_sequence();
  for (std::size_t at = 0; at < ids.size();) {
    const std::size_t count = std::min(at == 0 ? prompt : step, ids.size() - at);
    const Decoder::Feed feed{&sequence, std::span(ids).subspan(at, count)};
    const at::Tensor logits = decoder.feed({&feed, 1});
    at += count;
    const at::Tensor wanted_V = wanted[static_cast<std::int64_t>(at) - 1];
    if (composed)
      ASSERT_TRUE(tests::close(logits[0], wanted_V, tolerance)) << "token " << at - 1;
    else
      ASSERT_TRUE(at::equal(logits[0], wanted_V)) << "token " << at - 1;
  }
}

class KvCacheTest : public testing::TestWithParam<bool> {};  // composed operations or kernels

TEST_P(KvCacheTest, DecodingEqualsThePackedPass) {
  expect_decoding_equals_packed({}, 1, 1, GetParam(), 1e-4);
  expect_decoding_equals_packed({}, 130, 1, GetParam(), 1e-4);
  expect_decoding_equals_packed({}, 64, 23, GetParam(), 1e-4);
  expect_decoding_equals_packed({.type = ModelType::kQwen3}, 70, 1, GetParam(), 1e-4);
  expect_decoding_equals_packed({.type = ModelType::kOlmo2}, 70, 1, GetParam(), 1e-4);
}

TEST_P(KvCacheTest, SlidingWindowsOfAnyWidth) {
  for (const std::int64_t window : {1, 16, 63, 64, 65, 150})
    for (const std::size_t step : {std::size_t{1}, std::size_t{37}})
      expect_decoding_equals_packed({.type = ModelType::kMistral, .window = window, .layers = 3}, 90, step,
                                    GetParam(), 1e-4);
}

TEST_P(KvCacheTest, Bf16) {
  // Logits of this model are of size 5, where bf16 steps by 1/32; layers add a few of them.
  expect_decoding_equals_packed({.dtype = at::kBFloat16}, 70, 1, GetParam(), 0.15);
}

INSTANTIATE_TEST_SUITE_P(Both, KvCacheTest, testing::Bool(),
                         [](const auto& test) { return test.param ? "composed" : "kernels"; });

at::Tensor feed(Decoder& decoder, KvSequence& sequence, std::span<const std::int32_t> ids) {
  const Decoder::Feed one{&sequence, ids};
  return decoder.feed({&one, 1});
}

TEST(KvPages, FollowTheTokensThatAreAlive) {
  const auto model = make_tiny();
  Decoder decoder(*model);
  EXPECT_EQ(decoder.cache().pages_in_use(), 0);
  {
    KvSequence sequence = decoder.new_sequence();
    feed(decoder, sequence, tiny_prompt(64, 1));
    EXPECT_EQ(decoder.cache().pages_in_use(), 2) << "one page a layer";
    feed(decoder, sequence, tiny_prompt(1, 1));
    EXPECT_EQ(decoder.cache().pages_in_use(), 4);
    KvSequence moved = std::move(sequence);
    EXPECT_EQ(moved.truncate(64), 64);
    EXPECT_EQ(decoder.cache().pages_in_use(), 2);
  }
  EXPECT_EQ(decoder.cache().pages_in_use(), 0);
}

TEST(KvPages, LeaveAsSoonAsNoWindowShowsThem) {
  const auto model = make_tiny({.type = ModelType::kMistral, .window = 70});
  Decoder decoder(*model);
  KvSequence sequence = decoder.new_sequence();
  feed(decoder, sequence, tiny_prompt(400, 1));
  // 7 pages in the full layer. The next token, 400, sees 331 on: pages 5 and 6 of the windowed layer.
  EXPECT_EQ(decoder.cache().pages_in_use(), 9);
  for (std::int32_t i = 0; i < 60; ++i) feed(decoder, sequence, std::vector<std::int32_t>{i});
  // 460 tokens: 8 pages; token 460 sees 391 on: pages 6 and 7.
  EXPECT_EQ(decoder.cache().pages_in_use(), 10);
}

TEST(KvPages, CuttingASequenceAndGoingOnEqualsNeverHavingBeenThere) {
  const auto model = make_tiny();
  Decoder decoder(*model);
  KvSequence straight = decoder.new_sequence(), cut = decoder.new_sequence();
  const auto ids = tiny_prompt(150, 3), other = tiny_prompt(90, 8);
  feed(decoder, straight, std::span(ids).first(100));
  feed(decoder, cut, std::span(ids).first(100));
  feed(decoder, cut, other);
  EXPECT_EQ(cut.truncate(100), 100);
  EXPECT_TRUE(at::equal(feed(decoder, straight, std::span(ids).subspan(100)),
                        feed(decoder, cut, std::span(ids).subspan(100))));
  EXPECT_EQ(cut.tokens(), straight.tokens());
}

TEST(KvPages, AForkSharesWhatItHasInCommonAndGoesItsOwnWay) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16})
    for (const std::int64_t prompt : {64, 100}) {
      const auto model = make_tiny({.dtype = dtype});
      Decoder decoder(*model);
      const auto ids = tiny_prompt(prompt, 3), left = tiny_prompt(70, 8), right = tiny_prompt(70, 9);
      KvSequence straight = decoder.new_sequence(), first = decoder.new_sequence();
      feed(decoder, straight, ids);
      const at::Tensor wanted = feed(decoder, straight, right);
      straight.truncate(0);
      feed(decoder, first, ids);
      const std::int64_t shared = decoder.cache().pages_in_use();
      KvSequence second = first.fork();
      EXPECT_EQ(decoder.cache().pages_in_use(), shared) << "a fork takes nothing";
      feed(decoder, first, left);
      EXPECT_EQ(decoder.cache().pages_in_use(), prompt == 64 ? 2 * (1 + 2) : 2 * (1 + 1 + 2))
          << "in each layer the full page is shared; the one begun is copied; the rest is new";
      EXPECT_TRUE(at::equal(feed(decoder, second, right), wanted)) << "what the other did is not seen";
      EXPECT_EQ(second.tokens().size(), static_cast<std::size_t>(prompt) + 70);
      first = decoder.new_sequence();
      second.truncate(0);
      EXPECT_EQ(decoder.cache().pages_in_use(), 0);
    }
}

TEST(KvPages, NeverMoreThanWasForeseen) {
  for (const std::int64_t window : {0, 70}) {
    const auto model =
        make_tiny({.type = window ? ModelType::kMistral : ModelType::kLlama, .window = window});
    Decoder decoder(*model);
    const auto ids = tiny_prompt(200, 3);
    KvSequence prompt = decoder.new_sequence();
    feed(decoder, prompt, ids);
    std::vector<KvSequence> forks;
    for (int i = 0; i < 3; ++i) forks.push_back(prompt.fork());
    prompt = decoder.new_sequence();
    for (std::int32_t i = 0; i < 150; ++i)
      for (KvSequence& fork : forks) feed(decoder, fork, std::vector<std::int32_t>{i % 97});
    EXPECT_LE(decoder.cache().peak_pages_in_use(), decoder.cache().pages_for(350, 200, 3));
    EXPECT_GT(2 * decoder.cache().peak_pages_in_use(), decoder.cache().pages_for(350, 200, 3))
        << "and not far from it";
  }
}

TEST(KvPages, ACutBehindTheWindowForgetsAll) {
  const auto model = make_tiny({.type = ModelType::kMistral, .window = 70});
  Decoder decoder(*model);
  KvSequence sequence = decoder.new_sequence();
  feed(decoder, sequence, tiny_prompt(400, 1));
  EXPECT_EQ(sequence.truncate(396), 396) << "what token 396 sees is still there";
  EXPECT_EQ(sequence.truncate(200), 0);
  EXPECT_EQ(decoder.cache().pages_in_use(), 0);
}

TEST(Decoding, RefusesBeforeAnythingChanges) {
  const auto model = make_tiny();
  Decoder decoder(*model);
  KvSequence good = decoder.new_sequence(), bad = decoder.new_sequence();
  const std::vector<std::int32_t> fine{1, 2}, outside{1, 97}, negative{-1}, endless(513, 1);
  for (const auto* wrong : {&outside, &negative, &endless}) {
    const std::vector<Decoder::Feed> feeds{{&good, fine}, {&bad, *wrong}};
    EXPECT_THROW(decoder.feed(feeds), Error);
    EXPECT_EQ(good.length(), 0);
    EXPECT_EQ(decoder.cache().pages_in_use(), 0);
  }
}

}  // namespace
}  // namespace caravan::models
