echo "run.d $CONTAINER_ROLE" > /events
