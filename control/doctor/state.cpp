// Where sequence numbers are kept beyond the process (decisions/0010), as StateFolder and Reservations will find it.
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "control/doctor/parts.hpp"
#include "control/state/sequence_file.hpp"

namespace strata::doctor {
namespace {

constexpr const char* kAbout = "sequence numbers";
constexpr std::uint32_t kOthersWrite = 022;

bool seals(const config::Config& config) {
  return std::ranges::any_of(config.security_associations, [](const config::SecurityAssociation& sa) {
    return sa.direction == config::Direction::out;
  });
}

// As a Machine has it: from its root on.
std::string from_root(const std::filesystem::path& path) { return path.relative_path(); }

Finding stops(const std::string& sentence, std::vector<std::string> mend) {
  return {Grade::stops, kAbout, sentence, std::move(mend)};
}

Finding to_be_made(const Machine& machine, const std::string& folder) {
  const std::filesystem::path parent = std::filesystem::path(folder).parent_path();
  if (machine.is_open_to_us(from_root(parent)))
    return {Grade::fine, kAbout, folder + " will be made, and every key begins at 1", {}};
  return stops(folder + " is not there, and this user may not make it", {"install -d -m 0700 -o USER " + folder});
}

// Whoever else may write there could put an old state in the place of a newer one.
std::optional<Finding> objection(const Machine& machine, const std::string& path, const Machine::Owned& owned) {
  if ((owned.mode & kOthersWrite) != 0)
    return stops(path + " may be written to by others than its owner", {"chmod go-w " + path});
  const std::uint32_t us = geteuid();
  if (owned.user == us || owned.user == 0) {
    if (machine.is_open_to_us(from_root(path))) return std::nullopt;
    return stops(path + " is not open to this user", {"chown " + std::to_string(us) + " " + path});
  }
  const std::string whose = path + " belongs to user " + std::to_string(owned.user);
  if (us == 0)  // who may become that user
    return Finding{Grade::hint, kAbout, whose + ": strata has to run as that one", {"strata run CONFIG --user NAME"}};
  return stops(whose, {"chown " + std::to_string(us) + " " + path});
}

Finding of_file(const Machine& machine, const std::string& path) {
  const auto text = machine.text(from_root(path));
  if (!text) return {Grade::fine, kAbout, path + " is not there yet: every key begins at 1", {}};
  const auto file = decode(*text + "\n");
  if (!file) return stops(path + " is " + file.error(), {});
  return {
      Grade::fine, kAbout, std::to_string(file->keys.size()) + " keys go on behind what is reserved in " + path, {}};
}

}  // namespace

void examine_state(const Machine& machine, const config::Config& config, Findings& findings) {
  if (!seals(config)) return;
  if (config.state.unsafe_lab_without_state) {
    findings.push_back(
        {Grade::warning,
         kAbout,
         "none are kept: with the keys of an earlier start its nonces come again, and whoever listens reads what "
         "was sent",
         {"take state.unsafe_lab_without_state out of the configuration"}});
    return;
  }
  const std::string folder = std::filesystem::absolute(config.state.directory);
  const auto owned = machine.owned(from_root(folder));
  if (!owned) {
    findings.push_back(to_be_made(machine, folder));
    return;
  }
  if (!owned->is_folder) {
    findings.push_back(stops(folder + " is no folder", {"name another one in state.directory"}));
    return;
  }
  const std::string path = folder + "/" + kSequenceFile;
  const auto file = machine.owned(from_root(path));
  if (auto found = objection(machine, folder, *owned)) findings.push_back(*found);
  if (auto found = file ? objection(machine, path, *file) : std::nullopt; found && found->grade == Grade::stops)
    findings.push_back(*found);
  findings.push_back(of_file(machine, path));
}

}  // namespace strata::doctor
