echo "run.d 20-second" > /events
