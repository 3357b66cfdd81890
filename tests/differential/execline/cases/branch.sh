# foreground, if, ifelse, ifte, ifthenelse, tryexec, exec, exit, case.

crash='sh -c "kill -9 $$"'

e 'foreground { } echo a'
e 'foreground { echo a } echo b'
e 'foreground { exit 3 } printenv ?'
e 'foreground { exit 255 } printenv ?'
e 'foreground { nope } printenv ?'
e 'foreground { /etc/passwd } printenv ?'
e 'foreground { "" } printenv ?'
e "foreground { $crash } printenv ?"
e 'foreground { exit 3 }'
e 'foreground { echo a } nope'
e 'foreground { foreground { foreground { echo a } echo b } echo c } echo d'
e 'foreground'
e 'foreground echo a'
x foreground ' echo' ' a' '' echo b
x foreground echo a '' echo b
x foreground ' echo' '  a' ' ' '' echo b

e 'if { } echo a'
e 'if { true } echo a'
e 'if { exit 3 } echo a'
e 'if { exit 127 } echo a'
e 'if { exit 128 } echo a'
e 'if { exit 200 } echo a'
e 'if { nope } echo a'
for flags in '' -n -X -nX -x7 '-Xx 7' -t -tX '-n -x 7' -tn -Xnt; do
  for test in 'exit 0' 'exit 3' 'exit 200' "$crash" 'sh -c "kill -TERM $$"'; do
    e "if $flags { $test } echo yes"
  done
done
e 'if -x 7x { exit 3 } echo a'
e 'if -x 300 { exit 3 } echo a'
e 'if -x 255 { exit 3 } echo a'
e 'if -x abc { exit 3 } echo a'
e 'if -x "" { exit 3 } echo a'
e 'if -x -1 { exit 3 } echo a'
e 'if -t -x 5 { exit 3 } echo a'
e 'if -x 5 -t { exit 3 } echo a'
e 'if { true }'
e 'if { false }'
e 'if { true } nope'
e 'if -- { true } echo a'
e 'if -n'
differs 'a child that cannot be waited for'
x env --ignore-signal=CHLD if true '' echo a

for flags in '' -n -X -nX; do
  for test in true false "$crash" '' nope; do
    e "ifelse $flags { $test } { echo then } echo else"
    e "ifte $flags { echo then } { echo else } $test"
    e "ifthenelse ${flags#-n} { $test } { echo then } { echo else } echo rest"
  done
done
e 'ifelse { true } { } echo b'
e 'ifelse { false } { }'
e 'ifelse { false }'
e 'ifelse { false } echo a'
e 'ifelse { false } { echo a'
e 'ifte { echo a }'
e 'ifte { echo a } true'
e 'ifte { } { echo b } true'
e 'ifte { echo a } { } false'
differs 'a doubled colon'
e 'ifte { echo a } { echo b } { true }'
x ifelse a '' b
x ifelse a '' b ''
x ifte a '' b
x ifte a '' b ''
x ifthenelse a '' b
x ifthenelse a '' b '' c
e 'ifthenelse { false } { echo a } { exit 4 } printenv ?'
e 'ifthenelse { true } { exit 200 } { exit 4 } printenv ?'
e "ifthenelse { false } { echo a } { $crash } printenv ?"
e 'ifthenelse { false } { echo a } { nope } printenv ?'
e 'ifthenelse { true } { } { exit 3 } printenv ?'
e 'ifthenelse { true } { echo a }'
e 'ifthenelse { true } { echo a } echo b'
e 'ifthenelse { true } { echo a } { echo b }'
e 'ifthenelse -s { true } { export A b } { echo b } printenv A'
e 'ifthenelse -s { false } { export A b } { export A c } printenv A'
e 'ifthenelse -s { false } { export A b } { } printenv A'
e 'ifthenelse -s { false } { export A b } { echo }'
e 'ifthenelse -s { true } { } { }'
e "ifthenelse -sX { $crash } { export A b } { } echo c"
for strict in 1 2; do
  x env EXECLINE_STRICT=$strict ifelse true '' echo then '' echo else
  x env EXECLINE_STRICT=$strict ifthenelse ' true' '' echo then '' ' echo' ' else' '' echo rest
done

e 'exec echo a'
e 'exec -a foo sh -c "echo $0"'
e 'exec -a foo sleep x'
e 'exec -l sleep x'
e 'exec -la foo sleep x'
e 'exec -c /usr/bin/env'
e 'exec -c env'
e 'exec -c nope'
e 'exec'
e 'exec -c'
e 'exec ""'
e 'exec nope'
e 'exec -a foo nope'
e 'exec -l nope'
e 'exec -- echo -a'
e 'tryexec { echo a } echo b'
e 'tryexec { nope a } echo b'
e 'tryexec { /etc/passwd } echo b'
e 'tryexec { exit 3 } echo b'
e 'tryexec -n { nope a } echo b'
e 'tryexec -n { echo a } nope b'
e 'tryexec -n { echo a }'
e 'tryexec { } echo b'
e 'tryexec { }'
e 'tryexec'
e 'tryexec { nope }'
e 'tryexec { nope } nope2'
e 'tryexec -n { nope } nope2'
e 'tryexec -c { /usr/bin/env } echo'
e 'tryexec -c { nope } printenv LC_ALL'
e 'tryexec -a x { sleep y } nope2'
e 'tryexec -l { sleep y } nope2'
e 'tryexec -a x { nope } sleep y'
e 'tryexec -na x { nope } sleep y'
e 'tryexec -nl { sleep y } nope'
for code in '' 0 1 255 256 257 4294967295 -1 3x x +1 ' 1' 01 0x1; do x exit "$code"; done
x exit
x exit 1 2

e 'case abc { a { echo 1 } a.c { echo 2 } } echo def'
e 'case abc { a { echo 1 } b { echo 2 } } echo def'
e 'case abc { a { echo 1 } b { echo 2 } }'
e 'case abc { } echo def'
e 'case abc { a } echo def'
e 'case abc { abc } echo def'
e 'case abc { a {} } echo def'
differs 'the regular expression that does not compile'
e 'case abc { ( { echo 1 } } echo def'
differs 'the regular expression that does not compile'
e 'case abc { a* { echo 1 } "[a" { echo 2 } } echo def'
e 'case "x
a
y" { a { echo 1 } } echo def'
e 'case -e abc { ( { echo 1 } } echo def'
e 'case -i ABC { abc { echo 1 } } echo def'
e 'case ABC { abc { echo 1 } } echo def'
e 'case -e "a+c" { a+c { echo 1 } } echo def'
e 'case -eE "aac" { a+c { echo 1 } } echo def'
s 'execlineb -Pc "case -N foooobarbaz { \"([fo]+)bar(baz)\" { env } } echo def" | grep "^[0-9#]"'
e 'case -N abc { "a(x)?bc" { printenv 1 } } echo def'
e 'case -N abc { "a(x)?bc" { printenv \# } } echo def'
e 'case -N abc { "abc" { printenv \# } } echo def'
e 'case -N abc { "abc" { printenv 0 } } echo def'
e 'case -N abc { "(((a)))(b)(c)" { elgetpositionals echo $# $0 $@ } } echo def'
e 'case -Nn abc { "(a)bc" { printenv 1 } } echo def'
e 'case -eN abc { "a\\(b\\)c" { printenv 1 } } echo def'
e 'export 1 kept case -N abc { abd { echo } } printenv 1'
e 'case "" { "" { echo 1 } } echo def'
e 'case "a" { "" { echo 1 } } echo def'
e 'case b { "a|b" { echo 1 } } echo def'
e 'case xb { "a|b" { echo 1 } } echo def'
e 'case xb { "(a|b)" { echo 1 } } echo def'
e 'case "a
b" { a.b { echo 1 } } echo def'
e 'case -- -x { -x { echo 1 } } echo def'
e 'case a { a { nope } } echo def'
e 'case a { a { } } echo def'
e 'case a { b { } } nope'
e 'case a'
e 'case'
e 'case a echo'
e 'define V "a.c" case abc { $V { echo $V } } echo def'
e 'case abc { .* { echo any } abc { echo exact } } echo def'
x case a ' a' ' ' '' echo
x case a ' a' '  echo' ' ' '' echo
x case a ' a' '  echo' '' echo
x env EXECLINE_STRICT=1 case a a ' echo' '' '' echo
x env EXECLINE_STRICT=1 case a ' a' ' echo' ' ' '' echo
for flags in -s -sN -si -se; do
  for value in abc a/c .bc 'a*' '[' '' 'a\c'; do
    # shellcheck disable=SC2016
    x case $flags -- "$value" ' a*' '  echo' '  1' ' ' ' \**' '  echo' '  2' ' ' ' [a' '  echo' '  3' ' ' ' [.]*' '  echo' '  4' ' ' ' a\*' '  echo' '  5' ' ' ' ?*' '  echo' '  6' ' ' '' echo 7
  done
done
