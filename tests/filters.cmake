test_program(filters_tests
  LIBS recipes_data recipes_reader data_mixing data_loader trainer_ranks trainer_metrics data_filters data_inspection data_decontamination data_deduplication data_words data_converters
       data_walk data_readers data_chat data_tokenizers
  SOURCES
    unit/data/filters/keyword_search_test.cpp
    unit/data/filters/language_test.cpp
    unit/data/filters/row_filters_test.cpp
    unit/data/visible_text_test.cpp
    unit/recipes/commands/data_filter_test.cpp
)
