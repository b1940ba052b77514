import { decodePem } from '@fleetcert/core'

/**
 * Reads `${cert_pem}`, which in EMQX is no PEM: one line of standard base64 of the end entity's DER. PEM is read, too, for what stands in EMQX's place.
 * `none` for the empty text that EMQX sends when there is no certificate.
 */
export function readCertPem(text: string): { readonly der: Uint8Array } | 'none' | 'unparsable' {
  if (text === '') return 'none'
  if (text.startsWith('-----BEGIN ')) {
    try {
      const [only, ...others] = decodePem(text)
      return only?.label === 'CERTIFICATE' && others.length === 0 ? { der: only.der } : 'unparsable'
    } catch {
      return 'unparsable'
    }
  }
  const der = Buffer.from(text, 'base64')
  // node:buffer skips what is not base64. Only the canonical text of the octets comes back unchanged.
  return der.length > 0 && der.toString('base64') === text ? { der } : 'unparsable'
}
