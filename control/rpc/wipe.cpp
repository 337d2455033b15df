#include "control/rpc/wipe.hpp"

#include "config/secret.hpp"

namespace strata::rpc {

// Not by recursion: a client may have nested it as deep as a line is long.
void wipe(Request& request) {
  std::vector<Request*> open{&request};
  while (!open.empty()) {
    Request& value = *open.back();
    open.pop_back();
    if (value.is_string()) config::wipe(value.get_ref<std::string&>());
    if (!value.is_structured()) continue;
    for (Request& entry : value) open.push_back(&entry);
  }
}

}  // namespace strata::rpc
