import { createHash, type KeyObject } from 'node:crypto'
import { type DeviceCredential, encodePem, type Fleet, type IssuerRecord, parseCertificate } from '@fleetcert/core'
import { createCertificationRequest, softwareSigner } from '@fleetcert/x509'
import { type KeyFiles, prepareNextKey, putCredential } from './key-files.ts'

/** What is told of a certificate that was made. */
export type Certified = Pick<DeviceCredential, 'certificate' | 'chain' | 'fingerprint' | 'serialNumber' | 'notAfter'>

/** A PKCS #10 request for a key of ours, DER. */
export function requestOf(name: string, key: KeyObject): Promise<Uint8Array> {
  return createCertificationRequest({ subject: [[{ type: 'CN', value: name }]], signer: softwareSigner(key) })
}

/**
 * Certifies a device's key that stays in the folder, and puts both in place. Whatever it dies of, the same call again goes on: the key is on the disk before it is certified, and a certificate that was made for it is taken.
 * @param order makes the certificate
 */
export async function certifyDevice(
  fleet: Fleet,
  files: KeyFiles,
  deviceId: string,
  order: (csr: Uint8Array) => Promise<Certified>,
): Promise<Certified> {
  const key = await prepareNextKey(files)
  const made = (await certifiedBefore(fleet, deviceId, key)) ?? (await order(await requestOf(deviceId, key)))
  await putCredential(files, made.certificate + made.chain)
  return made
}

/** The device's certificate if it is for that key. */
async function certifiedBefore(fleet: Fleet, deviceId: string, key: KeyObject): Promise<Certified | undefined> {
  const device = await fleet.device(deviceId)
  if (device === undefined || device.status !== 'active') return undefined
  const { fingerprint } = device
  const found = await fleet.identify({ fingerprint }, { withDer: true })
  if (found.status !== 'active' || found.certificate.der === undefined) return undefined
  const { publicKeyHash, der, id, notAfter } = found.certificate
  if (!createHash('sha256').update(softwareSigner(key).publicKey).digest().equals(publicKeyHash)) return undefined
  const chain = await chainOf(fleet, id.issuerKeyId)
  return { certificate: encodePem('CERTIFICATE', der), chain, fingerprint, serialNumber: id.serialNumber, notAfter }
}

/** PEM of the CAs from the one that has issued up to the root, with what other roots say of that one. */
async function chainOf(fleet: Fleet, issuerKeyId: string): Promise<string> {
  const issuers: IssuerRecord[] = []
  for await (const issuer of fleet.issuers()) issuers.push(issuer)
  let chain = ''
  let at = issuers.find(issuer => issuer.issuerKeyId === issuerKeyId)
  for (let length = 0; at !== undefined && length < issuers.length; length += 1) {
    if (at.role === 'root') return chain + at.crossCertificates
    chain += at.certificate
    const { issuerDer } = parseCertificate(at.certificate)
    at = issuers.find(({ certificate }) => Buffer.compare(parseCertificate(certificate).subjectDer, issuerDer) === 0)
  }
  return chain
}
