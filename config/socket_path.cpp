#include "config/socket_path.hpp"

namespace strata::config {

std::string socket_path(const std::string& name) { return std::string(kSocketFolder) + "/" + name + ".sock"; }

std::string socket_path(const Config& config) {
  return config.control.socket.empty() ? socket_path(config.name) : config.control.socket;
}

}  // namespace strata::config
