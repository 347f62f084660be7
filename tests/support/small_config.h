// A model of a few thousand parameters in the place of the one that `caravan demo-data` describes.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

namespace caravan::tests {

inline void make_config_small(const std::string& path) {
  std::ifstream in(path);
  nlohmann::json config = nlohmann::json::parse(in);
  config["hidden_size"] = 64;
  config["intermediate_size"] = 128;
  config["num_hidden_layers"] = 2;
  config["num_attention_heads"] = 4;
  config["num_key_value_heads"] = 2;
  config["head_dim"] = 16;
  std::ofstream(path) << config.dump();
}

}  // namespace caravan::tests
