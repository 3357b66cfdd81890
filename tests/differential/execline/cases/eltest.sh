# eltest.

t() { x eltest "$@"; }
t; t ''; t a; t -n; t -n a; t -n ''; t -z; t -z ''; t -z a
for op in = '!=' '<' '>' == -eq -ne -lt -le -gt -ge; do
  t a "$op" a; t a "$op" b; t b "$op" a; t 1 "$op" 01; t 10 "$op" 9; t -5 "$op" -4; t "$op"; t a "$op"
done
t ' 1' -eq 1; t +1 -eq 1; t 0x1 -eq 1; t - -eq 1; t 5x -eq 5; t 1 -eq x; t -0 -eq 0
differs 'eltest: numbers'
t 2147483648 -gt 1
differs 'eltest: numbers'
t -2147483649 -lt 0
t '!' a; t '!' ''; t '!'; t '!' '!' a; t '!' '!' '!'; t '!' '('; t a -a b; t a -a ''; t '' -o b; t '' -o ''
t '' -a '' -o b; t b -o '' -a ''; t a -a b -a ''; t '' -o '' -o b; t '!' a -o b; t '!' a -a b; t '!' '' -a ''; t '!' '' -a b
t '(' a ')'; t '(' a; t a ')'; t '(' ')'; t '('; t ')'; t '(' '('; t ')' a; t '(' '' -o a ')' -a ''; t '(' '!' a ')' -o b; t '!' '(' a ')' -o ''
t '(' '(' a ')'; t '(' '(' a ')' ')'; t '(' a ')' ')'; t '(' a -o ')'; t a -a '(' b; t a -o b -a '(' c; t '(' a ')' b; t a '(' b ')'; t '(' a = a ')' -a '(' b = b ')'
t a b; t '' a; t -Z; t --; t -- a; t a -a; t -a b; t a -a -a b; t -o; t -a; t a -o -o; t a '!' b; t a = '!'; t a = '('; t '' = ''; t '!' '' = a; t '!' a = a; t '!' '!' a = a
t -n a -a -n b -o -z c; t -z c -o -n a -a -z b; t -n = -n; t '\-n' = '\-n'; t '\' = '\\'; t '\a'; t '\'; t '\\'; t -n '\-n'; t '\!' = '\!'; t '\(' = '\('; t '\=' = '\='
differs 'eltest: a word too many'
t -n a = a
differs 'eltest: a word too many'
t a = b = c
t -v HOME; t -v NOPE; t -v PATH=; t -v =; t -v ''
t abc '=~' b; t abc '=~' '^b'; t abc '=~' ''; t '' '=~' ''; t abc '=~' 'a|x'; t abc '=~' '(b)c$'; t abc '=~' '('
differs 'a doubled colon'
t a '=~' '\('
differs 'a doubled colon'
t a '=~' '\*'
differs 'a doubled colon'
t a '=~' '[a'
t a -eq 1 b; differs 'eltest: a word too many'
t -t x =; t a -eq 1 '('; t a '=~' '\(' -a
# what cannot matter is not evaluated
t nope -eq 1 -o a; t a -o nope -eq 1; t '' -a nope -eq 1; t a -a nope -eq 1; t a -o b '=~' '\('; t '' -a b '=~' '\('; t '' -a '(' a -o nope -eq 1 ')' -o c; t a -o -t x; t '!' '(' a -o x -eq 1 ')'

echo hello > f; touch -d '2000-01-01' f; : > empty; mkfifo fifo; ln -s f link; mkdir d; ln -s none dangling; chmod 4755 empty; chmod 2755 d
touch -d '2001-01-01 00:00:00' old; touch -d '2002-01-01 00:00:00' new; touch -a -d '2001-01-01' new; touch -a -d '2003-01-01' old; ln f hard; chmod 1777 d2 2> /dev/null || { mkdir d2; chmod 1777 d2; }
for op in -e -f -d -h -L -p -S -b -c -r -w -x -s -u -g -k -O -U -G -N -n -z -v -t; do
  for file in f empty d d2 link dangling fifo /dev/null new ''; do t $op "$file"; done
  t $op; t $op $op
done
for op in -nt -ot -ef; do
  t old $op new; t new $op old; t old $op old; t nope $op old; [ $op = -ef ] && differs 'eltest: two files'; t old $op nope; t f $op link; t f $op hard; t f $op d; t $op; t old $op
  [ $op = -ot ] && differs 'eltest: two files'
  t nope1 $op nope2
done
t -t 0; t -t 1; t -t 77; t -t 1x; t -t -1
t -e f -a -e; t -e f -a '!' -e nope; t -f f -a -s f -a -r f
x setpriv --reuid 65534 --clear-groups eltest -r closed -o -w f
x setpriv --reuid 65534 --clear-groups eltest -O f
e 'if { eltest -e f } echo there'
e 'define A -n if { eltest \\${A} = \\-n } echo same'
