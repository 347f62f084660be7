// LibTorch writes every address it uses into a log line, by name, and for that asks the name server who
// 127.0.0.1 is: a packet to another machine at each start, and seconds of waiting where none answers. Nothing
// here needs names of addresses, so they stay numbers. A program's own function goes before the C library's.
#include <dlfcn.h>
#include <netdb.h>

extern "C" int getnameinfo(const sockaddr* address, socklen_t length, char* host, socklen_t host_length,
                           char* service, socklen_t service_length, int flags) {
  using Function = int (*)(const sockaddr*, socklen_t, char*, socklen_t, char*, socklen_t, int);
  static const auto next = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "getnameinfo"));
  if (next == nullptr) return EAI_FAIL;
  return next(address, length, host, host_length, service, service_length, flags | NI_NUMERICHOST);
}
