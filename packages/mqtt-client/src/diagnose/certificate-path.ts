import type { X509Certificate } from 'node:crypto'

const mostSteps = 10

/** How far a path leads, by names and signatures alone. Nothing is trusted because of it: it serves to say in words why a path does not lead to a trust anchor. */
export interface PathSketch {
  /** From the end entity on, each issued by the next. */
  readonly path: readonly X509Certificate[]
  /** The trust anchor that the last of them is, or was issued by. */
  readonly anchor?: X509Certificate
}

/** Follows issuers from `certificate` through what a peer sent, up to a trust anchor. */
export function sketchPath(
  certificate: X509Certificate,
  sent: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
): PathSketch {
  const path = [certificate]
  for (let current = certificate; path.length <= mostSteps; ) {
    const same = anchors.find(({ fingerprint256 }) => fingerprint256 === current.fingerprint256)
    const anchor = same ?? anchors.find(candidate => isIssuedBy(current, candidate))
    if (anchor !== undefined) return { path, anchor }
    const issuer = sent.find(candidate => !path.includes(candidate) && isIssuedBy(current, candidate))
    if (issuer === undefined) break
    path.push(issuer)
    current = issuer
  }
  return { path }
}

/** Whether the name fits and the signature is right. */
export function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
  } catch {
    // A key that this OpenSSL does not know.
    return false
  }
}

/** Whether it is its own issuer, which for a CA is right and for a server mostly an oversight. */
export function isSelfSigned(certificate: X509Certificate): boolean {
  return isIssuedBy(certificate, certificate)
}
