# execlineb: the parser, the positional parameters, the options.

# words, quotes, escapes
e ''
e '   # nothing but a comment'
e 'printf "<%s>\n" a b  c	d
e'
e 'printf "<%s>\n" "\a\b\t\n\v\f\r" "\0x41" "\0101" "\65" \a\b \0x41 "\q"'
e 'printf "<%s>\\n" "a\
b" a\
b'
e 'printf "<%s>\n" a\'
e 'printf "<%s>\n" a \'
e 'printf "<%s>\n" a"b"c "a""b" #c
d'
e 'printf "<%s>\n" a#b "#c" \#d'
e 'printf "<%s>\n" "\0x00"'
e 'printf "<%s>\n" "\0"'
e 'printf "<%s>\n" "\000"'
e 'printf "<%s>\n" "\0400"'
e 'printf "<%s>\n" "\0377\255\0xff\0xFf"'
e 'printf "<%s>\n" "\256"'
e 'printf "<%s>\n" "\999"'
e 'printf "<%s>\n" "\0xg"'
e 'printf "<%s>\n" "\0x4"'
e 'printf "<%s>\n" "\0x414243"'
e 'printf "<%s>\n" "\1234"'
e 'printf "<%s>\n" "\9a" "\19 " "\0 "'
e 'printf "<%s>\n" "abc'
e 'printf "<%s>\n" "abc\'
e 'printf "<%s>\n" "a
b"'
e "printf <%s>\\\\n 'a b' 'c'"
e 'printf "<%s>\n" \  \"a\" \\ "\\" "\""'
e 'printf "<%s>\n" é ü "ÿ\0xc3\0xbf"'
e 'printf "<%s>\n" $A ${A} "$A"'
e '""'
e '"'
e '\'
e '\\'
s 'printf "printf a\\0b" > nul ; execlineb -P nul'
s 'printf "\\0printf a" > nul ; execlineb -P nul'
s 'printf "printf \"a\\0b\"" > nul ; execlineb -P nul'
s 'printf "#!/bin/execlineb -P\nprintf a" > bang ; execlineb -P bang'
s 'printf "printf\ra\r\n" > cr ; execlineb -P cr'
s 'printf "echo a # no newline" > f ; execlineb -P f'
s 'printf "echo a \\\\\n b" > f ; execlineb -P f'
s ': > empty ; execlineb -P empty'

# blocks
e 'printf "<%s>\n" {'
e 'printf "<%s>\n" { '
e 'printf "<%s>\n" { a'
e 'printf "<%s>\n" }'
e 'printf "<%s>\n" } '
e 'printf "<%s>\n" } {'
e 'printf "<%s>\n" { { } '
e 'printf "<%s>\n" { } }'
e 'printf "<%s>\n" { a b } { c { d } }'
e 'printf "<%s>\n" { } { { } } { { { } } }'
e 'printf "<%s>\n" \{ a \} "{" "}" a{b }c { "" } {} {}{ }{'
e 'printf "<%s>\n" {a}'
e 'printf "<%s>\n" { " a" "  b" " " }'
e '{ a } printf'
e '{ }'
e '{ } { }'
e '{}'
e '{'
e '}'
e 'printf "<%s>\n" { # comment }
a }'

# running
e 'nonexistent a'
e '/etc/passwd a'
e '/etc a'
e './nothere'
s 'printf "exit 3" > f ; chmod 755 f ; execlineb -Pc ./f'
s 'printf "#!/nonexistent\n" > f ; chmod 755 f ; execlineb -Pc ./f'
x execlineb -c 'sh -c "kill -9 $$"'
x execlineb -c 'exit 200'
x execlineb nope
x execlineb /etc
x execlineb -P /nope/nope
s 'printf "echo a" > f ; chmod 0 f ; setpriv --reuid 65534 --clear-groups execlineb f'

# positional parameters
x execlineb -S1 -c 'printf "<%s>\n" $# $0 $1 $2 $@' a b c
x execlineb -S0 -c 'printf "<%s>\n" $# $0 $1 x${@}y ${10} $10' 1 2 3 4 5 6 7 8 9 ten
x execlineb -S2 -c 'printf "<%s>\n" $# $0 $1 $2 x${@}y'
x execlineb -S2 -c 'printf "<%s>\n" $# $0 $1 $2 x${@}y' a
x execlineb -S3 -c 'printf "<%s>\n" $# $0 $1 $2 $3 x${@}y' a ''
x execlineb -s2 -c 'printf "<%s>\n" $# $0 $1 $2 x${@}y' a b c d
x execlineb -s2 -c 'printf "<%s>\n" $# $0 $1 $2 x${@}y' a b
x execlineb -s2 -c 'printf "<%s>\n" $# $0 $1 $2 x${@}y' a
x execlineb -s0 -c 'printf "<%s>\n" $@' a b
x execlineb -WS2 -c 'printf "<%s>\n" $# $0 $1 $2 x${@}y' a
x execlineb -qS2 -c 'printf "<%s>\n" $# $0 $1 $2 x${@}y' a
x execlineb -wS2 -c 'printf "<%s>\n" $# $0 $1 $2 x${@}y' a
x execlineb -S0 -c '$@'
x execlineb -S0 -c '$@' printf a
x execlineb -S0 -c 'printf "<%s>\n" \$1 \\$1 \\\\$1 \\\\\$1' a
x execlineb -S0 -c 'foreground { printf "<%s>\n" $@ } printf "<%s>\n" { $@ }' a '' ' b' '$1'
x execlineb -Sx -c 'echo' a
x execlineb -S -c 'echo' a
x execlineb -s -1 -c 'echo' a
x execlineb -S1 -P -c 'echo $1' a
x execlineb -P -S1 -c 'echo $1' a
x execlineb -pP -S1 -c 'echo $1' a
x execlineb -S1 -s2 -c 'echo $1 $@' a b c
x execlineb -S2 -p -c 'env' a b
x execlineb -c 'echo' -S1
s 'echo "printf \"<%s>\n\" \$# \$0 \$1 \$@" > f ; execlineb -S1 f a "b c" "" ; execlineb -S1 ./f -- -a'
s 'printf "#!%s -qS0\nprintf \"<%%s>\\\\n\" \$0 \$@" $(command -v execlineb) > f ; chmod 755 f ; ./f a "" "b c" ; ./f -a'
x execlineb -c 'env' a 'b c' ''
x execlineb -p -c 'env' a b
x execlineb -P -c 'env' a b
x execlineb -q -c 'foreground { execlineb -c env } execlineb -p -c env' printf a
s 'env -i PATH="$PATH" "#=1" 1=x "#:1=2" 1:1=a 2:1=b 1a=c execlineb -c env a b | sort'
s 'env -i PATH="$PATH" "#=1" 1=x "#:1=2" 1:1=a 2:1=b execlineb -p -c env a b | sort'
x execlineb -c 'elgetpositionals printf "<%s>\n" $0 $1 $@' a b
x execlineb -c 'execlineb -c "elgetpositionals foreground { emptyenv -P importas A 1 echo $A } echo $1" inner' outer

# strictness
x execlineb -w -c 'printenv EXECLINE_STRICT'
x execlineb -W -c 'printenv EXECLINE_STRICT'
x execlineb -qwW -c 'printenv EXECLINE_STRICT'
x execlineb -Wq -c 'printenv EXECLINE_STRICT'
x env EXECLINE_STRICT=1 execlineb -q -c 'printenv EXECLINE_STRICT'
for strict in 0 1 2 3 01 1x foo ''; do
  x env EXECLINE_STRICT="$strict" execlineb -S2 -c 'printenv EXECLINE_STRICT'
  x env EXECLINE_STRICT="$strict" execlineb -P -c 'printenv EXECLINE_STRICT'
  x env EXECLINE_STRICT="$strict" foreground echo ' a' '' echo b
done
x env EXECLINE_STRICT=1 execlineb -S2 -c ''
x env EXECLINE_STRICT=x execlineb -S2 -c '}'
x env EXECLINE_STRICT=x execlineb nope
x execlineb -W -c 'foreground a "" echo'
x execlineb -w -c 'foreground a "" echo'
x execlineb -W -c 'foreground { echo "" } echo'
x execlineb -c
x execlineb -Z
x execlineb -P -c 'echo' -Z
x execlineb
x execlineb --
x execlineb -- nope

# large
x execlineb -S0 -c 'sh -c "echo $#" sh $@' $(seq 1 20000)
s 'printf "printf %%s " > f ; head -c 100000 /dev/zero | tr "\\0" a >> f ; execlineb -P f | wc -c'
s '{ echo "echo"; seq 1 20000; } > f ; execlineb -P f | md5sum'
s '{ printf "foreground "; yes "{" | head -n 200 | tr "\\n" " "; yes "}" | head -n 200 | tr "\\n" " "; } > f ; execlineb -P f'
s 'printf "define A %0120000d printf %%s \$A" 7 > f ; execlineb -P f | md5sum'
s 'yes "foreground { true }" | head -n 300 > f ; echo "echo end" >> f ; execlineb -P f'
