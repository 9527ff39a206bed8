import type { RouterKind } from './evidence.ts'

/** The RouterOS API's ports: encrypted and plain (RouterOS, IP services). */
export const API_PORTS = { tls: 8729, plain: 8728 } as const

/** The longest identification string (RFC 4253, 4.2), with its end of line. */
export const LONGEST_BANNER = 255

/** The identification string in what an SSH server says first (RFC 4253, 4.2); null: it is none. */
export function sshBanner(said: string): string | null {
  // Lines before it are allowed, and no router has them.
  return /^SSH-(?:2\.0|1\.99)-[^\r\n]{1,200}/m.exec(said.slice(0, 2 * LONGEST_BANNER))?.[0] ?? null
}

/**
 * Which kind of router has this SSH server. RouterOS has its own (`SSH-2.0-ROSSSH`). OpenWrt's is dropbear, which other
 * small systems have too: alone it makes a router no OpenWrt.
 */
export function kindBySsh(banner: string): RouterKind | 'dropbear' | null {
  if (/^SSH-2\.0-ROSSSH\b/.test(banner)) return 'mikrotik'
  return /^SSH-2\.0-dropbear(?:_|$)/.test(banner) ? 'dropbear' : null
}

/**
 * Which kind of router has this first page. OpenWrt's leads to LuCI by `cgi-bin/luci` (luci-base, root/www/index.html);
 * RouterOS's has `RouterOS` or `WebFig` in its title.
 */
export function kindByPage(page: string): RouterKind | null {
  if (/[/"'= ]cgi-bin\/luci\b/i.test(page)) return 'openwrt'
  const title = /<title[^>]{0,100}>([^<]{0,200})/i.exec(page)?.[1] ?? ''
  if (/\bLuCI\b/.test(title)) return 'openwrt'
  return /\b(?:RouterOS|WebFig)\b/i.test(title) ? 'mikrotik' : null
}
