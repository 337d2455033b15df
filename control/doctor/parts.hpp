// The examinations that `strata doctor` is made of: each adds what it finds.
#pragma once

#include "control/doctor/doctor.hpp"

namespace strata::doctor {

void examine_cpus(const Machine& machine, const config::Workers& workers, Findings& findings);
void examine_memory(const Machine& machine, const config::Eal& eal, Findings& findings);
void examine_pci(const Machine& machine, const config::Config& config, const config::Port& port, Findings& findings);
void examine_state(const Machine& machine, const config::Config& config, Findings& findings);
void examine_virtual(const Machine& machine, const config::Port& port, Findings& findings);

// Linux' capabilities(7), by their numbers.
enum class Capability : std::uint8_t {
  net_admin = 12,
  net_raw = 13,
  ipc_lock = 14,
  sys_rawio = 17,
  sys_admin = 21,
  bpf = 39
};
bool has(const Machine& machine, Capability capability);
std::string_view name_of(Capability capability);

// Adds a finding when one of them is missing. what: "opens interfaces".
void want_capabilities(const Machine& machine, const std::string& about, const std::string& what,
                       std::initializer_list<Capability> wanted, Findings& findings);

}  // namespace strata::doctor
