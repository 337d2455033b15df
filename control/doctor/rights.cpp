#include <charconv>

#include "control/doctor/parts.hpp"

namespace strata::doctor {

bool has(const Machine& machine, Capability capability) {
  const std::string mask = machine.value("proc/self/status", "CapEff");
  std::uint64_t bits = 0;
  std::from_chars(mask.data(), mask.data() + mask.size(), bits, 16);
  return ((bits >> static_cast<unsigned>(capability)) & 1) != 0;
}

std::string_view name_of(Capability capability) {
  switch (capability) {
    case Capability::net_admin: return "cap_net_admin";
    case Capability::net_raw: return "cap_net_raw";
    case Capability::ipc_lock: return "cap_ipc_lock";
    case Capability::sys_rawio: return "cap_sys_rawio";
    case Capability::sys_admin: return "cap_sys_admin";
    case Capability::bpf: return "cap_bpf";
  }
  return {};
}

void want_capabilities(const Machine& machine, const std::string& about, const std::string& what,
                       std::initializer_list<Capability> wanted, Findings& findings) {
  std::string missing;
  for (const Capability capability : wanted)
    if (!has(machine, capability)) missing += (missing.empty() ? "" : ",") + std::string(name_of(capability));
  if (missing.empty()) return;
  findings.push_back({Grade::stops,
                      about,
                      "this user may not " + what + ": " + missing + " is missing",
                      {"run as root, or once: setcap " + missing + "+ep $(command -v strata)"}});
}

}  // namespace strata::doctor
