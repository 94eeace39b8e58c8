// RequestJson.h: JSON texts of strangers, and the requests that they are.
#ifndef QUOIN_TOOLS_REQUESTJSON_H
#define QUOIN_TOOLS_REQUESTJSON_H

#include "QuoinRun.h"

#include <nlohmann/json.hpp>

namespace quoin {

/// The object that a text is; its keys are in their order, each there once. `what` is what a message calls the text.
nlohmann::ordered_json readObject(const std::string &text, const std::string &what);

/// The request that an object is, as a line of --input, over the defaults.
Request requestOf(const nlohmann::ordered_json &object, const Request &defaults);

} // namespace quoin

#endif
