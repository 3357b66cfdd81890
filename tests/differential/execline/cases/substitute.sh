# define, importas, elglob, elgetpositionals, multidefine, multisubstitute.

x define A val
x define A val printf '<%s>\n' '$A' '${A}' 'x${A}y' 'x$A' '$Ax' '${Ax}' '$A$A' '${A}${A}' '$' '${' '${A' '$A}'
x define '' val printf '<%s>\n' '$A' '${}'
x define 'A$' val printf '<%s>\n' '$A'
x define 'A}' val printf '<%s>\n' '${A}}'
x define 'A=' val printf '<%s>\n' '${A=}'
x define 'a b' val printf '<%s>\n' '${a b}' '$a b'
x define A '$A' printf '<%s>\n' '$A'
x define A '${B}' define B b printf '<%s>\n' '$A'
x define A '' printf '<%s>\n' '$A' 'x${A}'
e 'define A val foreground { echo $A \\$A \\\\$A \\\\\\$A \\\\\\\\$A \\\\\\\\\\$A } echo $B \\$B \\\\$B \\\\\\$B \\\\\\\\$B \\\\\\\\\\$B'
e 'define A val printf "<%s>\n" \\${A} \\\\${A} x\\${A}y x\\\\${A}y \\\\\\${A} { \\$A { $A } }'
e 'define -s A "a b" printf "<%s>\n" \\${A} x\\\\${A}y'

# splitting, crunching, chomping
for value in '' ' ' 'a' 'a ' ' a  b c' '  a  b c  ' 'a
b	c ' 'aXbX'; do
  for flags in -s -sC -sn -sCn -Cn '-sd X' '-sCnd X' -cNs; do
    # shellcheck disable=SC2086 # an option and its argument
    x define $flags A "$value" printf '<%s>\n' 'x${A}y'
  done
done
for value in '' '1:a,' '1:a,2:bb,0:,' '1:a,2:bb,0:' 'junk' '1:a' '3:a,b,' '01:a,' ':,' '1:ab,' '1 :a,' '99999999999999999999:a,'; do
  x define -d '' A "$value" printf '<%s>\n' 'x${A}y'
done
x define -s -d '' A '' printf '<%s>\n' 'x${A}y'
x define -s -d '' A '1:a,2:bb,0:,' printf '<%s>\n' 'x${A}y'
x define -s -d '' A '3:a,b,01:c,' printf '<%s>\n' 'x${A}y'
x define -sCn -d '' A '1: ,0:,' printf '<%s>\n' 'x${A}y'
differs 'a value that is no sequence of netstrings'
x define -s -d '' A '1:a,2:bb,0:' printf '<%s>\n' 'x${A}'
differs 'a value that is no sequence of netstrings'
x define -s -d '' A 'junk' printf '<%s>\n' 'x${A}'
x define -s A '' '$A'
x define -s A '' '$A' foo
x define A '' '$A' foo
x define A 'nonexist' '$A' foo
e 'define -s A "a b" define -s B "1 2" printf "<%s>\n" ${A}${B}${A}'
e 'define -s B "1 2" define -s A "a b" printf "<%s>\n" ${A}${B}'
e 'define -s A "a b" printf "<%s>\n" { ${A} { x$A y${A} } }'
e 'define A "" foreground { $A echo } echo b'
e 'define A " x" foreground { echo $A } echo b'
e 'define -s A "a" foreground { define A b echo $A } echo $A'

# importas
x importas A NOTSET printf '<%s>\n' x '$A' y 'x${A}'
x importas A NOTSET
x importas A NOTSET '$A'
x importas -i A NOTSET echo
x importas -i -D x A NOTSET echo '$A'
x importas -D x -i A NOTSET echo '$A'
x importas -D 'a b' -s A NOTSET printf '<%s>\n' '$A'
x importas -D '' A NOTSET printf '<%s>\n' 'x${A}'
x importas -D '' -s A NOTSET printf '<%s>\n' 'x${A}'
x importas -nD 'a ' A NOTSET printf '<%s>\n' 'x${A}'
x importas A 'X=Y' echo '$A'
x importas -u A 'X=Y' echo '$A'
x importas -i A 'X=Y' echo '$A'
x importas -i 'A$' X echo '$A'
x importas 'A$' HOME echo '$A'
x importas -iu A HOME printenv HOME
x importas -iu A HOME sh -c 'test -n "$A" || test "$1" = "${0}"' '$A' '$A'
x importas -u A NOTSET printenv NOTSET
x importas  '' HOME echo '$A'
x importas -iu '' HOME echo '$A'
x importas A
x importas A ''
x importas A '' echo 'x${A}'
x env 'V=a  b ' importas -sCn A V printf '<%s>\n' '$A'
x env 'V=a,b;c' importas -sd ',;' A V printf '<%s>\n' '$A'
x env V= importas -i A V printf '<%s>\n' 'x${A}'
x env V= importas -D d A V printf '<%s>\n' 'x${A}'
x env V=1 importas V V importas W V echo '$V $W'
x env V=1 importas -u V V importas W V echo '$V' '$W'
e 'backtick A { echo hello } importas -iu A A echo $A'
e 'importas A A importas -i B HOME test ${B} = $B'

# elglob
mkdir glob glob/dir glob/.hid; : > glob/a1; : > glob/a2; : > glob/b; : > 'glob/s*'
x elglob -s A 'glob/*' printf '<%s>\n' '$A'
x elglob A 'glob/b*' printf '<%s>\n' '$A'
x elglob -sm A 'glob/*' printf '<%s>\n' '$A'
x elglob -s A 'glob/a?' printf '<%s>\n' 'x${A}y'
x elglob -s A 'glob/[ab]*' printf '<%s>\n' '$A'
x elglob -s A 'glob/.h*' printf '<%s>\n' '$A'
x elglob A 'glob/zzz*' printf '<%s>\n' '$A'
x elglob -0 A 'glob/zzz*' printf '<%s>\n' 'x${A}'
x elglob A 'glob/zzz' printf '<%s>\n' '$A'
x elglob -0 A 'glob/zzz' printf '<%s>\n' '$A'
x elglob A 'glob/s\*' printf '<%s>\n' '$A'
x elglob -e A 'glob/s\*' printf '<%s>\n' '$A'
x elglob -e A '\/etc\/passwd' echo '$A'
x elglob A '\/etc\/passwd' echo '$A'
x elglob A '' echo 'x${A}'
x elglob -v A 'nope/*' echo '$A'
differs 'a value that cannot be computed'
x elglob -w A 'nope/*' echo '$A'
x elglob -m A '/etc' echo '$A'
x elglob 'A$' '/etc/passwd' echo '$A'
x elglob '' '/etc/passwd' echo '$A'
x elglob A x
x elglob A '/etc/passwd' '$A'
x elglob -s A '/et[c]/{passwd,group}' echo '$A'
mkdir -m 700 closed; : > closed/x
x setpriv --reuid 65534 --clear-groups elglob -v A 'closed/*' echo '$A'
differs 'a value that cannot be computed'
x setpriv --reuid 65534 --clear-groups elglob -w A 'closed/*' echo '$A'
differs 'a value that cannot be computed'
x setpriv --reuid 65534 --clear-groups elglob -vw A 'closed/*' echo '$A'
x setpriv --reuid 65534 --clear-groups elglob A 'closed/*' echo '$A'
x setpriv --reuid 65534 --clear-groups multisubstitute ' elglob' ' -w' ' A' ' closed/*' '' echo '$A'

# elgetpositionals
x elgetpositionals -P x
differs 'positional parameters that are not there'
x elgetpositionals echo
differs 'positional parameters that are not there'
x elgetpositionals
x env '#=2' 0=a 1=b 2=c elgetpositionals printf '<%s>\n' '$#' '$0' '$1' '$2' '$3' '$@'
x env '#=2' 0=a 1=b 2=c elgetpositionals -P4 printf '<%s>\n' '$#' '$0' '$1' '$2' '$3' '$4' '$5' '$@' 'x${@}y'
x env '#=2' 0=a 1=b 2=c elgetpositionals -P1 printf '<%s>\n' '$#' '$0' '$1' '$2' '$3'
x env '#=0' 0=a elgetpositionals printf '<%s>\n' '$#' '$0' '$1' '$@'
x env '#=1' 0=a '1=b c' elgetpositionals printf '<%s>\n' '$@'
x env '#=1' 0=a '1=b c' elgetpositionals
differs 'positional parameters that are not there'
x env '#=2' 0=a 1=b elgetpositionals echo '$1'
differs 'positional parameters that are not there'
x env '#=2' 2=a 1=b elgetpositionals echo '$1'
differs 'positional parameters that are not there'
x env '#=-2' 0=x 2=a 1=b elgetpositionals echo '$1'
differs 'positional parameters that are not there'
x env '#=2x' 0=x 2=a 1=b elgetpositionals echo '$1'

# multidefine
x multidefine 'a b c' ' A' ' B' '' printf '<%s>\n' '$A' '$B' '$C'
x multidefine 'a b c' ' A' ' ' ' C' '' printf '<%s>\n' '$A' '$B' '$C'
x multidefine 'a b c' '' echo
x multidefine 'a b c' ' A' ' B' ' C' ' D' '' printf '<%s>\n' '$A' '$B' '$C' '$D' x '${E}'
x multidefine -0 'a b c' ' A' ' B' ' C' ' D' ' E' '' printf '<%s>\n' '$A' '$B' '$C' '$D' x '${E}'
x multidefine -r 'a b c d' ' A' ' B' '' printf '<%s>\n' '$A' 'x${B}y'
differs 'multidefine -r: an empty last variable'
x multidefine -r 'a b c d' ' A' ' ' '' printf '<%s>\n' '$A' '$B'
x multidefine -r 'a' ' A' ' B' '' printf '<%s>\n' '$A' 'x${B}'
x multidefine -0r 'a' ' A' ' B' '' printf '<%s>\n' '$A' 'x${B}'
x multidefine -r 'a b' ' A' ' B' '' printf '<%s>\n' '$A' 'x${B}'
differs 'a value that is no sequence of netstrings'
x multidefine -d '' 'a' ' A' ' B' '' printf '<%s>\n' '$A'
x multidefine -d '' '1:a,0:,2:b ,' ' A' ' B' ' C' '' printf '<%s>\n' '$A' '$B' '$C'
x multidefine 'a b' ' A' ' A' '' printf '<%s>\n' '$A'
x multidefine 'a b' ' A$' ' B' '' printf '<%s>\n' '$A' '$B'
x multidefine 'a b' ' A' ' B' ''
x multidefine 'a b' ' A' ' B'
x multidefine 'a b' A B '' echo '$A'
x multidefine '' ' A' ' B' '' printf '<%s>\n' 'x${A}' 'x${B}'
x multidefine -0 '' ' A' ' B' '' printf '<%s>\n' 'x${A}' 'x${B}'
x multidefine -n 'a b' ' A' ' B' '' printf '<%s>\n' '$A' '$B'
x multidefine -n 'a b ' ' A' ' B' '' printf '<%s>\n' '$A' '$B'
x multidefine -C 'a   b ' ' A' ' B' '' printf '<%s>\n' '$A' '$B'
x multidefine -c -N 'a   b ' ' A' ' B' '' printf '<%s>\n' '$A' '$B'
x multidefine -d : 'a:b:c' ' A' ' ' ' C' '' printf '<%s>\n' '$A' '$C'
x multidefine -s 'a' ' A' '' echo
for strict in 1 2 1x; do
  x env EXECLINE_STRICT=$strict multidefine 'a b' A B '' echo '$A'
done
e 'multidefine -r "a b c" { A B } multidefine $A { C } printf "<%s>\n" $B $C'

# multisubstitute
e 'multisubstitute { } echo a'
e 'multisubstitute { }'
e 'multisubstitute { define A val } printf "<%s>\n" $A'
e 'multisubstitute { define A val importas H NOTSET define -s B "1 2" } printf "<%s>\n" $A $H ${A}${B}'
e 'multisubstitute { define B ${A} define A a } printf "<%s>\n" $A $B'
e 'multisubstitute { define -s A "a b c d" define -s B "1 2 3" } echo ${A}x${B}'
e 'multisubstitute { define A } echo $A'
e 'multisubstitute { define } echo $A'
e 'multisubstitute { define A a define A b } echo $A'
e 'multisubstitute { define -Z A a } echo $A'
e 'multisubstitute { foo A a } echo $A'
e 'multisubstitute { define A a foo } echo $A'
e 'multisubstitute { define A a b } echo $A'
e 'multisubstitute { define "" "" } $A'
e 'multisubstitute { define A "x" } '
e 'multisubstitute { define A "" } $A'
e 'multisubstitute { define -s A "" } $A'
e 'multisubstitute { importas -i A NOTSET } echo $A'
e 'export V w multisubstitute { importas -u A V define B b } printenv V'
e 'export V w multisubstitute { importas -iu A V importas -D x B NOPE } printf "<%s>\n" $A $B'
e 'multisubstitute { importas A } echo $A'
e 'multisubstitute { elglob A /etc/passwd } echo $A'
e 'multisubstitute { elglob A } echo $A'
e 'multisubstitute { elglob -v A /root/nope/* elglob -0 B /nope* } echo $A $B x'
differs 'positional parameters that are not there'
e 'multisubstitute { elgetpositionals } echo $A'
differs 'positional parameters that are not there'
e 'multisubstitute { elgetpositionals -P1 } echo $A'
e 'multisubstitute { elgetpositionals -Px } echo $A'
e 'multisubstitute { multidefine "a b" { A B } } echo $A $B'
differs 'an empty block of variables'
e 'multisubstitute { multidefine "a b" { } } echo $A $B'
e 'multisubstitute { multidefine "a b" { A B } multidefine -r "c d e" { C D } define E e } printf "<%s>\n" $A $B $C $D $E'
e 'multisubstitute { multidefine "a b" } echo $A $B'
e 'multisubstitute { multidefine -Z "a b" } echo $A $B'
e 'multisubstitute { multidefine } echo $A $B'
e 'multisubstitute { multidefine "a b" A } echo $A $B'
e 'multisubstitute { multidefine "a a" { A A } } echo $A'
e 'multisubstitute { define -sd "" A "1:a" } echo $A $B'
e 'multisubstitute { multisubstitute { define A a } } echo $A'
x multisubstitute define A b '' echo '$A'
x multisubstitute ' define' ' A' 'b' '' echo '$A'
x multisubstitute ' define' ' A' ' b' echo '$A'
for strict in 1 2; do
  x env EXECLINE_STRICT=$strict multisubstitute define ' A' ' b' '' echo '$A'
  x env EXECLINE_STRICT=$strict multisubstitute ' multidefine' ' a' ' A' ' ' '' echo '$A'
done
x env '#=2' 0=a 1=b 2=c multisubstitute ' elgetpositionals' ' define' ' A' ' $1' '' printf '<%s>\n' '$#' '$0' '$1' '$2' '$3' '$@' '$A'
x env '#=2' 0=a 1=b 2=c multisubstitute ' elgetpositionals' ' define' ' 1' ' $1' '' echo '$1'
x execlineb -c 'multisubstitute { elgetpositionals -P3 importas -D none P NOPE } printf "<%s>\n" $0 $1 $2 $3 $P $@' a b
