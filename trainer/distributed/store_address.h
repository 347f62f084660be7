// Sockets around the store: opening its port, reaching it, and which address of this machine others see.
#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace caravan::trainer {

// A socket that listens on the port; on the loopback only where all ranks are on one machine. Throws Error
// (peer lost) where the port is taken.
int open_store_port(int port, bool loopback_only);

// Tries until something listens at host:port; returns the numeric address that answered. "" where the time
// is over, with the last reason in `why`, or where `cancelled`.
std::string reach(const std::string& host, int port, std::chrono::milliseconds longest,
                  const std::function<bool()>& cancelled, std::string& why);

// The address of this machine on the way to `host`, or its first one that is not the loopback.
std::string own_address_towards(const std::string& host, int port);

}  // namespace caravan::trainer
