import { createSecureContext } from 'node:tls'
import type { TlsCredential } from '../read-credential.ts'
import type { HubAddress } from './hub-address.ts'
import { readConfirmation, readCredentialAnswer, readRenewalInfo } from './hub-answer.ts'
import { type HubRequest, hubRequest } from './hub-request.ts'
import type { CredentialAnswer, HubTransport } from './hub-transport.ts'

/** What a device sends for its first certificate. */
export interface EnrolRequest {
  readonly deviceId: string
  /** PEM. */
  readonly csr: string
  readonly token: string
  /** PEM: whom to believe, as there is no identity yet. */
  readonly trustAnchors: string
}

/** A hub over HTTPS. */
export interface HubClient extends HubTransport {
  /** Asked again with the same request and token, the hub answers the same certificate. */
  enroll(request: EnrolRequest): Promise<CredentialAnswer>
}

/** Makes the client of a hub: each request on a connection of its own, with the certificate of who speaks. */
export function createHubClient(
  address: HubAddress,
  { deadlineSeconds = 30, signal }: { readonly deadlineSeconds?: number; readonly signal?: AbortSignal } = {},
): HubClient {
  const ask = (request: Omit<HubRequest, 'deadlineSeconds' | 'signal'>): ReturnType<typeof hubRequest> =>
    hubRequest(address, { ...request, deadlineSeconds, ...(signal && { signal }) })
  return {
    async enroll({ deviceId, csr, token, trustAnchors }) {
      const body = { deviceId, csr }
      const credential = withoutCertificate(trustAnchors)
      return readCredentialAnswer(
        (await ask({ method: 'POST', path: '/api/device/enroll', credential, token, body })).json,
      )
    },
    async renew({ tls: credential }, csr) {
      return readCredentialAnswer(
        (await ask({ method: 'POST', path: '/api/device/renew', credential, body: { csr } })).json,
      )
    },
    async confirm({ tls: credential }) {
      return readConfirmation((await ask({ method: 'POST', path: '/api/device/confirm', credential, body: {} })).json)
    },
    async renewalInfo({ tls: credential }) {
      const { json, retryAfterSeconds } = await ask({ method: 'GET', path: '/api/device/renewal-info', credential })
      return { ...readRenewalInfo(json), ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) }
    },
  }
}

function withoutCertificate(trustAnchors: string): TlsCredential {
  const secureContext = createSecureContext({ ca: trustAnchors, minVersion: 'TLSv1.2' })
  return { secureContext, fingerprint: '', notBefore: new Date(0), notAfter: new Date(8.64e15) }
}
