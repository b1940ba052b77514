import { readFile } from 'node:fs/promises'
import { type AuthorityState, decodePem, encodePem, type Fleet } from '@fleetcert/core'
import type { FleetFolder } from './fleet-folder.ts'
import { fileModes, writeFileWhole } from './write-file.ts'

/** What `ca-cert.pem` holds: the issuing CAs, the one that issues first, then the roots, so that openssl verifies a device's file with it as it is. Nothing that is trusted no more. */
export async function caCertificateText(fleet: Fleet): Promise<string> {
  const issuing: string[] = []
  for await (const { role, state, certificate } of fleet.issuers()) {
    if (role === 'root' || !trusted.has(state)) continue
    if (state === 'active') issuing.unshift(certificate)
    else issuing.push(certificate)
  }
  return [
    ...new Set([...issuing, ...decodePem(fleet.trustAnchors).map(({ der }) => encodePem('CERTIFICATE', der))]),
  ].join('')
}

const trusted: ReadonlySet<AuthorityState> = new Set(['announced', 'active', 'retiring'])

/** Writes `ca-cert.pem` and its copy beside the devices' files, where they differ from what the fleet says. */
export async function writeTrustFiles(folder: FleetFolder, fleet: Fleet): Promise<void> {
  const text = await caCertificateText(fleet)
  for (const path of [folder.path('ca-cert.pem'), folder.path('devices', 'ca-cert.pem')]) {
    const found = await readFile(path, 'utf8').catch(() => undefined)
    if (found !== text) await writeFileWhole(path, text, fileModes.public)
  }
}
