add_library(data_deduplication OBJECT
  deduplication/keep_policy.cpp
  deduplication/min_hash.cpp
  deduplication/near_candidates.cpp
  deduplication/near_clusters.cpp
  deduplication/near_search.cpp
  deduplication/row_key.cpp
  deduplication/shingles.cpp
)
target_link_libraries(data_deduplication PUBLIC nlohmann_json::nlohmann_json PkgConfig::XXHASH)
