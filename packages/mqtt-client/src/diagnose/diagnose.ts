import { parseBrokerUrl } from '../broker-address.ts'
import type { DeviceIdentity } from '../device-identity.ts'
import { parseHubUrl } from '../hub/hub-address.ts'
import { plainText } from '../plain-text.ts'
import { type CertificateFacts, certificateFacts } from './certificate-facts.ts'
import { examineIdentity } from './examine-identity.ts'
import { examineServer } from './examine-server.ts'
import { type Finding, finding } from './finding.ts'
import type { FindingCode } from './finding-table.ts'
import { probeMqtt } from './probe-mqtt.ts'
import { probeDns, probeTcp } from './probe-network.ts'
import { probeTls, type TlsProbe, type TlsProbeOptions } from './probe-tls.ts'
import { readClock } from './read-clock.ts'

/** How {@link diagnose} looks. */
export interface DiagnoseOptions {
  /** `https://…`: where the hub is, to compare the device's clock with its. */
  readonly hubUrl?: string
  /** As in `connectDevice`. Default: the URL's host. */
  readonly serverName?: string
  /**
   * As in `connectDevice`. Default: the device id. A broker ends another connection of the same client identifier, so a device that is connected now is thrown out, and comes back; its session is kept.
   */
  readonly clientId?: string
  /** As in `connectDevice`. Default 4. */
  readonly protocolVersion?: 4 | 5
  /** For each step. Default 10. */
  readonly timeoutSeconds?: number
  readonly signal?: AbortSignal
}

/** What is the matter with a device's connection. It holds no key and no PEM, so it may be logged and sent around. */
export interface Diagnosis {
  /** Whether nothing stands in the way: no finding is a problem. */
  readonly ok: boolean
  /** In the order in which a connection comes about. */
  readonly findings: readonly Finding[]
  /** The device's certificate, where it can be read. */
  readonly client?: CertificateFacts
  /** What the server showed before it was trusted, where it came to that. */
  readonly server?: ServerFacts
  /** How far the device's clock is ahead of the hub's, in seconds; negative is behind. Only where a hub told the time. */
  readonly clockOffsetSeconds?: number
}

/** What a server showed of itself in TLS. */
export interface ServerFacts {
  /** `TLSv1.3` */
  readonly version: string
  /** Cipher suite. */
  readonly cipher: string
  /** Whether it asks for a client certificate. */
  readonly asksForCertificate: boolean
  /** Its own first. */
  readonly certificates: readonly CertificateFacts[]
}

/**
 * Finds out why a device cannot connect, or whether it could: the device's own files, its clock, DNS, TCP, TLS, the server's certificates, whether the server wants and takes the device's certificate, and MQTT. Each finding has a code, a
 * sentence and what to do.
 *
 * The server is first looked at without being trusted: no client certificate is shown and nothing is sent. Only if it stands up to all checks the device connects as it always does, and leaves at once.
 *
 * It rejects only for mistakes in its parameters; what is wrong is the answer.
 *
 * @param url - as for `connectDevice`
 * @throws TypeError for a URL that cannot be one; the signal's reason
 * @example
 * ```ts
 * console.log(formatDiagnosis(await diagnose('mqtts://broker.example:8883', fileIdentity('certs', 'sensor-1'))))
 * ```
 */
export function diagnose(url: string, identity: DeviceIdentity, options: DiagnoseOptions = {}): Promise<Diagnosis> {
  return diagnoseAt(() => new Date(), url, identity, options)
}

/** With a clock of the caller's; OpenSSL still has the machine's. @internal */
export async function diagnoseAt(
  now: () => Date,
  url: string,
  identity: DeviceIdentity,
  options: DiagnoseOptions,
): Promise<Diagnosis> {
  const address = parseBrokerUrl(url)
  const { hubUrl, timeoutSeconds = 10, signal } = options
  const hub = hubUrl === undefined ? undefined : parseHubUrl(hubUrl, '"hubUrl"')
  const serverName = (options.serverName ?? address.host).replace(/\.$/, '')
  const common = { timeoutSeconds, ...(signal && { signal }) }
  signal?.throwIfAborted()
  const own = await examineIdentity(identity, now())
  const findings: Finding[] = [...own.findings]
  let server: TlsProbe | undefined
  const reached = (): boolean =>
    !findings.some(({ step, level }) => level === 'problem' && (step === 'dns' || step === 'tcp'))

  findings.push(await probeDns(address, timeoutSeconds, signal))
  if (reached()) findings.push(await probeTcp(address, timeoutSeconds, signal))
  if (reached()) {
    const tlsOptions: TlsProbeOptions = { ...common, serverName, anchors: own.anchors }
    server = await probeTls(address, tlsOptions)
    findings.push(...(await tlsFindings(server, tlsOptions, address)))
    findings.push(
      ...examineServer({
        certificates: server.certificates,
        anchors: own.anchors,
        known: own.sent,
        serverName,
        now: now(),
      }),
    )
  }
  signal?.throwIfAborted()

  const isOurs = findings.every(({ code }) => !strangers.includes(code))
  const issued = [...own.anchors, ...own.sent, ...(isOurs ? (server?.certificates ?? []) : [])]
  const clock = await readClock({
    ...common,
    now,
    issued,
    anchors: own.anchors,
    ...(hub && { hub }),
  })
  findings.push(clock.finding)

  if (server !== undefined) {
    findings.push(
      ...(mayConnect(findings) && own.credential !== undefined
        ? await probeMqtt(url, identity, {
            serverName,
            connectTimeoutSeconds: timeoutSeconds,
            ...(signal && { signal }),
            ...(options.clientId === undefined ? {} : { clientId: options.clientId }),
            ...(options.protocolVersion === undefined ? {} : { protocolVersion: options.protocolVersion }),
          })
        : [finding('MQTT_NOT_ASKED', 'The device did not connect, because of what stands above.')]),
    )
  }
  return {
    ok: findings.every(({ level }) => level !== 'problem'),
    findings: findings.toSorted((one, other) => steps.indexOf(one.step) - steps.indexOf(other.step)),
    ...(own.certificate && { client: own.certificate }),
    ...serverFacts(server),
    ...(clock.offsetSeconds === undefined ? {} : { clockOffsetSeconds: clock.offsetSeconds }),
  }
}

// What a CA that the device does not trust puts into a certificate says nothing about the time.
const strangers: readonly FindingCode[] = [
  'SERVER_UNKNOWN_CA',
  'SERVER_SELF_SIGNED',
  'SERVER_CHAIN_INCOMPLETE',
  'SERVER_CA_REPLACED',
  'SERVER_NOT_EXAMINED',
]

const steps = ['identity', 'clock', 'dns', 'tcp', 'tls', 'server', 'client', 'mqtt'] as const

/** Whether connectDevice may try. A certificate of the device that has run out is the server's to refuse: its clock counts. */
function mayConnect(findings: readonly Finding[]): boolean {
  return !findings.some(({ step, level }) => level === 'problem' && (step === 'tls' || step === 'server'))
}

async function tlsFindings(
  probe: TlsProbe,
  options: TlsProbeOptions,
  address: Parameters<typeof probeTls>[0],
): Promise<Finding[]> {
  const { version, cipher, failure, certificates, asksForCertificate } = probe
  if (certificates.length > 0) {
    // A server that wants a certificate and got none ends the handshake: that is as it should be.
    const asks = asksForCertificate ? 'asks' : 'does not ask'
    const spoken = finding(
      'TLS_OK',
      `The server speaks ${version} with ${cipher}, and ${asks} for a client certificate.`,
    )
    return asksForCertificate
      ? [spoken]
      : [spoken, finding('CLIENT_NOT_ASKED', 'The server does not ask for a client certificate.')]
  }
  const message = plainText(failure?.message ?? '')
  if (
    failure?.alert === 'protocol_version' ||
    failure?.alert === 'handshake_failure' ||
    /unsupported protocol|no protocols/i.test(message)
  ) {
    const old = await probeTls(address, { ...options, old: true })
    if (old.version === 'TLSv1' || old.version === 'TLSv1.1') {
      return [finding('TLS_VERSION', `The server speaks ${old.version} and nothing newer.`)]
    }
    if (old.version !== undefined) {
      return [
        finding('TLS_CIPHER', `The server agrees to ${old.version} with the weak cipher suite ${old.cipher} alone.`),
      ]
    }
  }
  if (failure?.alert === 'protocol_version')
    return [finding('TLS_VERSION', 'The server speaks neither TLS 1.2 nor 1.3.')]
  if (failure?.alert === 'handshake_failure')
    return [finding('TLS_CIPHER', 'The server shares no cipher suite with this device.')]
  if (failure?.alert === undefined && isNotTls(failure?.code, message)) {
    return [finding('TLS_NOT_SPOKEN', `What answers on port ${address.port} does not speak TLS (${message}).`)]
  }
  return [finding('TLS_FAILED', `The TLS handshake failed: ${failure?.alert ?? message}.`)]
}

function isNotTls(code: string | undefined, message: string): boolean {
  return (
    /wrong version number|packet length too long|http request|record layer/i.test(message) ||
    code === 'ETIMEDOUT' ||
    code === 'ECONNRESET' ||
    code === 'EPIPE'
  )
}

function serverFacts(probe: TlsProbe | undefined): { readonly server?: ServerFacts } {
  if (probe?.version === undefined) return {}
  const { version, cipher = 'unknown', asksForCertificate, certificates } = probe
  return { server: { version, cipher, asksForCertificate, certificates: certificates.map(certificateFacts) } }
}
