import { createHash } from 'node:crypto'
import { type CertificateRecord, type DeviceRecord, type Fleet, type Identification, PkiError } from '@fleetcert/core'

export type StubFleet = Pick<Fleet, 'identify' | 'device'>
type Status = Exclude<Identification['status'], 'unknown'>

export interface StubDevice {
  readonly deviceId: string
  readonly der: Uint8Array
  readonly role?: 'device' | 'service'
  readonly certificateRole?: CertificateRecord['role']
  readonly state?: CertificateRecord['state']
  readonly owner?: string
  readonly attributes?: Record<string, string>
  readonly status?: Status
  readonly notAfter?: Date
  readonly supersededAt?: Date
}

/** A DER SEQUENCE to stand for a certificate: the fleet compares it as a whole. */
export function fakeDer(content: string): Uint8Array {
  const octets = Buffer.from(content)
  return Buffer.concat([Buffer.from([0x30, 0x82, octets.length >> 8, octets.length & 0xff]), octets])
}

/** What a fleet answers about certificates that are only bytes. */
export function stubFleet(devices: readonly StubDevice[]): StubFleet {
  const answers = devices.map(device => {
    const { deviceId, der, role = 'device', status = 'active', owner, attributes = {} } = device
    const fingerprint = createHash('sha256').update(der).digest()
    const dates = {
      notBefore: new Date('2026-01-01T00:00:00Z'),
      notAfter: device.notAfter ?? new Date('2027-01-01T00:00:00Z'),
    }
    const createdAt = dates.notBefore
    const id = { issuerKeyId: 'ab'.repeat(32), serialNumber: '0a1b' }
    const common = { deviceId, attributes, ...(owner === undefined ? {} : { owner }), ...dates, createdAt }
    const certificate: CertificateRecord = {
      ...common,
      id,
      role: device.certificateRole ?? role,
      profile: 'device',
      publicKeyHash: new Uint8Array(32),
      shard: 0,
      state: device.state ?? 'issued',
      fingerprint,
      der,
      ...(device.supersededAt === undefined ? {} : { supersededAt: device.supersededAt }),
    }
    const record: DeviceRecord = { ...common, ...id, role, status, fingerprint: colons(fingerprint) }
    return { status, device: record, certificate } as Extract<Identification, { status: Status }>
  })
  return {
    async identify(evidence) {
      const hash =
        'der' in evidence
          ? colons(createHash('sha256').update(evidence.der).digest())
          : colons(Buffer.from(evidence.fingerprint.replaceAll(':', ''), 'hex'))
      if (!/^[0-9A-F]{2}(:[0-9A-F]{2}){31}$/.test(hash))
        throw new PkiError('ERR_PKI_FINGERPRINT', { reason: 'wrong length' })
      return answers.find(answer => answer.device.fingerprint === hash) ?? { status: 'unknown' }
    },
    async device(deviceId) {
      return answers.find(answer => answer.device.deviceId === deviceId)?.device
    },
  }
}

/** A fleet that cannot answer. */
export function brokenFleet(error: unknown): StubFleet {
  const fail = (): Promise<never> => Promise.reject(error)
  return { identify: fail, device: fail }
}

function colons(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex').toUpperCase().match(/../g)?.join(':') ?? ''
}
