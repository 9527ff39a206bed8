/** Ours on the router: in RAM, for root alone, gone after a reboot. */
export const RUN = '/var/run/homeward'
