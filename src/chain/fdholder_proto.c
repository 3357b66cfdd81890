/* ISC license. */

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include <skalibs/stralloc.h>
#include <skalibs/tai.h>
#include <skalibs/unixmessage.h>

#include "fdholder.h"

uint32_t fdholder_messages (uint32_t n)
{
  uint32_t const needed = (n + FDHOLDER_PASS_MAX - 1) / FDHOLDER_PASS_MAX ;
  uint32_t const s6 = (n + FDHOLDER_S6_MAX - 1) / FDHOLDER_S6_MAX ;
  return needed > s6 ? needed : s6 ;
}

int fdholder_put_held (unixmessage_sender *out, char const *head, size_t headlen, struct held const *held, unsigned int n)
{
  static stralloc text = STRALLOC_ZERO ;
  int fds[FDHOLDER_PASS_MAX] ;
  unixmessage m = { .fds = fds, .nfds = n } ;
  if (n > FDHOLDER_PASS_MAX) return errno = EMSGSIZE, 0 ;
  text.len = 0 ;
  if (!stralloc_catb(&text, head, headlen)) return 0 ;
  for (unsigned int i = 0 ; i < n ; i++)
  {
    size_t const len = strlen(held[i].id) ;
    char pack[TAIN_PACK + 1] ;
    tain_pack(pack, &held[i].limit) ;
    pack[TAIN_PACK] = (char)(unsigned char)len ;
    if (!stralloc_catb(&text, pack, sizeof pack) || !stralloc_catb(&text, held[i].id, len + 1)) return 0 ;
    fds[i] = held[i].fd ;
  }
  m.s = text.s ;
  m.len = text.len ;
  return unixmessage_put(out, &m) ;
}

int fdholder_scan_held (char const **s, size_t *len, struct held *held)
{
  size_t idlen ;
  if (*len < TAIN_PACK + 3) return 0 ;
  idlen = (unsigned char)(*s)[TAIN_PACK] ;
  if (!idlen || *len < TAIN_PACK + 2 + idlen || strnlen(*s + TAIN_PACK + 1, idlen + 1) != idlen) return 0 ;
  tain_unpack(*s, &held->limit) ;
  memset(held->id, 0, sizeof held->id) ;
  memcpy(held->id, *s + TAIN_PACK + 1, idlen) ;
  *s += TAIN_PACK + 2 + idlen ;
  *len -= TAIN_PACK + 2 + idlen ;
  return 1 ;
}
