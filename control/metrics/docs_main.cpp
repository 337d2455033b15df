// strata-metrics-docs: prints what stands between the reference marks of docs/metrics.md.
#include <iostream>

#include "control/metrics/families.hpp"

int main() {
  std::cout << strata::metrics::reference_markdown();
  return 0;
}
