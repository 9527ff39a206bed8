/** For people and logs: the URL of a broker may have a password in it. */
export function hostOf(broker: string): string {
  return URL.canParse(broker) ? new URL(broker).host : 'the broker'
}
