import { createHash, randomBytes } from 'node:crypto'
import { type Enforcer, encodePem, isPkiError, PkiError } from '@fleetcert/core'
import { apiAddress, createRestClient, type RestOptions } from '../rest/rest-client.ts'
import { retrying } from '../rest/retry.ts'
import { createThingsBoardApi, type ThingsBoardAccount } from './thingsboard-api.ts'

const certificateType = 'X509_CERTIFICATE'

/** Options of {@link createThingsBoardEnforcer}. */
export interface ThingsBoardEnforcerOptions extends RestOptions, ThingsBoardAccount {
  /** Of the web interface, such as `https://thingsboard.internal`. */
  readonly apiUrl: string
  /** Default `thingsboard`. */
  readonly name?: string
  /** Whether a device that ThingsBoard does not know is made there, in the default profile. Default true. */
  readonly createDevices?: boolean
}

/**
 * ThingsBoard's id of an X.509 credential: lower-case hex SHA3-256 of the base64 text of the certificate.
 */
export function thingsBoardCredentialId(certificate: Uint8Array): string {
  return createHash('sha3-256').update(Buffer.from(certificate).toString('base64')).digest('hex')
}

/**
 * Keeps the credentials of ThingsBoard's devices as the fleet has them; a ThingsBoard device has the device id as its name. ThingsBoard looks at no CRL and asks no OCSP responder: without this a revocation changes nothing there.
 *
 * A device that has got a certificate has it as its X.509 credential within a second or so. One that is revoked or held has an access token instead that nobody knows; ThingsBoard closes its sessions with that. Services are left alone.
 * `gone`: the certificate is not its credential any more. `wasNotConnected`: ThingsBoard knows no such device.
 *
 * Do not combine it with the provisioning strategy X.509 Certificate Chain: that gives a device its credential back from any certificate of the chain.
 *
 * @throws TypeError, RangeError for options that make no sense. `silence` and `admit` reject `ERR_PKI_ENFORCER`
 */
export function createThingsBoardEnforcer(options: ThingsBoardEnforcerOptions): Enforcer {
  const { name = 'thingsboard', createDevices = true, username, password } = options
  if (typeof username !== 'string' || username === '') throw new TypeError('username: expected a name')
  if (typeof password !== 'string' || password === '') throw new TypeError('password: expected a password')
  const client = createRestClient(name, apiAddress('apiUrl', options.apiUrl), options)
  const api = createThingsBoardApi(name, client, { username, password })

  const attempt = async <T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
    try {
      return await retrying(work, signal)
    } catch (error) {
      if (signal?.aborted !== true || isPkiError(error)) throw error
      throw new PkiError('ERR_PKI_ENFORCER', { name, reason: 'not confirmed in time' }, { cause: error })
    }
  }

  return {
    name,
    shared: true,
    silence: ({ deviceId }, { signal } = {}) =>
      attempt(async () => {
        const id = await api.find(deviceId, signal)
        if (id === undefined) return 'wasNotConnected'
        const token = randomBytes(15).toString('base64url')
        const before = await api.credentials(id, signal)
        await api.save(
          { ...before, credentialsType: 'ACCESS_TOKEN', credentialsId: token, credentialsValue: null },
          signal,
        )
        const { credentialsId } = await api.credentials(id, signal)
        if (credentialsId !== token) throw unconfirmed('another credential is there')
        return 'gone'
      }, signal),
    admit: ({ deviceId, role, certificate }, { signal } = {}) =>
      attempt(async () => {
        if (role !== 'device') return
        let id = await api.find(deviceId, signal)
        if (id === undefined && !createDevices) return
        id ??= await api.create(deviceId, signal)
        const expected = thingsBoardCredentialId(certificate)
        const before = await api.credentials(id, signal)
        // Saving the same again would close the device's session.
        if (before.credentialsType === certificateType && before.credentialsId === expected) return
        const credentialsValue = encodePem('CERTIFICATE', certificate)
        const after = await api.save(
          { ...before, credentialsType: certificateType, credentialsId: null, credentialsValue },
          signal,
        )
        if (after.credentialsId !== expected) throw unconfirmed('the certificate was not taken as it is')
      }, signal),
  }

  function unconfirmed(reason: string): PkiError {
    return new PkiError('ERR_PKI_ENFORCER', { name, reason: `${client.host}: ${reason}` })
  }
}
