import { extensionOids, isPkiError } from '@fleetcert/x509'
import type { Candidate } from './candidate.ts'
import {
  allReasons,
  type CrlScopeOfIssuer,
  comparableDirectoryName,
  type DistributionPoint,
  readDistributionPoints,
} from './distribution-points.ts'

/** The certificate's points; and, for CRLs that stand in none, its issuer: "a DP with both the reasons and the cRLIssuer fields omitted and a distribution point name of the certificate issuer". */
export function pointsOf(candidate: Candidate): readonly DistributionPoint[] | undefined {
  const { issuer } = candidate.certificate
  const value = candidate.extension(extensionOids.crlDistributionPoints)
  const implied = { names: new Set([comparableDirectoryName(issuer)]), reasons: allReasons }
  try {
    return value === undefined ? [implied] : [...readDistributionPoints(value, issuer), implied]
  } catch (error) {
    if (!isPkiError(error)) throw error
    return undefined
  }
}

/** The reasons for which a CRL tells of the certificate; 0 if it does not tell of it (6.3.3 (b) and (d)). */
export function reasonsFor(
  { certificate, issuer }: Candidate,
  points: readonly DistributionPoint[],
  scope: CrlScopeOfIssuer,
): number {
  const isCa = certificate.basicConstraints?.cA === true
  if (scope.onlyContainsAttributeCerts) return 0
  if (isCa ? scope.onlyContainsUserCerts : scope.onlyContainsCACerts) return 0
  let reasons = 0
  for (const point of points) {
    // (b) (1): a point with a cRLIssuer wants an indirect CRL of that issuer. Those of others are not read here.
    if (point.crlIssuers !== undefined && !(scope.indirectCrl && point.crlIssuers.has(`4:${issuer}`))) continue
    const names = point.names ?? point.crlIssuers
    // (b) (2): "verify that one of the names in the IDP matches one of the names in the DP".
    if (scope.names !== undefined && (names === undefined || scope.names.isDisjointFrom(names))) continue
    reasons |= point.reasons & scope.reasons
  }
  return reasons
}
