import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspWithinDelegate: OcspLintRule = {
  id: 'ocsp-within-delegate',
  citation: 'fleetcert: what outlives its signer cannot be verified to its end',
  scope: 'fleetcert',
  severity: 'error',
  requirement: "producedAt and every nextUpdate lie within the validity of the delegate's certificate.",
  checkBasic({ producedAt, responses }, { delegate }) {
    if (delegate === undefined) return undefined
    const isOutside = (date: Date | undefined): boolean =>
      date !== undefined && (date < delegate.notBefore || date > delegate.notAfter)
    if (isOutside(producedAt.date)) return "signed outside of the delegate's validity"
    return responses.some(({ nextUpdate }) => isOutside(nextUpdate?.date))
      ? "nextUpdate lies outside of the delegate's validity"
      : undefined
  },
}
