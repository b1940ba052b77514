import { verifyPath } from '@fleetcert/core'
import { decodePem } from '@fleetcert/x509'
import { expect, it } from 'vitest'
import { describeVectors } from '../../../x509/test/support/vectors.ts'
import { makeCa, refusal } from './support/pki.ts'

const at = new Date('2023-12-01T00:00:00Z')
const trustAnchors = makeCa('manufacturer').der
const options = { trustAnchors, at, purpose: 'clientAuth', revocation: 'off' } as const

describeVectors('thingsboard', 'certificates of ThingsBoard and the ESP32 example', ({ text }) => {
  it.each(['esp32-a31-client.crt', 'esp32-a31-mqtt_thingsboard_server_cert.pem', 'coap-client-cert_01.pem'])(
    '%s is signed by its own key: a pin, no chain',
    async file => {
      const certificate = text(file)
      const error = await refusal({ ...options, certificate })
      expect(error.code).toBe('ERR_PKI_PATH_SELF_SIGNED')
      expect(error.message).toContain('pin it by its fingerprint')
      // Trusted as a CA, which it says it is, it still proves nothing of itself.
      const anchored = await refusal({ ...options, certificate, trustAnchors: certificate })
      expect(anchored.code).toBe('ERR_PKI_PATH_SELF_SIGNED')
      expect(anchored.message).toContain('itself one of the trust anchors')
    },
  )

  it('a device below a CA that is not trusted', async () => {
    const error = await refusal({ ...options, certificate: text('coap-client-cert.pem') })
    expect(error.code).toBe('ERR_PKI_PATH_NOT_FOUND')
    expect(error.details).toMatchObject({
      depth: 0,
      subject: 'C=CA,L=Ottawa,O=Eclipse IoT,OU=Californium,CN=cf-client',
    })
  })

  it('a chain in one file is not one certificate, and is one when it is taken apart', async () => {
    const bundle = text('x509ChainProvisionTest.pem')
    expect((await refusal({ ...options, certificate: bundle })).code).toBe('ERR_PKI_PEM')
    const [device, issuer] = decodePem(bundle, 'CERTIFICATE').map(({ der }) => der)
    const outcome = await verifyPath({ ...options, certificate: device!, trustAnchors: issuer! }).catch(
      error => error.code,
    )
    expect(outcome).toBe('ERR_PKI_PATH_SELF_SIGNED')
  })
})
