import type { Host } from '../host/host.ts'

/** What the camera's page says: who asked, and how often it was asked. Text, so that curl's output reads well. */
const PAGE_SERVER = `
let asked = 0
require('node:http').createServer((request, response) => {
  asked += 1
  response.setHeader('content-type', 'text/html; charset=utf-8')
  response.setHeader('connection', 'close')
  response.end('<!doctype html><title>camera</title><h1>camera</h1><p>asked by ' +
    request.socket.remoteAddress + '</p><p>picture ' + asked + '</p>\\n')
}).listen(80, '0.0.0.0', () => console.log('ready'))
`

/** Starts the camera's page on port 80 of a host; it lives as long as the host. */
export async function serveCameraPage(host: Host): Promise<void> {
  await host.start(process.execPath, ['-e', PAGE_SERVER]).waitForLine(/^ready$/)
}

/** Whom the camera saw asking, read from its page. */
export function askedBy(page: string): string | undefined {
  return /asked by (?:::ffff:)?([\d.]+)/.exec(page)?.[1]
}
