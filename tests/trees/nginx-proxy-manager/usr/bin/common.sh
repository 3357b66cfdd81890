log_info() { echo "$*" >> /events; }
