set +e
log_info "banner"
