import { writeFileSync } from 'node:fs'
import { type DeviceCredential, memoryKeyring, memoryStore, openFleet, type ServerCredential } from '@fleetcert/core'
import { expect, test } from 'vitest'
import { describeWith, temporaryDirectory } from '../../../../test-support/tools.ts'
import { runTool } from '../support/run-tool.ts'
import { freePort, spawnServer } from '../support/spawn-server.ts'

describeWith(['openssl', 'mosquitto', 'mosquitto_pub'], 'mosquitto while the root is being replaced', () => {
  test('takes devices of either root, and devices of either root take it; afterwards those of the new one', async () => {
    const folder = temporaryDirectory()
    const file = (name: string, content: string): string => {
      writeFileSync(folder.path(name), content, { mode: 0o600 })
      return folder.path(name)
    }
    const fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
    const crls = async (): Promise<string> => {
      let pem = ''
      for await (const { issuerKeyId, state } of fleet.issuers()) {
        if (state !== 'retired') pem += (await fleet.crl({ issuerKeyId })).pem
      }
      return pem
    }
    /** Who of the devices gets in at a broker with that certificate, with the trust anchors that each has kept. */
    const connected = async (
      server: ServerCredential,
      devices: readonly (DeviceCredential & { readonly knows: string })[],
    ): Promise<string[]> => {
      const port = await freePort()
      file(
        'mosquitto.conf',
        `listener ${port} 127.0.0.1
cafile ${file('anchors.pem', fleet.trustAnchors)}
certfile ${file('server.pem', server.certificate + server.chain)}
keyfile ${file('server-key.pem', server.privateKey!)}
crlfile ${file('crls.pem', await crls())}
require_certificate true
use_identity_as_username true
${process.getuid?.() === 0 ? 'user root\n' : ''}`,
      )
      const broker = await spawnServer('mosquitto', ['-v', '-c', folder.path('mosquitto.conf')], port)
      try {
        const found: string[] = []
        for (const { deviceId, certificate, chain, privateKey, knows } of devices) {
          const { status } = await runTool('mosquitto_pub', [
            ...['-h', '127.0.0.1', '-p', String(port), '-i', deviceId, '-q', '1', '-t', 'x', '-m', 'x'],
            ...['--cafile', file('known.pem', knows), '--cert', file('device.pem', certificate + chain)],
            ...['--key', file('device-key.pem', privateKey!)],
          ])
          if (status === 0) found.push(deviceId)
        }
        return found
      } finally {
        await broker.stop()
      }
    }

    try {
      const oldAnchors = fleet.trustAnchors
      const oldServer = await fleet.issueServer({ hosts: ['127.0.0.1'] })
      const old = { ...(await fleet.enroll('old-1')), knows: oldAnchors }
      await fleet.rollover('announce', { root: true })
      const both = fleet.trustAnchors
      await fleet.rollover('issue')
      const newServer = await fleet.issueServer({ hosts: ['127.0.0.1'] })
      const told = { ...(await fleet.enroll('told-1')), knows: both }
      const newAnchors = both.slice(oldAnchors.length)
      const young = { ...(await fleet.enroll('young-1')), knows: newAnchors }
      expect(await connected(oldServer, [old, told])).toEqual(['old-1', 'told-1'])
      expect(await connected(newServer, [old, told, young])).toEqual(['old-1', 'told-1', 'young-1'])
      await fleet.rollover('retire', { force: true })
      expect(await connected(newServer, [old, told, young])).toEqual(['told-1', 'young-1'])
    } finally {
      await fleet.close()
      folder.remove()
    }
  })
})
