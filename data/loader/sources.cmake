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
  loader/token_cache.cpp
  loader/token_shard.cpp
  loader/tokenize.cpp
  loader/tokenize_pair.cpp
  loader/training_data.cpp
)
target_link_libraries(data_loader PUBLIC nlohmann_json::nlohmann_json PkgConfig::XXHASH)
