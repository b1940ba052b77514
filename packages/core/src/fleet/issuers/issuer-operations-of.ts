import { PkiError } from '@fleetcert/x509'
import type { Verification } from '../../authority/verification/verification.ts'
import { createAdoption } from './adopt-issuer.ts'
import { countDependents } from './dependents.ts'
import { createCrlImport } from './import-crl.ts'
import { createIssuerImport } from './import-issuer.ts'
import type { IssuerOperations } from './issuer-operations.ts'
import { createIssuerRetirement } from './retire-issuer.ts'
import { createIssuerRevoker, type IssuerRevokerParts } from './revoke-issuer.ts'
import { createRollover } from './rollover.ts'
import { createSubordinateSigning } from './sign-subordinate.ts'

/** Everything that a fleet does about its CAs. */
export function createIssuerOperations(
  parts: Omit<IssuerRevokerParts, 'rollover'> & { readonly verification: Verification },
): IssuerOperations {
  const rollover = createRollover(parts)
  return {
    rollover: rollover.rollover,
    rolloverStatus: rollover.rolloverStatus,
    async dependents(issuerKeyId, options) {
      if ((await parts.issuers.fresh(options)).find(issuerKeyId) === undefined) {
        throw new PkiError('ERR_PKI_ISSUER_UNKNOWN', { issuerKeyId })
      }
      return countDependents(parts.recordStore, parts.clock(), each => each === issuerKeyId, options)
    },
    retireIssuer: createIssuerRetirement(parts, rollover),
    revokeIssuer: createIssuerRevoker({ ...parts, rollover }),
    ...createIssuerImport(parts, rollover),
    signSubordinate: createSubordinateSigning(parts),
    adoptIssuer: createAdoption(parts, rollover),
    importCrl: createCrlImport(parts),
  }
}
