# trap.

# A handler writes to a fifo that the main command reads from: nothing depends on who is faster.
mkfifo a b
e 'trap { TERM { redirfd -w 1 a echo got } } sh -c "kill -TERM $PPID; cat a; echo end"'
e 'trap { sigterm { redirfd -w 1 a echo term } hup { redirfd -w 1 a echo hup } 10 { redirfd -w 1 a echo usr1 } } sh -c "for i in HUP USR1 TERM; do kill -$i $PPID; cat a; done"'
e 'trap { default { redirfd -w 1 a printenv SIGNAL } } sh -c "for i in HUP INT QUIT USR1 PIPE TERM CONT WINCH 40; do kill -$i $PPID; cat a; done"'
e 'trap { default { redirfd -w 1 a echo default } INT { redirfd -w 1 a echo int } } sh -c "for i in TERM INT; do kill -$i $PPID; cat a; done"'
e 'trap { DEFAULT { redirfd -w 1 a echo default } } sh -c "kill $PPID; cat a"'
e 'trap { TERM { redirfd -w 1 a printenv ! } } sh -c "kill -TERM $PPID; read x < a; test $x = $$ && echo mine"'
e 'trap { TERM { redirfd -w 1 a multisubstitute { importas ! ! importas SIGNAL SIGNAL } echo $SIGNAL } } sh -c "kill -TERM $PPID; cat a"'
e 'trap { TERM { redirfd -w 1 a exit 3 } } sh -c "kill -TERM $PPID; cat a; exit 4"'
# the same signal again while its handler runs is nothing; after that it is something
e 'trap { TERM { foreground { redirfd -w 1 a echo got } foreground { redirfd -r 0 b cat } redirfd -w 1 a echo end } HUP { redirfd -w 1 a echo hup } } sh -c "kill -TERM $PPID; cat a; kill -TERM $PPID; kill -HUP $PPID; cat a; echo go > b; cat a"'
# neither trapped nor forwarded: it kills trap
e 'trap { INT { echo got } } sh -c "kill -TERM $PPID"'
e 'trap { INT { echo got } } sh -c "kill -9 $PPID"'
# forwarded
e 'trap -x { INT { redirfd -w 1 a echo int } } sh -c "trap \"kill -9 \\$!; echo child; exit 4\" TERM; kill -INT $PPID; cat a; cat b & kill -TERM $PPID; wait $!"'
e 'trap -x { default { redirfd -w 1 a echo default } } sh -c "kill -TERM $PPID; cat a"'
e 'trap -x { INT { true } } sh -c "kill -TERM $PPID; exec cat a"'
e 'trap { TERM { } } sh -c "kill -TERM $PPID; exit 5"'
for how in 'exit 0' 'exit 5' 'exit 200' 'sh -c "kill -9 $$"' 'sh -c "kill -TERM $$"' nope; do
  e "trap { TERM { echo } } $how"
done
e 'trap { TERM { nope } } sh -c "kill -TERM $PPID; exec cat a > /dev/null 2>&1"'
e 'trap { } true'
e 'trap { TERM } true'
e 'trap { TERM { a } TERM { b } } true'
e 'trap { TERM { a } 15 { b } } true'
e 'trap { default { a } default { b } } true'
e 'trap { foo { a } } true'
e 'trap { timeout { a } } true'
e 'trap { KILL { a } } true'
e 'trap { STOP { a } } true'
e 'trap { CHLD { a } } true'
differs 'trap: signal 0'
e 'trap { 0 { a } } true'
e 'trap { 64 { echo a } } true'
e 'trap { 65 { a } } true'
e 'trap { -1 { a } } true'
e 'trap { 15x { a } } true'
e 'trap { TERM { echo } }'
e 'trap true'
e 'trap'
e 'trap -x { } true'
e 'trap -t 5 { TERM { } } true'
x trap TERM ' echo' '' '' true
x trap ' TERM' ' echo' '' true
x trap ' TERM' ' echo' ' '
x trap ' TERM' '  echo' ' ' '' echo a
for strict in 1 2; do
  x env EXECLINE_STRICT=$strict trap TERM ' echo' '' '' true
  x env EXECLINE_STRICT=$strict trap ' TERM' ' echo' ' ' '' true
done
s 'trap "" TERM CHLD ; execlineb -Pc "trap { INT { true } } exit 3"'
