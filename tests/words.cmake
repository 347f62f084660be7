test_program(words_tests LIBS data_words data_tokenizers SOURCES
  unit/data/words/words_test.cpp
)
