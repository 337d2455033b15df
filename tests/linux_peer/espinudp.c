/* Opens UDP port 4500 so that the kernel takes ESP out of it (RFC 3948), and stays in the background.
 *
 * `ip xfrm state ... encap espinudp` alone only sends. What arrives goes to a socket, and only one that was told
 * UDP_ENCAP hands it to IPsec: a key exchange daemon has such a socket; with static keys there is none.
 */
#include <linux/udp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void) {
  const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(4500)};
  const int encap = UDP_ENCAP_ESPINUDP;
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0 || bind(fd, (const struct sockaddr*)&any, sizeof any) != 0 ||
      setsockopt(fd, IPPROTO_UDP, UDP_ENCAP, &encap, sizeof encap) != 0) {
    perror("espinudp: UDP port 4500");
    return 1;
  }
  if (daemon(1, 0) != 0) {
    perror("espinudp: daemon");
    return 1;
  }
  for (;;) pause();
}
