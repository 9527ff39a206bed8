import { get } from 'node:http'
import { text } from 'node:stream/consumers'
import { sleep } from '../../system/time/sleep.ts'

/** What /metrics answers; asked again when it is cut off, as whoever scrapes does, for 20 s. */
export async function ask(port: number): Promise<string> {
  for (const until = Date.now() + 20_000; ; await sleep(50))
    try {
      return await once(port)
    } catch (thrown) {
      if (Date.now() > until) throw thrown
    }
}

function once(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/metrics', agent: false, timeout: 5_000 }, (response) => {
      text(response).then(resolve, reject)
    }).on('error', reject)
  })
}
