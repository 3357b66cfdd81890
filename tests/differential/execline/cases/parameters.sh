# dollarat, elgetopt, shift, runblock: the positional parameters in the environment.

n() { s 'exec env -i "PATH=$PATH" "$@"' "$@"; }
sorted() { s 'env -i "PATH=$PATH" "$@" | sort' "$@"; }

for flags in '' -n -d, '-d,x' '-n -d,' '-d ' -0 '-0 -d,' '-d, -0' -0n; do
  # shellcheck disable=SC2086 # options
  n '#=3' 0=x 1=a '2=b c' 3= dollarat $flags
done
n '#=3' 0=x 1=a 2=b 3=c dollarat -d ''
n '#=3' 0=x 1=a 2=b 3=c dollarat -nd ''
n '#=1' 0=x '1=a,b' dollarat -d ''
n '#=3' 0=x 1=a 2=b 3=c dollarat -d, -n foo
n '#=3' 0=x 1=a 2=b dollarat
n '#=3' 1=a 2=b 3=c dollarat
n '#=0' 1=a dollarat -n
n '#=0' dollarat -d ''
n '#=x' dollarat
n '#=' dollarat
n '#=-1' dollarat
n dollarat
n dollarat -Z
s 'env "#=1" 1=a dollarat > /dev/full'
s 'env "#=1" 1=a dollarat -d "" > /dev/full'

sorted '#=3' 0=z 1=-a 2=-bfoo 3=rest elgetopt ab: env
sorted '#=4' 0=z 1=-ab 2=foo 3=-- 4=rest elgetopt ab: env
sorted '#=4' 0=z 1=-ab 2=foo 3=-- 4=rest elgetopt -D yes ab: env
sorted '#=4' 0=z 1=-ab 2=foo 3=-- 4=rest elgetopt -D '' ab: env
sorted '#=3' 0=z 1=-b '2=' 3=-a elgetopt ab: env
sorted '#=3' 0=z 1=-bx 2=-a 3=-by elgetopt ab: env
sorted '#=2' 0=z 1=- 2=-a elgetopt ab: env
sorted '#=3' 0=z 1=-aaa 2=-a 3=rest elgetopt ab: env
sorted '#=3' 0=z 1=a 2=-a 3=rest elgetopt ab: env
sorted '#=0' 0=z elgetopt ab: env
sorted '#=3' 0=z 1=-a 2=-bfoo 3=rest ELGETOPT_x=y ELGETOPT_a=old ELGETOPT_a:1=older elgetopt ab: env
sorted '#=3' 0=z 1=-1 2=-2 3=rest elgetopt 12 env
n '#=2' 0=z 1=-c 2=foo elgetopt ab: env
n '#=1' 0=z 1=-b elgetopt ab: env
n '#=1' 0=z 1=--foo elgetopt ab: env
sorted '#=1' 0=z 1=-b elgetopt ':ab:' env
n '#=2' 0=z 1=-b elgetopt ab: env
n '#=1' 1=-b elgetopt ab: env
n '#=3' 0=z 1=-a 2=-a 3=rest elgetopt ab:
n '#=x' 0=z elgetopt ab: env
n elgetopt ab: env
n '#=1' 0=z 1=a elgetopt '' printenv 1
n '#=1' 0=z 1=a elgetopt a nope
x execlineb -c 'elgetopt vf: elgetpositionals multisubstitute { importas -D no v ELGETOPT_v importas -D none f ELGETOPT_f } emptyenv -oP echo $v $f $0 $#: $@' -v -f file a b
x execlineb -c 'elgetopt v execlineb -c "elgetopt w foreground { sh -c \"env | grep ELG | sort\" } emptyenv -o sh -c \"env | grep ELG\"" -w' -v

sorted '#=3' 0=z 1=a 2=b 3=c shift env
sorted '#=3' 0=z 1=a 2=b 3=c shift -n2 env
sorted '#=3' 0=z 1=a 2=b 3=c shift -n3 env
sorted '#=3' 0=z 1=a 2=b 3=c shift -n4 env
sorted '#=3' 0=z 1=a 2=b 3=c shift -n0 env
sorted '#=0' 0=z shift env
sorted '#=3' 0=z 1=a 2=b shift -n2 env
sorted '#=3' 0=z 1=a 2=b shift -n3 env
sorted '#=3' 1=a 2=b 3=c shift -n1 env
sorted '#=3' 0=z '1= a' 2= 3=c shift -b1 env
sorted '#=3' 0=z '1=' 2= 3=c shift -b2 env
sorted '#=5' 0=z 1=x '2= a' 3= 4=c 5= shift -n1 -b1 env
sorted '#=5' 0=z 1=x '2= a' 3= 4=c 5= shift -n1 -b2 env
sorted '#=2' 0=z 1=x 2= shift -b0 env
n '#=3' 0=z 1=a shift -nx env
n '#=3' 0=z 1=a shift -bx env
differs 'shift: the block'
n '#=5' 0=z 1=x '2= a' 3= 4=c 5=d shift -n1 -b2 env
differs 'shift: the block'
n '#=5' 0=z 1=x '2= a' 3= 4=c 5= shift -n1 -b3 env
differs 'shift: the block'
n '#=1' 0=z 1=x shift -n5 -b1 env
n '#=5' 0=z 1=x '2= a' 3= 4=c shift -b2 env
n EXECLINE_STRICT=1 '#=2' 0=z '1= a' 2= shift -b1 true
differs 'shift: the block'
n EXECLINE_STRICT=1 '#=5' 0=z 1=x '2= a' 3= 4=c 5= shift -n1 -b2 true
differs 'shift: the block'
n EXECLINE_STRICT=2 '#=5' 0=z 1=x '2= a' 3= 4=c 5= shift -n1 -b2 true
differs 'shift: the block'
n EXECLINE_STRICT=1 '#=6' 0=z 1=x '2=a' 3=b 4= 5=c 6= shift -n1 -b2 true
n '#=3' 0=x 1=a 2=b 3=c shift
n '#=x' shift true
n shift true
x execlineb -c 'importas first 1 shift elgetpositionals echo $first then $@' a b c
x execlineb -c 'shift -n 2 dollarat' a b c d

b() { n '#=6' 0=x '1= echo' '2= a' 3= '4= echo' '5= b' 6= "$@"; }
b runblock 1
b runblock 2
b runblock 3
b runblock 0
b runblock -1
b runblock x
b runblock -r 0
b runblock -r 2
b runblock -r 2 printf '<%s>\n'
b runblock -r 1 printf '<%s>\n'
b runblock 1 printf '<%s>\n'
b runblock -n 3 1 printf '<%s>\n'
b runblock -n 3 -r 1 printf '<%s>\n'
b runblock -n 3 -r 0 printf '<%s>\n'
b runblock -n 6 -r 0 echo
b runblock -n 7 -r 0 echo
b runblock -n 7 -r 1 echo
b runblock -n x -r 1 echo
b runblock
b runblock 1 nope
sorted '#=6' 0=x '1= env' '2= a=b' 3= 4=echo 5=b 6= runblock 1
sorted '#:1=1' 1:1=foo '#=6' 0=x '1= env' '2= a=b' 3= 4=echo 5=b 6= runblock 1
sorted '#=6' 0=x '1= env' '2= a=b' 3= 4=echo 5=b 6= runblock -P 1
n '#=6' 0=x 1=echo 2=a 3= 4=echo 5=b 6= runblock 1
n '#=6' 0=x 1=echo 2=a 3= 4=echo 5=b 6= runblock -r 1
for strict in 1 2; do
  n EXECLINE_STRICT=$strict '#=6' 0=x 1=echo 2=a 3= 4=echo 5=b 6= runblock 1
  n EXECLINE_STRICT=$strict '#=6' 0=z 1=x 2=a 3=b 4= 5=c 6= runblock -n1 2 true
  n EXECLINE_STRICT=$strict '#=6' 0=z 1=x 2=a 3=b 4= 5=c 6= runblock -r 1 true
done
n '#=2' 0=x '1= echo' '2= a' runblock 1
n '#=2' 0=x '1= echo' '2= a' runblock -r 0
n '#=2' 0=x '1= echo' runblock -r 0
n '#=2' 0=x '1= echo' runblock 1
differs 'runblock: an empty block'
n '#=1' 0=x 1= runblock 1
n '#=1' 0=x 1= runblock 1 echo
n '#=1' 0=x 1= runblock -r 1
n '#=1' 1= runblock -r 1
n '#=0' 0=z runblock -r 0
n '#=0' 0=z runblock 1 true
n runblock 1
n '#=x' runblock 1
s 'printf "#!%s\nifte { runblock 2 } { runblock -r 2 } runblock 1\n" "$(command -v execlineb)" > myifelse ; chmod 755 myifelse ; execlineb -Pc "foreground { ./myifelse { true } { echo yes } echo no } ./myifelse { false } { echo yes } echo no"'
s 'printf "#!%s\nforeground { runblock -n 1 1 } elgetpositionals emptyenv -P echo \$1 \$#\n" "$(command -v execlineb)" > my ; chmod 755 my ; ./my word " echo" " block" ""'
