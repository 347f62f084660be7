add_library(data_loader OBJECT
  loader/batch_plan.cpp
  loader/cache_build.cpp
  loader/cache_files.cpp
  loader/document_set.cpp
  loader/ledger.cpp
  loader/mask.cpp
  loader/mismatch.cpp
  loader/order.cpp
  loader/pack.cpp
  loader/row_tokens.cpp
  loader/take_rows.cpp
  loader/token_cache.cpp
  loader/token_shard.cpp
  loader/tokenize.cpp
  loader/tokenize_pair.cpp
  loader/training_data.cpp
)
target_link_libraries(data_loader PUBLIC nlohmann_json::nlohmann_json PkgConfig::XXHASH)
# Apart from the rest: it also needs the verifiers' names.
add_library(data_prompts OBJECT loader/prompt_set.cpp)
target_link_libraries(data_prompts PUBLIC nlohmann_json::nlohmann_json)
