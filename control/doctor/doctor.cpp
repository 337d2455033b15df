#include "control/doctor/doctor.hpp"

#include <algorithm>

#include "control/device_name.hpp"
#include "control/doctor/parts.hpp"

namespace strata {
namespace {

std::string_view name_of(Grade grade) {
  switch (grade) {
    case Grade::fine: return "fine";
    case Grade::hint: return "hint";
    case Grade::warning: return "warning";
    case Grade::stops: return "stops";
  }
  return {};
}

}  // namespace

Findings examine(const Machine& machine, const config::Config* config) {
  const config::Eal eal = config != nullptr ? config->eal : config::Eal{};
  Findings findings;
  doctor::examine_cpus(machine, config != nullptr ? config->workers : config::Workers{}, findings);
  doctor::examine_memory(machine, eal, findings);
  if (config == nullptr) return findings;
  for (const config::Port& port : config->ports) {
    if (is_pci(port.device))
      doctor::examine_pci(machine, *config, port, findings);
    else
      doctor::examine_virtual(machine, port, findings);
  }
  doctor::examine_state(machine, *config, findings);
  return findings;
}

bool can_start(const Findings& findings) {
  return std::ranges::none_of(findings, [](const Finding& finding) { return finding.grade == Grade::stops; });
}

std::string to_text(const Findings& findings, Grade least) {
  std::string text;
  for (const Finding& finding : findings) {
    if (finding.grade < least) continue;
    std::string grade(name_of(finding.grade));
    grade.resize(std::string_view("warning").size(), ' ');
    text += grade + "  " + finding.about + ": " + finding.sentence + "\n";
    for (const std::string& mend : finding.mend) text += "           " + mend + "\n";
  }
  return text;
}

nlohmann::ordered_json to_json(const Findings& findings) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Finding& finding : findings)
    list.push_back({{"grade", name_of(finding.grade)},
                    {"about", finding.about},
                    {"finding", finding.sentence},
                    {"mend", finding.mend}});
  return {{"can_start", can_start(findings)}, {"findings", std::move(list)}};
}

}  // namespace strata
