#include "check.hpp"

/// Runs the cases whose names contain the first argument, by default all.
int main(int argc, char** argv) {
  int passed = 0, failed = 0;
  for (const check::Case& c : check::cases()) {
    if (argc > 1 && std::string(c.name).find(argv[1]) == std::string::npos) continue;
    try {
      c.run();
      ++passed;
    } catch (const std::exception& error) {
      ++failed;
      std::cout << c.name << ": " << error.what() << "\n";
    }
  }
  std::cout << passed << " passed, " << failed << " failed\n";
  return failed == 0 && passed > 0 ? 0 : 1;
}
