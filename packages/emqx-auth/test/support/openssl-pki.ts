import { readFileSync, writeFileSync } from 'node:fs'
import { toolOutput } from '../../../../test-support/tools.ts'

export interface MadeCertificate {
  /** PEM. */
  readonly certificate: string
  /** PEM. */
  readonly privateKey: string
  readonly der: Uint8Array
}

/** Certificates of others, made by openssl as their owners would, with keys that live in `folder`. */
export function opensslPki(
  folder: string,
): (
  subject: string,
  options?: { readonly extensions?: readonly string[]; readonly issuer?: MadeCertificate },
) => MadeCertificate {
  let count = 0
  return (subject, { extensions = [], issuer } = {}) => {
    count += 1
    const file = (name: string): string => `${folder}/openssl-${count}-${name}.pem`
    const signer: string[] = []
    if (issuer !== undefined) {
      writeFileSync(file('ca'), issuer.certificate)
      writeFileSync(file('ca-key'), issuer.privateKey, { mode: 0o600 })
      signer.push('-CA', file('ca'), '-CAkey', file('ca-key'))
    }
    // Its own configuration adds extensions; without `extensions` it makes what it makes of itself.
    writeFileSync(file('config'), '[req]\ndistinguished_name=dn\n[dn]\n')
    const config = extensions.length === 0 ? [] : ['-config', file('config')]
    toolOutput('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-days', '30'],
      ...[...config, ...signer, '-subj', subject, '-keyout', file('key'), '-out', file('cert')],
      ...extensions.flatMap(extension => ['-addext', extension]),
    ])
    const certificate = readFileSync(file('cert'), 'utf8')
    const der = Buffer.from(certificate.replace(/-----[^-]+-----|\s/g, ''), 'base64')
    return { certificate, privateKey: readFileSync(file('key'), 'utf8'), der }
  }
}

export const endEntity: readonly string[] = [
  'basicConstraints=critical,CA:FALSE',
  'keyUsage=critical,digitalSignature',
  'extendedKeyUsage=clientAuth',
]
export const authority: readonly string[] = [
  'basicConstraints=critical,CA:TRUE',
  'keyUsage=critical,keyCertSign,cRLSign',
]
