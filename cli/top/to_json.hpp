// The model as JSON, for programs; docs/top.md has the fields.
#pragma once

#include "cli/top/model.hpp"

namespace strata::top {

Json to_json(const Model& model);

}  // namespace strata::top
