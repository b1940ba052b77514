import { PkiError } from '@fleetcert/x509'

/** How much work a stranger's chain may cause; each is a count, and what goes beyond rejects with `ERR_PKI_PATH_LIMIT`. */
export interface PathLimits {
  /** Certificates beside the target and the trust anchors. Default 200. */
  readonly certificates?: number
  /** Octets of those. Default 4 MiB. */
  readonly certificateBytes?: number
  /** Certificates of a path, the trust anchor included. A longer path is not tried, and is an error only when there is no other. Default 10. */
  readonly pathLength?: number
  /** Certificates put on paths that are being built, signers of CRLs among them. Default 1,000. */
  readonly steps?: number
  /** Signatures verified, those of CRLs and OCSP answers included. Default 100. */
  readonly signatures?: number
  /** Comparisons of a name with a name constraint, or of a piece of one with a piece of the other. Default 250,000. */
  readonly nameComparisons?: number
  /** Nodes of policy graphs (RFC 9618 bounds them by the square of the policies in a certificate, for each certificate). Default 10,000. */
  readonly policyNodes?: number
  /** CRLs and OCSP answers. Default 200. */
  readonly revocationData?: number
  /** Octets of those. Default 256 MiB. */
  readonly revocationBytes?: number
  /** Calls of the fetcher. Default 10. */
  readonly fetches?: number
}

/** What a call has done, under the names of {@link PathLimits}. */
export type PathWork = Required<Omit<PathLimits, 'pathLength'>>

const defaults: Required<PathLimits> = {
  certificates: 200,
  certificateBytes: 4 * 1024 * 1024,
  pathLength: 10,
  steps: 1000,
  signatures: 100,
  nameComparisons: 250_000,
  policyNodes: 10_000,
  revocationData: 200,
  revocationBytes: 256 * 1024 * 1024,
  fetches: 10,
}

/** Counts work against its limits. */
export interface Budget {
  readonly pathLength: number
  readonly work: Readonly<PathWork>
  /** Books `amount` before the work is done. @throws PkiError `ERR_PKI_PATH_LIMIT` */
  spend(kind: keyof PathWork, amount?: number): void
}

export function createBudget(limits: PathLimits = {}): Budget {
  const bounds = { ...defaults }
  for (const [name, value] of Object.entries(limits)) {
    if (!Object.hasOwn(defaults, name)) throw new TypeError(`"limits.${name}" is not a limit`)
    if (value === undefined) continue
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`"limits.${name}" must be a safe integer ≥ 0`)
    }
    bounds[name as keyof PathLimits] = value
  }
  const { pathLength, ...counted } = bounds
  const work = Object.fromEntries(Object.keys(counted).map(name => [name, 0])) as {
    -readonly [Name in keyof PathWork]: number
  }
  return {
    pathLength,
    work,
    spend(kind, amount = 1) {
      work[kind] += amount
      if (work[kind] > bounds[kind]) {
        throw new PkiError('ERR_PKI_PATH_LIMIT', {
          limit: kind,
          value: bounds[kind],
          reason: `more than ${bounds[kind]} ${kind}`,
        })
      }
    },
  }
}
