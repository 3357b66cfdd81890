# posix-cd and posix-umask.

mkdir -p d/e z other/d; ln -s d/e dl; : > f
here=$PWD
r() { s 'env -i PATH="$PATH" PWD="$PWD" HOME="$PWD/z" OLDPWD=/usr "$@"' "$@"; }
show='echo $PWD $OLDPWD; /bin/pwd -P'
for flags in '' -LP -PL; do
  for dir in d dl dl/.. ./dl/.././d - / //tmp ///tmp ../ .. . d/ d//e nope f nope/.. f/.. '' d/../d/e; do
    # shellcheck disable=SC2086 # options
    r posix-cd $flags "$dir" sh -c "$show"
  done
  # shellcheck disable=SC2086
  r posix-cd $flags
done
r posix-cd -- -
r posix-cd -
r posix-cd -Z
r posix-cd d
r posix-cd d nope
for path in /usr:/ /usr "$here/other" :/usr '' other/ /nope d:other "$here/other::"; do
  for dir in bin d e ../z .; do
    case $path,$dir in /usr*,d | /nope,d) differs 'posix-cd: CDPATH' ;; esac
    r CDPATH="$path" posix-cd "$dir" sh -c "$show"
  done
done
r CDPATH=/usr posix-cd -P bin
r CDPATH=/usr posix-cd bin
r PWD= posix-cd d sh -c "$show"
for pwd in /nope relative; do
  differs 'posix-cd: PWD'
  r PWD=$pwd posix-cd d sh -c "$show"
done
r PWD="$here/./" posix-cd d sh -c "$show"
s 'cd dl && env PWD="$1/dl" posix-cd .. sh -c "$2"' "$here" "$show"
s 'cd dl && env PWD="$1/dl" posix-cd -P .. sh -c "$2"' "$here" "$show"
s 'env -u PWD posix-cd d sh -c "$1"' "$show"
r HOME= posix-cd
r HOME=/nope posix-cd
differs 'posix-cd: HOME'
s 'env -u HOME posix-cd'
differs 'posix-cd: HOME'
s 'env -u OLDPWD posix-cd -'
r OLDPWD=/nope posix-cd - env
r OLDPWD= posix-cd - env
s 'posix-cd - > /dev/full'

u() { s 'umask "$1" ; shift ; exec posix-umask "$@"' "$@"; }
for mask in 022 137; do
  u "$mask"
  u "$mask" -S
  for mode in 0 22 027 0777 1777 7777 77777 8 08 x u=rwx,g=rx a=rx a+x u-w g+w o-rwx g=u o=g,u=o u+s a+t +w =r ug=rw u=rwX a+X u+r+w u+rw-x ug+r,o-w g=ou , u, u=z z=r u=rwxs g-u o+g +X ugo=rwx uuu+r a+rwx=r = + u=rwx,, ,u=r u+a a=u o=u-w 022x -S; do
    u "$mask" "$mode" posix-umask
  done
  u "$mask" -- -w posix-umask
  u "$mask" -- -x,g+x posix-umask
done
for mode in u= a= o= u=rwx,g=rx,o= ug=,o=r =g +o; do
  differs 'posix-umask: a class'
  u 022 "$mode" posix-umask
done
for mode in u ''; do
  differs 'posix-umask: a mode'
  u 022 "$mode" posix-umask
done
u 022 u,g=r posix-umask
u 022 -S u=rx
u 022 -S foo
u 022 -S 027 echo a
u 022 027
u 022 -Z
u 022 -x
u 022 027 nope
s 'posix-umask > /dev/full'
