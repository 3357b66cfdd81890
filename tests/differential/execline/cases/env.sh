# export, unexport, emptyenv, getcwd, getpid, backtick, withstdinas, homeof, envfile, cd, umask.

e 'export A b printenv A'
e 'export A=x b printenv A'
e 'export A "" printenv A'
e 'export A "x=y z
" printenv A'
e 'export A b'
e 'export A'
s 'export "" b env | grep "^=b"'
e 'export A b export A c printenv A'
e 'export A b unexport A printenv A'
e 'unexport A=x printenv A'
e 'unexport "" printenv A'
e 'unexport A'
e 'unexport NOPE echo a'
e 'unexport PATH echo a'
e 'unexport PATH /bin/echo a'
e 'export A b nope'

own='A=b #=1 #:1=1 1=2 12=3 1x=3 1:1=4 1:2=4 ELGETOPT_x=1 ELGETOPT_y:1=2 EXECLINE_STRICT=1 EXECLINE_FOO:1=2 0=x !=6 ?=3 SIGNAL=3 FD0=3 FDx=3 FD=3 !x=2 ?x=2 ##=2 1a=3 EXECLINE=3 ELGETOPT=3 ELGETOPT_=4'
for flags in '' -p -c -o -P -oP -pP -cP -po -pc -poP; do
  # shellcheck disable=SC2086 # a list
  s 'flags=$1 ; shift ; env -i "PATH=$PATH" "$@" emptyenv $flags /usr/bin/env | sort' "$flags" $own
done
s 'env -i /bin/sh -c "exec \$0 -p /usr/bin/env" "$(command -v emptyenv)" | grep -v PWD'
e 'emptyenv'
e 'emptyenv -p'
e 'emptyenv nope'
e 'emptyenv env'
e 'emptyenv -Z env'
x execlineb -c 'emptyenv -P env' a b
x env '#=1' '#:1=2' '#:3=4' emptyenv -P printenv '#'

e 'getcwd A printenv A'
e 'getcwd -E A echo x${A}'
e 'getcwd A=B echo $A'
e 'getcwd "" echo $A'
e 'getcwd A'
e 'cd / getcwd A printenv A'
s 'mkdir -p gone && cd gone && rmdir ../gone && getcwd A printenv A'
s 'mkdir -p dir && ln -sfn dir link && cd link && getcwd A printenv A'
e 'getpid P sh -c "test $P = $$ && echo yes"'
e 'getpid -P P sh -c "test $P = $PPID && echo yes"'
e 'getpid -Pp P sh -c "test $P = $$ && echo yes"'
e 'getpid -E P sh -c "test $1 = $$ && echo yes" sh $P'
e 'getpid -PE P sh -c "test $1 = $PPID && echo yes" sh $P'
e 'getpid P=x true'
e 'getpid "" true'
e 'getpid P'

for output in 'a\n\n' 'a b' '' '\n' 'a\000b\n' 'a\n\000'; do
  for flags in '' -N -I -x '-D def' -E -IN; do
    s "printf '$output' > in ; execlineb -Pc 'backtick $flags A { cat in } printenv A'"
    s "printf '$output' | execlineb -Pc 'withstdinas $(echo "$flags" | tr x I) A printenv A'"
  done
done
for how in 'exit 3' 'exit 124' 'exit 200' 'kill -9 $$'; do
  for flags in '' -i -I -x '-D def' -E -xE -iD\ d; do
    e "backtick $flags A { sh -c \"echo a; $how\" } printenv A"
  done
done
e 'backtick -E A { printf "a b" } printf "<%s>" x${A}y'
e 'backtick -x -E A { false } echo $A'
e 'backtick -x A { sh -c "printf \"a\\\\000b\"; exit 3" } printenv A'
e 'backtick -x A { sh -c "printf \"a\\\\000b\"; kill -9 $$" } printenv A'
e 'backtick -E A { nope } echo $A'
e 'backtick -D def A { nope } printenv A'
e 'backtick -I A { nope } printenv A'
e 'backtick A { } printenv A'
e 'backtick A=B { true } printenv A'
e 'backtick "" { true } printenv A'
e 'backtick A { echo a }'
e 'backtick A echo'
e 'backtick A'
e 'backtick A { backtick B { echo in } printenv B } printenv A'
e 'backtick A { seq 1 20000 } sh -c "echo ${#A}"'
e 'export A old backtick -x A { false } printenv A'
s 'echo in | backtick A " cat" "" printenv A'
x env EXECLINE_STRICT=1 backtick A echo b '' printenv A
s 'printf "a b\n\n" | withstdinas -E A printf "<%s>\n" "x\${A}"'
s 'printf "a\0b\n" | withstdinas -EI A printf "<%s>\n" "x\${A}"'
s 'printf "a\0b\n" | withstdinas -E -D "d e" A printf "<%s>\n" "x\${A}"'
s 'withstdinas A=B printenv A'
s 'withstdinas "" printenv A'
s 'withstdinas A printenv A <&-'
s 'echo a | withstdinas A'
s 'echo a | withstdinas -E A'
s 'echo a | withstdinas'
s 'echo a | withstdinas A nope'
s 'head -c 100000 /dev/zero | tr "\0" a | withstdinas A sh -c "echo \${#A}"'
s 'printf a | A=old withstdinas -i A printenv A'

x homeof root
x homeof daemon
differs 'a doubled colon'
x homeof nosuchuser
x homeof root foo
x homeof

# envfile: a file, line by line
envfile=$(command -v envfile)
t() { s 'printf "%b" "$1" > ef ; unset HOME PATH PWD LC_ALL ; exec "$2" ef /usr/bin/env -0' "$1" "$envfile"; }
t 'A=b\n'; t 'A=b'; t ' A = b \n'; t 'A\t=\tb c \t\n'; t '# c\n\n  \n # d\nA=b # c\n'; t ''; t '\n'; t '   '; t '#'
t 'A="b c" \n'; t 'A=" b "\n'; t 'A="b\\nc"\n'; t 'A="b\\x41c"\n'; t 'A="b\\0101c"\n'; t 'A="b\\65c"\n'; t 'A="b\\101c"\n'
t 'A="\\a\\b\\t\\v\\f\\r\\e\\"\\\\"\n'; t 'A=b\\nc\n'; t 'A=b\\\\nc\n'; t 'A=b\\\nc\n'; t 'A=\\\n  c\n'; t 'A\\\nB=c\n'; t 'A=b \\\n c\n'
t 'A=\n'; t 'A'; t 'A\n'; t 'A B=c\n'; t '=c\n'; t 'A=b"c d"e\n'; t 'A="b"c\n'; t 'A="b" "c"\n'; t 'A="b\n'; t 'A="b'; t 'A="b\nc"\n'
t "A='b c'\n"; t 'A=b#c\n'; t 'A=b\\ \n'; t 'A=b\\"c\n'; t 'export A=b\n'; t 'A=b\r\n'; t 'A-B=c\n'; t '1=c\n'; t 'A=b=c\n'; t 'A=b\nA=c\n'
t '#A=b\\\nB=c\n'; t 'A="b\\\nc"\n'; t 'A="\\xg"\n'; t 'A=b\\'; t 'A="b\\'; t 'A.B=c\n'; t 'É=é\n'; t 'A="\\z"\n'; t 'A=\\z\n'; t 'A=\\x41\n'
t ' "A"=b\n'; t 'A=b  c\n'; t 'A="x"#c\n'; t 'A="x" #c\n'; t 'A= #c\n'; t 'A=#c\n'; t 'A=  "b"\n'; t 'A=\\ b\n'; t '\nA'; t '\n\n\nA B\n'
t 'A="\\x4"\n'; t 'A="\\x414"\n'; t 'A="\\7"\n'; t 'A="\\07"\n'; t 'A="\\0777"\n'; t 'A="\\00101"\n'; t 'A="\\8"\n'; t 'A="\\18"\n'; t 'A="\\u0041"\n'
t "A=\"\\\\\\\\'\"\n"; t 'A="\\?"\n'; t 'A="\\xAF\\xaf"\n'; t 'A="\\777"\n'; t 'A=\0377\n'; t '\0377=a\n'; t 'A="\\x4g"\n'
for c in "'" '#' '=' '$' '\t' '\r' 1 a n x '(' ';' '\v' '\f'; do t "A=x\\\\${c}y\n"; t "A=\"x\\\\${c}y\"\n"; t "A${c}B=c\n"; t "A=b${c}\n"; done
t 'A="b\\\nc'; t 'A=b \\\n\nB=c\n'; t 'A=b \\\n  \nB=c\n'; t 'A=b\\\n'; t 'A=b\\\nB'; t '\n\nA="b\\\n\nc"'; t 'A=b\\\nc\\\nd\nE\n'; t 'A#=b\n'
t 'A\n=b\n'; t 'A=\n=b'; t 'A="" \n'; t 'A="b" \\\n "c"\n'; t '\\\nA=b\n'; t 'A=b\n   '; t 'A=b\n#'; t 'A=b\n# foo'; t 'A=\vb\n'; t 'A=\fb\f\n'; t '\fA=b\n'; t 'A\f=b\n'
t '\\A=b\n'; t '"=b\n'; t "'=b\n"; t 'A=b\n\n\nB="c\n'; t 'A = "b" \\\n'; t '  #\\\nA=b\n'
differs 'envfile: the line'
t 'A=b \n=c\n'; t 'A=b\n=c\n'
for text in 'A=\0000b\n' 'A="\\0"\n' 'A="\\x00"\n' 'A="\\400"\n' 'A="b\\0x41c"\n' 'A=b\n\0000\n'; do
  differs 'envfile: a null character'
  t "$text"
done
x envfile nope true
x envfile -I nope echo a
x envfile -I nope printenv A
x envfile -i nope true
x envfile -iI nope echo a
x envfile . true
x envfile -I . true
x envfile /dev/null echo a
x envfile ef
x envfile
s 'echo A=x | envfile - printenv A'
s 'echo A=x | envfile -I - printenv A'
s 'echo A=x | envfile ./- printenv A'
s 'echo Ax | envfile - printenv A'
s 'envfile - printenv A <&-'
s 'echo A=x | A=old envfile - printenv A'
s 'echo A=x | envfile - nope'

mkdir -p sub
x cd sub pwd -P
x execline-cd sub pwd -P
x execline-cd -- sub pwd
x execline-cd nope pwd
x cd nope pwd
x cd sub
x cd
x execline-cd '' pwd
x execline-cd / nope
for mask in 0 22 022 077 7777 17777 8 022x x '' -1; do
  x execline-umask "$mask" sh -c umask
  x umask "$mask" sh -c umask
done
x umask 022
x umask
x execline-umask
x umask 022 nope
