/**
 * The shell's words that begin an interface again. Not by ifup while somebody's changes of the network are not
 * committed: ifup reloads netifd, which takes what is staged for committed (libuci's uci_load_delta).
 */
export function restartInterface(name: string): string {
  const call = (verb: 'down' | 'up'): string => `ubus call network.interface.${name} ${verb}`
  return `if [ -n "$(uci changes network)" ]; then ${call('down')}; ${call('up')}; else ifup ${name}; fi`
}
