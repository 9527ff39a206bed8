import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { runCommand } from '../system/process/run-command.ts'
import type { Pin } from './node/pins.ts'

/** CycloneDX, the version of its schema that most readers know. */
const SPEC_VERSION = '1.6'

interface Bom {
  serialNumber?: string
  readonly metadata: { timestamp?: string; readonly component: { version?: string } }
}

/**
 * What is in the bundle as a bill of materials (CycloneDX 1.6, JSON), made by the CycloneDX project's own tool from esbuild's
 * metafile and checked against the schema. Time and serial number, which the tool leaves out where the same shall come out twice, are those of the
 * commit.
 * @param root the folder of the build, with node_modules.
 * @param metafile the path of esbuild's metafile.
 */
export async function bomOf(
  root: string,
  metafile: string,
  { version, commit, committedAt }: { readonly version: string; readonly commit: string; readonly committedAt: number },
): Promise<string> {
  const tool = join(root, 'node_modules/@cyclonedx/cyclonedx-esbuild/bin/cyclonedx-esbuild-cli.js')
  const options = [
    '--build-working-dir',
    root,
    '--spec-version',
    SPEC_VERSION,
    '--output-reproducible',
    '--no-validate',
  ]
  const { stdout } = await runCommand(process.execPath, [tool, ...options, metafile], { timeoutMs: 120_000 })
  const bom: Bom = JSON.parse(stdout)
  bom.serialNumber = `urn:uuid:${uuidOf(`homeward ${version} ${commit}`)}`
  bom.metadata.timestamp = new Date(committedAt * 1000).toISOString()
  bom.metadata.component.version = version
  const text = `${JSON.stringify(bom, null, 2)}\n`
  const faults = await schemaFaults(root, text)
  if (faults !== null) throw new Error(`the bill of materials is not of CycloneDX ${SPEC_VERSION}: ${faults}`)
  return text
}

/**
 * The same with the Node that a release brings, under the name that advisories have it (CPE and purl of nodejs.org's).
 * @throws where it is no bill of materials any more.
 */
export async function withNode(root: string, bom: string, { name, version, integrity }: Pin): Promise<string> {
  const content = Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex')
  const component = {
    type: 'application',
    name: 'node',
    version,
    'bom-ref': `node@${version}`,
    scope: 'required',
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    purl: `pkg:npm/${name}@${version}`,
    externalReferences: [{ type: 'distribution', url: 'https://nodejs.org', hashes: [{ alg: 'SHA-512', content }] }],
  }
  const read = JSON.parse(bom)
  const text = `${JSON.stringify({ ...read, components: [...read.components, component] }, null, 2)}\n`
  const faults = await schemaFaults(root, text)
  if (faults !== null) throw new Error(`the bill of materials with Node is not of CycloneDX ${SPEC_VERSION}: ${faults}`)
  return text
}

/** What the schema has against a bill of materials, as JSON; null: nothing. */
async function schemaFaults(root: string, text: string): Promise<string | null> {
  const { JsonStrictValidator } = createRequire(join(root, 'package.json'))(
    '@cyclonedx/cyclonedx-library/Validation',
  ) as {
    readonly JsonStrictValidator: new (version: string) => { validate(data: string): Promise<unknown> }
  }
  const found = await new JsonStrictValidator(SPEC_VERSION).validate(text)
  return found === null ? null : JSON.stringify(found)
}

/** One that names something by itself (RFC 9562, 5.8: version 8, of a vendor's own making). */
function uuidOf(name: string): string {
  const bytes = createHash('sha256').update(name).digest().subarray(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
