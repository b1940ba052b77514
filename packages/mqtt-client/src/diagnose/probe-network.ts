import { lookup } from 'node:dns/promises'
import { connect, isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BrokerAddress } from '../broker-address.ts'
import { type Finding, finding } from './finding.ts'

/** Looks a host up. */
export async function probeDns(
  { host }: BrokerAddress,
  timeoutSeconds: number,
  signal?: AbortSignal,
): Promise<Finding> {
  if (isIP(host) !== 0) return finding('DNS_OK', `${host} is an address: no name has to be looked up.`)
  const late = sleep(timeoutSeconds * 1000, undefined, { ref: false, ...(signal && { signal }) }).then(() => {
    throw Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })
  })
  try {
    // getaddrinfo cannot be called off: its answer is not waited for.
    const addresses = await Promise.race([lookup(host, { all: true }), late])
    return finding(
      'DNS_OK',
      `${host} has the address ${addresses
        .slice(0, 8)
        .map(({ address }) => address)
        .join(', ')}.`,
    )
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    return code === 'ENOTFOUND' || code === 'ENODATA'
      ? finding('DNS_UNKNOWN_HOST', `The name service knows no host ${host}.`)
      : finding('DNS_UNAVAILABLE', `The host ${host} cannot be looked up now (${code}).`)
  }
}

/** Connects and hangs up. */
export function probeTcp(address: BrokerAddress, timeoutSeconds: number, signal?: AbortSignal): Promise<Finding> {
  const { host, port } = address
  const where = `${host}:${port}`
  return new Promise(resolve => {
    const socket = connect({ host, port, ...(signal && { signal }) })
    const done = (found: Finding): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(found)
    }
    const silent = (): Finding => finding('TCP_NO_ANSWER', `${where} does not answer within ${timeoutSeconds} s.`)
    const timer = setTimeout(() => done(silent()), timeoutSeconds * 1000)
    socket.once('connect', () => done(finding('TCP_OK', `${socket.remoteAddress} takes connections on port ${port}.`)))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? 'unknown'
      if (code === 'ECONNREFUSED') done(finding('TCP_REFUSED', `${where} refuses connections.`))
      else if (code === 'ETIMEDOUT') done(silent())
      else done(finding('TCP_NO_ROUTE', `There is no way to ${where} (${code}).`))
    })
  })
}
