# Every command with too few arguments, and with an option that it does not have.

known() { # known NAME ARG…: says of the cases that differ why they do
  case "$*" in
    'elgetpositionals -Z'*) ;;
    elgetpositionals*) differs 'positional parameters that are not there' ;;
    homeof) ;;
    homeof*) differs 'a doubled colon' ;;
    'forbacktickx  ') differs 'forbacktickx is one program' ;;
    'posix-umask  ') differs 'posix-umask: a mode' ;;
  esac
  x "$@"
}

for name in $(ls "${PATH%%:*}"); do
  known "$name"
  known "$name" -Z
  known "$name" nosuch
  known "$name" 1 2
  known "$name" '' ''
  known "$name" -- --
done
