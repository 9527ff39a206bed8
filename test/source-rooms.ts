/** The folders of the program's own sources, which the build makes dist/ of; tests that read them find a new one here. */
export const SOURCE_ROOMS: readonly string[] = [
  'adapters',
  'agent',
  'alerts',
  'backup',
  'cli',
  'hub',
  'net',
  'problems',
  'protocol',
  'system',
  'wireguard',
]
