# Writes OUT, the definition of build_commit(), for the checkout in ROOT. Run at each build; touches OUT only where it changes, so that
# nothing is compiled anew without need.
set(commit "")
find_program(GIT git)
if(GIT AND EXISTS "${ROOT}/.git")
  execute_process(COMMAND ${GIT} -C "${ROOT}" describe --always --abbrev=12 --exclude=* --dirty=+changes
    OUTPUT_VARIABLE commit ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()
set(text "#include \"recipes/build_commit.h\"\n\nconst char* caravan::recipes::build_commit() {\n  return \"${commit}\";\n}\n")
set(before "")
if(EXISTS "${OUT}")
  file(READ "${OUT}" before)
endif()
if(NOT text STREQUAL before)
  file(WRITE "${OUT}" "${text}")
endif()
