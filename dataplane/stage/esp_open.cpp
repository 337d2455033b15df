#include "dataplane/stage/esp_open.hpp"

namespace strata {

void esp_open(Burst<stage::EspIn>& in, SaTable& sas, Aead& aead, Audit& audit, Burst<stage::Ip6>& ip6,
              EspOpenEnds ends) {
  Straight unwrap(EspUnwrapStep<Burst<stage::Ip6>>{sas, ip6, ends});
  open_esp(in, sas, aead, audit, unwrap, ends);
}

}  // namespace strata
