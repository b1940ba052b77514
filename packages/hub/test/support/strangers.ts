import { type Fleet, memoryKeyring, memoryStore, type OpenFleetOptions, openFleet } from '@fleetcert/core'

/** Another CA: that of somebody else, or of a manufacturer. */
export interface ForeignCa {
  readonly fleet: Fleet
  /** PEM. */
  readonly trustAnchors: string
  /** PEM, the issuing CA alone. */
  readonly intermediate: string
  /** A certificate of that name, its issuing CA behind it. */
  identity(name: string): Promise<ForeignIdentity>
}

export interface ForeignIdentity {
  /** PEM. */
  readonly cert: string
  /** PEM, the end entity alone. */
  readonly certificate: string
  /** PKCS #8 PEM. */
  readonly key: string
}

export async function openForeignCa(options: Partial<OpenFleetOptions> = {}): Promise<ForeignCa> {
  const fleet = await openFleet({
    store: memoryStore(),
    keyring: memoryKeyring(),
    organization: 'Somebody else',
    background: false,
    ...options,
  })
  let intermediate = ''
  for await (const issuer of fleet.issuers()) if (issuer.role === 'issuingCa') intermediate += issuer.certificate
  return {
    fleet,
    trustAnchors: fleet.trustAnchors,
    intermediate,
    async identity(name) {
      const { certificate, chain, privateKey } = await fleet.enroll(name)
      return { cert: certificate + chain, certificate, key: privateKey! }
    },
  }
}
