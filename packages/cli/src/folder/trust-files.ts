import { readFile } from 'node:fs/promises'
import type { Fleet } from '@fleetcert/core'
import type { FleetFolder } from './fleet-folder.ts'
import { fileModes, writeFileWhole } from './write-file.ts'

/** What `ca-cert.pem` holds: the issuing CA, then the root, so that openssl verifies a device's file with it as it is. */
export async function caCertificateText(fleet: Fleet): Promise<string> {
  const issuers: string[] = []
  for await (const { role, certificate } of fleet.issuers()) if (role === 'issuingCa') issuers.push(certificate)
  return [...issuers, fleet.trustAnchors].join('')
}

/** Writes `ca-cert.pem` and its copy beside the devices' files, where they differ from what the fleet says. */
export async function writeTrustFiles(folder: FleetFolder, fleet: Fleet): Promise<void> {
  const text = await caCertificateText(fleet)
  for (const path of [folder.path('ca-cert.pem'), folder.path('devices', 'ca-cert.pem')]) {
    const found = await readFile(path, 'utf8').catch(() => undefined)
    if (found !== text) await writeFileWhole(path, text, fileModes.public)
  }
}
