# forx, forstdin, forbacktickx, loopwhilex.

crash='sh -c "kill -9 $$"'

e 'forx A { a b c } printenv A'
e 'forx -E A { a b c } echo x${A} $A'
e 'forx A { } printenv A'
e 'forx A { "" } printenv A'
e 'forx A { " a" "  b" } printenv A'
e 'forx A { a { b } } printenv A'
e 'forx A=b { a } printenv A'
e 'forx "" { a } printenv A'
e 'forx -E "" { a } printenv A'
e 'forx -E "A$" { a } printenv "A$"'
e 'forx A { a }'
e 'forx -E A { a }'
e 'forx -E A { a } $A'
e 'forx -E A { "" } $A'
e 'export A outer forx A { a b } printenv A'
e 'export A outer forx -E A { a b } printenv A'
e 'forx -Ee A { a b } printenv A'
e 'forx A { a b } nope'
e 'forx -E A { a b } nope'
e 'forx A { 1 2 3 } importas A A exit $A'
e 'forx -o 1,2 A { 1 2 3 4 } foreground { printenv A } importas A A exit $A'
e 'forx -x 2 A { 1 2 3 4 } foreground { printenv A } importas A A exit $A'
e "forx -o 0 A { 1 2 } $crash"
e "forx -o 137 A { 1 2 } $crash"
e "forx -o 265 A { 1 2 } $crash"
e "forx -x 137 A { 1 2 } $crash"
e 'forx -o 200 A { 1 2 } exit 200'
e 'forx -o 128 A { 1 2 } exit 200'
e 'forx -o 1 A { 1 2 } exit 200'
e 'forx -x 0 A { 1 2 } exit 0'
e 'forx -p A { a } printenv A'
e 'forx -pE A { a } echo $A'
for codes in '' '-o 0' '-x 3' '-o 0,2' '-x 0'; do
  e "forx -p $codes A { 0 0 } importas A A exit \$A"
  e "forx -p $codes A { 0 3 } importas A A exit \$A"
  e "forx -p $codes A { 2 0 0 } importas A A exit \$A"
  e "forx -p $codes A { 1 } $crash"
done
for codes in x '""' 1, '"1 2"' 1,,2 99999 ,1 1x 1,x; do
  e "forx -o $codes A { 1 2 } importas A A exit \$A"
  e "loopwhilex -o $codes exit 3"
done
e 'forx -o 1 -x 2 A { 1 2 } importas A A exit $A'
e 'forx -x 2 -o 1 A { 1 2 } importas A A exit $A'
e 'forx A a b'
e 'forx A'
x forx A a b '' printenv A
x forx ' A' a '' printenv ' A'
x env EXECLINE_STRICT=2 forx A a b '' printenv A
e 'forx -E I { 1 2 } forx -E J { a b } echo $I$J'
e 'foreground { forx A { a } exit 3 } printenv ?'

e 'loopwhilex exit 3'
e 'loopwhilex exit 200'
e "loopwhilex $crash"
e 'loopwhilex -n exit 0'
e 'loopwhilex -x 0 exit 0'
e 'loopwhilex -o 0 exit 2'
e 'loopwhilex -n -o 5 exit 5'
e 'loopwhilex -o 5 exit 4'
e 'loopwhilex -x 4 exit 4'
e 'loopwhilex -n -x 5 exit 4'
e 'loopwhilex -x 128 exit 200'
differs 'a doubled colon'
e 'loopwhilex { true }'
e 'loopwhilex nope'
e 'loopwhilex'
s 'echo 5 > count ; execlineb -Pc "loopwhilex sh -c \"read n < count ; echo \\\$n ; echo \\\$((n - 1)) > count ; test \\\$n -gt 1\""'

# what the loops over input read
known() {
  case "$input $flags" in
    'x -'[CN][CN]* | 'a,b;,c -'[CN][CN]d*) differs 'forstdin -CN' ;;
  esac
}
for input in '' 'a\nb\n\ncd' 'a\nb\n\nc\n' '\n\n' 'x' 'a,b;,c' 'a\000b\000c' 'a\000b\n' ' a \n\tb\n'; do
  for flags in '' -N -C -CN '-d ,;' '-CNd ,' -0 -0N '-0d ,'; do
    known
    s "printf '$input' | forstdin $flags A printenv A"
  done
  for flags in '' '-NCd ,;' -0; do
    known
    s "printf '$input' > in ; execlineb -Pc 'forbacktickx $flags A { cat in } printenv A'"
  done
done
for input in '' '1:a,2:bc,0:,' '1:a,2:bc,0:' '1:a,junk' '1:a,0:,1:b,' '3:a\nb,' '1:a'; do
  for flags in '' -CN; do
    s "printf '$input' | forstdin $flags -d '' A printenv A"
  done
done
s 'printf "1\n2\n3\n" | forstdin -E A echo "x\$A" "x\${A}"'
s 'printf "1\n2\n3\n" | forstdin -o 1 -E A foreground " echo" " \$A" "" exit \$A'
s 'printf "1\n2\n3\n" | forstdin -x 2 -E A foreground " echo" " \$A" "" exit \$A'
s 'printf "1\n2\n3\n" | forstdin -p -E A exit \$A'
s 'printf "1\n2\n3\n" | forstdin -p -o1 -E A exit \$A'
s 'printf "1\n2\n3\n" | forstdin -p -x1 -E A exit \$A'
s 'printf "1\n" | forstdin -p -E A echo \$A'
s 'seq 1 60 | forstdin -p -E A sh -c "exit \$A"'
s 'printf "1\n2\n3\n" | forstdin A cat'
s 'printf "1\n2\n3\n" | forstdin A nope'
s 'printf "1\n2\n3\n" | forstdin -E A nope'
s 'printf "1\n2\n3\n" | forstdin A=B true'
s 'printf "1\n2\n3\n" | forstdin "" true'
s 'printf "1\n2\n3\n" | forstdin -E A \$A'
s 'seq 1 200 | forstdin -E A test \$A -ge 0'
s 'head -c 100000 /dev/zero | tr "\0" a > long ; echo >> long ; forstdin A sh -c "echo \${#A}" < long'
s 'printf "a\0B\n" | export B x forstdin A printenv B'
x forstdin A cat
s 'forstdin A cat <&-'

e 'forbacktickx A { printf "1\n2\n3\n" } printenv A'
e 'forbacktickx -E A { printf "1\n2\n3\n" } echo $A'
e 'forbacktickx A { } echo $A'
e 'forbacktickx A { true } echo $A'
e 'forbacktickx A { false } echo $A'
e 'forbacktickx A { sh -c "echo a; exit 3" } printenv A'
differs 'forbacktickx is one program'
e 'forbacktickx A { nope } echo $A'
differs 'forbacktickx is one program'
e 'forbacktickx A { printf "a\n" } nope'
differs 'forbacktickx is one program'
e 'forbacktickx A { printf "a\n" }'
differs 'forbacktickx is one program'
e 'forbacktickx A=B { printf "a\n" } echo a'
differs 'forbacktickx is one program'
e 'forbacktickx -E A { printf "a\n" } nope'
e 'forbacktickx -o 1 -E A { printf "1\n2\n3\n" } foreground { echo $A } exit $A'
e 'forbacktickx -x 1 -E A { printf "1\n2\n3\n" } foreground { echo $A } exit $A'
e 'forbacktickx -p -E A { printf "1\n" } foreground { echo $A } exit $A'
e 'forbacktickx -d "" -E A { printf "1:a," } echo $A'
differs 'forbacktickx is one program'
e 'forbacktickx -d "" -E A { printf "1:a,1:" } echo $A'
e 'forbacktickx -x y A { echo } echo'
e 'forbacktickx -x 3 A'
e 'forbacktickx A echo'
s 'echo input | execlineb -Pc "forbacktickx A { printf \"1\\n\" } cat"'
s 'echo input | execlineb -Pc "forbacktickx A { cat } printenv A"'
s 'execlineb -Pc "forbacktickx -E ! { printf \"1\\n\" } echo x \$!"'
e 'forbacktickx A { echo a } sh -c "test -z ${!}"'
e 'forbacktickx -x 9 -E A { yes } exit 9'
x execlineb -c 'forbacktickx -d "" -E ARG { dollarat -d "" } printf "<%s>\n" $ARG' a 'b c' '' 'd
e'
x execlineb -c 'forbacktickx -0E ARG { dollarat -0 } printf "<%s>\n" $ARG' a 'b c' '' 'd
e'
