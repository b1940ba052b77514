import { setTimeout as sleep } from 'node:timers/promises'
import { type Enforcer, isPkiError, PkiError } from '@fleetcert/core'
import { retrying } from '../rest/retry.ts'
import { sharedRun } from '../shared-run.ts'
import { createDynamicSecurity, type MosquittoControl } from './dynamic-security.ts'
import { type MosquittoReload, reloadMosquitto, replaceFile } from './mosquitto-crl-file.ts'

/** A session that comes while silence is awaited lives no longer than that. */
const betweenSeconds = 2

/** Options of {@link createMosquittoEnforcer}. */
export interface MosquittoEnforcerOptions {
  /** The current CRL: `() => fleet.crl()`. One that says that it is not up to date is not taken. */
  readonly crl: () => Promise<{ readonly pem: string; readonly upToDate?: boolean }>
  /** `crlfile` of the listener. It is replaced, in its folder. */
  readonly crlFile: string
  readonly reload: MosquittoReload
  /** An MQTT client that may use `$CONTROL/dynamic-security/#`. SIGHUP closes no session, so without the plugin nothing could be confirmed. */
  readonly control: MosquittoControl
  /** Default `mosquitto`. Several brokers: an enforcer and a name for each. */
  readonly name?: string
  /** How long Mosquitto lets a connection stay open that has shaken hands and sent no CONNECT: 90 s, looked at every few. Default 95. Only then is silence confirmed. */
  readonly handshakeSeconds?: number
  /** How long the plugin may take to answer a command. Default 5. */
  readonly requestSeconds?: number
}

/**
 * Ends a device's sessions on Mosquitto 2.0 whose user names are the device ids (`mosquittoConfig`), with its dynamic security plugin.
 *
 * In this order: the CRL file is replaced and Mosquitto told to read it; the device becomes a client of the plugin that is disabled, which closes its sessions without their wills. That is repeated for as long as somebody who has
 * shaken hands before may wait with the CONNECT: Mosquitto looks at no CRL then. Only after that it answers, always `gone`: Mosquitto does not tell whether there was a session. Whoever revokes mostly hears `pending`.
 * The device stays disabled until it gets a certificate again or its hold is released.
 *
 * @throws RangeError for seconds that make no sense. `silence` rejects `ERR_PKI_ENFORCER`, and what `crl` rejects
 */
export function createMosquittoEnforcer(options: MosquittoEnforcerOptions): Enforcer {
  const { name = 'mosquitto', crl, crlFile, handshakeSeconds = 95, requestSeconds = 5 } = options
  for (const [label, value] of Object.entries({ handshakeSeconds, requestSeconds })) {
    if (!(value >= 0 && value <= 300)) throw new RangeError(`${label}: expected 0 to 300`)
  }
  const security = createDynamicSecurity(name, options.control, requestSeconds)
  let published: string | undefined
  // One CRL shows every revocation that was made before it was asked for.
  const publish = sharedRun(async () => {
    const { pem, upToDate = true } = await crl()
    if (!upToDate) throw new PkiError('ERR_PKI_ENFORCER', { name, reason: 'there is no current CRL' })
    if (pem !== published) await replaceFile(name, crlFile, pem)
    await reloadMosquitto(name, options.reload)
    published = pem
  })

  const ask = async (
    command: string,
    deviceId: string,
    fine: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> => {
    const error = await security.ask(command, deviceId, signal)
    // The plugin's own words may repeat what was asked.
    if (error !== undefined && error !== fine) {
      throw new PkiError('ERR_PKI_ENFORCER', { name, reason: `the plugin refused ${command}` })
    }
  }

  return {
    name,
    shared: true,
    attemptSeconds: handshakeSeconds + 30,
    async silence({ deviceId }, { signal } = {}) {
      try {
        signal?.throwIfAborted()
        await retrying(publish, signal)
        await retrying(() => ask('createClient', deviceId, 'Client already exists', signal), signal)
        const close = (): Promise<void> => retrying(() => ask('disableClient', deviceId, undefined, signal), signal)
        await close()
        for (let left = handshakeSeconds; left > 0; left -= betweenSeconds) {
          await sleep(Math.min(left, betweenSeconds) * 1000, undefined, signal && { signal })
          await close()
        }
        return 'gone'
      } catch (error) {
        if (signal?.aborted !== true || isPkiError(error)) throw error
        throw new PkiError('ERR_PKI_ENFORCER', { name, reason: 'not confirmed in time' }, { cause: error })
      }
    },
    async readmit({ deviceId }, { signal } = {}) {
      // What was held and is released stands on no CRL any more.
      await retrying(publish, signal)
      await retrying(() => ask('deleteClient', deviceId, 'Client not found', signal), signal)
    },
  }
}
