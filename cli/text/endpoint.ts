/** Whether an endpoint is a port of this machine, which tells nobody where the other end is. */
export function isOnLoopback(endpoint: string | null): boolean {
  return endpoint !== null && /^(?:127\.|\[::1\])/.test(endpoint)
}
