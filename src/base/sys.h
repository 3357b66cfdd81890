/* ISC license. */

#ifndef KEELSON_SYS_H
#define KEELSON_SYS_H

/*
   System calls for a child between clone() and exec(). It may share our memory, so it must not
   touch errno, which is ours: sys() returns the result, or -errno.

     long fd = sys(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0) ;

   Four arguments always; what a call does not take is 0.
*/

#include <sys/syscall.h>

#if defined(__x86_64__)

#define SYS_LEAVES_ERRNO 1
static inline long sys_call (long n, long a, long b, long c, long d)
{
  register long r10 __asm__("r10") = d ;
  long r ;
  __asm__ volatile ("syscall" : "=a" (r) : "a" (n), "D" (a), "S" (b), "d" (c), "r" (r10) : "rcx", "r11", "memory") ;
  return r ;
}

#elif defined(__aarch64__)

#define SYS_LEAVES_ERRNO 1
static inline long sys_call (long n, long a, long b, long c, long d)
{
  register long x8 __asm__("x8") = n ;
  register long x0 __asm__("x0") = a ;
  register long x1 __asm__("x1") = b ;
  register long x2 __asm__("x2") = c ;
  register long x3 __asm__("x3") = d ;
  __asm__ volatile ("svc 0" : "+r" (x0) : "r" (x8), "r" (x1), "r" (x2), "r" (x3) : "memory") ;
  return x0 ;
}

#else

/* Elsewhere a child gets a copy of our memory, and may do with errno what it likes. */
#include <errno.h>
#include <unistd.h>

#define SYS_LEAVES_ERRNO 0
static inline long sys_call (long n, long a, long b, long c, long d)
{
  long r = syscall(n, a, b, c, d) ;
  return r < 0 ? -errno : r ;
}

#endif

#define sys(name, a, b, c, d) sys_call(SYS_##name, (long)(a), (long)(b), (long)(c), (long)(d))

#endif
