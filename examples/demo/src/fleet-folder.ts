import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DeviceCredential, Fleet, ServerCredential } from '@fleetcert/core'

/** The folder that the guides' commands expect: `ca-cert.pem`, `server-cert.pem`, `devices/<id>-cert.pem` and their keys. */
export interface FleetFolder {
  readonly directory: string
  readonly caCert: string
  path(name: string): string
  writeAuthority(fleet: Fleet): Promise<void>
  writeServer(credential: ServerCredential): void
  writeDevice(credential: DeviceCredential): void
  /** `certificate`: end entity, then issuing CA. */
  writeFiles(deviceId: string, files: { readonly certificate: string; readonly privateKey: string }): void
  writeCrls(fleet: Fleet): Promise<void>
}

export function fleetFolder(directory: string): FleetFolder {
  const path = (name: string): string => join(directory, name)
  const write = (name: string, text: string, mode: number): void => writeFileSync(path(name), text, { mode })
  const certificate = (name: string, text: string): void => write(name, text, 0o644)
  const key = (name: string, text: string | undefined): void => {
    if (text !== undefined) write(name, text, 0o600)
  }
  mkdirSync(path('devices'), { recursive: true, mode: 0o755 })
  return {
    directory,
    caCert: path('ca-cert.pem'),
    path,
    async writeAuthority(fleet) {
      const certificates: string[] = []
      // Issuing CA first, then the root: `openssl verify -CAfile` takes both, and ca-key.pem matches the first.
      for await (const issuer of fleet.issuers()) certificates.unshift(issuer.certificate)
      certificate('ca-cert.pem', certificates.join(''))
      certificate('devices/ca-cert.pem', certificates.join(''))
    },
    writeServer(credential) {
      certificate('server-cert.pem', credential.certificate + credential.chain)
      key('server-key.pem', credential.privateKey)
    },
    writeDevice(credential) {
      certificate(`devices/${credential.deviceId}-cert.pem`, credential.certificate + credential.chain)
      key(`devices/${credential.deviceId}-key.pem`, credential.privateKey)
    },
    writeFiles(deviceId, files) {
      certificate(`devices/${deviceId}-cert.pem`, files.certificate)
      key(`devices/${deviceId}-key.pem`, files.privateKey)
    },
    async writeCrls(fleet) {
      const crls: string[] = []
      for await (const { issuerKeyId } of fleet.issuers()) crls.push((await fleet.crl({ issuerKeyId })).pem)
      certificate('crl.pem', crls.join(''))
    },
  }
}
