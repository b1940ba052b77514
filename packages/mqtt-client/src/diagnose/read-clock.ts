import type { X509Certificate } from 'node:crypto'
import { request } from 'node:https'
import { isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { HubAddress } from '../hub/hub-address.ts'
import { sketchPath } from './certificate-path.ts'
import { isFor } from './examine-server.ts'
import { type Finding, finding } from './finding.ts'
import { sayDate, sayDuration } from './say-time.ts'

/** The device's clock beside others. */
export interface ClockReading {
  readonly finding: Finding
  /** How far the device's clock is ahead of the hub's; negative is behind. To the second, and the time that the answer took. */
  readonly offsetSeconds?: number
}

export interface ClockOptions {
  readonly now: () => Date
  /** Certificates that somebody has issued already: their beginning is in the past. */
  readonly issued: readonly X509Certificate[]
  readonly anchors: readonly X509Certificate[]
  readonly hub?: HubAddress
  readonly timeoutSeconds: number
  readonly signal?: AbortSignal
}

// Less does no harm: certificates begin a while before they are issued.
const toleratedSeconds = 60

/** Compares the device's clock with the `Date` of the hub's answers (RFC 9110 section 6.6.1), and with what certificates say of the past. */
export async function readClock(options: ClockOptions): Promise<ClockReading> {
  const { issued, hub } = options
  const hubTime = hub === undefined ? undefined : await dateOf(hub, options)
  const now = options.now()
  if (hubTime !== undefined) {
    const offset = now.getTime() - hubTime.getTime()
    const offsetSeconds = Math.round(offset / 1000)
    if (Math.abs(offsetSeconds) <= toleratedSeconds) {
      return {
        offsetSeconds,
        finding: finding('CLOCK_OK', `The device's clock agrees with the hub's: ${sayDate(now)}.`),
      }
    }
    const sentence = `The device's clock says ${sayDate(now)}; the hub's says ${sayDate(hubTime)}. The device is ${sayDuration(offset)} ${offset > 0 ? 'ahead' : 'behind'}.`
    return { offsetSeconds, finding: finding('CLOCK_OFF', sentence) }
  }
  const newest = Math.max(...issued.map(({ validFrom }) => Date.parse(validFrom)).filter(time => !Number.isNaN(time)))
  if (newest > now.getTime()) {
    const sentence = `The device's clock says ${sayDate(now)}, and a certificate that was issued already begins on ${sayDate(new Date(newest))}: the clock is behind by at least ${sayDuration(newest - now.getTime())}.`
    return { finding: finding('CLOCK_BEHIND', sentence) }
  }
  const why = hub === undefined ? 'Without the URL of a hub' : 'The hub did not tell the time, so'
  const sentence = `The device's clock says ${sayDate(now)}. ${why} that cannot be compared with anything; the certificates do not contradict it.`
  return { finding: finding('CLOCK_UNKNOWN', sentence) }
}

/**
 * Asks a hub for its time: a request without a body, a credential or anything of the device. It is sent only where the hub's certificates lead to a trust anchor and its name is right; their times are left out of it, for a clock
 * that is wrong is why they seem wrong.
 */
function dateOf(
  { host, port }: HubAddress,
  { anchors, timeoutSeconds, signal }: ClockOptions,
): Promise<Date | undefined> {
  return new Promise(resolve => {
    const asked = request({
      ...{ method: 'HEAD', host, port, path: '/' },
      agent: false,
      servername: isIP(host) === 0 ? host : '',
      ca: anchors.map(anchor => anchor.toString()),
      minVersion: 'TLSv1.2',
      // Judged below, before the request is sent; by all but the times.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...(signal && { signal }),
    })
    const fail = (): void => {
      asked.destroy()
      resolve(undefined)
    }
    const timer = setTimeout(fail, timeoutSeconds * 1000)
    asked.once('socket', socket => {
      const tls = socket as TLSSocket
      // What is written before waits for this: Node tells of `secureConnect` before it sends what is queued.
      tls.prependOnceListener('secureConnect', () => {
        if (!isHub(tls, host, anchors)) fail()
        else asked.end()
      })
    })
    asked.once('response', response => {
      const date = new Date(response.headers.date ?? Number.NaN)
      response.destroy()
      resolve(Number.isNaN(date.getTime()) ? undefined : date)
    })
    asked.on('error', fail)
    // Also without either: a change of protocol (101) is no response to node.
    asked.on('close', () => {
      clearTimeout(timer)
      fail()
    })
  })
}

function isHub(socket: TLSSocket, host: string, anchors: readonly X509Certificate[]): boolean {
  const own = socket.getPeerX509Certificate()
  if (own === undefined) return false
  const sent = [own, ...issuersOf(own)]
  return sketchPath(own, sent, anchors).anchor !== undefined && isFor(own, host)
}

function issuersOf(certificate: X509Certificate): X509Certificate[] {
  const issuers: X509Certificate[] = []
  for (
    let current = certificate.issuerCertificate;
    current !== undefined && issuers.length < 10;
    current = current.issuerCertificate
  ) {
    if (issuers.at(-1)?.fingerprint256 === current.fingerprint256) break
    issuers.push(current)
  }
  return issuers
}
