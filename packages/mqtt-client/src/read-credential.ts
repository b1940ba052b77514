import { createPrivateKey, KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { decodePem, encodePem, isPkiError, PkiError } from '@fleetcert/x509'
import type { DeviceCredentialText, DeviceIdentity } from './device-identity.ts'

/** A credential that was checked and made ready for TLS. */
export interface TlsCredential {
  readonly secureContext: SecureContext
  /** Of the device's certificate. */
  readonly notBefore: Date
  readonly notAfter: Date
}

/**
 * Makes the function that reads an identity before each connect. As long as the identity answers the same, the same SecureContext is used: each one costs native memory until it is collected.
 *
 * What it makes rejects with a PkiError: `ERR_PKI_IDENTITY`, or what the identity itself rejects with.
 */
export function createCredentialReader(identity: DeviceIdentity): () => Promise<TlsCredential> {
  let last: { readonly text: DeviceCredentialText; readonly credential: TlsCredential } | undefined
  return async () => {
    const text = await readIdentity(identity)
    if (last === undefined || !isSame(last.text, text)) last = { text, credential: prepareCredential(text) }
    return last.credential
  }
}

async function readIdentity(identity: DeviceIdentity): Promise<DeviceCredentialText> {
  try {
    // A copy: what was compared stays what was used, even if the identity changes its object later.
    return { ...(await identity.credential()) }
  } catch (cause) {
    if (isPkiError(cause)) throw cause
    throw new PkiError('ERR_PKI_IDENTITY', { reason: 'the credential cannot be read' }, { cause })
  }
}

function isSame(one: DeviceCredentialText, other: DeviceCredentialText): boolean {
  return (
    one.certificate === other.certificate &&
    one.chain === other.chain &&
    one.privateKey === other.privateKey &&
    one.trustAnchors === other.trustAnchors
  )
}

function prepareCredential(text: DeviceCredentialText): TlsCredential {
  const sent = [...certificates(text.certificate, 'certificate'), ...optionalCertificates(text.chain)]
  const trustAnchors = certificates(text.trustAnchors, 'trust anchors')
  const certificate = sent[0]!
  const privateKey = readPrivateKey(text.privateKey)
  if (!certificate.checkPrivateKey(privateKey)) throw unusable('the private key does not belong to the certificate')
  try {
    const secureContext = createSecureContext({
      cert: sent.map(toPem).join(''),
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      // Never empty here: without `ca` Node falls back to the CAs of the public web.
      ca: trustAnchors.map(toPem),
      minVersion: 'TLSv1.2',
    })
    return { secureContext, notBefore: new Date(certificate.validFrom), notAfter: new Date(certificate.validTo) }
  } catch (cause) {
    throw unusable('OpenSSL does not take the certificate and its key', cause)
  }
}

function optionalCertificates(text: string | undefined): X509Certificate[] {
  return text === undefined || text.trim() === '' ? [] : certificates(text, 'chain')
}

function certificates(text: string, what: string): X509Certificate[] {
  if (typeof text !== 'string') throw unusable(`the ${what} is not a string`)
  const blocks = decodePem(text, 'CERTIFICATE')
  if (blocks.length === 0) throw unusable(`the ${what} text holds no certificate`)
  try {
    return blocks.map(block => new X509Certificate(block.der))
  } catch (cause) {
    throw unusable(`the ${what} text holds a certificate that cannot be read`, cause)
  }
}

function readPrivateKey(key: string | KeyObject): KeyObject {
  if (key instanceof KeyObject) {
    if (key.type !== 'private') throw unusable(`a private key is needed, not a ${key.type} one`)
    return key
  }
  try {
    return createPrivateKey(key)
  } catch {
    // RFC 5958 section 3, RFC 1421 section 4.6.1.1. What Node says of a key without its passphrase changes with OpenSSL; and the cause is left out, for a parser may quote what it could not read.
    const encrypted = /^-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED/m.test(String(key).slice(0, 1024))
    throw unusable(encrypted ? 'the private key is encrypted' : 'the private key cannot be read')
  }
}

function toPem(certificate: X509Certificate): string {
  return encodePem('CERTIFICATE', certificate.raw)
}

function unusable(reason: string, cause?: unknown): PkiError<'ERR_PKI_IDENTITY'> {
  return new PkiError('ERR_PKI_IDENTITY', { reason }, cause === undefined ? undefined : { cause })
}
