import { readFile } from 'node:fs/promises'
import { isIPv4 } from 'node:net'

/** resolv.conf(5), and the servers behind systemd-resolved's stub (systemd-resolved.service(8), "/etc/resolv.conf"). */
const FILES = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf']

/** The IPv4 name servers that this machine asks, without those on itself. Never throws. */
export async function readResolvers(files: readonly string[] = FILES): Promise<readonly string[]> {
  const texts = await Promise.all(files.map((path) => readFile(path, 'utf8').catch(() => '')))
  const found = texts.flatMap((text) =>
    [...text.matchAll(/^[ \t]*nameserver[ \t]+(\S+)/gm)].flatMap(([, server = '']) =>
      isIPv4(server) && !server.startsWith('127.') ? [server] : [],
    ),
  )
  return [...new Set(found)]
}
