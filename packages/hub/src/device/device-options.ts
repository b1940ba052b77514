import { type CertificateInput, type CsrKey, checkNames, type KnownNames } from '@fleetcert/core'
import type { FactoryEnrollment } from './factory-enrollment.ts'

/** How a hub serves devices. */
export interface DeviceOptions {
  /**
   * How long after the end of its certificate's validity a device may still renew it over HTTP. Only renewal forgives, and it forgives nothing but this: not a revocation, not a CA that has expired. Default 0.
   */
  readonly renewalGraceSeconds?: number
  /** How many enrolments, and how many renewals, are under way at a time. More are asked to come back, each at another time. Default 64. */
  readonly maximumConcurrent?: number
  /** How often a device asks when to renew: its Retry-After, give or take a fifth. Default 6 hours. */
  readonly renewalInfoSeconds?: number
  /** Enrolment over EST by a certificate that a manufacturer put into the device. Without it there is none. */
  readonly factory?: FactoryEnrollment
  /** The labels of EST's addresses, `/.well-known/est/<label>/…`; others are not found. Default: none. */
  readonly labels?: Readonly<Record<string, EstLabel>>
  /** The key that EST's csrattrs asks for where no label says otherwise. Default `P-256`. */
  readonly key?: CsrKey
}

/** What a label of EST stands for. */
export interface EstLabel {
  /** A profile of `openFleet`'s. For devices that enrol by a factory certificate: a token says itself what it grants, and a renewal keeps what was. */
  readonly profile?: string
  /** The key that csrattrs asks for. */
  readonly key?: CsrKey
}

/** The options with their defaults. */
export interface DeviceSettings {
  readonly renewalGraceSeconds: number
  readonly maximumConcurrent: number
  readonly renewalInfoSeconds: number
  readonly factory: FactoryEnrollment | undefined
  readonly labels: ReadonlyMap<string, EstLabel>
  readonly key: CsrKey
}

const optionNames: KnownNames<DeviceOptions> = {
  renewalGraceSeconds: true,
  maximumConcurrent: true,
  renewalInfoSeconds: true,
  factory: true,
  labels: true,
  key: true,
}
const yearSeconds = 366 * 86_400
const keys: readonly unknown[] = ['P-256', 'P-384', 'Ed25519', 'RSA'] satisfies readonly CsrKey[]

/** @throws TypeError, RangeError */
export function deviceSettings(options: DeviceOptions = {}): DeviceSettings {
  checkNames('createHub: device', options, optionNames)
  const { renewalGraceSeconds = 0, maximumConcurrent = 64, renewalInfoSeconds = 6 * 3600, factory } = options
  assertInteger('renewalGraceSeconds', renewalGraceSeconds, 0, 10 * yearSeconds)
  assertInteger('maximumConcurrent', maximumConcurrent, 1, 100_000)
  assertInteger('renewalInfoSeconds', renewalInfoSeconds, 1, yearSeconds)
  const { key = 'P-256' } = options
  assertKey('key', key)
  const labels = new Map(Object.entries(options.labels ?? {}))
  for (const [label, meant] of labels) {
    // RFC 7030 section 3.2.2: a label is one segment of the path, and none of the operations. Nothing in it needs an encoding.
    if (!/^[A-Za-z0-9][A-Za-z0-9._~-]{0,63}$/.test(label) || estOperations.includes(label)) {
      throw new TypeError(
        'createHub: device.labels: expected names of letters, digits and . _ ~ -, no operation of EST',
      )
    }
    if (typeof meant !== 'object' || meant === null) throw new TypeError('createHub: device.labels: expected objects')
    if (meant.profile !== undefined && typeof meant.profile !== 'string') {
      throw new TypeError('createHub: device.labels: expected the name of a profile')
    }
    if (meant.key !== undefined) assertKey('labels', meant.key)
  }
  if (factory !== undefined) assertFactory(factory)
  return { renewalGraceSeconds, maximumConcurrent, renewalInfoSeconds, factory, labels, key }
}

const estOperations: readonly string[] = [
  'cacerts',
  'simpleenroll',
  'simplereenroll',
  'fullcmc',
  'serverkeygen',
  'csrattrs',
]

function assertInteger(name: string, value: number, least: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw new RangeError(`createHub: device.${name}: expected a whole number from ${least} to ${most}`)
  }
}

function assertKey(name: string, key: unknown): void {
  if (!keys.includes(key)) throw new TypeError(`createHub: device.${name}: expected one of ${keys.join(', ')}`)
}

function assertFactory({ enroll, trustAnchors }: FactoryEnrollment): void {
  if (typeof enroll !== 'function') throw new TypeError('createHub: device.factory.enroll: expected a function')
  const anchors: readonly CertificateInput[] = [trustAnchors].flat()
  if (anchors.length === 0) throw new TypeError('createHub: device.factory.trustAnchors: expected a certificate')
}
