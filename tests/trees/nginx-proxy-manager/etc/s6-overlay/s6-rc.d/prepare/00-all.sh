#!/command/with-contenv sh
set -e
. /usr/bin/common.sh
. /etc/s6-overlay/s6-rc.d/prepare/10-usergroup.sh
. /etc/s6-overlay/s6-rc.d/prepare/90-banner.sh
