#include "config/schema_man.hpp"

#include "config/roff.hpp"
#include "config/schema.hpp"

namespace strata::config {
namespace {

constexpr std::string_view kIntroduction = R"(.SH NAME
strata.yaml \- configuration of the SRv6/IPsec gateway strata
.SH DESCRIPTION
What
.BR strata (1)
runs is said by one YAML file.
.B strata check
says what a file means, or each mistake in it with its line; nothing is started with a file that has one.
)";

constexpr std::string_view kExample = R"(.SH EXAMPLE
What comes from the tunnel ends behind a local SID and goes to the host 10.1.0.2.
.PP
.EX
ports:
  wan: {device: "net_af_packet0,iface=wan0", addresses: [192.0.2.1/24], side: unprotected}
  lan: {device: "net_af_packet1,iface=lan0", addresses: [10.1.0.1/24], side: protected}
ipsec:
  security_associations:
    \- name: from\-b
      direction: in
      spi: 0x1001
      source: 192.0.2.2
      destination: 192.0.2.1
      udp_encap: {}
      algorithm: aes\-128\-gcm
      key: file:from\-b.key
      selectors: {source: "fc00:2::/48", destination: "fc00:1::/48"}
srv6:
  local_sids:
    \- {sid: "fc00:1::d4", behavior: End.DX4, next_hop: 10.1.0.2, port: lan}
.EE
.SH SEE ALSO
.BR strata (1)
)";

std::string absence(const Field& field) {
  if (field.required) return "required";
  return field.default_text.empty() ? "may be left out" : "default " + std::string(field.default_text);
}

void write_section(const Section& section, std::string& out) {
  out += section.path.empty() ? ".SS The file\n" : ".SS " + roff(section.path) + "\n";
  out += roff_prose(section.about) + "\n";
  for (const Field& field : section.fields) {
    out += ".TP\n.B " + roff(field.key) + "\n";
    out += roff("(" + absence(field) + ") ") + roff_prose(field.description) + "\n.br\n";
    out += "Allowed: " + roff_prose(allowed_text(field)) + ".\n";
  }
  for (const Field& field : section.fields)
    if (field.section != nullptr) write_section(*field.section, out);
}

}  // namespace

std::string schema_man(std::string_view version) {
  std::string out = roff_head("STRATA.YAML", 5, version) + std::string(kIntroduction);
  out += ".SH KEYS\n";
  write_section(root_section(), out);
  return out + std::string(kExample);
}

}  // namespace strata::config
