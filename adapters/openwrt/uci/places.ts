/** Our folder on the router: in RAM, for root only, gone after a reboot. */
export const RUN = '/var/run/homeward'

/** The folder of uci's files, on the flash. */
export const ETC = '/etc/config'

/** A temporary file on the same file system; uci reads no file of such a name. */
export function tempOf(file: string): string {
  return `${ETC}/.${file}.homeward`
}
