import { createPrivateKey, KeyObject, X509Certificate } from 'node:crypto'
import { Duplex } from 'node:stream'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import { certificateFingerprint, decodePem, encodePem, isPkiError, PkiError } from '@fleetcert/x509'
import type { DeviceCredentialPkcs12, DeviceCredentialText, DeviceIdentity } from './device-identity.ts'

type Credential = DeviceCredentialText | DeviceCredentialPkcs12

/** A credential that was checked and made ready for TLS. */
export interface TlsCredential {
  readonly secureContext: SecureContext
  /** Of the device's certificate: `AA:BB:…`. */
  readonly fingerprint: string
  /** Of the device's certificate. */
  readonly notBefore: Date
  readonly notAfter: Date
}

/** Makes a credential ready for TLS: the same one for the same text. */
export type CredentialPreparer = (credential: Credential) => TlsCredential

/**
 * Makes the function that reads an identity before each connect. As long as the identity answers the same, the same SecureContext is used: each one costs native memory until it is collected.
 *
 * What it makes rejects with a PkiError: `ERR_PKI_IDENTITY`, or what the identity itself rejects with.
 */
export function createCredentialReader(identity: DeviceIdentity): () => Promise<TlsCredential> {
  const prepare = createCredentialPreparer(1)
  return async () => prepare(await readIdentity(identity))
}

/**
 * Makes a {@link prepareCredential} that remembers the last `count` credentials.
 */
export function createCredentialPreparer(count: number): CredentialPreparer {
  const last: { readonly from: Credential; readonly credential: TlsCredential }[] = []
  return from => {
    const index = last.findIndex(known => isSame(known.from, from))
    const [known = { from, credential: prepareCredential(from) }] = index === -1 ? [] : last.splice(index, 1)
    last.unshift(known)
    last.length = Math.min(last.length, count)
    return known.credential
  }
}

async function readIdentity(identity: DeviceIdentity): Promise<Credential> {
  try {
    // A copy: what was compared stays what was used, even if the identity changes its object later.
    return { ...(await identity.credential()) }
  } catch (cause) {
    if (isPkiError(cause)) throw cause
    throw new PkiError('ERR_PKI_IDENTITY', { reason: 'the credential cannot be read' }, { cause })
  }
}

function isSame(one: Credential, other: Credential): boolean {
  if (one.trustAnchors !== other.trustAnchors) return false
  if ('pkcs12' in one || 'pkcs12' in other) {
    if (!('pkcs12' in one && 'pkcs12' in other)) return false
    return one.passphrase === other.passphrase && Buffer.compare(one.pkcs12, other.pkcs12) === 0
  }
  return one.certificate === other.certificate && one.chain === other.chain && one.privateKey === other.privateKey
}

/**
 * Checks a credential and makes it ready for TLS.
 *
 * @throws PkiError `ERR_PKI_IDENTITY`, `ERR_PKI_PEM`, `ERR_PKI_TOO_LARGE`
 */
export function prepareCredential(credential: Credential): TlsCredential {
  return 'pkcs12' in credential ? preparePkcs12(credential) : prepareText(credential)
}

function prepareText(text: DeviceCredentialText): TlsCredential {
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
    return describe(secureContext, certificate)
  } catch (cause) {
    throw unusable('OpenSSL does not take the certificate and its key', cause)
  }
}

function preparePkcs12({ pkcs12, passphrase, trustAnchors }: DeviceCredentialPkcs12): TlsCredential {
  const ca = certificates(trustAnchors, 'trust anchors').map(toPem)
  let secureContext: SecureContext
  try {
    secureContext = createSecureContext({
      pfx: Buffer.from(pkcs12),
      ...(passphrase === undefined ? {} : { passphrase }),
      ca,
      minVersion: 'TLSv1.2',
    })
  } catch (error) {
    throw unusable(pkcs12Reason(error))
  }
  // The one documented way from a context to its own certificate. Nothing is sent.
  const socket = new TLSSocket(new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() }) as never, {
    secureContext,
  })
  const certificate = socket.getX509Certificate()
  socket.destroy()
  if (certificate === undefined) throw unusable('the PKCS #12 file holds no certificate with its key')
  return describe(secureContext, certificate)
}

/** In words of our own: the error of a parser may quote what it could not read. */
function pkcs12Reason(error: unknown): string {
  const text = String((error as { readonly message?: unknown }).message)
  if (/mac verify/i.test(text)) return 'the passphrase of the PKCS #12 file is wrong, or missing'
  // RC2-40 and 3DES as older programs write them: OpenSSL 3 has them in its legacy provider alone.
  if (/unsupported/i.test(text)) {
    return 'the PKCS #12 file is encrypted with an algorithm that is too old: write it anew with AES (PBES2)'
  }
  return 'the PKCS #12 file cannot be read'
}

function describe(secureContext: SecureContext, certificate: X509Certificate): TlsCredential {
  return {
    secureContext,
    fingerprint: certificateFingerprint(certificate.raw),
    notBefore: new Date(certificate.validFrom),
    notAfter: new Date(certificate.validTo),
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
