# of 00-all.sh
log_info "usergroup of $PUID"
