import { generateKeyPairSync, sign } from 'node:crypto'

// Just enough DER (X.690) to write an X.509 certificate (RFC 5280). Node reads certificates but makes none.

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const header = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...header]), content])
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts)
const oid = (...bytes: readonly number[]): Buffer => der(0x06, Uint8Array.from(bytes))
const utcTime = (date: Date): Buffer =>
  der(0x17, Buffer.from(`${date.toISOString().slice(2, 19).replace(/[-:T]/g, '')}Z`))
const bitString = (bytes: Uint8Array): Buffer => der(0x03, Uint8Array.of(0), bytes)

const ECDSA_WITH_SHA256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02))
const COMMON_NAME = [0x55, 0x04, 0x03]
const SUBJECT_ALT_NAME = [0x55, 0x1d, 0x11]
const IP_ADDRESS = 0x87
const DAY_MS = 86_400_000

/**
 * Makes a self-signed certificate for 127.0.0.1, or for another IPv4 address.
 *
 * @param daysLeft negative: it has expired
 */
export function selfSigned({ address = '127.0.0.1', daysLeft = 1 } = {}): {
  readonly key: string
  readonly cert: string
} {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const name = sequence(der(0x31, sequence(oid(...COMMON_NAME), der(0x0c, Buffer.from('escudo test')))))
  const altName = sequence(der(IP_ADDRESS, Uint8Array.from(address.split('.').map(Number))))
  const extensions = der(0xa3, sequence(sequence(oid(...SUBJECT_ALT_NAME), der(0x04, altName))))
  const validity = sequence(
    utcTime(new Date(Date.now() - 30 * DAY_MS)),
    utcTime(new Date(Date.now() + daysLeft * DAY_MS)),
  )
  const version3 = der(0xa0, der(0x02, Uint8Array.of(2)))
  const serial = der(0x02, Uint8Array.of(1))
  const subjectKey = publicKey.export({ type: 'spki', format: 'der' })
  const body = sequence(version3, serial, ECDSA_WITH_SHA256, name, validity, name, subjectKey, extensions)
  const certificate = sequence(body, ECDSA_WITH_SHA256, bitString(sign('sha256', body, privateKey)))
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`,
  }
}
