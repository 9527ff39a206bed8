import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeCertificate } from '../../../hub/settings/certificate.ts'
import type { Manner, Received } from '../../fake/alert-receiver.ts'
import { askedProgram } from '../host/asked-program.ts'
import { bundleFor } from '../host/bundle.ts'
import type { Host } from '../host/host.ts'
import type { Lab } from '../lab.ts'

/** An HTTPS server on the internet that takes alerts. */
export interface Receiver {
  /** `https://ADDRESS:8443` */
  readonly url: string
  /** For NODE_EXTRA_CA_CERTS: who is to trust it. */
  readonly trust: Readonly<Record<string, string>>
  readonly received: () => Promise<readonly Received[]>
  readonly behave: (path: string, manner: Manner) => Promise<void>
}

export async function startReceiver(lab: Lab, host: Host, address: string): Promise<Receiver> {
  const { key, certificate } = makeCertificate([address])
  const [keyFile, certificateFile] = [join(host.disk.path, 'receiver.key'), join(host.disk.path, 'receiver.crt')]
  await writeFile(keyFile, key, { mode: 0o600 })
  await writeFile(certificateFile, certificate)
  const program = await bundleFor(lab.folder, new URL('../../fake/lab-receiver.ts', import.meta.url))
  const asked = askedProgram('the receiver of alerts')
  await asked.begin(host.start(process.execPath, [program, '8443', keyFile, certificateFile]))
  return {
    url: `https://${address}:8443`,
    trust: { NODE_EXTRA_CA_CERTS: certificateFile },
    received: () => asked.ask<readonly Received[]>({ what: 'received' }),
    behave: async (path, manner) => {
      await asked.ask({ what: 'behave', path, manner })
    },
  }
}
