# order.awk DEPENDENCIES CHANGES: did each service start when all it needs was ready, and end before
# any of that did? The first file has lines NAME: NAME…, the second is svctl log. Prints each pair that
# is wrong and how many were looked at; exit code 1 if one is wrong.

FNR == NR {
  name = $1
  sub(/:$/, "", name)
  needs[name] = $0
  sub(/^[^ ]+ */, "", needs[name])
  next
}

# DATE TIME NAME: what became of it. What runs again counts when it first did; only ends in the stop have
# an order, before it who ends has his own reasons.
{
  name = $3
  sub(/:$/, "", name)
  what = substr($0, index($0, $3 " ") + length($3) + 1)
  if (!(name in begun) && what ~ /^(started|starting|done)/) begun[name] = NR
  if (!(name in up) && what ~ /^started/) up[name] = NR
  if (!(name in ready) && what ~ /^(ready|done)/) ready[name] = NR
  if (name == "container" && what ~ /^stop/) stopping = 1
  if (stopping && what ~ /(^|, )(down|given up|failed)/) ended[name] = NR
}

function reached(name) {
  return name in ready ? ready[name] : up[name]
}

function check(name, other) {
  pairs++
  if (reached(other) + 0 > begun[name]) {
    wrong++
    print "wrong order: " name " began before " other ", which it needs, was ready"
  }
  if (name in ended && other in ended && ended[other] < ended[name]) {
    wrong++
    print "wrong order: " other " ended before " name ", which needs it"
  }
}

END {
  for (name in begun) {
    n = split(needs[name], list, " ")
    for (i = 1 ; i <= n ; i++) if (list[i] != name && list[i] in begun) check(name, list[i])
  }
  print pairs + 0 " pairs of services in order" (wrong ? ", but for these " wrong : "")
  exit wrong > 0
}
