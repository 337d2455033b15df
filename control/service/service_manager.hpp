// Who started the process and wants to know how it does, as sd_notify(3) describes it: systemd, or who speaks like it.
#pragma once

#include <string>
#include <string_view>

namespace strata {

class ServiceManager {
 public:
  // As NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID of the environment say. Without them there is nobody to tell.
  ServiceManager();

  // Whether it wants to hear that the process is well, again and again.
  bool wants_heartbeat() const { return wants_heartbeat_; }

  void ready(std::string_view status) const;
  void reloading() const;
  void reloaded() const;
  void stopping() const;
  void heartbeat() const;
  // A sentence for people, as `systemctl status` shows it.
  void status(std::string_view sentence) const;

 private:
  // Waits for nobody: whoever does not read must not hold up packets.
  void tell(const std::string& lines) const;

  std::string socket_;  // empty: nobody
  bool wants_heartbeat_ = false;
};

}  // namespace strata
