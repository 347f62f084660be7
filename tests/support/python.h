// A Python with packages that some tests compare with; they are skipped where it is absent.
#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace caravan::tests {

struct PythonResult {
  int status = -1;
  std::string output;
};

// CARAVAN_TEST_PYTHON, or python3.
inline std::string python() {
  const char* named = std::getenv("CARAVAN_TEST_PYTHON");
  return named ? named : "python3";
}

// Runs `python FILE arguments...`; the arguments must not hold single quotes.
inline PythonResult run_python(const std::string& file, const std::string& arguments = "") {
  PythonResult result;
  std::FILE* pipe = popen(("'" + python() + "' '" + file + "' " + arguments + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return result;
  char buffer[4096];
  for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    result.output.append(buffer, n);
  const int status = pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

inline bool python_has(const std::string& module) {
  return std::system(("'" + python() + "' -c 'import " + module + "' >/dev/null 2>&1").c_str()) == 0;
}

}  // namespace caravan::tests

#define SKIP_WITHOUT_PYTHON_MODULE(module)                                          \
  if (!caravan::tests::python_has(module)) {                                        \
    GTEST_SKIP() << "the Python package " << module                                 \
                 << " is absent; name a Python that has it in CARAVAN_TEST_PYTHON"; \
  }
