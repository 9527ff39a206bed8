import { BlockList, isIPv6 } from 'node:net'

/** Whether an address is in a list like `192.168.1.2,10.0.0.0/8`, as `address` of services and users is; empty: all are. */
export function isFrom(list: string, address: string): boolean {
  if (list === '') return true
  const allowed = new BlockList()
  for (const one of list.split(',')) {
    const [literal = '', length] = one.split('/')
    const family = familyOf(literal)
    allowed.addSubnet(literal, Number(length ?? (family === 'ipv6' ? 128 : 32)), family)
  }
  return allowed.check(address, familyOf(address))
}

function familyOf(literal: string): 'ipv4' | 'ipv6' {
  return isIPv6(literal) ? 'ipv6' : 'ipv4'
}
