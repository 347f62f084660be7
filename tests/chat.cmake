test_program(chat_tests LIBS data_chat data_tokenizers SOURCES
  unit/data/chat/goldens_test.cpp
  unit/data/chat/masks_test.cpp
)
