test_program(tokenizers_tests LIBS data_tokenizers SOURCES
  unit/data/tokenizers/references_test.cpp
)
