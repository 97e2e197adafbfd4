// The compile worker of this module's tests: what the mode compile-worker of the real binary is.

#include <cstring>

#include "trellis/engine/compiler.h"

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], trellis::engine::kCompileWorkerMode) == 0) {
    return trellis::engine::compile_worker_main();
  }
  return 2;
}
