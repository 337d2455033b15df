/* Stands before DPDK's own functions in a process that is started with it in LD_PRELOAD, and has them fail as the
 * environment says: what no device here can be made to do by itself. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef void *(*pool_create)(const char *, unsigned, unsigned, unsigned short, unsigned short, int);

/* STRATA_TEST_BUFFERS: so many packet buffers there are, whatever was computed. */
void *rte_pktmbuf_pool_create(const char *name, unsigned n, unsigned cache, unsigned short priv, unsigned short room,
                              int socket) {
    const char *said = getenv("STRATA_TEST_BUFFERS");
    pool_create real = (pool_create)dlsym(RTLD_NEXT, "rte_pktmbuf_pool_create");
    if (said != NULL && strcmp(name, "strata_pool") == 0)
        return real(name, (unsigned)atoi(said), 0, priv, room, socket);
    return real(name, n, cache, priv, room, socket);
}

/* STRATA_TEST_NO_TELEMETRY: DPDK's telemetry takes no command. */
int rte_telemetry_register_cmd(const char *command, void *function, const char *help) {
    int (*real)(const char *, void *, const char *) =
        (int (*)(const char *, void *, const char *))dlsym(RTLD_NEXT, "rte_telemetry_register_cmd");
    if (getenv("STRATA_TEST_NO_TELEMETRY") != NULL && strncmp(command, "/strata/", 8) == 0)
        return -1;
    return real(command, function, help);
}

/* STRATA_TEST_BIND: so many milliseconds pass before a packet socket is bound to its interface, and before what it joins
 * afterwards. */
static void wait_for(const char *said) {
    if (said != NULL)
        usleep(1000U * (unsigned)atoi(said));
}

int bind(int socket, const struct sockaddr *address, socklen_t size) {
    int (*real)(int, const struct sockaddr *, socklen_t) =
        (int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "bind");
    if (address->sa_family != AF_PACKET)
        return real(socket, address, size);
    wait_for(getenv("STRATA_TEST_BIND"));
    int done = real(socket, address, size);
    wait_for(getenv("STRATA_TEST_BIND"));
    return done;
}
