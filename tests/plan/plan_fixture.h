// Models of chosen sizes, and what `caravan plan` says of recipes.
#pragma once

#include "tests/support/run_fixture.h"

namespace caravan {

// Processors differ in the code that oneDNN makes for them; where this was written nothing is needed here.
inline constexpr double kGeneratedCode = 12.0 * (1 << 20);

class PlanFixture : public RunFixture {
 protected:
  // The demo's model, with heads of 64 and `changes` in its config.
  static void write_model(const std::string& name, std::int64_t width, std::int64_t layers,
                          std::int64_t kv_heads, const json& changes = json::object()) {
    fs::copy(path("demo"), path(name));
    json config = json::parse(tests::read_bytes(path("demo/config.json")));
    config["hidden_size"] = width;
    config["intermediate_size"] = width * 11 / 4;
    config["num_hidden_layers"] = layers;
    config["num_attention_heads"] = width / 64;
    config["num_key_value_heads"] = kv_heads;
    config["head_dim"] = 64;
    config.update(changes);
    dir_->write(name + "/config.json", config.dump());
  }
  static json plan(const std::string& recipe, const Words& more = {}) {
    EXPECT_EQ(run(joined({"plan", path(recipe), "--json"}, more)), 0) << log();
    const std::string text = log();  // notes come first
    return json::parse(text.substr(text.find('{')));
  }
  static void expect_planned_peak(const json& planned, const std::string& run_dir) {
    const double peak = planned["memory_bytes"]["peak"], measured = peak_bytes(run_dir);
    EXPECT_NEAR(peak, measured, 0.05 * measured + kGeneratedCode) << planned["moments"].dump(1);
  }
};

}  // namespace caravan
