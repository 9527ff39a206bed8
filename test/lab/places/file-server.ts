import { join } from 'node:path'
import { runCommand } from '../../../system/process/run-command.ts'
import type { Host } from '../host/host.ts'

/** Arguments: what is served over HTTPS, its key and certificate, and what over HTTP. */
const SERVER = `
const { createReadStream, readFileSync } = require('node:fs')
const [secret, key, cert, plain] = process.argv.slice(1)
const filesOf = (folder) => (request, response) =>
  createReadStream(folder + decodeURIComponent(new URL(request.url, 'http://x').pathname))
    .on('error', () => response.writeHead(404).end())
    .pipe(response)
require('node:https')
  .createServer({ key: readFileSync(key), cert: readFileSync(cert) }, filesOf(secret))
  .listen(443, () => require('node:http').createServer(filesOf(plain)).listen(80, () => console.log('ready')))
`

/**
 * Serves two folders of static files on a host, as long as it lives: one over HTTPS by a name, one over HTTP.
 * @returns the certificate, which is its own authority: its path.
 */
export async function serveFiles(
  host: Host,
  secret: { readonly folder: string; readonly name: string },
  plain: string,
): Promise<string> {
  const [key, certificate] = [join(host.disk.path, 'tls.key'), join(host.disk.path, 'tls.crt')]
  const made = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    key,
    '-out',
    certificate,
  ]
  const named = ['-days', '2', '-subj', `/CN=${secret.name}`, '-addext', `subjectAltName=DNS:${secret.name}`]
  await runCommand('openssl', ['req', '-x509', ...made, ...named])
  await host.start(process.execPath, ['-e', SERVER, secret.folder, key, certificate, plain]).waitForLine(/^ready$/)
  return certificate
}
