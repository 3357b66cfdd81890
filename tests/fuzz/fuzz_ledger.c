/* ISC license. A ledger with bytes of the input written over it: pairs of offset and value. */

#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "ledger.h"
#include "fuzz.h"

#define SLOTS 20u

static size_t length ;

static void make (void)
{
  must(ledger_create(64, "/tmp") == 0) ;
  for (uint32_t i = 0 ; i < SLOTS ; i++)
  {
    uint32_t k = slot_new() ;
    must(k == i) ;
    slot_draft(slot_at(k)) ;
    slot_commit(slot_at(k), i) ;
    slot_at(k)->used = 1 ;
  }
  length = (size_t)((char *)slot_at(SLOTS) - (char *)ledger) ;
}

static void look (struct header const *h)
{
  unsigned int sound = 0 ;
  for (uint32_t i = 0 ; i < h->slots ; i++) sound += (unsigned int)slot_sound(slot_of((struct header *)h, i)) ;
  must(sound <= h->slots) ;
}

int LLVMFuzzerTestOneInput (uint8_t const *data, size_t size)
{
  static char *saved = 0 ;
  struct header const *h ;
  size_t viewed = 0 ;
  if (!saved)
  {
    make() ;
    saved = mmap(0, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ;
    must(saved != MAP_FAILED) ;
    memcpy(saved, ledger, length) ;
  }
  for (size_t i = 0 ; i + 4 < size ; i += 5)
  {
    size_t at = ((size_t)data[i] << 16 | (size_t)data[i+1] << 8 | data[i+2]) % length ;
    ((uint8_t *)ledger)[at] = data[i+3] ;
    ((uint8_t *)ledger)[(at + data[i+4]) % length] ^= data[i+4] ;
  }
  h = ledger_view(((struct header *)saved)->self_fd, &viewed) ;
  if (h)
  {
    look(h) ;
    munmap((void *)h, viewed) ;
  }
  memcpy(ledger, saved, length) ;
  /* one bit of a committed copy: always seen */
  if (size > 2)
  {
    struct slot *s = slot_at(data[0] % SLOTS) ;
    uint8_t *copy = (uint8_t *)slot_now(s) ;
    size_t at = data[1] % sizeof(struct slot_state), bit = data[2] & 7 ;
    must(slot_sound(s)) ;
    copy[at] ^= (uint8_t)(1u << bit) ;
    must(!slot_sound(s)) ;
    copy[at] ^= (uint8_t)(1u << bit) ;
  }
  return 0 ;
}
