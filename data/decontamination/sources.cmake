add_library(data_decontamination OBJECT
  decontamination/clean_report.cpp
  decontamination/common_directions.cpp
  decontamination/contamination_tally.cpp
  decontamination/document_counts.cpp
  decontamination/embedding_cosine.cpp
  decontamination/eval_index.cpp
  decontamination/eval_index_file.cpp
  decontamination/finding.cpp
  decontamination/gram_table.cpp
  decontamination/item_window.cpp
  decontamination/make_measure.cpp
  decontamination/ngram_coverage.cpp
  decontamination/overlap.cpp
  decontamination/read_eval_items.cpp
  decontamination/review.cpp
  decontamination/review_page.cpp
  decontamination/row_words.cpp
  decontamination/run_seeds.cpp
  decontamination/weighted_coverage.cpp
  decontamination/weighted_items.cpp
  decontamination/word_overlap.cpp
  decontamination/word_table.cpp
)
target_link_libraries(data_decontamination PUBLIC nlohmann_json::nlohmann_json simdjson::simdjson PkgConfig::XXHASH)
