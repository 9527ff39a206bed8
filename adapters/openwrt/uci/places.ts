/** Our folder on the router: in RAM, for root only, gone after a reboot. */
export const RUN = '/var/run/homeward'
