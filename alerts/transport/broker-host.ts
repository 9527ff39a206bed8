/** A broker's name for people and logs: its URL may have a password in it. */
export function hostOf(broker: string): string {
  return URL.canParse(broker) ? new URL(broker).host : 'the broker'
}
