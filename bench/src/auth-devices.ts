import { createHash } from 'node:crypto'
import { parseCertificate } from '@fleetcert/core'

const digits = 7
const octetsOfSerial = 16

/** A certificate of the fleet from which those of all other devices are made: the same octets but for device id and serial number. */
export interface Template {
  /** DER, base64. */
  readonly certificate: string
  readonly secret: string
}

/** What a request of EMQX and a row of the store have in common. */
export interface BenchDevice {
  readonly deviceId: string
  readonly serialNumber: Uint8Array
  readonly der: Buffer
}

/** Every device id has the same length, so that every certificate has. */
export function benchDeviceId(index: number): string {
  return `pump-${String(index).padStart(digits, '0')}`
}

/** Makes the certificate of device `index`, the same each time; its signature is the template's, which nobody looks at who asks for a fingerprint. */
export function deviceMaker({ certificate }: Pick<Template, 'certificate'>): (index: number) => BenchDevice {
  const template = Buffer.from(certificate, 'base64')
  const serialAt = template.indexOf(Buffer.from(parseCertificate(template).serialNumber, 'hex'))
  const id = benchDeviceId(0)
  const ids: number[] = []
  for (let at = template.indexOf(id); at !== -1; at = template.indexOf(id, at + 1)) ids.push(at)
  if (ids.length === 0 || serialAt === -1) throw new Error('the template is not of the first device')
  return index => {
    const deviceId = benchDeviceId(index)
    const der = Buffer.from(template)
    if (index > 0) {
      for (const at of ids) der.write(deviceId, at, 'latin1')
      // The first octet stays: it says how long the number is.
      createHash('sha256')
        .update(deviceId)
        .digest()
        .copy(der, serialAt + 1, 0, octetsOfSerial - 1)
    }
    return { deviceId, serialNumber: der.subarray(serialAt, serialAt + octetsOfSerial), der }
  }
}

/** The request of EMQX 5 with the headers and keys of `emqxConfig`. Of the same length for every device. */
export function emqxRequest({ deviceId, der }: BenchDevice, secret: string): Buffer {
  const body = JSON.stringify({
    username: '',
    peerhost: '127.0.0.1',
    clientid: deviceId,
    cert_subject: `CN=${deviceId}`,
    cert_pem: der.toString('base64'),
    cert_common_name: deviceId,
  })
  const head = [
    'POST /api/devices/certificates/validate HTTP/1.1',
    `content-length: ${body.length}`,
    'host: 127.0.0.1:3000',
    'accept: application/json',
    'connection: keep-alive',
    'content-type: application/json',
    'keep-alive: timeout=30, max=1000',
    `x-broker-secret: ${secret}`,
  ]
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1')
}
