/* ISC license. */

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/bytestr.h>
#include <skalibs/djbunix.h>
#include <skalibs/error.h>
#include <skalibs/genalloc.h>
#include <skalibs/socket.h>
#include <skalibs/stralloc.h>
#include <skalibs/uint32.h>
#include <skalibs/unix-timed.h>
#include <skalibs/unixconnection.h>
#include <skalibs/unixmessage.h>

#include "fdholder.h"

int fdholder_start (struct fdholder *h, char const *path, tain const *deadline)
{
  int fd = ipc_stream_nbcoe() ;
  if (fd < 0) return 0 ;
  if (!ipc_timed_connect_g(fd, path, deadline))
  {
    fd_close(fd) ;
    return 0 ;
  }
  unixconnection_init(&h->connection, fd, fd) ;
  return 1 ;
}

/* Who is not let in sees the connection end, by a reset if the request was faster. */
static int refused (void)
{
  if (errno == ECONNRESET) errno = EPIPE ;
  return 0 ;
}

static int send_all (struct fdholder *h, tain const *deadline)
{
  return unixmessage_sender_timed_flush_g(&h->connection.out, deadline) || refused() ;
}

static int receive (struct fdholder *h, unixmessage *m, tain const *deadline)
{
  return sanitize_read(unixmessage_timed_receive_g(&h->connection.in, m, deadline)) > 0 || refused() ;
}

static int protocol_error (unixmessage const *m)
{
  unixmessage_drop(m) ;
  errno = EPROTO ;
  return 0 ;
}

/* Sends what has been put, receives the answer: 1 if it says that all went well, then with
   nfds descriptors and at least len bytes after its first one, which are *m. */
static int exchange (struct fdholder *h, unixmessage *m, unsigned int nfds, size_t len, tain const *deadline)
{
  if (!send_all(h, deadline) || !receive(h, m, deadline)) return 0 ;
  if (!m->len) return protocol_error(m) ;
  if (m->s[0])
  {
    int e = (unsigned char)m->s[0] ;
    unixmessage_drop(m) ;
    errno = e ;
    return 0 ;
  }
  m->s++ ; m->len-- ;
  return (m->nfds == nfds && m->len >= len) || protocol_error(m) ;
}

/* head (of headlen bytes), the length of the id, and the id. */
static int put_id (struct fdholder *h, char const *head, size_t headlen, char const *id, int *fds, unsigned int nfds)
{
  size_t const idlen = strlen(id) ;
  char length = (char)(unsigned char)idlen ;
  struct iovec v[3] =
  {
    { .iov_base = (char *)head, .iov_len = headlen },
    { .iov_base = &length, .iov_len = 1 },
    { .iov_base = (char *)id, .iov_len = idlen + 1 }
  } ;
  unixmessagev m = { .v = v, .vlen = 3, .fds = fds, .nfds = nfds } ;
  if (idlen > FDHOLDER_ID_SIZE) return errno = ENAMETOOLONG, 0 ;
  if (!idlen) return errno = EINVAL, 0 ;
  return unixmessage_putv(&h->connection.out, &m) ;
}

static int put_text (struct fdholder *h, char const *s, size_t len)
{
  unixmessage m = { .s = (char *)s, .len = len } ;
  return unixmessage_put(&h->connection.out, &m) ;
}

int fdholder_store (struct fdholder *h, int fd, char const *id, tain const *limit, tain const *deadline)
{
  char head[1 + TAIN_PACK] = "S" ;
  unixmessage m ;
  tain_pack(head + 1, limit) ;
  return put_id(h, head, sizeof head, id, &fd, 1) && exchange(h, &m, 0, 0, deadline) ;
}

int fdholder_delete (struct fdholder *h, char const *id, tain const *deadline)
{
  unixmessage m ;
  return put_id(h, "D", 1, id, 0, 0) && exchange(h, &m, 0, 0, deadline) ;
}

int fdholder_retrieve (struct fdholder *h, char const *id, int forget, tain const *deadline)
{
  char const head[2] = { 'R', !!forget } ;
  unixmessage m ;
  return put_id(h, head, sizeof head, id, 0, 0) && exchange(h, &m, 1, 0, deadline) ? m.fds[0] : -1 ;
}

int fdholder_list (struct fdholder *h, stralloc *ids, tain const *deadline)
{
  uint32_t n ;
  unixmessage m ;
  if (!put_text(h, "L", 1) || !exchange(h, &m, 0, 4, deadline)) return -1 ;
  uint32_unpack_big(m.s, &n) ;
  if (byte_count(m.s + 4, m.len - 4, 0) != n || (n && m.s[m.len - 1])) return errno = EPROTO, -1 ;
  return stralloc_catb(ids, m.s + 4, m.len - 4) ? (int)n : -1 ;
}

/* What one message of a dump has. On failure all its descriptors are closed. */
static int take_held (genalloc *list, unixmessage const *m)
{
  char const *s = m->s ;
  size_t len = m->len ;
  size_t const start = genalloc_len(struct held, list) ;
  for (unsigned int i = 0 ; i < m->nfds ; i++)
  {
    struct held held ;
    held.fd = m->fds[i] ;
    if (fdholder_scan_held(&s, &len, &held) && genalloc_append(struct held, list, &held)) continue ;
    genalloc_setlen(struct held, list, start) ;
    return protocol_error(m) ;
  }
  return 1 ;
}

static void forget_held (genalloc *list, size_t start)
{
  for (size_t i = start ; i < genalloc_len(struct held, list) ; i++) fd_close(genalloc_s(struct held, list)[i].fd) ;
  genalloc_setlen(struct held, list, start) ;
}

int fdholder_getdump (struct fdholder *h, genalloc *list, tain const *deadline)
{
  size_t const start = genalloc_len(struct held, list) ;
  uint32_t messages, n ;
  unixmessage m ;
  if (!put_text(h, "?", 1) || !exchange(h, &m, 0, 8, deadline)) return 0 ;
  uint32_unpack_big(m.s, &messages) ;
  uint32_unpack_big(m.s + 4, &n) ;
  while (messages--)
    if (!receive(h, &m, deadline) || !take_held(list, &m))
    {
      forget_held(list, start) ;
      return 0 ;
    }
  if (genalloc_len(struct held, list) - start == n) return 1 ;
  forget_held(list, start) ;
  errno = EPROTO ;
  return 0 ;
}

/* One message of a dump; the answer says whether another one is expected. */
static int set_some (struct fdholder *h, struct held const *held, unsigned int n, int more, tain const *deadline)
{
  unixmessage m ;
  if (!fdholder_put_held(&h->connection.out, ".", 1, held, n)) return 0 ;
  if (exchange(h, &m, 0, 0, deadline)) return !more || (errno = EPROTO, 0) ;
  return more && error_isagain(errno) ;
}

int fdholder_setdump (struct fdholder *h, struct held const *held, uint32_t n, tain const *deadline)
{
  char head[5] = "!" ;
  unixmessage m ;
  if (!n) return 1 ;
  uint32_pack_big(head + 1, n) ;
  if (!put_text(h, head, sizeof head) || !exchange(h, &m, 0, 4, deadline)) return 0 ;
  while (n)
  {
    unsigned int some = n < FDHOLDER_PASS_MAX ? n : FDHOLDER_PASS_MAX ;
    if (!set_some(h, held, some, n > some, deadline)) return 0 ;
    held += some ;
    n -= some ;
  }
  return 1 ;
}
