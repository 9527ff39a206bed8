import { createHash, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** A key and its certificate, as PEM. */
export interface KeyAndCertificate {
  readonly key: string
  readonly certificate: string
}

/**
 * Makes the registrar's self-signed certificate. It is valid from 1970 to 9999: the pin in the token decides, and a Pi
 * may wake up in 1970. Written in DER by hand, since Node signs but makes no certificates. Field names are RFC 5280's.
 */
export function makeCertificate(addresses: readonly string[]): KeyAndCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = sequence(set(sequence(oid(COMMON_NAME), utf8('homeward hub'))))
  const algorithm = sequence(oid(ECDSA_WITH_SHA256))
  const toBeSigned = sequence(
    explicit(0, integer(Buffer.from([2]))), // version: v3
    integer(serialNumber()),
    algorithm,
    name, // issuer
    // RFC 5280, 4.1.2.5: years to 2049 as UTCTime; 99991231235959Z says that there is no end.
    sequence(tagged(0x17, Buffer.from('700101000000Z')), tagged(0x18, Buffer.from('99991231235959Z'))),
    name, // subject
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensions(addresses))),
  )
  const signature = sign('sha256', toBeSigned, privateKey)
  const certificate = sequence(toBeSigned, algorithm, bitString(signature))
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: pem(certificate),
  }
}

/** SHA-256 of the certificate, as tokens pin it: 64 lower-case hex digits. */
export function fingerprintOf(certificate: string): string {
  return createHash('sha256').update(new X509Certificate(certificate).raw).digest('hex')
}

const COMMON_NAME = '550403' // 2.5.4.3
const ECDSA_WITH_SHA256 = '2a8648ce3d040302' // 1.2.840.10045.4.3.2
const BASIC_CONSTRAINTS = '551d13'
const KEY_USAGE = '551d0f'
const EXTENDED_KEY_USAGE = '551d25'
const SERVER_AUTH = '2b06010505070301'
const SUBJECT_ALT_NAME = '551d11'

function extensions(addresses: readonly string[]): Buffer[] {
  const critical = tagged(0x01, Buffer.from([0xff]))
  return [
    // Not a CA, and good only for signing the handshake of a server: bit 0 of KeyUsage is digitalSignature.
    sequence(oid(BASIC_CONSTRAINTS), critical, octets(sequence())),
    sequence(oid(KEY_USAGE), critical, octets(tagged(0x03, Buffer.from([7, 0b1000_0000])))),
    sequence(oid(EXTENDED_KEY_USAGE), octets(sequence(oid(SERVER_AUTH)))),
    sequence(oid(SUBJECT_ALT_NAME), octets(sequence(...addresses.map(generalName)))),
  ]
}

/** A GeneralName (RFC 5280, 4.2.1.6): [2] dNSName, [7] iPAddress, which has no zone. */
function generalName(address: string): Buffer {
  return isIP(address) === 0
    ? tagged(0x82, Buffer.from(address, 'ascii'))
    : tagged(0x87, Buffer.from(ipaddr.parse(address.replace(/%.*$/, '')).toByteArray()))
}

/** A serial number: positive, not zero, 16 bytes. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes
}

function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content])
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  const hex = length.toString(16)
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes])
}

const sequence = (...parts: readonly Buffer[]): Buffer => tagged(0x30, ...parts)
const set = (...parts: readonly Buffer[]): Buffer => tagged(0x31, ...parts)
const explicit = (number: number, part: Buffer): Buffer => tagged(0xa0 | number, part)
const integer = (bytes: Buffer): Buffer => tagged(0x02, bytes)
const oid = (hex: string): Buffer => tagged(0x06, Buffer.from(hex, 'hex'))
const utf8 = (text: string): Buffer => tagged(0x0c, Buffer.from(text))
const octets = (part: Buffer): Buffer => tagged(0x04, part)
const bitString = (bytes: Buffer): Buffer => tagged(0x03, Buffer.from([0]), bytes)

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
