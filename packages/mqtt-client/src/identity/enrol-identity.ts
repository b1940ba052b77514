import { PkiError } from '@fleetcert/x509'
import { parseHubUrl } from '../hub/hub-address.ts'
import { createHubClient } from '../hub/hub-client.ts'
import { acceptCertificate } from './accept-certificate.ts'
import type { IdentityStorage } from './identity-state.ts'
import { makePendingKey, publicKeyOf } from './pending-key.ts'
import { joinTrustAnchors, pemCertificates, readAnnouncement } from './trust-anchors.ts'

/** How a device gets its first certificate. */
export interface EnrolmentOptions {
  /** The hub: `https://host[:port][/path]`. */
  readonly url: string
  /** One-time token that the operator made for this device id. It is sent in a header, and nowhere else to be found. */
  readonly token: string
  /** PEM: the CAs that the hub's own certificate must lead to. */
  readonly trustAnchors: string
}

const tokenPattern = /^[\x21-\x7e]{16,512}$/

/**
 * Makes the function that enrols a device whose storage is empty. The key and the request are durable before the token is sent; after a crash, or a lost answer, the same ones are sent again, and the hub answers the
 * same certificate. Calls at once share one enrolment.
 *
 * @throws TypeError for options that cannot work
 */
export function enrolIdentity(
  deviceId: string,
  storage: IdentityStorage,
  options: EnrolmentOptions,
  clock: () => Date = () => new Date(),
): () => Promise<void> {
  const { url, token, trustAnchors } = options
  const address = parseHubUrl(url)
  if (typeof token !== 'string' || !tokenPattern.test(token)) {
    throw new TypeError('"bootstrap.token" must be a token of 16 to 512 characters')
  }
  if (pemCertificates(trustAnchors).length === 0) {
    throw new TypeError('"bootstrap.trustAnchors" must hold a certificate as PEM')
  }
  const hub = createHubClient(address)

  async function enrol(): Promise<void> {
    // Another process may be at the same: whoever comes second goes on from what the first has written.
    for (let attempt = 0; attempt < 8; attempt++) {
      const { state, revision, localTrustAnchors = '' } = await storage.load()
      const { current, pending } = state
      if (current !== undefined) return
      if (pending === undefined) {
        await storage.save({ pending: await makePendingKey(deviceId) }, revision)
        continue
      }
      const asked = joinTrustAnchors(trustAnchors, localTrustAnchors)
      const answer = await hub.enroll({ deviceId, csr: pending.csr, token, trustAnchors: asked })
      const now = clock()
      const announced = readAnnouncement(answer.trustAnchors, now)
      const believed = joinTrustAnchors(asked, announced)
      const { privateKey } = pending
      const accepted = acceptCertificate(answer.certificate, {
        deviceId,
        privateKey,
        publicKey: publicKeyOf(privateKey),
        believed,
        // What the hub was believed by is kept: it is asked again for each renewal.
        trustAnchors: joinTrustAnchors(trustAnchors, announced),
        now,
      })
      if (await storage.save({ current: accepted }, revision)) {
        await storage.tidy?.()
        return
      }
    }
    throw new PkiError('ERR_PKI_IDENTITY_UNWRITABLE', { reason: 'another process writes to it all the time' })
  }

  let running: Promise<void> | undefined
  return () => {
    running ??= enrol().finally(() => {
      running = undefined
    })
    return running
  }
}
