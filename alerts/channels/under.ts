/** A path of a server that may itself stand under a path. */
export function under(server: string, path: string): string {
  return `${server.replace(/\/+$/, '')}/${path}`
}
