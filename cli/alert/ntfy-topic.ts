import { randomInt } from 'node:crypto'

/** Without what people mistake for one another where they type it. */
const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789'
/** 32 letters to the power of 16: 80 bits. Whoever knows a topic reads it, so nobody must guess it. */
const LENGTH = 16

export function newNtfyTopic(): string {
  const letters = Array.from({ length: LENGTH }, () => LETTERS[randomInt(LETTERS.length)])
  return `homeward-${letters.join('')}`
}

/** The link by which the ntfy app for Android subscribes to a topic (docs.ntfy.sh/subscribe/phone, “ntfy:// links”). */
export function subscribeLink(server: string, topic: string, name: string): string {
  const { host, protocol } = new URL(server)
  const plain = protocol === 'http:' ? '&secure=false' : ''
  return `ntfy://${host}/${topic}?display=${encodeURIComponent(name)}${plain}`
}
