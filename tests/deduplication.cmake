test_program(deduplication_tests LIBS data_deduplication data_words data_tokenizers SOURCES
  unit/data/deduplication/goldens_test.cpp
  unit/data/deduplication/near_search_test.cpp
)
