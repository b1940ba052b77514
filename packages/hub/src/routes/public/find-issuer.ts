import { type Fleet, type IssuerRecord, issuerPath } from '@fleetcert/core'

/** The issuer whose published path has `name`. */
export async function findIssuer(fleet: Fleet, name: string): Promise<IssuerRecord | undefined> {
  for await (const issuer of fleet.issuers()) {
    if (issuerPath(issuer.issuerKeyId) === name) return issuer
  }
  return undefined
}
