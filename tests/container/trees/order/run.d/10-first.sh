echo "run.d 10-first" > /events
