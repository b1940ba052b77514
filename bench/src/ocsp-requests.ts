import { randomBytes } from 'node:crypto'
import { encodeCertId, encodeOcspRequest, type Fleet, parseCertificate } from '@fleetcert/core'

export const certificates = 1000

/** A fleet with certificates to ask about. */
export interface Asked {
  readonly fleet: Fleet
  /** PEM. */
  readonly chain: string
  readonly serialNumbers: readonly string[]
  readonly plain: readonly Uint8Array[]
  readonly withNonce: readonly Uint8Array[]
  ask(requests: readonly Uint8Array[], units: number): Promise<void>
}

/** Enrols a thousand devices and revokes one in ten. */
export async function askable(fleet: Fleet): Promise<Asked> {
  const serialNumbers: string[] = []
  let chain = ''
  for (let index = 0; index < certificates; index += 1) {
    const credential = await fleet.enroll(`device-${index}`)
    serialNumbers.push(credential.serialNumber)
    ;({ chain } = credential)
    if (index % 10 === 0) await fleet.revoke(`device-${index}`, { reason: 'superseded' })
  }
  const certIds = serialNumbers.map(serialNumber => encodeCertId(parseCertificate(chain), serialNumber))
  return {
    fleet,
    chain,
    serialNumbers,
    plain: certIds.map(certId => encodeOcspRequest([certId])),
    withNonce: certIds.map(certId => encodeOcspRequest([certId], { nonce: randomBytes(32) })),
    async ask(requests, units) {
      for (let unit = 0; unit < units; unit += 1) {
        const { responseStatus } = await fleet.ocsp(requests[unit % certificates]!)
        if (responseStatus !== 'successful') throw new Error(responseStatus)
      }
    },
  }
}
